package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// flushEntries is how many changes are gathered in memory before they go to the disk, sorted and in one write: some twenty MiB.
// An account that changes twice is written once, and a credit that is folded in the meantime never. A crash loses them; the
// ledger still has their blocks.
const flushEntries = 200_000

// Changes is what one block does. What it says of intents, and rows, were told from the mirror as it was before.
type Changes struct {
	// Number and Hash are the block's.
	Number uint64
	Hash   []byte
	// Writes are those of its valid transactions in their order.
	Writes []app.Write
	// Transactions are those with intents or rows.
	Transactions []Transaction
}

// Mirror is the ledger's keys and the intents as they are after the last block taken. Its methods may be called side by side,
// Apply by one.
type Mirror struct {
	engine *engine
	// flushAt is flushEntries but for tests.
	flushAt int

	mu sync.RWMutex
	// fresh has the changes since the last flush began, frozen those that it writes; frozen is nil between flushes.
	fresh, frozen *overlay
	// spare is an empty one for the next flush.
	spare *overlay
	// flushed tells how the flush under way ended; nil when none is.
	flushed chan error
	// looked is the intent at which ForgetIntents goes on; nil for the first.
	looked []byte
	// credits has how many open credits each account has.
	credits map[spec.Address]int
}

// Open opens the mirror in the folder and makes it where it is missing.
func Open(folder string) (*Mirror, error) { return open(folder, flushEntries, segmentFlushes) }

func open(folder string, flushAt int, segmentFlushes uint32) (*Mirror, error) {
	e, err := openEngine(folder, segmentFlushes)
	if err != nil {
		return nil, fmt.Errorf("open the mirror: %w", err)
	}
	m := &Mirror{engine: e, flushAt: flushAt, credits: map[spec.Address]int{}}
	taken, err := e.checkpoint()
	if err == nil {
		err = m.countCredits()
	}
	if err != nil {
		_ = e.close() // it was opened to no use
		return nil, fmt.Errorf("read the mirror: %w", err)
	}
	m.fresh, m.spare = newOverlay(taken, flushAt), newOverlay(taken, flushAt)
	return m, nil
}

// Close writes what is not on the disk yet.
func (m *Mirror) Close() error {
	var err error
	if m.flushed != nil {
		err = <-m.flushed
	}
	if err == nil {
		err = m.engine.write(m.fresh)
	}
	return errors.Join(err, m.engine.close())
}

// Next returns the number of the block that is wanted next.
func (m *Mirror) Next() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.fresh.taken.next
}

// Apply takes the next block, whole or not at all. A block that was taken before changes nothing; another one of the number that
// was taken last is an error.
func (m *Mirror) Apply(c Changes) error {
	taken := m.fresh.taken
	switch {
	case c.Number > taken.next:
		return fmt.Errorf("block %d came when %d was wanted", c.Number, taken.next)
	case c.Number+1 == taken.next && !bytes.Equal(c.Hash, taken.hash):
		return fmt.Errorf("block %d has the hash %x and not %x", c.Number, c.Hash, taken.hash)
	case c.Number < taken.next:
		return nil
	}
	credits, err := readCredits(c.Writes)
	if err != nil {
		return err
	}
	if err := m.makeRoom(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, write := range c.Writes {
		switch credit := credits[i]; {
		case !credit.is:
			m.fresh.put(write)
		case write.Delete:
			m.fresh.dropCredit(write)
			if m.credits[credit.owner]--; m.credits[credit.owner] <= 0 {
				delete(m.credits, credit.owner)
			}
		default:
			m.fresh.put(write)
			m.credits[credit.owner]++
		}
	}
	for _, transaction := range c.Transactions {
		m.fresh.putTransaction(c.Number, transaction)
	}
	m.fresh.taken = checkpoint{c.Number + 1, c.Hash}
	return nil
}

// creditOf is whose credit a write changes, if it does.
type creditOf struct {
	owner spec.Address
	is    bool
}

// readCredits looks at all keys before anything is changed: one of no kind is an error.
func readCredits(writes []app.Write) ([]creditOf, error) {
	found := make([]creditOf, len(writes))
	for i, write := range writes {
		kind, err := state.KindOf(write.Key)
		if err != nil {
			return nil, err
		}
		if kind != ledger.CreditKind {
			continue
		}
		if found[i].owner, err = ownerOf(write.Key); err != nil {
			return nil, err
		}
		found[i].is = true
	}
	return found, nil
}

func ownerOf(credit string) (spec.Address, error) {
	key, err := state.ParseKey(credit)
	if err != nil {
		return spec.Address{}, err
	}
	return spec.AddressFromBytes([]byte(key.Parent))
}

// makeRoom begins to write the changes when there are many, and first waits for those before to be written.
func (m *Mirror) makeRoom() error {
	if m.fresh.len() < m.flushAt {
		return nil
	}
	if err := m.settle(); err != nil {
		return err
	}
	m.mu.Lock()
	m.spare.taken = m.fresh.taken
	m.frozen, m.fresh, m.spare = m.fresh, m.spare, nil
	m.mu.Unlock()
	m.flush()
	return nil
}

// flush writes the frozen changes while others read them; who settles waits for it.
func (m *Mirror) flush() {
	m.flushed = make(chan error, 1)
	go func(frozen *overlay) {
		err := m.engine.write(frozen)
		if err == nil {
			m.mu.Lock()
			m.frozen = nil
			m.mu.Unlock()
			// Whoever read it did so under the lock.
			frozen.reset(checkpoint{})
			m.spare = frozen
		}
		m.flushed <- err
	}(m.frozen)
}

// settle waits until a flush under way is done. One that failed begins again, and the error is of the failed one.
func (m *Mirror) settle() error {
	if m.flushed == nil {
		return nil
	}
	if err := <-m.flushed; err != nil {
		m.flush()
		return fmt.Errorf("write the mirror: %w", err)
	}
	m.flushed = nil
	return nil
}

// Reset forgets everything.
func (m *Mirror) Reset() error {
	if err := m.settle(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.engine.clear(); err != nil {
		return fmt.Errorf("clear the mirror: %w", err)
	}
	m.fresh.reset(checkpoint{})
	clear(m.credits)
	return nil
}
