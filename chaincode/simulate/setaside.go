package simulate

import (
	"math/big"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// allow writes an approval or a draw down: an approval sets what is left and the owner pays the difference, a draw takes from it.
func (b *books) allow(deed *act) {
	switch c := deed.call.Command.(type) {
	case *spec.Approve:
		left, amount := b.left(ledger.AllowanceKey(deed.actor, b.address(c.Spender))), new(big.Int).SetBytes(c.Amount)
		if left.Cmp(new(big.Int).SetBytes(c.Expected)) != 0 {
			b.fault("%s sets an allowance anew of which %s base units are left, and says otherwise", deed.actor, left)
		}
		b.spend(deed.actor, new(big.Int).Sub(amount, left))
		left.Set(amount)
	case *spec.TransferFrom:
		left := b.left(ledger.AllowanceKey(b.address(c.Owner), deed.actor))
		left.Sub(left, new(big.Int).SetBytes(c.Amount))
		b.pay(deed)
	}
}

// left is what is left of an allowance after the commands so far.
func (b *books) left(key ledger.Key) *big.Int {
	if b.allowances[key] == nil {
		b.allowances[key] = worth(b.records[key])
	}
	return b.allowances[key]
}

// checkAllowances: an allowance is what the commands made it, and is not kept empty.
func (b *books) checkAllowances() {
	for key, left := range b.allowances {
		if after := b.after(key); left.Sign() < 0 || worth(after).Cmp(left) != 0 || (after == nil) != (left.Sign() == 0) {
			b.fault("%s is %v, what happened leaves %s base units", state.FormatKey(key), after, left)
		}
	}
	for _, c := range b.changes {
		if c.key.Kind == ledger.AllowanceKind && b.allowances[c.key] == nil {
			b.fault("%s changes and nobody asked", state.FormatKey(c.key))
		}
	}
}

func (b *books) placeHold(deed *act, c *spec.PlaceHold) {
	id := spec.NewID(spec.HoldType, deed.actor, c.Reference)
	hold := ledger.TokenHold{State: spec.HoldState_HOLD_STATE_HELD, Payer: deed.actor, Payee: b.address(c.Payee), Arbiter: b.address(c.Payee), Amount: amountOf(c.Amount), ExpiresAt: c.ExpiresAt}
	if len(c.Arbiter) > 0 {
		hold.Arbiter = b.address(c.Arbiter)
	}
	if _, again := b.holds[id]; again || b.records[ledger.TokenHoldKey(id)] != nil {
		b.fault("the hold %x is placed a second time", id)
	}
	b.spend(deed.actor, units(hold.Amount))
	b.holds[id] = hold
}

func amountOf(octets []byte) spec.Amount {
	amount, err := spec.AmountFromBytes(octets)
	if err != nil {
		panic("simulate: an amount that was checked before: " + err.Error())
	}
	return amount
}

// stepHold: captures pay the payee, all else the payer, and nothing happens to a hold that has ended.
func (b *books) stepHold(deed *act, id spec.ID) {
	hold, touched := b.holds[id]
	if !touched {
		hold, _ = b.records[ledger.TokenHoldKey(id)].(ledger.TokenHold)
	}
	if hold.State != spec.HoldState_HOLD_STATE_HELD {
		b.fault("the hold %x is %s and goes on", id, hold.State)
		return
	}
	rest, _ := hold.Amount.Sub(hold.Captured)
	switch c := deed.call.Command.(type) {
	case *spec.CaptureHold:
		captured, within := hold.Captured.Add(amountOf(c.Amount))
		if deed.actor != hold.Arbiter || !within || hold.Amount.Less(captured) || amountOf(c.Captured) != hold.Captured {
			b.fault("%s captures %s of %s of the hold %x after %s", deed.actor, amountOf(c.Amount), hold.Amount, id, hold.Captured)
		}
		hold.Captured = captured
		if captured == hold.Amount {
			hold.State = spec.HoldState_HOLD_STATE_CAPTURED
		}
		b.give(hold.Payee.Bytes(), spec.CreditKind_CREDIT_KIND_RELEASE, units(amountOf(c.Amount)))
	case *spec.VoidHold:
		if deed.actor != hold.Arbiter && deed.actor != hold.Payee {
			b.fault("%s voids the hold %x", deed.actor, id)
		}
		hold.State = spec.HoldState_HOLD_STATE_VOIDED
		b.give(hold.Payer.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, units(rest))
	case *spec.ExpireHold:
		hold.State = spec.HoldState_HOLD_STATE_EXPIRED
		b.give(hold.Payer.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, units(rest))
	}
	b.holds[id] = hold
}

// checkHolds: a token hold takes only steps that commands ask for, and its money is what was not captured until it ends.
func (b *books) checkHolds() {
	for _, c := range b.changes {
		if c.key.Kind != ledger.TokenHoldKind {
			continue
		}
		id := spec.ID([]byte(c.key.ID))
		after, _ := c.after.(ledger.TokenHold)
		want, asked := b.holds[id]
		if !asked || after.State != want.State || after.Captured != want.Captured || after.Amount != want.Amount || after.Payer != want.Payer || after.Payee != want.Payee || after.Arbiter != want.Arbiter || after.ExpiresAt != want.ExpiresAt {
			b.fault("the hold %x is %v, what was asked makes it %v", id, after, want)
		}
		if before, existed := c.before.(ledger.TokenHold); existed && after.UpdatedAt < before.UpdatedAt {
			b.fault("the hold %x goes back in time", id)
		}
		if late := after.State == spec.HoldState_HOLD_STATE_EXPIRED; late && after.UpdatedAt < after.ExpiresAt {
			b.fault("the hold %x expires before its time", id)
		}
		var held ledger.Record
		if rest, _ := want.Amount.Sub(want.Captured); want.State == spec.HoldState_HOLD_STATE_HELD {
			held = ledger.Hold{Amount: rest}
		}
		if got := b.after(ledger.HoldKey(want.Payer, id)); got != held {
			b.fault("the hold %x is %s and its money is %v, want %v", id, want.State, got, held)
		}
	}
}
