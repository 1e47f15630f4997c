package ledger_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

const holdLasts = 300

var (
	holdID  = spec.NewID(spec.HoldType, anna.address(), "room")
	arbiter = seat{carrier, ""}
)

// placedHold holds ten CMT of anna's for the merchant; the carrier captures.
func placedHold(b *books) {
	b.fund(buyers, "anna", spec.CMT(10))
	b.must(buyers, "anna", "token:PlaceHold", &spec.PlaceHold{
		Reference: "room", Payee: seller.address().Bytes(), Amount: spec.CMT(10).Bytes(), ExpiresAt: b.now + holdLasts, Arbiter: arbiter.address().Bytes(),
	}, nil)
}

func capture(b *books, captured, amount spec.Amount) {
	b.must(carrier, "", "token:CaptureHold", &spec.CaptureHold{Hold: holdID[:], Captured: captured.Bytes(), Amount: amount.Bytes()}, nil)
}

func holdOf(b *books) ledger.TokenHold {
	hold, _ := b.records[ledger.TokenHoldKey(holdID)].(ledger.TokenHold)
	return hold
}

func holdTable() ruleTable {
	capturing := func(amount func(ledger.TokenHold) spec.Amount) func(*books) proto.Message {
		return func(b *books) proto.Message {
			hold := holdOf(b)
			return &spec.CaptureHold{Hold: holdID[:], Captured: hold.Captured.Bytes(), Amount: amount(hold).Bytes()}
		}
	}
	rest := func(h ledger.TokenHold) spec.Amount {
		left, _ := h.Amount.Sub(h.Captured)
		if left.IsZero() {
			return spec.CMT(1)
		}
		return left
	}
	return ruleTable{
		file: "holds.md", heading: "Token holds",
		actors: []tableActor{{"payer", anna}, {"payee", seller}, {"arbiter", arbiter}, {"anyone", seat{operator, ""}}},
		states: []tableState{
			{"none", func(*books) {}},
			{"held", placedHold},
			{"held, 4 captured", func(b *books) { placedHold(b); capture(b, spec.Amount{}, spec.CMT(4)) }},
			{"held, overdue", func(b *books) { placedHold(b); b.now += holdLasts }},
			{"captured", func(b *books) { placedHold(b); capture(b, spec.Amount{}, spec.CMT(10)) }},
			{"voided", func(b *books) {
				placedHold(b)
				b.must(merchant, "", "token:VoidHold", &spec.VoidHold{Hold: holdID[:]}, nil)
			}},
			{"expired", func(b *books) {
				placedHold(b)
				b.now += holdLasts
				b.must(operator, "", "token:ExpireHold", &spec.ExpireHold{Hold: holdID[:]}, nil)
			}},
		},
		operations: []tableOperation{
			{"capture 3", "token:CaptureHold", capturing(func(ledger.TokenHold) spec.Amount { return spec.CMT(3) })},
			{"capture the rest", "token:CaptureHold", capturing(rest)},
			{"capture more", "token:CaptureHold", capturing(func(ledger.TokenHold) spec.Amount { return spec.CMT(11) })},
			{"capture, outdated", "token:CaptureHold", func(*books) proto.Message {
				return &spec.CaptureHold{Hold: holdID[:], Captured: spec.CMT(2).Bytes(), Amount: spec.CMT(3).Bytes()}
			}},
			{"void", "token:VoidHold", func(*books) proto.Message { return &spec.VoidHold{Hold: holdID[:]} }},
			{"expire", "token:ExpireHold", func(*books) proto.Message { return &spec.ExpireHold{Hold: holdID[:]} }},
		},
		stateOf: func(b *books) string {
			hold := holdOf(b)
			return spec.EnumText(hold.State.Descriptor(), hold.State.Number())
		},
	}
}

// Without an arbiter the payee captures; parts, and what is given back, are the whole.
func TestHoldSettlesOnce(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(10))
	view := b.must(buyers, "anna", "token:PlaceHold", &spec.PlaceHold{
		Reference: "room", Payee: seller.address().Bytes(), Amount: spec.CMT(10).Bytes(), ExpiresAt: b.now + holdSeconds, Memo: "room 5",
	}, nil).(*spec.HoldView)
	if string(view.Arbiter) != string(view.Payee) {
		t.Errorf("the arbiter is %x, want the payee", view.Arbiter)
	}
	if held := b.must(buyers, "anna", "token:GetBalance", &spec.GetBalance{Address: anna.address().Bytes()}, nil).(*spec.Balance).Held; string(held) != string(spec.CMT(10).Bytes()) {
		t.Errorf("anna's balance has %x held", held)
	}
	captured := spec.Amount{}
	for range 3 {
		b.must(merchant, "", "token:CaptureHold", &spec.CaptureHold{Hold: holdID[:], Captured: captured.Bytes(), Amount: spec.CMT(3).Bytes()}, nil)
		captured, _ = captured.Add(spec.CMT(3))
	}
	b.must(merchant, "", "token:VoidHold", &spec.VoidHold{Hold: holdID[:]}, nil)
	if got := b.wealth(seller.address()); got != spec.CMT(9) {
		t.Errorf("the payee has %s", got)
	}
	if got := b.wealth(anna.address()); got != spec.CMT(1) {
		t.Errorf("the payer has %s", got)
	}
	found := b.must(carrier, "", "token:GetHold", &spec.GetHold{Hold: holdID[:]}, nil).(*spec.HoldView)
	if found.State != spec.HoldState_HOLD_STATE_VOIDED || len(found.Held) != 0 || string(found.Captured) != string(spec.CMT(9).Bytes()) || found.Memo != "room 5" {
		t.Errorf("looked up, the hold is %v", found)
	}
}

// A rest below the minimum can still be captured; a part below it cannot.
func TestDustOfAHold(t *testing.T) {
	b := openBooks(t)
	placedHold(b)
	most, _ := spec.CMT(10).Sub(spec.Units(5))
	capture(b, spec.Amount{}, most)
	part := &spec.CaptureHold{Hold: holdID[:], Captured: most.Bytes(), Amount: spec.Units(4).Bytes()}
	if _, err := b.try(carrier, "", "token:CaptureHold", part, nil); spec.ErrorCode(err) != spec.BelowMinimum {
		t.Errorf("a part of dust: %v", err)
	}
	capture(b, most, spec.Units(5))
	if got := b.wealth(seller.address()); got != spec.CMT(10) {
		t.Errorf("the payee has %s", got)
	}
}
