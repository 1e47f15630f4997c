package simulate_test

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// drawSetAside chooses something about allowances or token holds.
func (h *history) drawSetAside(who *player) (string, proto.Message, *spec.Hints) {
	switch h.rand.IntN(8) {
	case 0, 1:
		return h.drawApproval(who)
	case 2, 3:
		return h.drawDraw(who)
	case 4:
		return h.drawHold(who)
	default:
		return h.drawHoldStep(who)
	}
}

func (h *history) anyone() spec.Address { return h.players[h.rand.IntN(len(h.players))].address }

// drawApproval sets an allowance of the player's, mostly from what is left of it.
func (h *history) drawApproval(who *player) (string, proto.Message, *spec.Hints) {
	spender := h.anyone()
	command := &spec.Approve{Spender: spender.Bytes(), Amount: h.positive()}
	if allowance, ok := h.auditor.Record(ledger.AllowanceKey(who.address, spender)).(ledger.Allowance); ok && !h.oneIn(6) {
		command.Expected = allowance.Amount.Bytes()
	}
	if h.oneIn(5) {
		command.Amount = nil
	}
	return "token:Approve", command, h.folding(who)
}

// drawDraw draws from an allowance, if there is one.
func (h *history) drawDraw(who *player) (string, proto.Message, *spec.Hints) {
	owner, amount := h.anyone(), h.positive()
	for _, p := range h.rand.Perm(len(h.players)) {
		owner = h.players[p].address
		if given := h.entries(ledger.AllowanceKind, owner.Bytes()); len(given) > 0 {
			allowance := given[h.rand.IntN(len(given))]
			spender, err := spec.AddressFromBytes([]byte(allowance.Key.ID))
			if err != nil {
				h.t.Fatal(err)
			}
			if h.oneIn(2) {
				amount = allowance.Record.(ledger.Allowance).Amount.Bytes()
			}
			if !h.oneIn(6) {
				h.become(who, spender)
			}
			break
		}
	}
	reference := h.reference()
	if who.person != nil && h.oneIn(2) {
		reference = ""
	}
	return "token:TransferFrom", &spec.TransferFrom{Reference: reference, Owner: owner.Bytes(), To: h.anyone().Bytes(), Amount: amount}, &spec.Hints{}
}

func (h *history) drawHold(who *player) (string, proto.Message, *spec.Hints) {
	command := &spec.PlaceHold{Reference: h.reference(), Payee: h.anyone().Bytes(), Amount: h.positive(), ExpiresAt: h.Now() + 1 + int64(h.rand.IntN(holdSeconds+60))}
	if h.oneIn(3) {
		command.Arbiter = h.anyone().Bytes()
	}
	return "token:PlaceHold", command, h.folding(who)
}

func (h *history) drawHoldStep(who *player) (string, proto.Message, *spec.Hints) {
	holds := h.auditor.Holds()
	if len(holds) == 0 {
		return h.drawHold(who)
	}
	if held := slices.DeleteFunc(slices.Clone(holds), func(id spec.ID) bool {
		return h.auditor.Record(ledger.TokenHoldKey(id)).(ledger.TokenHold).State != spec.HoldState_HOLD_STATE_HELD
	}); len(held) > 0 && !h.oneIn(5) {
		holds = held
	}
	id := holds[h.rand.IntN(len(holds))]
	hold := h.auditor.Record(ledger.TokenHoldKey(id)).(ledger.TokenHold)
	if hold.State != spec.HoldState_HOLD_STATE_HELD && h.oneIn(2) {
		return h.drawHold(who)
	}
	if !h.oneIn(6) {
		h.become(who, []spec.Address{hold.Arbiter, hold.Arbiter, hold.Payee}[h.rand.IntN(3)])
	}
	switch h.rand.IntN(6) {
	case 0:
		return "token:VoidHold", &spec.VoidHold{Hold: id[:]}, &spec.Hints{}
	case 1, 2:
		return "token:ExpireHold", &spec.ExpireHold{Hold: id[:]}, &spec.Hints{}
	}
	command := &spec.CaptureHold{Hold: id[:], Captured: hold.Captured.Bytes(), Amount: h.positive()}
	if rest, _ := hold.Amount.Sub(hold.Captured); h.oneIn(3) && !rest.IsZero() {
		command.Amount = rest.Bytes()
	}
	if h.oneIn(8) {
		command.Captured = h.positive()
	}
	return "token:CaptureHold", command, &spec.Hints{}
}
