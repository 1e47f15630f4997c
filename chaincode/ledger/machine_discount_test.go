package ledger_test

import (
	"fmt"
	"math/big"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func (m *machine) discountSteps() steps {
	return steps{"OfferDiscount": m.offerDiscount, "redeem": m.redeem, "redeem again": m.redeem, "redeem on": m.redeem, "carry on": m.carryOn}
}

// drawDiscount draws a discount for a buyer, mostly a good one.
func drawDiscount(t *rapid.T, m *machine, buyer seat) *spec.OfferDiscount {
	discount := &spec.OfferDiscount{
		Reference: drawReference(t), Buyer: buyer.address().Bytes(),
		ValidUntil: m.now + rapid.SampledFrom([]int64{-1, 0, 1, 1000, 1000, 1000}).Draw(t, "valid for"),
	}
	switch rapid.IntRange(0, 9).Draw(t, "takes off") {
	case 0:
	case 1:
		discount.Amount, discount.Bps = drawAmount(t), 1
	case 2, 3, 4:
		discount.Amount = drawAmount(t)
	default:
		discount.Bps = rapid.SampledFrom([]uint32{1, 3333, 10_000}).Draw(t, "share")
	}
	if rapid.IntRange(0, 3).Draw(t, "on one listing") == 0 {
		id, _, _ := m.drawListing(t)
		discount.Listing = id[:]
	}
	if rapid.IntRange(0, 3).Draw(t, "with a minimum") == 0 {
		discount.Minimum = drawAmount(t)
	}
	return discount
}

func (m *machine) offerDiscount(t *rapid.T) {
	m.perform(rapid.SampledFrom([]seat{{merchant, ""}, drawSeat(t)}).Draw(t, "seller"), drawSkew(t), "market:OfferDiscount", drawDiscount(t, m, drawSeat(t)), nil)
}

// redeem makes a listing and buys of it with a discount, signed or offered, mostly for the total that it leaves.
func (m *machine) redeem(t *rapid.T) {
	reference := fmt.Sprintf("redeem-%d", m.calls)
	shop, buyer := seat{merchant, ""}, rapid.SampledFrom(seats[:2]).Draw(t, "buyer")
	m.perform(shop, 0, "market:CreateListing", &spec.CreateListing{
		Reference: reference, Price: spec.Units(61).Bytes(), ShippingPrice: spec.Units(7).Bytes(), Stock: 3, Category: "lamps", ContentHash: make([]byte, 32),
	}, nil)
	listing := spec.NewID(spec.ListingType, shop.address(), reference)
	discount := drawDiscount(t, m, m.mostly(t, buyer.address()))
	by := m.mostly(t, shop.address())
	command := &spec.PlaceOrder{Reference: reference, Listing: listing[:], Version: 1, Quantity: 2}
	of, id := newModelDiscount(by.address(), discount)
	if rapid.Bool().Draw(t, "signed") {
		m.brings = &spec.SellersDiscount{Seller: by.address(), Terms: discount}
		command.Discount = unchecked()
	} else {
		m.perform(by, 0, "market:OfferDiscount", discount, nil)
		if command.DiscountId = id[:]; m.model.discounts[id] != nil {
			of = m.model.discounts[id]
		}
	}
	total := big.NewInt(2*61 + 7)
	if off := of.off(big.NewInt(2 * 61)); off != nil {
		total.Sub(total, off)
	}
	command.Total = total.Bytes()
	m.perform(buyer, drawSkew(t), "market:PlaceOrder", command, m.drawHints(t, buyer))
	m.brings = nil
}
