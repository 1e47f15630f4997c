package batch

import (
	"context"
	"sync"
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// memoryBlocks is how many blocks the witness remembers: an endorsement older than that was refused long ago.
const memoryBlocks = 32

// Witness remembers what blocks showed: which keys others changed lately and in which block, for after a conflict Fabric does
// not say which key it was; and where accounts are at home.
type Witness struct {
	mu sync.Mutex
	// own has the gateway's transactions that no block has shown yet; the channel is closed when one does.
	own map[string]chan struct{}
	// next is the number of the block that comes next.
	next uint64
	// changed has the last block in which others changed a key; recent has the keys of the last blocks, to forget them.
	changed map[ledger.Key]uint64
	recent  []seenBlock
	// index is the own member's; homes has the key accounts that blocks have shown lately.
	index uint32
	homes homes
}

// seenBlock is a block and the keys that others changed in it.
type seenBlock struct {
	number uint64
	keys   []ledger.Key
}

// NewWitness returns a witness that has seen nothing.
func NewWitness() *Witness {
	return &Witness{own: map[string]chan struct{}{}, changed: map[ledger.Key]uint64{}}
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
	seen := seenBlock{number: block.Number}
	for _, transaction := range block.Transactions {
		own, isOwn := w.own[transaction.ID]
		if isOwn {
			delete(w.own, transaction.ID)
			defer close(own)
		}
		for _, write := range transaction.Writes {
			key, err := state.ParseKey(write.Key)
			if err != nil || key.Kind == ledger.CreditKind {
				// A credit is given once, and folded with its owner's account.
				continue
			}
			w.seeHome(key, write.Value)
			if !isOwn {
				w.changed[key] = block.Number
				seen.keys = append(seen.keys, key)
			}
		}
	}
	w.next = block.Number + 1
	w.recent = append(w.recent, seen)
	if len(w.recent) > memoryBlocks {
		for _, key := range w.recent[0].keys {
			if w.changed[key] == w.recent[0].number {
				delete(w.changed, key)
			}
		}
		w.recent = w.recent[1:]
	}
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
	block, changed := w.changed[key]
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
