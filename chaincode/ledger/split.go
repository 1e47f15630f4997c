package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// proposeSplit writes one side's proposal into the order, over one that was there: what both agree to is what both see.
func proposeSplit(t *task, c *spec.ProposeSplit) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer|seller, openStates...)
	if err != nil {
		return nil, err
	}
	toSeller := amount(c.SellerAmount)
	if order.Held().Less(toSeller) {
		return nil, spec.FieldErrorf(spec.NotEnoughHeld, "seller_amount", "%s CMT are held", order.Held())
	}
	order.SplitBy, order.SplitAmount = t.side(order), toSeller
	return t.move(id, order, order.State), nil
}

// agreeSplit pays what the other side proposed, if that is what the agreeing side saw, and ends the order.
func agreeSplit(t *task, c *spec.AgreeSplit) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer|seller, openStates...)
	if err != nil {
		return nil, err
	}
	if order.SplitBy == 0 || order.SplitBy == t.side(order) {
		return nil, spec.FieldErrorf(spec.SplitMismatch, "order", "the other side proposes no split")
	}
	if toSeller := amount(c.SellerAmount); toSeller != order.SplitAmount {
		return nil, spec.FieldErrorf(spec.SplitMismatch, "seller_amount", "the other side proposes %s CMT", order.SplitAmount)
	}
	t.returnStock(id, order)
	return t.conclude(id, order, order.SplitAmount, split)
}

// side returns which side of the order the actor is; a buyer is never its own seller.
func (t *task) side(order Order) spec.OrderSide {
	if t.actor == order.Buyer {
		return spec.OrderSide_ORDER_SIDE_BUYER
	}
	return spec.OrderSide_ORDER_SIDE_SELLER
}
