//go:build network

package ledger

import (
	"crypto/sha256"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// offer is a listing as a test wants it.
type offer struct {
	price          string
	stock, lots    uint32
	acceptRequired bool
}

// list offers something for sale and returns the listing's identifier.
func (a account) list(t *testing.T, o offer) spec.ID {
	t.Helper()
	content := sha256.Sum256([]byte(reference()))
	var view spec.ListingView
	a.do(t, "market:CreateListing", &spec.CreateListing{
		Reference: reference(), Price: cmt(o.price), Stock: o.stock, Lots: o.lots, Category: "tests",
		ContentHash: content[:], AcceptRequired: o.acceptRequired,
	}, &view)
	return spec.ID(view.Listing)
}

// orderOf makes the command that orders one unit of a listing's first version, with a hand-over code of the buyer's.
func (a account) orderOf(listing spec.ID, price string) *spec.PlaceOrder {
	name := reference()
	order := spec.NewID(spec.OrderType, a.address(), name)
	return &spec.PlaceOrder{
		Reference: name, Listing: listing[:], Version: 1, Quantity: 1, Total: cmt(price), HandOverHash: spec.HandOverHash(order, handOverCode),
	}
}

// handOverCode is every buyer's in these tests.
var handOverCode = []byte("sixteen bytes ok")

// buy places an order of one unit and returns it.
func (a account) buy(t *testing.T, listing spec.ID, price string) *spec.OrderView {
	t.Helper()
	var view spec.OrderView
	a.do(t, "market:PlaceOrder", a.orderOf(listing, price), &view)
	return &view
}

// order looks an order up.
func (m *member) order(t *testing.T, id []byte) *spec.OrderView {
	t.Helper()
	var view spec.OrderView
	m.ask(t, "market:GetOrder", &spec.GetOrder{Order: id}, &view)
	return &view
}

// units returns what is left of a listing's stock.
func (m *member) units(t *testing.T, listing spec.ID) (left uint32) {
	t.Helper()
	var view spec.ListingView
	m.ask(t, "market:GetListing", &spec.GetListing{Listing: listing[:]}, &view)
	for _, lot := range view.Lots {
		left += lot.Stock
	}
	return left
}
