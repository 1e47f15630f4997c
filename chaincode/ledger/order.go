package ledger

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The states, by short names.
const (
	placed         = spec.OrderState_ORDER_STATE_PLACED
	accepted       = spec.OrderState_ORDER_STATE_ACCEPTED
	commissioned   = spec.OrderState_ORDER_STATE_COMMISSIONED
	partShipped    = spec.OrderState_ORDER_STATE_PART_SHIPPED
	shipped        = spec.OrderState_ORDER_STATE_SHIPPED
	handedOver     = spec.OrderState_ORDER_STATE_HANDED_OVER
	working        = spec.OrderState_ORDER_STATE_WORKING
	returnAsked    = spec.OrderState_ORDER_STATE_RETURN_ASKED
	returnAccepted = spec.OrderState_ORDER_STATE_RETURN_ACCEPTED
	returnShipped  = spec.OrderState_ORDER_STATE_RETURN_SHIPPED
	released       = spec.OrderState_ORDER_STATE_RELEASED
	cancelled      = spec.OrderState_ORDER_STATE_CANCELLED
	refunded       = spec.OrderState_ORDER_STATE_REFUNDED
	expired        = spec.OrderState_ORDER_STATE_EXPIRED
	split          = spec.OrderState_ORDER_STATE_SPLIT
	disputed       = spec.OrderState_ORDER_STATE_DISPUTED
	ruled          = spec.OrderState_ORDER_STATE_RULED
)

// openStates are those in which an order holds money.
var openStates = []spec.OrderState{
	placed, accepted, commissioned, partShipped, shipped, handedOver, working, returnAsked, returnAccepted, returnShipped, disputed,
}

// finalStates are those that no step leaves.
var finalStates = []spec.OrderState{released, cancelled, refunded, expired, split, ruled}

// orderCommand is a command about an existing order.
type orderCommand interface {
	proto.Message
	GetOrder() []byte
}

// orderKeys names the order itself.
func orderKeys[C orderCommand](_ *task, c C) []Key { return []Key{OrderKey(identifier(c.GetOrder()))} }

// settlementKeys names the order and, once that is known, the hold that it settles and a service's milestones or a cart's lines.
func settlementKeys[C orderCommand](t *task, c C) []Key {
	id := identifier(c.GetOrder())
	order, ok := get[Order](t, OrderKey(id))
	if !ok {
		return []Key{OrderKey(id)}
	}
	keys := []Key{OrderKey(id), HoldKey(order.Buyer, id)}
	if order.Milestones > 0 {
		keys = append(keys, MilestonesKey(id))
	}
	if order.Lines > 0 {
		keys = append(keys, LinesKey(id))
	}
	return keys
}

// party says who may take a step of an order; none means anyone.
type party int

const (
	buyer party = 1 << iota
	seller
	// outsider is an organisation that stands behind neither side.
	outsider
)

// is reports whether the caller is one of the parties to the order.
func (t *task) is(who party, order Order) bool {
	return who == 0 ||
		who&buyer != 0 && t.actor == order.Buyer ||
		who&seller != 0 && t.actor == order.Seller ||
		who&outsider != 0 && t.member().Index != order.BuyerMember && t.member().Index != order.SellerMember
}

// openOrder returns the order for a step that the parties may take from the states. It checks the order of the catalogue:
// not found, not a party, wrong state.
func (t *task) openOrder(b []byte, who party, from ...spec.OrderState) (spec.ID, Order, error) {
	id := identifier(b)
	order, ok := get[Order](t, OrderKey(id))
	if !ok {
		return id, order, spec.FieldErrorf(spec.NotFound, "order", "there is no %s", id.Text(spec.OrderType))
	}
	if !t.is(who, order) {
		return id, order, spec.FieldErrorf(spec.NotAParty, "order", "%s of %s may not do this", t.actor, t.tx.MSPID)
	}
	if !slices.Contains(from, order.State) {
		return id, order, spec.FieldErrorf(spec.WrongState, "order", "is %s", spec.EnumText(order.State.Descriptor(), order.State.Number()))
	}
	// An object's time never goes back, whatever clock a client has.
	order.UpdatedAt = max(t.tx.Time, order.UpdatedAt)
	return id, order, nil
}

// before refuses what comes at or after a deadline.
func (o Order) before(deadline int64, what string) error {
	if o.UpdatedAt >= deadline {
		return spec.FieldErrorf(spec.DeadlinePassed, "order", "%s ended on %s", what, utc(deadline))
	}
	return nil
}

// due refuses what comes before its time.
func (o Order) due(deadline int64) error {
	if o.UpdatedAt < deadline {
		return spec.FieldErrorf(spec.NotDue, "order", "is due on %s", utc(deadline))
	}
	return nil
}

// move writes an order that stays open in its next state.
func (t *task) move(id spec.ID, order Order, state spec.OrderState) *spec.OrderView {
	order.State = state
	t.put(OrderKey(id), order)
	return order.view(id)
}

func getOrder(t *task, c *spec.GetOrder) (proto.Message, error) {
	id := identifier(c.Order)
	order, ok := get[Order](t, OrderKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "order", "there is no %s", id.Text(spec.OrderType))
	}
	lines, _ := get[Lines](t, LinesKey(id))
	return order.viewWith(id, lines), nil
}

func (o Order) view(id spec.ID) *spec.OrderView {
	return &spec.OrderView{
		Order:              id[:],
		State:              o.State,
		Buyer:              o.Buyer.Bytes(),
		Seller:             o.Seller.Bytes(),
		Listing:            o.Listing[:],
		Version:            o.Version,
		Quantity:           o.Quantity,
		Total:              o.Total.Bytes(),
		Held:               o.Held().Bytes(),
		FeeBps:             o.FeeBps,
		Fee:                o.Fee().Bytes(),
		PlacedAt:           o.PlacedAt,
		UpdatedAt:          o.UpdatedAt,
		ShipDeadline:       o.ShipDeadline,
		ProtectionDeadline: o.ProtectionDeadline,
		ReleaseDue:         o.ReleaseDue,
		Released:           o.Released.Bytes(),
		Refunded:           o.Refunded.Bytes(),
		Variant:            o.Variant,
		Shipped:            o.Shipped,
		LineCount:          o.Lines,
		Discount:           o.Discount.Bytes(),
		Milestones:         o.Milestones,
		SplitBy:            o.SplitBy,
		SplitAmount:        o.SplitAmount.Bytes(),
		ReturnDue:          o.ReturnDue,
		ReturnSent:         o.ReturnSent,
		ReturnProven:       o.ReturnProven,
		ReturnHash:         optionalHash(o.ReturnHash),
		ReturnTrackingHash: optionalHash(o.ReturnTrackingHash),
		ReturnProofHash:    optionalHash(o.ReturnProofHash),
		HandOverHash:       optionalHash(o.HandOverHash),
		DeliveryHash:       optionalHash(o.DeliveryHash),
		TrackingHash:       optionalHash(o.TrackingHash),
		ProofHash:          optionalHash(o.ProofHash),
	}
}
