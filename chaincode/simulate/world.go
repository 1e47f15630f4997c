package simulate

import (
	"math/rand/v2"

	"github.com/cybermiles/cmt/chaincode/state"
)

// Config says what a world is like. Zero values take the defaults that New names.
type Config struct {
	// Seed decides everything that is left to chance. The same seed and the same calls make the same blocks.
	Seed uint64
	// Start is the time at which the world begins, in Unix seconds; 1,800,000,000 by default.
	Start int64
	// Peers is the number of peers; 3 by default. Each proposal is endorsed by two of them.
	Peers int
	// MaxLag is how many blocks a peer may be behind; 0 by default.
	MaxLag int
	// BlockSize is the most envelopes that a block takes; 500 by default. Chance makes it smaller when Faults.SmallBlocks is set.
	BlockSize int
	// Faults are what goes wrong; nothing by default.
	Faults Faults
	// Chaincode is what runs on the peers; Rules by default.
	Chaincode Chaincode
}

// Faults are the chances, in percent, of what goes wrong between a client and its block.
type Faults struct {
	// Duplicate: the envelope is ordered a second time later.
	Duplicate int
	// Delay: the envelope waits for a later block.
	Delay int
	// Withhold: somebody keeps the envelope back for up to WithholdSeconds.
	Withhold        int
	WithholdSeconds int64
	// LoseStatus: the client does not hear what became of its transaction.
	LoseStatus int
	// Reorder: the envelopes of a block come in any order.
	Reorder bool
	// SmallBlocks: a block takes any number of envelopes from 1 to BlockSize.
	SmallBlocks bool
}

// endorsers is how many peers have to agree on a transaction.
const endorsers = 2

// World is a channel with its peers, its orderer and its time.
type World struct {
	config  Config
	rand    *rand.Rand
	now     int64
	store   *store
	peers   []*Peer
	orderer *orderer
	blocks  []*Block
	// status is what became of each transaction when it was first seen in a block.
	status map[TxID]Status
	nonces uint64
}

// New makes an empty world.
func New(config Config) *World {
	if config.Start == 0 {
		config.Start = 1_800_000_000
	}
	if config.Peers == 0 {
		config.Peers = 3
	}
	if config.BlockSize == 0 {
		config.BlockSize = 500
	}
	if config.Chaincode == nil {
		config.Chaincode = Rules
	}
	w := &World{
		config:  config,
		rand:    rand.New(rand.NewPCG(config.Seed, 0)),
		now:     config.Start,
		store:   newStore(),
		orderer: &orderer{},
		status:  map[TxID]Status{},
	}
	for n := range config.Peers {
		w.peers = append(w.peers, &Peer{Name: n, world: w})
	}
	return w
}

// Now returns the true time in Unix seconds, which the peers' clocks show.
func (w *World) Now() int64 { return w.now }

// Advance lets time pass.
func (w *World) Advance(seconds int64) { w.now += max(seconds, 0) }

// SetFaults changes what goes wrong from now on.
func (w *World) SetFaults(faults Faults) { w.config.Faults = faults }

// Height returns the number of blocks.
func (w *World) Height() uint64 { return uint64(len(w.blocks)) }

// Peers returns the peers.
func (w *World) Peers() []*Peer { return w.peers }

// Stub returns a view of the state after the last block, for queries and checks. What is written to it goes nowhere.
func (w *World) Stub() state.Stub { return newRecorder(w.store, w.Height()) }

// Pairs returns every key and its value after the block of that height, in the order of the keys.
func (w *World) Pairs(height uint64) []state.Pair { return w.store.all(height) }

// Status is what became of a transaction.
type Status struct {
	Code  Code
	Block uint64
}

// Status returns what became of a transaction when it was first seen in a block, or false while it was in none. It never
// loses an answer: Client.Status does.
func (w *World) Status(id TxID) (Status, bool) {
	status, ok := w.status[id]
	return status, ok
}

// chance is true in so many of a hundred cases.
func (w *World) chance(percent int) bool { return percent > 0 && w.rand.IntN(100) < percent }
