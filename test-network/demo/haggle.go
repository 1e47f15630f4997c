package demo

import (
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// haggle: the buyer offers less, the seller asks for more, and they meet in between; both are people with keys.
func haggle(s *scene) {
	frank, grace := s.part("frank"), s.part("grace")
	listing := s.lists(grace, "A camera, used twice", &spec.CreateListing{
		Price: cmt("90"), Stock: 1, Category: "cameras",
	}, "grace signs a listing: a camera at 90 CMT")

	offer := &spec.MakeOffer{
		Reference: reference(), Listing: listing.GetListing(), Version: listing.GetVersion(), Quantity: 1, Total: cmt("70"),
		ExpiresAt: time.Now().Add(5 * time.Minute).Unix(),
	}
	// The order that the offer becomes has the offer's digest, so that the code is bound to it from the beginning.
	id := spec.OfferID(frank.address, spec.ID(listing.GetListing()), offer.Reference)
	code := randomBytes(codeBytes)
	offer.HandOverHash = spec.HandOverHash(id, code)
	s.step(frank, "market:MakeOffer", offer, "frank signs an offer; 70 CMT are held")
	s.say("    %s", id.Text(spec.OfferType))
	s.step(grace, "market:CounterOffer", &spec.CounterOffer{Listing: listing.GetListing(), Offer: id[:], Total: cmt("82.5")}, "grace signs that she wants 82.5")
	s.step(frank, "market:AcceptCounter", &spec.AcceptCounter{Listing: listing.GetListing(), Offer: id[:], Total: cmt("82.5")}, "frank signs that he takes it; 12.5 more are held")

	order := id[:]
	s.holds(frank, order, "82.5")
	s.step(grace, "market:ShipOrder", &spec.ShipOrder{Order: order}, "grace signs that it is on its way")
	s.step(grace, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: code}, "frank's code proves the hand-over")
	s.step(frank, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order}, "frank signs that he has it; grace is paid")
	s.settled(order, spec.OrderState_ORDER_STATE_RELEASED)
	s.sold(frank, grace, "82.5")
}
