package ledger

import (
	"crypto/subtle"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The states, by short names.
const (
	placed     = spec.OrderState_ORDER_STATE_PLACED
	accepted   = spec.OrderState_ORDER_STATE_ACCEPTED
	shipped    = spec.OrderState_ORDER_STATE_SHIPPED
	handedOver = spec.OrderState_ORDER_STATE_HANDED_OVER
	released   = spec.OrderState_ORDER_STATE_RELEASED
	cancelled  = spec.OrderState_ORDER_STATE_CANCELLED
	refunded   = spec.OrderState_ORDER_STATE_REFUNDED
	expired    = spec.OrderState_ORDER_STATE_EXPIRED
	disputed   = spec.OrderState_ORDER_STATE_DISPUTED
	ruled      = spec.OrderState_ORDER_STATE_RULED
)

// finalStates are those that no step leaves.
var finalStates = []spec.OrderState{released, cancelled, refunded, expired, ruled}

// orderCommand is a command about an existing order.
type orderCommand interface {
	proto.Message
	GetOrder() []byte
}

// orderKeys names the order itself.
func orderKeys[C orderCommand](_ *task, c C) []Key { return []Key{OrderKey(identifier(c.GetOrder()))} }

// settlementKeys names the order and, once its buyer is known, the hold that it settles.
func settlementKeys[C orderCommand](t *task, c C) []Key {
	id := identifier(c.GetOrder())
	keys := []Key{OrderKey(id)}
	if order, ok := get[Order](t, OrderKey(id)); ok {
		keys = append(keys, HoldKey(order.Buyer, id))
	}
	return keys
}

func placeOrderKeys(t *task, c *spec.PlaceOrder) []Key {
	listing := identifier(c.Listing)
	return append(t.debitKeys(),
		OrderKey(spec.NewID(spec.OrderType, t.actor, c.Reference)),
		VersionKey(listing, c.Version),
		EndKey(listing, c.Version),
		LotKey(listing, t.lot(listing)))
}

// lot returns the lot that the carrier hints at, else the first.
func (t *task) lot(listing spec.ID) spec.ID {
	if hint := t.call.Hints.GetLot(); len(hint) > 0 {
		return identifier(hint)
	}
	return spec.StockLot(listing, 1, 0)
}

// placeOrder takes stock from one lot and moves the total from the buyer into a hold, under the terms of the named version
// and of the ledger's parameters as they are now.
func placeOrder(t *task, c *spec.PlaceOrder) (proto.Message, error) {
	id := spec.NewID(spec.OrderType, t.actor, c.Reference)
	if has(t, OrderKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.OrderType))
	}
	listing := identifier(c.Listing)
	version, err := t.orderableVersion(listing, c.Version)
	if err != nil {
		return nil, err
	}
	if version.Seller == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "listing", "is the buyer's own")
	}
	total := amount(c.Total)
	want, possible := version.total(c.Quantity)
	if !possible {
		return nil, spec.FieldErrorf(spec.TotalMismatch, "total", "%d × %s and %s for shipping exceed all CMT there can be", c.Quantity, version.Price, version.ShippingPrice)
	}
	if want != total {
		return nil, spec.FieldErrorf(spec.TotalMismatch, "total", "must be %s CMT: %d × %s and %s for shipping", want, c.Quantity, version.Price, version.ShippingPrice)
	}
	if err := t.takeStock(listing, c.Quantity); err != nil {
		return nil, err
	}
	if err := t.debit(total); err != nil {
		return nil, err
	}
	order := t.params().fund(Order{
		State:        accepted,
		Buyer:        t.actor,
		Seller:       version.Seller,
		BuyerMSP:     t.tx.MSPID,
		SellerMSP:    version.SellerMSP,
		Listing:      listing,
		Version:      c.Version,
		Quantity:     c.Quantity,
		Total:        total,
		HandOverHash: hash(c.HandOverHash),
		DeliveryHash: hash(c.DeliveryHash),
	}, t.tx.Time)
	if version.AcceptRequired {
		order.State = placed
	}
	t.put(OrderKey(id), order)
	t.put(HoldKey(t.actor, id), Hold{Amount: total})
	return order.view(id), nil
}

// fund gives an order that begins now the terms that it keeps.
func (p Parameters) fund(order Order, now int64) Order {
	order.FeeAccount, order.FeeBps, order.ReleaseSeconds = p.FeeAccount, p.FeeBps, p.ReleaseSeconds
	order.PlacedAt, order.UpdatedAt = now, now
	order.ShipDeadline = now + int64(p.ShipSeconds)
	order.ProtectionDeadline = now + int64(p.ProtectionSeconds)
	return order
}

// orderableVersion returns the named version if it still takes orders. The listing's head, which its seller rewrites, is not
// read: the mark of a version's end is written once and for good.
func (t *task) orderableVersion(listing spec.ID, number uint32) (Version, error) {
	version, ok := get[Version](t, VersionKey(listing, number))
	if !ok {
		return version, spec.FieldErrorf(spec.NotFound, "listing", "there is no version %d of %s", number, listing.Text(spec.ListingType))
	}
	end, ended := get[End](t, EndKey(listing, number))
	switch {
	case ended && end.Closed:
		return version, spec.FieldErrorf(spec.ListingClosed, "listing", "was closed on %s", utc(end.Time))
	case ended:
		return version, spec.FieldErrorf(spec.VersionStale, "version", "a newer version took its place on %s", utc(end.Time))
	}
	return version, nil
}

// total returns quantity × price + shipping, or false when that exceeds the cap.
func (v Version) total(quantity uint32) (spec.Amount, bool) {
	goods, ok := v.Price.Mul(uint64(quantity))
	total, ok2 := goods.Add(v.ShippingPrice)
	return total, ok && ok2
}

func (t *task) takeStock(listing spec.ID, quantity uint32) error {
	id := t.lot(listing)
	lot, _ := get[Lot](t, LotKey(listing, id))
	if lot.Stock < quantity {
		return spec.FieldErrorf(spec.LotEmpty, "quantity", "%s has %d units left", id.Text(spec.LotType), lot.Stock)
	}
	if lot.Stock -= quantity; lot.Stock == 0 {
		t.remove(LotKey(listing, id))
		return nil
	}
	t.put(LotKey(listing, id), lot)
	return nil
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
		who&outsider != 0 && t.tx.MSPID != order.BuyerMSP && t.tx.MSPID != order.SellerMSP
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

func acceptOrder(t *task, c *spec.AcceptOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, placed)
	if err != nil {
		return nil, err
	}
	if err := order.before(order.ShipDeadline, "the time to ship"); err != nil {
		return nil, err
	}
	return t.move(id, order, accepted), nil
}

// move writes an order that stays open in its next state.
func (t *task) move(id spec.ID, order Order, state spec.OrderState) *spec.OrderView {
	order.State = state
	t.put(OrderKey(id), order)
	return order.view(id)
}

// shipOrder is the seller's word alone, and so starts no clock.
func shipOrder(t *task, c *spec.ShipOrder) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, accepted)
	if err != nil {
		return nil, err
	}
	if err := order.before(order.ShipDeadline, "the time to ship"); err != nil {
		return nil, err
	}
	order.TrackingHash = hash(c.TrackingHash)
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

// reportDelivery takes the word of a carrier that stands behind neither side as the proof of hand-over.
func reportDelivery(t *task, c *spec.ReportDelivery) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, outsider, shipped, disputed)
	if err != nil {
		return nil, err
	}
	if err := order.beforeProof(); err != nil {
		return nil, err
	}
	order.ProofHash = hash(c.ProofHash)
	return t.startRelease(id, order), nil
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

// release pays the seller the hold less the fee. The fee is rounded down; the seller has the rest.
func (t *task) release(id spec.ID, order Order) (proto.Message, error) {
	held, err := t.takeHold(id, order)
	if err != nil {
		return nil, err
	}
	return t.split(id, order, held, spec.Amount{}, released), nil
}

// split pays out what an order held and ends it: the buyer has its part back, the seller the rest less the fee on that.
func (t *task) split(id spec.ID, order Order, held, toBuyer spec.Amount, state spec.OrderState) *spec.OrderView {
	toSeller, _ := held.Sub(toBuyer)
	order.Fee = toSeller.Share(order.FeeBps)
	payout, _ := toSeller.Sub(order.Fee)
	t.credit(order.Seller, payout, spec.CreditKind_CREDIT_KIND_RELEASE)
	t.credit(order.FeeAccount, order.Fee, spec.CreditKind_CREDIT_KIND_FEE)
	t.credit(order.Buyer, toBuyer, spec.CreditKind_CREDIT_KIND_REFUND)
	return t.move(id, order, state)
}

// refund gives the buyer the whole hold back; stock that never left the seller comes back as a lot of its own.
func (t *task) refund(id spec.ID, order Order, state spec.OrderState) (proto.Message, error) {
	held, err := t.takeHold(id, order)
	if err != nil {
		return nil, err
	}
	t.credit(order.Buyer, held, spec.CreditKind_CREDIT_KIND_REFUND)
	if order.State == placed || order.State == accepted {
		t.put(LotKey(order.Listing, spec.ReturnLot(order.Listing, id)), Lot{Stock: order.Quantity})
	}
	return t.move(id, order, state), nil
}

// takeHold ends the order's hold and returns what it held: a hold settles once because it is gone then.
func (t *task) takeHold(id spec.ID, order Order) (spec.Amount, error) {
	key := HoldKey(order.Buyer, id)
	hold, ok := get[Hold](t, key)
	if !ok {
		return spec.Amount{}, spec.Errorf(spec.Internal, "the open order %s has no hold", id.Text(spec.OrderType))
	}
	t.remove(key)
	return hold.Amount, nil
}

func getOrder(t *task, c *spec.GetOrder) (proto.Message, error) {
	id := identifier(c.Order)
	order, ok := get[Order](t, OrderKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "order", "there is no %s", id.Text(spec.OrderType))
	}
	return order.view(id), nil
}

func (o Order) view(id spec.ID) *spec.OrderView {
	held := o.Total
	if slices.Contains(finalStates, o.State) {
		held = spec.Amount{}
	}
	return &spec.OrderView{
		Order:              id[:],
		State:              o.State,
		Buyer:              o.Buyer.Bytes(),
		Seller:             o.Seller.Bytes(),
		Listing:            o.Listing[:],
		Version:            o.Version,
		Quantity:           o.Quantity,
		Total:              o.Total.Bytes(),
		Held:               held.Bytes(),
		FeeBps:             o.FeeBps,
		Fee:                o.Fee.Bytes(),
		PlacedAt:           o.PlacedAt,
		UpdatedAt:          o.UpdatedAt,
		ShipDeadline:       o.ShipDeadline,
		ProtectionDeadline: o.ProtectionDeadline,
		ReleaseDue:         o.ReleaseDue,
		HandOverHash:       optionalHash(o.HandOverHash),
		DeliveryHash:       optionalHash(o.DeliveryHash),
		TrackingHash:       optionalHash(o.TrackingHash),
		ProofHash:          optionalHash(o.ProofHash),
	}
}
