package ledger

import (
	"crypto/subtle"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func acceptOrder(t *task, c *spec.AcceptOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, placed)
	if err != nil {
		return nil, err
	}
	if err := order.before(order.ShipDeadline, "the time to ship"); err != nil {
		return nil, err
	}
	return t.move(id, order, order.begun()), nil
}

// begun is the state of an order that the seller took.
func (o Order) begun() spec.OrderState {
	if o.Milestones > 0 {
		return commissioned
	}
	return accepted
}

// shipOrder is the seller's word alone, and so starts no clock. Units that go in several parcels are counted until all went.
func shipOrder(t *task, c *spec.ShipOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, accepted, partShipped)
	if err != nil {
		return nil, err
	}
	if err := order.before(order.ShipDeadline, "the time to ship"); err != nil {
		return nil, err
	}
	left := order.Quantity - order.Shipped
	if c.Quantity > left {
		return nil, spec.FieldErrorf(spec.NotEnoughHeld, "quantity", "%d units are left to ship", left)
	}
	order.TrackingHash = hash(c.TrackingHash)
	if c.Quantity > 0 && c.Quantity < left {
		order.Shipped += c.Quantity
		return t.move(id, order, partShipped), nil
	}
	order.Shipped = 0
	return t.move(id, order, shipped), nil
}

// expireRest refunds the units that did not go in time; those that went are shipped. The share of those in the total is rounded
// down, and what was refunded before counts for the others.
func (t *task) expireRest(id spec.ID, order Order) (proto.Message, error) {
	share := order.shippedShare(t.linesOf(id, order))
	rest, some := minus(order.Total, share).Sub(order.Refunded)
	if !some {
		rest = spec.Amount{}
	}
	if order.Held().Less(rest) {
		rest = order.Held()
	}
	t.returnStock(id, order)
	order, err := t.payOut(id, order, spec.Amount{}, rest)
	if err != nil {
		return nil, err
	}
	order.Shipped = 0
	if order.Held().IsZero() {
		return t.move(id, order, expired), nil
	}
	return t.move(id, order, shipped), nil
}

// handOverOrder takes the buyer's code, revealed, as the proof of hand-over: with shipment or, on the spot, without.
func handOverOrder(t *task, c *spec.HandOverOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer|seller, accepted, shipped, disputed)
	if err != nil {
		return nil, err
	}
	if err := order.beforeProof(); err != nil {
		return nil, err
	}
	// An order without a commitment has the zero hash, which no code makes.
	if subtle.ConstantTimeCompare(order.HandOverHash[:], spec.HandOverHash(id, c.Code)) != 1 {
		return nil, spec.FieldErrorf(spec.WrongCode, "code", "does not match the buyer's commitment")
	}
	return t.startRelease(id, order), nil
}

// reportDelivery takes the word of a carrier that stands behind neither side as the proof of hand-over: to the buyer, or, of what was
// sent back, to the seller.
func reportDelivery(t *task, c *spec.ReportDelivery) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, outsider, shipped, returnShipped, disputed)
	if err != nil {
		return nil, err
	}
	if order.ReturnSent {
		return t.proveReturn(id, order, c)
	}
	if order.Milestones > 0 {
		return nil, spec.FieldErrorf(spec.WrongState, "order", "is of a service, which no carrier brings")
	}
	if err := order.beforeProof(); err != nil {
		return nil, err
	}
	order.ProofHash = hash(c.ProofHash)
	return t.startRelease(id, order), nil
}

// proveReturn starts no clock: that of the seller, to refund or to contest, runs since it was sent. It decides what the default of a
// dispute is, and a dispute does not keep it away.
func (t *task) proveReturn(id spec.ID, order Order, c *spec.ReportDelivery) (proto.Message, error) {
	if order.ReturnProven {
		return nil, spec.FieldErrorf(spec.WrongState, "order", "the return was proven before")
	}
	if order.State == returnShipped {
		if err := order.before(order.ReturnDue, "the time to contest the return"); err != nil {
			return nil, err
		}
	}
	order.ReturnProven, order.ReturnProofHash = true, hash(c.ProofHash)
	return t.move(id, order, order.State), nil
}

// beforeProof refuses a proof of hand-over that is there already or comes too late. A dispute does not keep it away: it decides what the
// default is.
func (o Order) beforeProof() error {
	if o.proven() {
		return spec.FieldErrorf(spec.WrongState, "order", "hand-over was proven before")
	}
	if o.State == accepted {
		return o.before(o.ShipDeadline, "the time to ship")
	}
	return o.before(o.ProtectionDeadline, "protection")
}

// startRelease starts the release clock, once: the state does not come back.
func (t *task) startRelease(id spec.ID, order Order) *spec.OrderView {
	order.ReleaseDue = order.UpdatedAt + int64(order.ReleaseSeconds)
	if order.State == disputed {
		return t.move(id, order, disputed)
	}
	return t.move(id, order, handedOver)
}
