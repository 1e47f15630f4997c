package ledger_test

import (
	"fmt"
	"math/big"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

type modelHold struct {
	state                 spec.HoldState
	payer, payee, arbiter spec.Address
	amount, captured      *big.Int
	expires, updated      int64
}

func (m *model) mint(c modelCall, command *spec.Mint) spec.Code {
	id := spec.NewID(spec.MintType, c.actor, command.Reference)
	units := number(command.Amount)
	to, _ := spec.AddressFromBytes(command.To)
	if m.mints[id] != "" {
		return spec.ReferenceUsed
	}
	if units.Cmp(big.NewInt(10)) < 0 {
		return spec.BelowMinimum
	}
	if new(big.Int).Add(m.minted, units).Cmp(maxUnits) > 0 {
		return spec.OverCap
	}
	m.minted.Add(m.minted, units)
	m.mints[id] = fmt.Sprintf("to %s %s at %d", to, units, c.time)
	m.give(c, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_MINT})
	return ""
}

func (m *model) burn(c modelCall, command *spec.Burn) spec.Code {
	id := spec.NewID(spec.BurnType, c.actor, command.Reference)
	units := number(command.Amount)
	if m.burns[id] != "" {
		return spec.ReferenceUsed
	}
	if !m.pay(c, units) {
		return spec.InsufficientFunds
	}
	m.burnt.Add(m.burnt, units)
	m.burns[id] = fmt.Sprintf("from %s %s at %d", c.actor, units, c.time)
	return ""
}

func (m *model) transfer(c modelCall, command *spec.Transfer) spec.Code {
	id := spec.NewID(spec.TransferType, c.actor, command.Reference)
	units := number(command.Amount)
	to, _ := spec.AddressFromBytes(command.To)
	if m.transfers[id] != "" {
		return spec.ReferenceUsed
	}
	if to == c.actor {
		return spec.SameAccount
	}
	if units.Cmp(big.NewInt(10)) < 0 {
		return spec.BelowMinimum
	}
	if !m.pay(c, units) {
		return spec.InsufficientFunds
	}
	m.transfers[id] = fmt.Sprintf("from %s to %s %s %q at %d", c.actor, to, units, command.Memo, c.time)
	m.give(c, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_TRANSFER})
	return ""
}

func (m *model) payout(c modelCall, command *spec.Payout) spec.Code {
	id := spec.NewID(spec.PayoutType, c.actor, command.Reference)
	if m.payouts[id] != "" {
		return spec.ReferenceUsed
	}
	sum, self, dust := new(big.Int), false, false
	var gifts []modelCredit
	for _, p := range command.Payments {
		to, _ := spec.AddressFromBytes(p.To)
		units := number(p.Amount)
		self = self || to == c.actor
		dust = dust || units.Cmp(big.NewInt(10)) < 0
		sum.Add(sum, units)
		gifts = append(gifts, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_TRANSFER})
	}
	switch {
	case self:
		return spec.SameAccount
	case dust:
		return spec.BelowMinimum
	case !m.pay(c, sum):
		return spec.InsufficientFunds
	}
	m.payouts[id] = fmt.Sprintf("from %s to %d %s %q at %d", c.actor, len(gifts), sum, command.Memo, c.time)
	m.give(c, gifts...)
	return ""
}

func (m *model) allowance(owner, spender spec.Address) *big.Int {
	key := [2]spec.Address{owner, spender}
	if m.allowances[key] == nil {
		m.allowances[key] = new(big.Int)
	}
	return m.allowances[key]
}

func (m *model) approve(c modelCall, command *spec.Approve) spec.Code {
	spender, _ := spec.AddressFromBytes(command.Spender)
	left, units := m.allowance(c.actor, spender), number(command.Amount)
	switch {
	case left.Cmp(number(command.Expected)) != 0:
		return spec.ValueStale
	case spender == c.actor:
		return spec.SameAccount
	case units.Sign() > 0 && units.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case !m.pay(c, new(big.Int).Sub(units, left)):
		return spec.InsufficientFunds
	}
	left.Set(units)
	return ""
}

func (m *model) transferFrom(c modelCall, command *spec.TransferFrom) spec.Code {
	id := spec.NewID(spec.TransferType, c.actor, command.Reference)
	owner, _ := spec.AddressFromBytes(command.Owner)
	to, _ := spec.AddressFromBytes(command.To)
	left, units := m.allowance(owner, c.actor), number(command.Amount)
	switch {
	case m.transfers[id] != "":
		return spec.ReferenceUsed
	case to == owner:
		return spec.SameAccount
	case units.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case left.Cmp(units) < 0:
		return spec.NotEnoughHeld
	}
	left.Sub(left, units)
	m.transfers[id] = fmt.Sprintf("from %s to %s %s %q at %d", owner, to, units, command.Memo, c.time)
	m.give(c, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_TRANSFER})
	return ""
}

func (m *model) placeHold(c modelCall, command *spec.PlaceHold) spec.Code {
	id := spec.NewID(spec.HoldType, c.actor, command.Reference)
	payee, _ := spec.AddressFromBytes(command.Payee)
	arbiter := payee
	if len(command.Arbiter) > 0 {
		arbiter, _ = spec.AddressFromBytes(command.Arbiter)
	}
	units := number(command.Amount)
	switch {
	case m.holds[id] != nil:
		return spec.ReferenceUsed
	case payee == c.actor:
		return spec.SameAccount
	case units.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case command.ExpiresAt <= c.time || command.ExpiresAt > c.time+holdSeconds:
		return spec.DeadlineOutOfRange
	case !m.pay(c, units):
		return spec.InsufficientFunds
	}
	m.holds[id] = &modelHold{spec.HoldState_HOLD_STATE_HELD, c.actor, payee, arbiter, units, new(big.Int), command.ExpiresAt, c.time}
	return ""
}

func (m *model) stepHold(c modelCall, id spec.ID, command proto.Message) spec.Code {
	h := m.holds[id]
	if h == nil {
		return spec.NotFound
	}
	_, capturing := command.(*spec.CaptureHold)
	_, voiding := command.(*spec.VoidHold)
	if capturing && c.actor != h.arbiter || voiding && c.actor != h.arbiter && c.actor != h.payee {
		return spec.NotAParty
	}
	if h.state != spec.HoldState_HOLD_STATE_HELD {
		return spec.WrongState
	}
	now, left := max(c.time, h.updated), new(big.Int).Sub(h.amount, h.captured)
	switch command := command.(type) {
	case *spec.CaptureHold:
		units := number(command.Amount)
		switch {
		case number(command.Captured).Cmp(h.captured) != 0:
			return spec.ValueStale
		case units.Cmp(big.NewInt(10)) < 0 && units.Cmp(left) != 0:
			return spec.BelowMinimum
		case now >= h.expires:
			return spec.DeadlinePassed
		case units.Cmp(left) > 0:
			return spec.NotEnoughHeld
		}
		h.captured.Add(h.captured, units)
		if h.captured.Cmp(h.amount) == 0 {
			h.state = spec.HoldState_HOLD_STATE_CAPTURED
		}
		m.give(c, modelCredit{h.payee, units, spec.CreditKind_CREDIT_KIND_RELEASE})
	case *spec.VoidHold:
		h.state = spec.HoldState_HOLD_STATE_VOIDED
		m.give(c, modelCredit{h.payer, left, spec.CreditKind_CREDIT_KIND_REFUND})
	case *spec.ExpireHold:
		if now < h.expires {
			return spec.NotDue
		}
		h.state = spec.HoldState_HOLD_STATE_EXPIRED
		m.give(c, modelCredit{h.payer, left, spec.CreditKind_CREDIT_KIND_REFUND})
	}
	h.updated = now
	return ""
}
