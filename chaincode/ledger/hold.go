package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The states of token holds, by short names.
const (
	holdHeld     = spec.HoldState_HOLD_STATE_HELD
	holdCaptured = spec.HoldState_HOLD_STATE_CAPTURED
	holdVoided   = spec.HoldState_HOLD_STATE_VOIDED
	holdExpired  = spec.HoldState_HOLD_STATE_EXPIRED
)

func placeHoldKeys(t *task, c *spec.PlaceHold) []Key {
	return append(t.debitKeys(), TokenHoldKey(spec.NewID(spec.HoldType, t.actor, c.Reference)))
}

// placeHold moves money from the payer into a hold, which the payee or the arbiter captures from.
func placeHold(t *task, c *spec.PlaceHold) (proto.Message, error) {
	id := spec.NewID(spec.HoldType, t.actor, c.Reference)
	if has(t, TokenHoldKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.HoldType))
	}
	hold := TokenHold{
		State: holdHeld, Payer: t.actor, Payee: address(c.Payee), Arbiter: address(c.Payee), Amount: amount(c.Amount),
		PlacedAt: t.tx.Time, UpdatedAt: t.tx.Time, ExpiresAt: c.ExpiresAt, Memo: c.Memo,
	}
	if len(c.Arbiter) > 0 {
		hold.Arbiter = address(c.Arbiter)
	}
	if hold.Payee == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "payee", "must not be the payer's own account")
	}
	if err := t.atLeastMinimum(hold.Amount, "amount"); err != nil {
		return nil, err
	}
	if err := t.within(c.ExpiresAt, t.params().HoldSeconds, "expires_at"); err != nil {
		return nil, err
	}
	if err := t.debit(hold.Amount); err != nil {
		return nil, err
	}
	t.put(TokenHoldKey(id), hold)
	t.put(HoldKey(hold.Payer, id), Hold{Amount: hold.Amount})
	return hold.view(id), nil
}

// within refuses a deadline that does not lie ahead, or lies further ahead than so many seconds.
func (t *task) within(deadline int64, seconds uint32, field string) error {
	last := t.tx.Time + int64(seconds)
	if deadline <= t.tx.Time || deadline > last {
		return spec.FieldErrorf(spec.DeadlineOutOfRange, field, "must lie after %s and no later than %s", utc(t.tx.Time), utc(last))
	}
	return nil
}

// holdCommand is a command about an existing token hold.
type holdCommand interface {
	proto.Message
	GetHold() []byte
}

// tokenHoldKeys names the hold and, once its payer is known, the money that it holds.
func tokenHoldKeys[C holdCommand](t *task, c C) []Key {
	id := identifier(c.GetHold())
	keys := []Key{TokenHoldKey(id)}
	if hold, ok := get[TokenHold](t, TokenHoldKey(id)); ok {
		keys = append(keys, HoldKey(hold.Payer, id))
	}
	return keys
}

// openHold returns a token hold for a step that its parties may take while something is held. It checks the order of the
// catalogue: not found, not a party, wrong state. Without parties anyone may.
func (t *task) openHold(b []byte, parties func(TokenHold) []spec.Address) (spec.ID, TokenHold, error) {
	id := identifier(b)
	hold, ok := get[TokenHold](t, TokenHoldKey(id))
	if !ok {
		return id, hold, spec.FieldErrorf(spec.NotFound, "hold", "there is no %s", id.Text(spec.HoldType))
	}
	allowed := parties == nil
	if !allowed {
		for _, party := range parties(hold) {
			allowed = allowed || party == t.actor
		}
	}
	if !allowed {
		return id, hold, spec.FieldErrorf(spec.NotAParty, "hold", "%s may not do this", t.actor)
	}
	if hold.State != holdHeld {
		return id, hold, spec.FieldErrorf(spec.WrongState, "hold", "is %s", spec.EnumText(hold.State.Descriptor(), hold.State.Number()))
	}
	// An object's time never goes back, whatever clock a client has.
	hold.UpdatedAt = max(t.tx.Time, hold.UpdatedAt)
	return id, hold, nil
}

// captureHold pays the payee. Who captures names what was captured before, so that a repeated call pays once.
func captureHold(t *task, c *spec.CaptureHold) (proto.Message, error) {
	id, hold, err := t.openHold(c.Hold, func(h TokenHold) []spec.Address { return []spec.Address{h.Arbiter} })
	if err != nil {
		return nil, err
	}
	if amount(c.Captured) != hold.Captured {
		return nil, spec.FieldErrorf(spec.ValueStale, "captured", "%s CMT were captured before", hold.Captured)
	}
	amount := amount(c.Amount)
	held := hold.held()
	if amount != held {
		// The rest may be smaller than the minimum: it would be nobody's otherwise.
		if err := t.atLeastMinimum(amount, "amount"); err != nil {
			return nil, err
		}
	}
	if hold.UpdatedAt >= hold.ExpiresAt {
		return nil, spec.FieldErrorf(spec.DeadlinePassed, "hold", "expired on %s", utc(hold.ExpiresAt))
	}
	rest, enough := held.Sub(amount)
	if !enough {
		return nil, spec.FieldErrorf(spec.NotEnoughHeld, "amount", "%s CMT are still held", held)
	}
	hold.Captured, _ = hold.Captured.Add(amount)
	t.credit(hold.Payee, amount, spec.CreditKind_CREDIT_KIND_RELEASE)
	if rest.IsZero() {
		hold.State = holdCaptured
		t.remove(HoldKey(hold.Payer, id))
	} else {
		t.put(HoldKey(hold.Payer, id), Hold{Amount: rest})
	}
	t.put(TokenHoldKey(id), hold)
	return hold.view(id), nil
}

// voidHold is the word of who would be paid, or of who decides it; the payer has none until the hold expires.
func voidHold(t *task, c *spec.VoidHold) (proto.Message, error) {
	id, hold, err := t.openHold(c.Hold, func(h TokenHold) []spec.Address { return []spec.Address{h.Payee, h.Arbiter} })
	if err != nil {
		return nil, err
	}
	return t.giveBack(id, hold, holdVoided), nil
}

// expireHold is what anyone may do once the time is over.
func expireHold(t *task, c *spec.ExpireHold) (proto.Message, error) {
	id, hold, err := t.openHold(c.Hold, nil)
	if err != nil {
		return nil, err
	}
	if hold.UpdatedAt < hold.ExpiresAt {
		return nil, spec.FieldErrorf(spec.NotDue, "hold", "is due on %s", utc(hold.ExpiresAt))
	}
	return t.giveBack(id, hold, holdExpired), nil
}

// giveBack ends a hold in a state: the payer gets what was not captured.
func (t *task) giveBack(id spec.ID, hold TokenHold, state spec.HoldState) *spec.HoldView {
	t.credit(hold.Payer, hold.held(), spec.CreditKind_CREDIT_KIND_REFUND)
	t.remove(HoldKey(hold.Payer, id))
	hold.State = state
	t.put(TokenHoldKey(id), hold)
	return hold.view(id)
}

// held is what a hold still has: all that was not captured, until it ends.
func (h TokenHold) held() spec.Amount {
	if h.State != holdHeld {
		return spec.Amount{}
	}
	rest, _ := h.Amount.Sub(h.Captured)
	return rest
}

func getHold(t *task, c *spec.GetHold) (proto.Message, error) {
	id := identifier(c.Hold)
	hold, ok := get[TokenHold](t, TokenHoldKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "hold", "there is no %s", id.Text(spec.HoldType))
	}
	return hold.view(id), nil
}

func (h TokenHold) view(id spec.ID) *spec.HoldView {
	return &spec.HoldView{
		Hold: id[:], State: h.State, Payer: h.Payer.Bytes(), Payee: h.Payee.Bytes(), Arbiter: h.Arbiter.Bytes(), Amount: h.Amount.Bytes(),
		Captured: h.Captured.Bytes(), Held: h.held().Bytes(), PlacedAt: h.PlacedAt, UpdatedAt: h.UpdatedAt, ExpiresAt: h.ExpiresAt, Memo: h.Memo,
	}
}
