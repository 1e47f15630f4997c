package simulate

import (
	"fmt"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// Actor returns the account that acts in the proposal.
func (e *Envelope) Actor() (spec.Address, error) {
	call, err := e.Proposal.call()
	if err != nil {
		return spec.Address{}, err
	}
	return spec.SubAccountAddress(e.Proposal.MSPID, call.SubAccount), nil
}

func (p Proposal) call() (*spec.Call, error) {
	op := spec.Find(p.Function)
	if op == nil {
		return nil, fmt.Errorf("simulate: %s is not in the operation table", p.Function)
	}
	return spec.DecodeCall(op, p.Argument)
}

// CheckReads holds a writing transaction to the read rule: it reads only its actor's account and credits, the objects it
// settles, keys that are never rewritten, the fence and governed keys; never the account of a party that does not act, and never
// a range.
func CheckReads(envelope *Envelope) error {
	call, err := envelope.Proposal.call()
	if err != nil {
		return err
	}
	if call.Operation.Kind != spec.Write {
		return fmt.Errorf("simulate: the query %s was ordered", envelope.Proposal.Function)
	}
	if len(envelope.Set.Ranges) > 0 {
		return fmt.Errorf("simulate: %s reads a range from %s", envelope.Proposal.Function, envelope.Set.Ranges[0].Start)
	}
	actor := spec.SubAccountAddress(envelope.Proposal.MSPID, call.SubAccount)
	for _, read := range envelope.Set.Reads {
		key, err := state.ParseKey(read.Key)
		if err != nil {
			return err
		}
		if !mayRead(call.Operation, actor, key) {
			return fmt.Errorf("simulate: %s by %s reads %s", envelope.Proposal.Function, actor, read.Key)
		}
	}
	return nil
}

func mayRead(op *spec.Operation, actor spec.Address, key ledger.Key) bool {
	own := string(actor.Bytes())
	switch key.Kind {
	case ledger.AccountKind:
		return key.ID == own
	case ledger.CreditKind:
		return key.Parent == own
	case ledger.SupplyKind:
		// The one key that all would meet at: only who makes or destroys money may touch it.
		return op.Role == spec.Role_ROLE_TREASURER
	case ledger.ListingKind:
		// The head is rewritten by the seller; a buyer who read it would stand in the seller's way.
		return op.Name != "PlaceOrder"
	}
	return true
}
