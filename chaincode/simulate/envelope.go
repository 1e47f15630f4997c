package simulate

import (
	"errors"
	"reflect"
)

// Envelope is a transaction that endorsers agree on. It never ages: it may be submitted at any later time, and again.
type Envelope struct {
	Proposal Proposal
	Endorsement
}

// ErrEndorsementMismatch says that two peers, at different heights, saw different things (Fabric: ENDORSEMENT_MISMATCH). Nothing
// is submitted; the client may ask again.
var ErrEndorsementMismatch = errors.New("simulate: the endorsements do not match")

// Endorse has two peers, chosen by chance, simulate a proposal, and compares what they did.
func (w *World) Endorse(proposal Proposal) (*Envelope, error) {
	order := w.rand.Perm(len(w.peers))
	chosen := make([]*Peer, endorsers)
	for i := range chosen {
		chosen[i] = w.peers[order[i]]
	}
	return w.EndorseBy(proposal, chosen...)
}

// EndorseBy has the given peers simulate a proposal, and compares what they did.
func (w *World) EndorseBy(proposal Proposal, peers ...*Peer) (*Envelope, error) {
	var first *Endorsement
	for _, peer := range peers {
		endorsement, err := peer.Simulate(proposal)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = endorsement
			continue
		}
		if !reflect.DeepEqual(first.Set, endorsement.Set) || string(first.Result) != string(endorsement.Result) {
			return nil, ErrEndorsementMismatch
		}
	}
	return &Envelope{Proposal: proposal, Endorsement: *first}, nil
}
