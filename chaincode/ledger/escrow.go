package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// confirmOrder is the buyer's release, of all or of a part.
func confirmOrder(t *task, c *spec.ConfirmOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer, accepted, commissioned, partShipped, shipped, handedOver, working, returnAsked, returnAccepted, returnShipped, disputed)
	if err != nil {
		return nil, err
	}
	part, err := t.part(order, c.Amount)
	if err != nil {
		return nil, err
	}
	if part == order.Held() {
		return t.release(id, order)
	}
	if order, err = t.payOut(id, order, part, spec.Amount{}); err != nil {
		return nil, err
	}
	return t.move(id, order, order.State), nil
}

// part returns how much of what is held a command is about: all when it does not say.
func (t *task) part(order Order, b []byte) (spec.Amount, error) {
	if len(b) == 0 {
		return order.Held(), nil
	}
	part := amount(b)
	if err := t.atLeastMinimum(part, "amount"); err != nil {
		return part, err
	}
	if order.Held().Less(part) {
		return part, spec.FieldErrorf(spec.NotEnoughHeld, "amount", "%s CMT are held", order.Held())
	}
	return part, nil
}

func cancelOrder(t *task, c *spec.CancelOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer|seller, placed, accepted, commissioned)
	if err != nil {
		return nil, err
	}
	return t.refund(id, order, cancelled)
}

// refundOrder is the seller's refund, of all or of a part.
func refundOrder(t *task, c *spec.RefundOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, openStates...)
	if err != nil {
		return nil, err
	}
	part, err := t.part(order, c.Amount)
	if err != nil {
		return nil, err
	}
	if part == order.Held() {
		return t.refund(id, order, refunded)
	}
	if order, err = t.payOut(id, order, spec.Amount{}, part); err != nil {
		return nil, err
	}
	return t.move(id, order, order.State), nil
}

// expireOrder is what anyone may do when the buyer's protection demands it. Of an order that was shipped in part, it refunds the
// part that was not; of a service that was done in part, it pays for the part that was.
func expireOrder(t *task, c *spec.ExpireOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, 0, placed, accepted, commissioned, partShipped, shipped, working, returnShipped)
	if err != nil {
		return nil, err
	}
	milestones, _ := get[Milestones](t, MilestonesKey(id))
	if err := order.due(order.expiry(milestones)); err != nil {
		return nil, err
	}
	switch order.State {
	case partShipped:
		return t.expireRest(id, order)
	case working:
		return t.conclude(id, order, order.done(milestones), expired)
	}
	return t.refund(id, order, expired)
}

// expiry returns when the order may be expired in the state that it is in.
func (o Order) expiry(milestones Milestones) int64 {
	switch o.State {
	case shipped, commissioned:
		return o.ProtectionDeadline
	case working:
		// What was reported done in time has its time to be released.
		last := o.ProtectionDeadline
		for _, m := range milestones {
			last = max(last, m.Due)
		}
		return last
	case returnShipped:
		return o.ReturnDue
	}
	return o.ShipDeadline
}

// releaseOrder is what anyone may do when the buyer let its time pass: after the hand-over, or after a return that did not come.
func releaseOrder(t *task, c *spec.ReleaseOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, 0, handedOver, returnAsked, returnAccepted)
	if err != nil {
		return nil, err
	}
	due := order.ReleaseDue
	switch order.State {
	case returnAsked:
		due = order.lapse()
	case returnAccepted:
		due = order.ReturnDue
	}
	if err := order.due(due); err != nil {
		return nil, err
	}
	return t.release(id, order)
}

// release pays the seller all that the order still holds.
func (t *task) release(id spec.ID, order Order) (proto.Message, error) {
	return t.conclude(id, order, order.Held(), released)
}

// refund gives the buyer all that the order still holds; stock that never left the seller comes back.
func (t *task) refund(id spec.ID, order Order, state spec.OrderState) (proto.Message, error) {
	t.returnStock(id, order)
	return t.conclude(id, order, spec.Amount{}, state)
}

// returnStock gives the units that never left the seller back, each line's as a lot of their own.
func (t *task) returnStock(id spec.ID, order Order) {
	switch order.State {
	case placed, accepted, commissioned, partShipped:
	default:
		return
	}
	lines := t.linesOf(id, order)
	for i, units := range unsent(lines, order.Shipped) {
		if line := lines[i]; units > 0 {
			t.put(LotKey(line.Listing, order.returnLot(id, i, line)), Lot{Stock: units, Variant: line.Variant})
		}
	}
}

// conclude ends an order in a state: the seller gets its part of what is still held, less the fee, and the buyer the rest.
func (t *task) conclude(id spec.ID, order Order, toSeller spec.Amount, state spec.OrderState) (proto.Message, error) {
	toBuyer, ok := order.Held().Sub(toSeller)
	if !ok {
		return nil, spec.Errorf(spec.Internal, "%s holds %s CMT, the seller was to have %s", id.Text(spec.OrderType), order.Held(), toSeller)
	}
	order, err := t.payOut(id, order, toSeller, toBuyer)
	if err != nil {
		return nil, err
	}
	return t.move(id, order, state), nil
}

// payOut moves a part of an order's hold to the seller, less the fee, and another to the buyer, and returns the order as it is
// then, not yet written. The fee is that on all that was released so far less what was paid of it before, so that many small
// releases cost what one large one does. A hold settles once because nothing of it is left then.
func (t *task) payOut(id spec.ID, order Order, toSeller, toBuyer spec.Amount) (Order, error) {
	key := HoldKey(order.Buyer, id)
	hold, _ := get[Hold](t, key)
	if hold.Amount != order.Held() {
		return order, spec.Errorf(spec.Internal, "%s is to hold %s CMT and holds %s", id.Text(spec.OrderType), order.Held(), hold.Amount)
	}
	paid := order.Fee()
	order.Released, order.Refunded = plus(order.Released, toSeller), plus(order.Refunded, toBuyer)
	rest, ok := hold.Amount.Sub(plus(toSeller, toBuyer))
	if !ok {
		return order, spec.Errorf(spec.Internal, "%s holds %s CMT, less than %s and %s", id.Text(spec.OrderType), hold.Amount, toSeller, toBuyer)
	}
	if rest.IsZero() {
		t.remove(key)
	} else {
		t.put(key, Hold{Amount: rest})
	}
	// A proposal was about what was held before.
	order.SplitBy, order.SplitAmount = 0, spec.Amount{}
	fee := minus(order.Fee(), paid)
	t.credit(order.Seller, minus(toSeller, fee), spec.CreditKind_CREDIT_KIND_RELEASE)
	t.credit(t.params().FeeAccount, fee, spec.CreditKind_CREDIT_KIND_FEE)
	t.credit(order.Buyer, toBuyer, spec.CreditKind_CREDIT_KIND_REFUND)
	return order, nil
}

// Held is what an order still holds.
func (o Order) Held() spec.Amount {
	return minus(minus(minus(o.Total, o.Released), o.Refunded), o.PanelPaid)
}

// Fee is what was kept of the releases so far: its share of their sum, rounded down.
func (o Order) Fee() spec.Amount { return o.Released.Share(o.FeeBps) }
