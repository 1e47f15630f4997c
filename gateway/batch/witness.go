package batch

import (
	"sync"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// memoryBlocks is how many blocks the witness remembers: an endorsement older than that was refused long ago.
const memoryBlocks = 32

// Witness remembers what blocks showed: which keys changed lately and whose transactions did it, for after a conflict Fabric does
// not say which key it was; and which accounts are at home here.
type Witness struct {
	mu     sync.Mutex
	own    map[string]bool
	recent []map[ledger.Key]bool
	// index is the own member's; homes has every key account that blocks have shown.
	index uint32
	homes map[spec.Address]uint32
}

// NewWitness returns a witness that has seen nothing.
func NewWitness() *Witness { return &Witness{own: map[string]bool{}, homes: map[spec.Address]uint32{}} }

// Own says that a transaction is the gateway's.
func (w *Witness) Own(transaction string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.own[transaction] = true
}

// See takes a block.
func (w *Witness) See(block app.Block) {
	changed := map[ledger.Key]bool{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, transaction := range block.Transactions {
		own := w.own[transaction.ID]
		delete(w.own, transaction.ID)
		for _, write := range transaction.Writes {
			key, err := state.ParseKey(write.Key)
			if err != nil {
				continue
			}
			w.seeHome(key, write.Value)
			if !own {
				changed[key] = true
			}
		}
	}
	w.recent = append(w.recent, changed)
	if len(w.recent) > memoryBlocks {
		w.recent = w.recent[1:]
	}
}

// ChangedByOthers reports whether somebody else's transaction changed the key lately.
func (w *Witness) ChangedByOthers(key ledger.Key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, changed := range w.recent {
		if changed[key] {
			return true
		}
	}
	return false
}
