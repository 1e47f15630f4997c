package simulate_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// drawHaggling makes an offer, or answers one.
func (h *history) drawHaggling(who *player) (string, proto.Message, *spec.Hints) {
	listings := h.auditor.Listings()
	if len(listings) == 0 {
		return h.drawListing(who)
	}
	listing := listings[h.rand.IntN(len(listings))]
	if listed, offer := h.drawOffer(); offer != nil && !h.oneIn(4) {
		return h.drawAnswer(who, listed, *offer)
	}
	if !h.oneIn(3) {
		*who = h.players[buyersAt+h.rand.IntN(len(h.players)-buyersAt)]
	}
	head := h.auditor.Record(ledger.ListingKey(listing)).(ledger.Listing)
	reference := h.reference()
	command := &spec.MakeOffer{
		Reference: reference, Listing: listing[:], Version: 1 + uint32(h.rand.IntN(int(head.Version))), Quantity: 1 + uint32(h.rand.IntN(3)),
		Total: h.positive(), ExpiresAt: h.Now() + int64(h.rand.IntN(offerSeconds+20)),
		HandOverHash: spec.HandOverHash(spec.OfferID(who.address, listing, reference), code),
	}
	if !h.oneIn(5) {
		command.Version = head.Version
	}
	if h.oneIn(2) {
		command.ExpiresAt = h.Now() + offerSeconds - 100 // time to haggle
	}
	return "market:MakeOffer", command, h.folding(who)
}

// drawOffer chooses an offer, mostly one that stands, often one whose counter-offer can be accepted, and its listing.
func (h *history) drawOffer() (listing spec.ID, offer *ledger.Entry) {
	var all, standing, countered []ledger.Entry
	for _, id := range h.auditor.Listings() {
		if len(h.entries(ledger.LotKind, id[:])) == 0 && !h.oneIn(5) {
			continue // sold out: nothing comes of what is offered
		}
		for _, entry := range h.entries(ledger.OfferKind, id[:]) {
			all = append(all, entry)
			if s := entry.Record.(ledger.Offer).State; s == spec.OfferState_OFFER_STATE_OPEN || s == spec.OfferState_OFFER_STATE_COUNTERED {
				standing = append(standing, entry)
				head := h.auditor.Record(ledger.ListingKey(id)).(ledger.Listing)
				inTime := entry.Record.(ledger.Offer).ExpiresAt > h.Now()+60
				if s == spec.OfferState_OFFER_STATE_COUNTERED && inTime && !head.Closed && head.Version == entry.Record.(ledger.Offer).Version {
					countered = append(countered, entry)
				}
			}
		}
	}
	if len(standing) > 0 && !h.oneIn(5) {
		all = standing
	}
	if len(countered) > 0 && !h.oneIn(4) {
		all = countered
		if persons := slices.DeleteFunc(slices.Clone(countered), func(e ledger.Entry) bool {
			return e.Record.(ledger.Offer).Buyer.Type != spec.KeyAccount
		}); len(persons) > 0 && !h.oneIn(3) {
			all = persons
		}
	}
	if len(all) == 0 {
		return listing, nil
	}
	offer = &all[h.rand.IntN(len(all))]
	return spec.ID([]byte(offer.Key.Parent)), offer
}

// drawAnswer is a step of an offer, mostly by who may.
func (h *history) drawAnswer(who *player, listing spec.ID, entry ledger.Entry) (string, proto.Message, *spec.Hints) {
	offer := entry.Record.(ledger.Offer)
	l, o := listing[:], []byte(entry.Key.ID)
	as := func(address spec.Address) *spec.Hints {
		if !h.oneIn(8) {
			h.become(who, address)
		}
		hints := h.folding(who)
		lots := h.entries(ledger.LotKind, l)
		if enough := slices.DeleteFunc(slices.Clone(lots), func(e ledger.Entry) bool {
			lot := e.Record.(ledger.Lot)
			return lot.Variant != 0 || lot.Stock < offer.Quantity
		}); len(enough) > 0 && !h.oneIn(5) {
			lots = enough
		}
		if len(lots) > 0 && !h.oneIn(10) {
			hints.Lot = []byte(lots[h.rand.IntN(len(lots))].Key.ID)
		}
		return hints
	}
	step := h.rand.IntN(6)
	switch {
	case offer.State == spec.OfferState_OFFER_STATE_COUNTERED && !h.oneIn(4):
		step = 2
	case h.oneIn(2):
		step = h.rand.IntN(2)
	}
	switch step {
	case 0:
		return "market:CounterOffer", &spec.CounterOffer{Listing: l, Offer: o, Total: h.positive()}, as(offer.Seller)
	case 1:
		return "market:AcceptOffer", &spec.AcceptOffer{Listing: l, Offer: o}, as(offer.Seller)
	case 2:
		total := offer.Counter.Bytes()
		if len(total) == 0 || h.oneIn(5) {
			total = h.positive()
		}
		return "market:AcceptCounter", &spec.AcceptCounter{Listing: l, Offer: o, Total: total}, as(offer.Buyer)
	case 3:
		if !h.oneIn(3) {
			break
		}
		return "market:DeclineOffer", &spec.DeclineOffer{Listing: l, Offer: o}, as(offer.Seller)
	case 4:
		if !h.oneIn(3) {
			break
		}
		return "market:WithdrawOffer", &spec.WithdrawOffer{Listing: l, Offer: o}, as(offer.Buyer)
	}
	return "market:ExpireOffer", &spec.ExpireOffer{Listing: l, Offer: o}, nil
}

// Buyers who haggle over one listing, and the seller who answers them one by one, stand in nobody's way; only who takes from
// one lot meets.
func TestOffersOnOneListingConflictWithNobody(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	for n := range crowd {
		b.fund(buyers, buyerName(n), spec.CMT(10))
	}
	b.fund(merchant, "", spec.CMT(1))
	listing := b.list("lamp", spec.CMT(3), 100, 2, false)
	offer := func(n int) []byte {
		id := spec.OfferID(spec.SubAccountAddress(buyers, buyerName(n)), listing, "o")
		return id[:]
	}
	all := func(what string, envelopes ...*simulate.Envelope) {
		t.Helper()
		for _, envelope := range envelopes {
			b.Submit(envelope)
		}
		if block := b.cut(); block.Count(simulate.Valid) != len(envelopes) {
			t.Errorf("%s: %d of %d are valid in one block", what, block.Count(simulate.Valid), len(envelopes))
		}
	}
	var made, answered, ended []*simulate.Envelope
	for n := range crowd {
		made = append(made, b.mustEndorse(buyers, buyerName(n), "market:MakeOffer", &spec.MakeOffer{
			Reference: "o", Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(2).Bytes(), ExpiresAt: b.Now() + offerSeconds,
		}, nil))
	}
	all("offers", made...)
	for n := range crowd - 2 {
		answered = append(answered, b.mustEndorse(merchant, "", "market:CounterOffer", &spec.CounterOffer{Listing: listing[:], Offer: offer(n), Total: spec.CMT(3).Bytes()}, nil))
	}
	for n := range uint32(2) {
		lot := spec.StockLot(listing, 1, n)
		answered = append(answered, b.mustEndorse(merchant, "", "market:AcceptOffer", &spec.AcceptOffer{Listing: listing[:], Offer: offer(crowd - 2 + int(n))}, &spec.Hints{Lot: lot[:]}))
	}
	// The seller itself is paid and pays meanwhile: its account is no part of it.
	answered = append(answered, b.mustEndorse(merchant, "", "token:Transfer", &spec.Transfer{Reference: "p", To: spec.OrganisationAddress(operator).Bytes(), Amount: spec.CMT(1).Bytes()}, nil))
	all("answers", answered...)
	for n := range crowd - 2 {
		ended = append(ended, b.mustEndorse(buyers, buyerName(n), "market:WithdrawOffer", &spec.WithdrawOffer{Listing: listing[:], Offer: offer(n)}, nil))
	}
	all("withdrawals", ended...)
}

// Whoever comes first of the seller who accepts and the buyer who withdraws wins; the other has no effect.
func TestAnOfferEndsOnce(t *testing.T) {
	for _, accepts := range []bool{true, false} {
		b := openBazaar(t, simulate.Config{})
		b.fund(buyers, "anna", spec.CMT(10))
		listing := b.list("lamp", spec.CMT(3), 5, 1, false)
		buyer := spec.SubAccountAddress(buyers, "anna")
		id := spec.OfferID(buyer, listing, "o")
		b.must(buyers, "anna", "market:MakeOffer", &spec.MakeOffer{Reference: "o", Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(2).Bytes(), ExpiresAt: b.Now() + 100}, nil)
		winner := b.mustEndorse(merchant, "", "market:AcceptOffer", &spec.AcceptOffer{Listing: listing[:], Offer: id[:]}, nil)
		loser := b.mustEndorse(buyers, "anna", "market:WithdrawOffer", &spec.WithdrawOffer{Listing: listing[:], Offer: id[:]}, nil)
		if !accepts {
			winner, loser = loser, winner
		}
		b.Submit(winner)
		b.Submit(loser)
		b.cut()
		b.expect("the first", winner, simulate.Valid)
		b.expect("the second", loser, simulate.MVCCReadConflict)
		if b.auditor.Record(ledger.OrderKey(id)) != nil != accepts {
			t.Errorf("accepted first %t: the order is %v", accepts, b.auditor.Record(ledger.OrderKey(id)))
		}
	}
}

// drawReview is what somebody, mostly a side, says of an order.
func (h *history) drawReview(who *player, id spec.ID) (string, proto.Message, *spec.Hints) {
	order := h.auditor.Record(ledger.OrderKey(id)).(ledger.Order)
	if !h.oneIn(8) {
		h.become(who, []spec.Address{order.Seller, order.Buyer}[h.rand.IntN(2)])
	}
	return "market:GiveReview", &spec.GiveReview{Order: id[:], Rating: 1 + uint32(h.rand.IntN(5)), ContentHash: make([]byte, 32)}, nil
}

// Everybody may review one seller in one block, and the seller its buyers.
func TestReviewersOfOneSellerConflictWithNobody(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	listing := b.list("lamp", spec.CMT(1), 1000, 1, false)
	var orders [][]byte
	for n := range crowd {
		b.fund(buyers, buyerName(n), spec.CMT(1))
		b.must(buyers, buyerName(n), "market:PlaceOrder", b.order("o", listing, 1, spec.CMT(1)), nil)
		id := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, buyerName(n)), "o")
		b.must(buyers, buyerName(n), "market:ConfirmOrder", &spec.ConfirmOrder{Order: id[:]}, nil)
		orders = append(orders, id[:])
	}
	for n, order := range orders {
		b.Submit(b.mustEndorse(buyers, buyerName(n), "market:GiveReview", &spec.GiveReview{Order: order, Rating: 5, ContentHash: make([]byte, 32)}, nil))
		b.Submit(b.mustEndorse(merchant, "", "market:GiveReview", &spec.GiveReview{Order: order, Rating: 5, ContentHash: make([]byte, 32)}, nil))
	}
	if block := b.cut(); block.Count(simulate.Valid) != 2*crowd {
		t.Errorf("%d of %d reviews are valid in one block", block.Count(simulate.Valid), 2*crowd)
	}
	b.refused(spec.WrongState, buyers, buyerName(0), "market:GiveReview", &spec.GiveReview{Order: orders[0], Rating: 1, ContentHash: make([]byte, 32)}, nil)
}
