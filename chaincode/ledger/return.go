package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// askReturn stops the release clock, once an order: who could ask again and again would never let the seller be paid.
func askReturn(t *task, c *spec.AskReturn) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer, handedOver)
	if err != nil {
		return nil, err
	}
	if order.ReturnDue > 0 {
		return nil, spec.FieldErrorf(spec.WrongState, "order", "a return was asked before")
	}
	if err := order.before(order.ReleaseDue, "the time before release"); err != nil {
		return nil, err
	}
	order.ReturnHash = hash(c.ReasonHash)
	return t.move(id, order.nextReturn(), returnAsked), nil
}

// nextReturn gives the next step of a return its time.
func (o Order) nextReturn() Order {
	o.ReturnDue = o.UpdatedAt + int64(o.ReturnSeconds)
	return o
}

// lapse is when a return that the seller was silent about and the buyer did not send is over.
func (o Order) lapse() int64 { return o.ReturnDue + int64(o.ReturnSeconds) }

func acceptReturn(t *task, c *spec.AcceptReturn) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, returnAsked)
	if err != nil {
		return nil, err
	}
	if err := order.before(order.ReturnDue, "the time to answer"); err != nil {
		return nil, err
	}
	return t.move(id, order.nextReturn(), returnAccepted), nil
}

// declineReturn lets the release clock go on, but leaves the buyer the time of a step to open a dispute.
func declineReturn(t *task, c *spec.DeclineReturn) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, returnAsked)
	if err != nil {
		return nil, err
	}
	if err := order.before(order.ReturnDue, "the time to answer"); err != nil {
		return nil, err
	}
	order = order.nextReturn()
	order.ReleaseDue = max(order.ReleaseDue, order.ReturnDue)
	return t.move(id, order, handedOver), nil
}

// shipReturn is the buyer's word. Whoever of the two sides is silent loses: the seller who did not answer has agreed, the one who
// neither refunds nor contests in time what comes back has received it.
func shipReturn(t *task, c *spec.ShipReturn) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer, returnAsked, returnAccepted)
	if err != nil {
		return nil, err
	}
	end := order.ReturnDue
	if order.State == returnAsked {
		end = order.lapse()
	}
	if err := order.before(end, "the time to send it back"); err != nil {
		return nil, err
	}
	if order.State == returnAsked {
		if err := order.due(order.ReturnDue); err != nil {
			return nil, err
		}
	}
	order.ReturnSent, order.ReturnTrackingHash = true, hash(c.TrackingHash)
	return t.move(id, order.nextReturn(), returnShipped), nil
}
