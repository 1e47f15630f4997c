package simulate

import (
	"fmt"
	"slices"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// CheckReads holds a writing transaction to the read rule: it reads only its actors' accounts and credits, the objects they
// settle, keys that are never rewritten, the fence and governed keys; never the account of a party that does not act, and never
// a range. A batch has as many actors as keys that signed. A home may also read its guests' accounts: a relay that hints so,
// and a member that sweeps for them.
func CheckReads(envelope *Envelope, ledgerID [16]byte) error {
	acts, err := envelope.Proposal.acts(ledgerID)
	if err != nil {
		return err
	}
	return checkReads(envelope, acts)
}

func checkReads(envelope *Envelope, acts []*act) error {
	for _, a := range acts {
		if a != nil && a.call.Operation.Kind != spec.Write {
			return fmt.Errorf("simulate: the query %s was ordered", a.call.Operation.FullName())
		}
	}
	if len(envelope.Set.Ranges) > 0 {
		return fmt.Errorf("simulate: %s reads a range from %s", envelope.Proposal.Function, envelope.Set.Ranges[0].Start)
	}
	for _, read := range envelope.Set.Reads {
		key, err := state.ParseKey(read.Key)
		if err != nil {
			return err
		}
		if !anyMayRead(acts, key) {
			return fmt.Errorf("simulate: %s reads %s, which none of its %d commands may", envelope.Proposal.Function, read.Key, len(acts))
		}
	}
	return nil
}

// anyMayRead: every transaction reads who asks and whether it may; everything else is for one of its commands.
func anyMayRead(acts []*act, key ledger.Key) bool {
	switch key.Kind {
	case ledger.ParametersKind, ledger.MemberKind, ledger.ArbitersKind, ledger.FenceKind:
		return true
	}
	for _, a := range acts {
		if a != nil && a.mayRead(key) {
			return true
		}
	}
	return false
}

func (a *act) mayRead(key ledger.Key) bool {
	op, own, guest := a.call.Operation, string(a.actor.Bytes()), string(a.sweptGuest())
	switch key.Kind {
	case ledger.AccountKind:
		isReceiver := func(receiver []byte) bool { return string(receiver) == key.ID }
		return key.ID == own || key.ID == guest || slices.ContainsFunc(a.lookedAt(), isReceiver)
	case ledger.CreditKind:
		return key.Parent == own || key.Parent == guest
	case ledger.SupplyKind:
		// The one key that all would meet at: only who makes or destroys money may touch it.
		return op.Role == spec.Role_ROLE_TREASURER
	case ledger.ListingKind:
		// The head is rewritten by the seller; a buyer who read it would stand in the seller's way.
		switch op.Name {
		case "PlaceOrder", "PlaceCart", "MakeOffer", "AcceptOffer", "AcceptCounter":
			return false
		}
	}
	return true
}
