package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func confirmOrder(t *task, c *spec.ConfirmOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer, accepted, shipped, handedOver, disputed)
	if err != nil {
		return nil, err
	}
	return t.release(id, order)
}

func cancelOrder(t *task, c *spec.CancelOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer|seller, placed, accepted)
	if err != nil {
		return nil, err
	}
	return t.refund(id, order, cancelled)
}

func refundOrder(t *task, c *spec.RefundOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, placed, accepted, shipped, handedOver, disputed)
	if err != nil {
		return nil, err
	}
	return t.refund(id, order, refunded)
}

// expireOrder is what anyone may do when the buyer's protection demands it.
func expireOrder(t *task, c *spec.ExpireOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, 0, placed, accepted, shipped)
	if err != nil {
		return nil, err
	}
	deadline := order.ShipDeadline
	if order.State == shipped {
		deadline = order.ProtectionDeadline
	}
	if err := order.due(deadline); err != nil {
		return nil, err
	}
	return t.refund(id, order, expired)
}

func releaseOrder(t *task, c *spec.ReleaseOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, 0, handedOver)
	if err != nil {
		return nil, err
	}
	if err := order.due(order.ReleaseDue); err != nil {
		return nil, err
	}
	return t.release(id, order)
}

// release pays the seller all that the order still holds.
func (t *task) release(id spec.ID, order Order) (proto.Message, error) {
	return t.conclude(id, order, order.Held(), released)
}

// refund gives the buyer all that the order still holds; stock that never left the seller comes back as a lot of its own.
func (t *task) refund(id spec.ID, order Order, state spec.OrderState) (proto.Message, error) {
	if order.State == placed || order.State == accepted {
		t.put(LotKey(order.Listing, spec.ReturnLot(order.Listing, id)), Lot{Stock: order.Quantity})
	}
	return t.conclude(id, order, spec.Amount{}, state)
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
