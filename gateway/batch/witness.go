package batch

import (
	"context"
	"sync"
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// memoryBlocks is how many blocks the witness remembers, and up to twice as many: an endorsement older than that was refused long ago.
const memoryBlocks = 32

// Witness remembers what blocks showed: which keys others changed lately and in which block, for after a conflict Fabric does
// not say which key it was; and where accounts are at home.
type Witness struct {
	mu sync.Mutex
	// own has the gateway's transactions that no block has shown yet; the channel is closed when one does.
	own map[string]chan struct{}
	// next is the number of the block that comes next.
	next uint64
	// changed has, by the key as it lies on the ledger, the last block in which others changed it: those since the block turned, and
	// before of as many blocks before it. All writes of all others pass here, so that none is forgotten one by one.
	changed, before map[string]uint64
	turned          uint64
	// index is the own member's; homes has the key accounts that blocks have shown lately.
	index uint32
	homes homes
}

// NewWitness returns a witness that has seen nothing.
func NewWitness() *Witness {
	return &Witness{own: map[string]chan struct{}{}, changed: map[string]uint64{}, before: map[string]uint64{}}
}

// Own says that a transaction is the gateway's. The channel is closed once its block was seen.
func (w *Witness) Own(transaction string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := make(chan struct{})
	w.own[transaction] = seen
	return seen
}

// disown forgets an own transaction that no block will ever show as valid.
func (w *Witness) disown(transaction string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.own, transaction)
}

// See takes a block.
func (w *Witness) See(block app.Block) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if block.Number >= w.turned+memoryBlocks {
		w.changed, w.before, w.turned = w.before, w.changed, block.Number
		clear(w.changed)
	}
	for _, transaction := range block.Transactions {
		own, isOwn := w.own[transaction.ID]
		if isOwn {
			delete(w.own, transaction.ID)
			defer close(own)
		}
		for _, write := range transaction.Writes {
			if account, is := state.AccountOf(write.Key); is {
				w.seeHome(account, write.Value)
			}
			if isOwn {
				continue
			}
			// A credit is given once, and folded with its owner's account.
			if kind, err := state.KindOf(write.Key); err == nil && kind != ledger.CreditKind {
				w.changed[write.Key] = block.Number
			}
		}
	}
	w.next = block.Number + 1
}

// nextBlock is the number of the first block that the witness has not seen.
func (w *Witness) nextBlock() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// ChangedByOthers reports whether somebody else's transaction changed the key in a block of this number or a later one, as far as
// the witness remembers.
func (w *Witness) ChangedByOthers(key ledger.Key, since uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.changed)+len(w.before) == 0 {
		return false
	}
	name := state.FormatKey(key)
	block, changed := w.changed[name]
	if !changed {
		block, changed = w.before[name]
	}
	return changed && block >= since
}

// awaitSeen waits until an own transaction's block was seen, but not longer than the limit.
func awaitSeen(ctx context.Context, seen <-chan struct{}, limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-seen:
	case <-timer.C:
	case <-ctx.Done():
	}
}
