package history

import (
	"encoding/binary"
	"sync"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Guests are the persons who are at home with one member, as the ledger says before the next transaction. Whether a person is one is
// asked for both sides of every payment, so they lie in memory: 16 bytes or so each, for 64 bits of an address. Who makes an address
// that shares them with a guest's gains a statement that nobody is shown. Its methods may be called side by side.
type Guests struct {
	// home is the member's index; 0 for one that is no member.
	home uint32

	mu    sync.RWMutex
	known map[uint64]struct{}
}

// NewGuests returns the guests of a member as long as nobody is noted.
func NewGuests(home uint32) *Guests { return &Guests{home: home, known: map[uint64]struct{}{}} }

// Member reports whether there is a member that anybody could be at home with.
func (g *Guests) Member() bool { return g.home > 0 }

// Note notes with which member a person is at home, and reports whether it is a guest since now.
func (g *Guests) Note(person spec.Address, home uint32) (came bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.home == 0 || home != g.home {
		delete(g.known, short(person))
		return false
	}
	before := len(g.known)
	g.known[short(person)] = struct{}{}
	return len(g.known) > before
}

// Has reports whether a person is one of them.
func (g *Guests) Has(person spec.Address) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	_, is := g.known[short(person)]
	return is
}

func short(person spec.Address) uint64 { return binary.BigEndian.Uint64(person.Digest[:]) }
