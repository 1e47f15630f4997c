package simulate

import (
	"fmt"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// timeWindowSeconds is peer.authentication.timewindow: how far a proposal's time may be off the peer's clock.
const timeWindowSeconds = 60

// Peer endorses on the state as far as it has committed it.
type Peer struct {
	// Name is the peer's number, from 0.
	Name   int
	world  *World
	height uint64
}

// Height is the number of blocks that the peer has committed.
func (p *Peer) Height() uint64 { return p.height }

// CatchUp commits all blocks there are.
func (p *Peer) CatchUp() { p.height = p.world.Height() }

// follow commits blocks until the peer is as far behind as chance wants, never going back.
func (p *Peer) follow() {
	tip := p.world.Height()
	lag := uint64(p.world.rand.IntN(p.world.config.MaxLag + 1))
	if lag < tip {
		p.height = max(p.height, tip-lag)
	}
}

// Endorsement is what one peer says of a proposal.
type Endorsement struct {
	Set    ReadWriteSet
	Result []byte
	// Loads is how many messages the chaincode asked the peer with.
	Loads int
}

// Simulate runs a proposal at the peer's height. A refusal is an *spec.Error and leaves nothing.
func (p *Peer) Simulate(proposal Proposal) (*Endorsement, error) {
	if off := proposal.Time - p.world.now; off < -timeWindowSeconds || off > timeWindowSeconds {
		return nil, spec.Errorf(spec.TimestampOutOfRange, "the proposal's time is %d s off", off)
	}
	stub := newRecorder(p.world.store, p.height)
	result, err := p.world.config.Chaincode(stub, proposal)
	if err != nil {
		if len(stub.set.Writes) > 0 {
			return nil, fmt.Errorf("simulate: %s was refused after it wrote %d keys: %s", proposal.Function, len(stub.set.Writes), err.Error())
		}
		return nil, err
	}
	return &Endorsement{Set: stub.set, Result: result, Loads: stub.loads}, nil
}
