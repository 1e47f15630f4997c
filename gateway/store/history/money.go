package history

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// movement is money that moved. Nobody on one side means that it came from what was held, or went there.
type movement struct {
	kind     spec.MovementKind
	from, to spec.Address
	amount   spec.Amount
	// by is who stands behind what comes from nobody: who pays many at once, or gave the allowance.
	by spec.Address
}

// pay notes what a command moves by what it says alone; what lies with objects is told from their records.
func (s *step) pay(command proto.Message) {
	switch c := command.(type) {
	case *spec.Transfer:
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_PAYMENT, from: s.actor, to: addressOf(c.To), amount: amountOf(c.Amount)})
	case *spec.TransferFrom:
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_DRAW, to: addressOf(c.To), amount: amountOf(c.Amount), by: addressOf(c.Owner)})
	case *spec.Payout:
		var total spec.Amount
		for _, payment := range c.Payments {
			share := movement{kind: spec.MovementKind_MOVEMENT_KIND_PAYMENT, to: addressOf(payment.To), amount: amountOf(payment.Amount), by: s.actor}
			s.shares, total = append(s.shares, share), plus(total, share.amount)
		}
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_PAYMENT, from: s.actor, amount: total})
	case *spec.Approve:
		// The rule refuses what was expected wrongly, so the difference is what moved.
		after, before := amountOf(c.Amount), amountOf(c.Expected)
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_ALLOWANCE, from: s.actor, amount: minus(after, before)})
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_ALLOWANCE, to: s.actor, amount: minus(before, after)})
	case *spec.Mint:
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_MINT, to: addressOf(c.To), amount: amountOf(c.Amount)})
	case *spec.Burn:
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_BURN, from: s.actor, amount: amountOf(c.Amount)})
	case *spec.Genesis:
		s.move(movement{kind: spec.MovementKind_MOVEMENT_KIND_MINT, to: spec.OrganisationAddress(c.TreasuryMsp), amount: amountOf(c.InitialSupply)})
	}
}

// move notes movements that are of something.
func (s *step) move(movements ...movement) {
	for _, m := range movements {
		if !m.amount.IsZero() {
			s.movements = append(s.movements, m)
		}
	}
}

func amountOf(b []byte) spec.Amount {
	amount, _ := spec.AmountFromBytes(b)
	return amount
}

func addressOf(b []byte) spec.Address {
	address, _ := spec.AddressFromBytes(b)
	return address
}

// moveMoney finds what objects held and paid out, gives it to the steps that did it, and tells the statements all movements.
func (w *telling) moveMoney() error {
	seen := map[string]bool{}
	for _, r := range w.records {
		switch r.key.Kind {
		case ledger.HoldKind, ledger.OrderKind, ledger.TokenHoldKind:
		default:
			continue
		}
		if seen[r.key.ID] {
			continue
		}
		seen[r.key.ID] = true
		movements, err := w.heldMoney(spec.ID([]byte(r.key.ID)))
		if err != nil {
			return err
		}
		if len(movements) > 0 {
			w.lastNaming(r.key.ID).move(movements...)
		}
	}
	for _, s := range w.steps {
		for _, m := range append(s.movements, s.shares...) {
			if err := w.state(s, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// heldMoney returns what moved of the money that lies under one digest: an order's, which an offer or a bid may have brought, or a
// token hold's. What was paid out stands in the object's own record; the rest of the hold's change is its owner's.
func (w *telling) heldMoney(id spec.ID) ([]movement, error) {
	paidOut, paid, err := w.orderMoney(id)
	if err != nil {
		return nil, err
	}
	owner, movements, captured, err := w.captured(id)
	if err != nil {
		return nil, err
	}
	movements, paid = append(paidOut, movements...), plus(paid, captured)
	var before, after spec.Amount
	for _, r := range w.lookup.records[string(id[:])] {
		if r.key.Kind != ledger.HoldKind {
			continue
		}
		owner = addressOf([]byte(r.key.Parent))
		held, err := ReadRecord(w.Before, r.key)
		if err != nil {
			return nil, err
		}
		was, _ := held.(ledger.Hold)
		is, _ := r.record.(ledger.Hold)
		before, after = was.Amount, is.Amount
	}
	movements = append([]movement{{kind: spec.MovementKind_MOVEMENT_KIND_HELD, from: owner, amount: minus(plus(after, paid), before)}}, movements...)
	movements = append(movements, movement{kind: spec.MovementKind_MOVEMENT_KIND_REFUND, to: owner, amount: minus(before, plus(after, paid))})
	return some(movements), nil
}

// orderMoney returns what an order paid out, and its sum.
func (w *telling) orderMoney(id spec.ID) (movements []movement, paid spec.Amount, err error) {
	after, is := w.record(ledger.OrderKey(id)).(ledger.Order)
	if !is {
		return nil, paid, nil
	}
	earlier, err := ReadRecord(w.Before, ledger.OrderKey(id))
	if err != nil {
		return nil, paid, err
	}
	before, _ := earlier.(ledger.Order)
	released, refunded, panel, fee := minus(after.Released, before.Released), minus(after.Refunded, before.Refunded), minus(after.PanelPaid, before.PanelPaid), minus(after.Fee(), before.Fee())
	movements = append(movements,
		movement{kind: spec.MovementKind_MOVEMENT_KIND_RELEASE, to: after.Seller, amount: minus(released, fee)},
		movement{kind: spec.MovementKind_MOVEMENT_KIND_FEE, to: w.Parameters.FeeAccount, amount: fee},
		movement{kind: spec.MovementKind_MOVEMENT_KIND_REFUND, to: after.Buyer, amount: refunded},
	)
	voters, err := w.voters(id, panel)
	if err != nil {
		return nil, paid, err
	}
	for _, voter := range voters {
		movements = append(movements, movement{kind: spec.MovementKind_MOVEMENT_KIND_PANEL, to: voter, amount: panel.Quo(uint32(len(voters)))})
	}
	return movements, plus(plus(released, refunded), panel), nil
}

// some leaves out what is nothing.
func some(movements []movement) []movement {
	return slices.DeleteFunc(movements, func(m movement) bool { return m.amount.IsZero() })
}

// voters returns the arbiters that share what a panel was paid.
func (w *telling) voters(order spec.ID, paid spec.Amount) ([]spec.Address, error) {
	dispute, is := w.record(ledger.DisputeKey(order)).(ledger.Dispute)
	if !is || paid.IsZero() {
		return nil, nil
	}
	var voters []spec.Address
	for _, mspID := range dispute.Arbiters() {
		vote, err := ReadRecord(w.Before, ledger.VoteKey(order, mspID))
		if err != nil {
			return nil, err
		}
		if vote != nil {
			voters = append(voters, spec.OrganisationAddress(mspID))
		}
	}
	return voters, nil
}

// captured returns what a token hold paid, its sum, and whose money it was.
func (w *telling) captured(id spec.ID) (owner spec.Address, movements []movement, paid spec.Amount, err error) {
	after, is := w.record(ledger.TokenHoldKey(id)).(ledger.TokenHold)
	if !is {
		return owner, nil, paid, nil
	}
	earlier, err := ReadRecord(w.Before, ledger.TokenHoldKey(id))
	if err != nil {
		return owner, nil, paid, err
	}
	before, _ := earlier.(ledger.TokenHold)
	paid = minus(after.Captured, before.Captured)
	return after.Payer, []movement{{kind: spec.MovementKind_MOVEMENT_KIND_RELEASE, to: after.Payee, amount: paid}}, paid, nil
}

// plus and minus are for amounts that are parts of one that is on the ledger; minus is nothing when there is less.

func plus(a, b spec.Amount) spec.Amount {
	sum, _ := a.Add(b)
	return sum
}

func minus(a, b spec.Amount) spec.Amount {
	rest, enough := a.Sub(b)
	if !enough {
		return spec.Amount{}
	}
	return rest
}
