package ledger_test

import (
	"fmt"
	"math/big"

	"pgregory.net/rapid"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func (m *machine) cartSteps() steps {
	return steps{
		"PlaceCart": m.placeCart, "place again": m.placeCart, "CreateListing": m.createListing, "create again": m.createListing, "fill": m.fillCart, "carry on": m.carryOn,
		"CancelOrder": m.step("market:CancelOrder", func(o []byte) proto.Message { return &spec.CancelOrder{Order: o} }),
		"ExpireOrder": m.step("market:ExpireOrder", func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} }),
		"ShipPart": m.drawn("market:ShipOrder", func(t *rapid.T, o []byte) proto.Message {
			return &spec.ShipOrder{Order: o, Quantity: rapid.Uint32Range(1, 3).Draw(t, "units")}
		}),
		"RefundPart": m.refundPart(),
	}
}

// placeCart draws lines of any listings, mostly of one seller's.
func (m *machine) placeCart(t *rapid.T) {
	s := rapid.SampledFrom([]seat{seats[0], seats[1], drawSeat(t)}).Draw(t, "buyer")
	command := &spec.PlaceCart{Reference: drawReference(t), Total: spec.CMT(3).Bytes()}
	hints := m.drawHints(t, s)
	total, shipped := new(big.Int), map[spec.ID]bool{}
	var of spec.Address
	for range rapid.IntRange(1, 3).Draw(t, "lines") {
		id, listing, _ := m.drawListing(t)
		if listing == nil || of != (spec.Address{}) && listing.seller != of && rapid.IntRange(0, 9).Draw(t, "any seller") < 9 {
			continue
		}
		of = listing.seller
		line := &spec.CartLine{Listing: id[:], Version: uint32(len(listing.versions)), Quantity: rapid.Uint32Range(1, 2).Draw(t, "quantity")}
		version := listing.versions[line.Version-1]
		prices := append([]*big.Int{version.price}, version.variants...)
		line.Variant = rapid.Uint32Range(0, uint32(len(prices))).Draw(t, "variant")
		price := prices[min(int(line.Variant), len(prices)-1)]
		if total.Add(total, new(big.Int).Mul(price, big.NewInt(int64(line.Quantity)))); !shipped[id] {
			shipped[id] = true
			total.Add(total, version.shipping)
		}
		command.Lines = append(command.Lines, line)
		hints.Lots = append(hints.Lots, m.drawLot(t, &spec.Hints{}).Lot)
	}
	if len(command.Lines) == 0 {
		return
	}
	if total.Cmp(maxUnits) <= 0 && rapid.IntRange(0, 9).Draw(t, "total") < 9 {
		command.Total = total.Bytes()
	}
	m.perform(s, drawSkew(t), "market:PlaceCart", command, hints)
}

// fillCart makes two listings and a cart of both, so that there are carts to go on with.
func (m *machine) fillCart(t *rapid.T) {
	reference := fmt.Sprintf("cart-%d", m.calls)
	buyer := rapid.SampledFrom(seats[:2]).Draw(t, "buyer")
	command := &spec.PlaceCart{Reference: reference, HandOverHash: spec.HandOverHash(spec.NewID(spec.OrderType, buyer.address(), reference), code)}
	total := spec.Units(0)
	for i, price := range []spec.Amount{spec.Units(61), spec.CMT(1)} {
		listing := fmt.Sprintf("%s-%d", reference, i)
		m.perform(seat{merchant, ""}, 0, "market:CreateListing", &spec.CreateListing{
			Reference: listing, Price: price.Bytes(), ShippingPrice: spec.Units(7).Bytes(), Stock: 3, Category: "lamps", ContentHash: make([]byte, 32),
			AcceptRequired: rapid.IntRange(0, 3).Draw(t, "accept required") == 0,
		}, nil)
		id := spec.NewID(spec.ListingType, spec.OrganisationAddress(merchant), listing)
		line := &spec.CartLine{Listing: id[:], Version: 1, Quantity: rapid.Uint32Range(1, 3).Draw(t, "quantity")}
		command.Lines = append(command.Lines, line)
		goods, _ := price.Mul(uint64(line.Quantity))
		total, _ = total.Add(goods)
		total, _ = total.Add(spec.Units(7))
	}
	command.Total = total.Bytes()
	m.perform(buyer, 0, "market:PlaceCart", command, m.drawHints(t, buyer))
}
