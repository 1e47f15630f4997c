package demo

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// codeBytes is the length of a hand-over code.
const codeBytes = 16

// lists offers something for sale. The content stays off the ledger.
func (s *scene) lists(seller *person, content string, terms *spec.CreateListing, line string) *spec.ListingView {
	terms.Reference, terms.ContentHash = reference(), salted(content)
	s.step(seller, "market:CreateListing", terms, line)
	// The identifier follows from who lists and the reference.
	id := spec.NewID(spec.ListingType, seller.address, terms.Reference)
	s.say("    %s", id.Text(spec.ListingType))
	var view spec.ListingView
	s.look(seller, "market:GetListing", &spec.GetListing{Listing: id[:]}, &view)
	return &view
}

// buys looks a listing up, as a stranger would, and orders one of it, with a commitment to a hand-over code that only the buyer has.
func (s *scene) buys(buyer *person, offered *spec.ListingView, line string) (order, code []byte) {
	var listing spec.ListingView
	s.look(buyer, "market:GetListing", &spec.GetListing{Listing: offered.GetListing()}, &listing)
	price, err := spec.AmountFromBytes(listing.GetPrice())
	s.must(err)
	shipping, err := spec.AmountFromBytes(listing.GetShippingPrice())
	s.must(err)
	total, _ := price.Add(shipping)
	name, code := reference(), randomBytes(codeBytes)
	// The commitment is bound to the order, whose identifier follows from who buys and the reference.
	id := spec.NewID(spec.OrderType, buyer.address, name)
	s.step(buyer, "market:PlaceOrder", &spec.PlaceOrder{
		Reference: name, Listing: listing.GetListing(), Version: listing.GetVersion(), Quantity: 1,
		Total: total.Bytes(), HandOverHash: spec.HandOverHash(id, code),
	}, line)
	s.say("    %s", id.Text(spec.OrderType))
	return id[:], code
}

// order returns an order as somebody's gateway tells it.
func (s *scene) order(who *person, order []byte) *spec.OrderView {
	var view spec.OrderView
	s.look(who, "market:GetOrder", &spec.GetOrder{Order: order}, &view)
	return &view
}

// holds checks what an order holds.
func (s *scene) holds(who *person, order []byte, want string) {
	held, err := spec.AmountFromBytes(s.order(who, order).GetHeld())
	s.must(err)
	if held != amount(want) {
		s.must(fmt.Errorf("the order holds %s CMT and must hold %s", held, want))
	}
}

// settled checks how an order ended, and that it holds nothing any more. Later the peers are asked whether they all tell the same.
func (s *scene) settled(order []byte, state spec.OrderState) {
	view := s.order(s.demo.treasury(), order)
	if view.GetState() != state || len(view.GetHeld()) > 0 {
		s.must(fmt.Errorf("the order is %v and holds %x; it must be %v and hold nothing", view.GetState(), view.GetHeld(), state))
	}
	s.orders = append(s.orders, view)
}

// salted is a commitment to a text that stays off the ledger: its hash under a salt, so that nobody can guess it. Who wants to show the text
// later keeps both; the demo forgets them.
func salted(text string) []byte {
	sum := sha256.Sum256(append(randomBytes(16), text...))
	return sum[:]
}

// reference is a name of the client's own, used once: a request that is repeated under it creates nothing twice.
func reference() string { return "demo-" + hex.EncodeToString(randomBytes(8)) }

// randomBytes returns n random bytes; the system's source does not fail.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// amount reads an amount that stands in a story; a wrong one is the story's fault.
func amount(text string) spec.Amount {
	a, err := spec.ParseAmount(text)
	if err != nil {
		panic(err)
	}
	return a
}

// cmt is an amount as commands carry it.
func cmt(text string) []byte { return amount(text).Bytes() }
