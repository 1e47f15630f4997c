package ledger

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The states of an offer, by short names.
const (
	offerOpen      = spec.OfferState_OFFER_STATE_OPEN
	offerCountered = spec.OfferState_OFFER_STATE_COUNTERED
	offerAccepted  = spec.OfferState_OFFER_STATE_ACCEPTED
	offerDeclined  = spec.OfferState_OFFER_STATE_DECLINED
	offerWithdrawn = spec.OfferState_OFFER_STATE_WITHDRAWN
	offerExpired   = spec.OfferState_OFFER_STATE_EXPIRED
)

// offerCommand is a command about an existing offer. It names the listing, so that whoever carries it knows the stock that it
// may take.
type offerCommand interface {
	proto.Message
	GetListing() []byte
	GetOffer() []byte
}

func keyOfOffer(c offerCommand) Key {
	return OfferKey(identifier(c.GetListing()), identifier(c.GetOffer()))
}

// offerKeys names the offer itself.
func offerKeys[C offerCommand](_ *task, c C) []Key { return []Key{keyOfOffer(c)} }

// endOfferKeys names the offer and, once its buyer is known, its hold.
func endOfferKeys[C offerCommand](t *task, c C) []Key {
	keys := []Key{keyOfOffer(c)}
	if offer, ok := get[Offer](t, keys[0]); ok {
		keys = append(keys, HoldKey(offer.Buyer, identifier(c.GetOffer())))
	}
	return keys
}

func makeOfferKeys(t *task, c *spec.MakeOffer) []Key {
	listing := identifier(c.Listing)
	return append(t.debitKeys(),
		OfferKey(listing, spec.OfferID(t.actor, listing, c.Reference)),
		VersionKey(listing, c.Version),
		EndKey(listing, c.Version))
}

// makeOffer moves the offered total, for units of the listing's first variant, from the buyer into a hold. It touches no stock: an offer reserves nothing.
func makeOffer(t *task, c *spec.MakeOffer) (proto.Message, error) {
	listing := identifier(c.Listing)
	id := spec.OfferID(t.actor, listing, c.Reference)
	if has(t, OfferKey(listing, id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.OfferType))
	}
	version, err := t.orderableVersion(listing, c.Version, 0)
	if err != nil {
		return nil, err
	}
	if version.Seller == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "listing", "is the buyer's own")
	}
	total := amount(c.Total)
	if err := t.atLeastMinimum(total, "total"); err != nil {
		return nil, err
	}
	if err := t.within(c.ExpiresAt, t.params().OfferSeconds, "expires_at"); err != nil {
		return nil, err
	}
	if err := t.debit(total); err != nil {
		return nil, err
	}
	offer := Offer{
		State:        offerOpen,
		Buyer:        t.actor,
		Seller:       version.Seller,
		BuyerMember:  t.member().Index,
		SellerMember: version.SellerMember,
		Version:      c.Version,
		Quantity:     c.Quantity,
		Total:        total,
		CreatedAt:    t.tx.Time,
		UpdatedAt:    t.tx.Time,
		ExpiresAt:    c.ExpiresAt,
		HandOverHash: hash(c.HandOverHash),
		DeliveryHash: hash(c.DeliveryHash),
	}
	t.put(OfferKey(listing, id), offer)
	t.put(HoldKey(t.actor, id), Hold{Amount: total})
	return offer.view(listing, id), nil
}

// openedOffer returns the offer for a step that its buyer, its seller, or anyone (0) may take from the states. It checks in the
// order of the catalogue: not found, not a party, wrong state.
func (t *task) openedOffer(c offerCommand, who party, from ...spec.OfferState) (Offer, error) {
	id := identifier(c.GetOffer())
	offer, ok := get[Offer](t, keyOfOffer(c))
	if !ok {
		return offer, spec.FieldErrorf(spec.NotFound, "offer", "there is no %s on this listing", id.Text(spec.OfferType))
	}
	if who == buyer && t.actor != offer.Buyer || who == seller && t.actor != offer.Seller {
		return offer, spec.FieldErrorf(spec.NotAParty, "offer", "%s may not do this", t.actor)
	}
	if !slices.Contains(from, offer.State) {
		return offer, spec.FieldErrorf(spec.WrongState, "offer", "is %s", spec.EnumText(offer.State.Descriptor(), offer.State.Number()))
	}
	offer.UpdatedAt = max(t.tx.Time, offer.UpdatedAt)
	return offer, nil
}

// beforeExpiry refuses what comes when anyone may expire the offer.
func (o Offer) beforeExpiry() error {
	if o.UpdatedAt >= o.ExpiresAt {
		return spec.FieldErrorf(spec.DeadlinePassed, "offer", "expired on %s", utc(o.ExpiresAt))
	}
	return nil
}

// counterOffer binds nobody: the buyer's money stays with the offer, at the buyer's total.
func counterOffer(t *task, c *spec.CounterOffer) (proto.Message, error) {
	offer, err := t.openedOffer(c, seller, offerOpen, offerCountered)
	if err != nil {
		return nil, err
	}
	counter := amount(c.Total)
	if err := t.atLeastMinimum(counter, "total"); err != nil {
		return nil, err
	}
	if err := offer.beforeExpiry(); err != nil {
		return nil, err
	}
	offer.Counter = counter
	return t.moveOffer(c, offer, offerCountered), nil
}

// moveOffer writes an offer in its next state.
func (t *task) moveOffer(c offerCommand, offer Offer, state spec.OfferState) *spec.OfferView {
	offer.State = state
	t.put(keyOfOffer(c), offer)
	return offer.view(identifier(c.GetListing()), identifier(c.GetOffer()))
}

// acceptOfferKeys names, once the offer is known, the version whose terms the order has. The hold becomes the order's as it is,
// unread.
func acceptOfferKeys(t *task, c *spec.AcceptOffer) []Key {
	listing := identifier(c.Listing)
	keys := []Key{keyOfOffer(c), LotKey(listing, t.lot(listing, 0))}
	if offer, ok := get[Offer](t, keys[0]); ok {
		keys = append(keys, VersionKey(listing, offer.Version))
	}
	return keys
}

// acceptOffer is the seller's word, and so needs no version that still takes orders. What the buyer offered stands, too, when
// the seller has countered it since.
func acceptOffer(t *task, c *spec.AcceptOffer) (proto.Message, error) {
	offer, err := t.openedOffer(c, seller, offerOpen, offerCountered)
	if err != nil {
		return nil, err
	}
	if err := offer.beforeExpiry(); err != nil {
		return nil, err
	}
	if err := t.takeUnits(identifier(c.Listing), offer.Quantity); err != nil {
		return nil, err
	}
	return t.order(c, offer, offer.Total), nil
}

// order makes an order of an offer, under the version's terms and the ledger's parameters as they are now: from now on the money is
// the order's.
func (t *task) order(c offerCommand, offer Offer, total spec.Amount) *spec.OfferView {
	listing := identifier(c.GetListing())
	version, _ := get[Version](t, VersionKey(listing, offer.Version))
	t.putOrder(identifier(c.GetOffer()), version, purchase{
		buyer: offer.Buyer, buyerMember: offer.BuyerMember, listing: listing, version: offer.Version, quantity: offer.Quantity, total: total,
		handOver: offer.HandOverHash, delivery: offer.DeliveryHash, time: offer.UpdatedAt, agreed: true,
	})
	return t.moveOffer(c, offer, offerAccepted)
}

func acceptCounterKeys(t *task, c *spec.AcceptCounter) []Key {
	listing, id := identifier(c.Listing), identifier(c.Offer)
	keys := append(t.debitKeys(), keyOfOffer(c), LotKey(listing, t.lot(listing, 0)), HoldKey(t.actor, id))
	if offer, ok := get[Offer](t, keyOfOffer(c)); ok {
		keys = append(keys, VersionKey(listing, offer.Version), EndKey(listing, offer.Version))
	}
	return keys
}

// acceptCounter is the buyer's word on what the seller asked for, under the same conditions as placing an order.
func acceptCounter(t *task, c *spec.AcceptCounter) (proto.Message, error) {
	offer, err := t.openedOffer(c, buyer, offerCountered)
	if err != nil {
		return nil, err
	}
	if _, err := t.orderableVersion(identifier(c.Listing), offer.Version, 0); err != nil {
		return nil, err
	}
	total := amount(c.Total)
	if total != offer.Counter {
		return nil, spec.FieldErrorf(spec.TotalMismatch, "total", "the seller asks for %s CMT", offer.Counter)
	}
	if err := offer.beforeExpiry(); err != nil {
		return nil, err
	}
	if err := t.takeUnits(identifier(c.Listing), offer.Quantity); err != nil {
		return nil, err
	}
	if more, rising := total.Sub(offer.Total); rising {
		if err := t.debit(more); err != nil {
			return nil, err
		}
	} else {
		less, _ := offer.Total.Sub(total)
		t.credit(t.actor, less, spec.CreditKind_CREDIT_KIND_REFUND)
	}
	t.put(HoldKey(t.actor, identifier(c.Offer)), Hold{Amount: total})
	return t.order(c, offer, total), nil
}

func declineOffer(t *task, c *spec.DeclineOffer) (proto.Message, error) {
	offer, err := t.openedOffer(c, seller, offerOpen, offerCountered)
	if err != nil {
		return nil, err
	}
	return t.endOffer(c, offer, offerDeclined)
}

// withdrawOffer needs nobody's help: until it is accepted the money is the buyer's to take back.
func withdrawOffer(t *task, c *spec.WithdrawOffer) (proto.Message, error) {
	offer, err := t.openedOffer(c, buyer, offerOpen, offerCountered)
	if err != nil {
		return nil, err
	}
	return t.endOffer(c, offer, offerWithdrawn)
}

func expireOffer(t *task, c *spec.ExpireOffer) (proto.Message, error) {
	offer, err := t.openedOffer(c, 0, offerOpen, offerCountered)
	if err != nil {
		return nil, err
	}
	if offer.UpdatedAt < offer.ExpiresAt {
		return nil, spec.FieldErrorf(spec.NotDue, "offer", "is due on %s", utc(offer.ExpiresAt))
	}
	return t.endOffer(c, offer, offerExpired)
}

// endOffer gives the buyer back what the offer held.
func (t *task) endOffer(c offerCommand, offer Offer, state spec.OfferState) (proto.Message, error) {
	id := identifier(c.GetOffer())
	hold, ok := get[Hold](t, HoldKey(offer.Buyer, id))
	if !ok {
		return nil, spec.Errorf(spec.Internal, "the open offer %s has no hold", id.Text(spec.OfferType))
	}
	t.remove(HoldKey(offer.Buyer, id))
	t.credit(offer.Buyer, hold.Amount, spec.CreditKind_CREDIT_KIND_REFUND)
	return t.moveOffer(c, offer, state), nil
}

func getOffer(t *task, c *spec.GetOffer) (proto.Message, error) {
	offer, ok := get[Offer](t, keyOfOffer(c))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "offer", "there is no %s on this listing", identifier(c.Offer).Text(spec.OfferType))
	}
	return offer.view(identifier(c.Listing), identifier(c.Offer)), nil
}

func listOffers(t *task, c *spec.ListOffers) (proto.Message, error) {
	entries, next, err := t.reader.Page(OfferKind, string(c.Listing), c.Cursor, pageLimit(c.Limit))
	if err != nil {
		return nil, err
	}
	page := &spec.OfferPage{NextCursor: next}
	for _, entry := range entries {
		page.Offers = append(page.Offers, entry.Record.(Offer).view(identifier(c.Listing), spec.ID([]byte(entry.Key.ID))))
	}
	return page, nil
}

func (o Offer) view(listing, id spec.ID) *spec.OfferView {
	view := &spec.OfferView{
		Offer:        id[:],
		State:        o.State,
		Buyer:        o.Buyer.Bytes(),
		Seller:       o.Seller.Bytes(),
		Listing:      listing[:],
		Version:      o.Version,
		Quantity:     o.Quantity,
		Total:        o.Total.Bytes(),
		Counter:      o.Counter.Bytes(),
		CreatedAt:    o.CreatedAt,
		UpdatedAt:    o.UpdatedAt,
		ExpiresAt:    o.ExpiresAt,
		HandOverHash: optionalHash(o.HandOverHash),
		DeliveryHash: optionalHash(o.DeliveryHash),
	}
	switch o.State {
	case offerOpen, offerCountered:
		view.Held = o.Total.Bytes()
	case offerAccepted:
		view.Order = id[:]
	}
	return view
}
