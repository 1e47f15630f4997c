package simulate

import (
	"math/big"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// offerCommand is a command about an offer that there is.
type offerCommand interface {
	proto.Message
	GetListing() []byte
	GetOffer() []byte
}

// standing reports whether an offer in the state holds money.
func standing(s spec.OfferState) bool {
	return s == spec.OfferState_OFFER_STATE_OPEN || s == spec.OfferState_OFFER_STATE_COUNTERED
}

// offerOf returns the change of the offer whose digest a hold bears, or nil.
func offerOf(changes []change, hold ledger.Key) *change {
	for i := range changes {
		if changes[i].key.Kind == ledger.OfferKind && changes[i].key.ID == hold.ID {
			return &changes[i]
		}
	}
	return nil
}

// offer writes down that a buyer offered.
func (b *books) offer(deed *act, c *spec.MakeOffer) {
	key := ledger.OfferKey(spec.ID(c.Listing), spec.OfferID(deed.actor, spec.ID(c.Listing), c.Reference))
	if _, again := b.offers[key]; again || b.records[key] != nil {
		b.fault("the offer %x is made a second time", key.ID)
	}
	version, _ := b.after(ledger.VersionKey(spec.ID(c.Listing), c.Version)).(ledger.Version)
	total, err := spec.AmountFromBytes(c.Total)
	if err != nil {
		b.fault("%w", err)
	}
	b.spend(deed.actor, units(total))
	b.offers[key] = ledger.Offer{
		State: spec.OfferState_OFFER_STATE_OPEN, Buyer: deed.actor, Seller: version.Seller, SellerMember: version.SellerMember, Version: c.Version,
		Quantity: c.Quantity, Total: total, ExpiresAt: c.ExpiresAt,
	}
}

// haggle writes down what a command makes of an offer.
func (b *books) haggle(deed *act, c offerCommand) {
	id := spec.ID(c.GetOffer())
	key := ledger.OfferKey(spec.ID(c.GetListing()), id)
	o, begun := b.offers[key]
	if !begun {
		o, _ = b.records[key].(ledger.Offer)
	}
	if !standing(o.State) {
		b.fault("offer %x is answered and is %s", id, o.State)
	}
	by := o.Seller
	switch c := c.(type) {
	case *spec.CounterOffer:
		o.State = spec.OfferState_OFFER_STATE_COUNTERED
		o.Counter, _ = spec.AmountFromBytes(c.Total)
	case *spec.AcceptOffer:
		b.orderOffer(id, key, &o, o.Total)
	case *spec.AcceptCounter:
		by = o.Buyer
		if o.State != spec.OfferState_OFFER_STATE_COUNTERED {
			b.fault("offer %x: a counter-offer is accepted that was not made", id)
		}
		if more := new(big.Int).Sub(units(o.Counter), units(o.Total)); more.Sign() > 0 {
			b.spend(o.Buyer, more)
		} else {
			b.give(o.Buyer.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, more.Neg(more))
		}
		b.orderOffer(id, key, &o, o.Counter)
	case *spec.DeclineOffer:
		b.endOffer(&o, spec.OfferState_OFFER_STATE_DECLINED)
	case *spec.WithdrawOffer:
		by = o.Buyer
		b.endOffer(&o, spec.OfferState_OFFER_STATE_WITHDRAWN)
	case *spec.ExpireOffer:
		by = deed.actor
		b.endOffer(&o, spec.OfferState_OFFER_STATE_EXPIRED)
	}
	if by != deed.actor {
		b.fault("offer %x comes to %s by %s", id, o.State, deed.actor)
	}
	b.offers[key] = o
}

// orderOffer: an accepted offer is an order, for what was agreed.
func (b *books) orderOffer(id spec.ID, key ledger.Key, o *ledger.Offer, agreed spec.Amount) {
	o.State = spec.OfferState_OFFER_STATE_ACCEPTED
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	version, _ := b.after(ledger.VersionKey(spec.ID([]byte(key.Parent)), o.Version)).(ledger.Version)
	// The seller has taken the order already.
	version.AcceptRequired = false
	b.begin(id, order, version)
	if order.Buyer != o.Buyer || order.Seller != o.Seller || order.Quantity != o.Quantity || order.Variant != 0 || order.Total != agreed || string(order.Listing[:]) != key.Parent {
		b.fault("the order %x is not what was agreed on", id)
	}
	b.stock[order.Listing] -= int64(order.Quantity)
}

// endOffer: without an agreement the buyer has back what was held.
func (b *books) endOffer(o *ledger.Offer, state spec.OfferState) {
	o.State = state
	b.give(o.Buyer.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, units(o.Total))
}

// checkOffers: an offer takes only steps that commands ask for; its hold begins and ends with it, or becomes its order's.
func (b *books) checkOffers() {
	for _, c := range b.changes {
		after, ok := c.after.(ledger.Offer)
		if !ok {
			continue
		}
		want, asked := b.offers[c.key]
		if !asked || bargain(want) != bargain(after) {
			b.fault("offer %x is %+v, what was asked makes it %+v", c.key.ID, after, want)
		}
		if before, existed := c.before.(ledger.Offer); existed && after.UpdatedAt < before.UpdatedAt {
			b.fault("offer %x goes back in time", c.key.ID)
		}
		if after.State == spec.OfferState_OFFER_STATE_ACCEPTED {
			continue // the order's hold, which checkOrder holds to the order
		}
		var held ledger.Record
		if standing(after.State) {
			held = ledger.Hold{Amount: after.Total}
		}
		if hold := ledger.HoldKey(after.Buyer, spec.ID([]byte(c.key.ID))); b.after(hold) != held {
			b.fault("offer %x is %s and holds %v", c.key.ID, after.State, b.after(hold))
		}
	}
}

// bargain is what of an offer commands say.
func bargain(o ledger.Offer) ledger.Offer {
	return ledger.Offer{
		State: o.State, Buyer: o.Buyer, Seller: o.Seller, SellerMember: o.SellerMember, Version: o.Version, Quantity: o.Quantity, Total: o.Total,
		Counter: o.Counter, ExpiresAt: o.ExpiresAt,
	}
}

// review: a side of an order that is over says once what it thinks, and nothing else is written of it.
func (b *books) review(deed *act, c *spec.GiveReview) {
	id := spec.ID(c.Order)
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	by := spec.Side_SIDE_BUYER
	if deed.actor != order.Buyer {
		by = spec.Side_SIDE_SELLER
	}
	if order.State == 0 || open(order.State) || deed.actor != order.Buyer && deed.actor != order.Seller {
		b.fault("%s reviews order %x, which is %s", deed.actor, id, order.State)
	}
	written := find(b.changes, ledger.ReviewKey(id, by))
	if written == nil || written.before != nil {
		b.fault("%s reviews order %x and no new review is written", deed.actor, id)
		return
	}
	if review, _ := written.after.(ledger.Review); review.Rating != c.Rating {
		b.fault("%s gives order %x %d, and %d is written", deed.actor, id, c.Rating, review.Rating)
	}
}
