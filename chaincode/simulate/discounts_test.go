package simulate_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// signsDiscount is a person's word to a buyer.
func (p *person) signsDiscount(discount *spec.OfferDiscount) *spec.SignedDiscount {
	body, err := intent.EncodeDiscount(discount)
	if err != nil {
		panic(fmt.Sprintf("a discount has no canonical form: %v", err))
	}
	return &spec.SignedDiscount{Discount: body, Scheme: p.scheme, PublicKey: p.public, Signature: p.sign(intent.DiscountMessage(ledgerID, body))}
}

// aDiscount is a seller's for a buyer, of few references, so that some come twice.
func (h *history) aDiscount(buyer spec.Address) *spec.OfferDiscount {
	discount := &spec.OfferDiscount{Reference: fmt.Sprintf("d%d", h.rand.IntN(8)), Buyer: buyer.Bytes(), ValidUntil: h.Now() + 1 + int64(h.rand.IntN(1500))}
	if h.oneIn(3) {
		discount.Amount = spec.Units(1 + h.rand.Uint64N(1000)).Bytes()
	} else {
		discount.Bps = 1 + uint32(h.rand.IntN(9_999))
	}
	return discount
}

// drawDiscountOffer has a seller offer somebody a discount on the ledger.
func (h *history) drawDiscountOffer(who *player) (string, proto.Message, *spec.Hints) {
	if !h.oneIn(5) {
		*who = h.players[sellersAt+h.rand.IntN(2)]
	}
	if h.oneIn(2) {
		*who = h.players[len(h.players)-1-h.rand.IntN(len(h.persons))]
	}
	return "market:OfferDiscount", h.aDiscount(h.anyone()), nil
}

// drawDiscount is one that the seller's key signs, if it has one, or one on the ledger; sometimes another's.
func (h *history) drawDiscount(buyer, seller spec.Address) (*spec.SignedDiscount, []byte) {
	if offered := h.auditor.Discounts(); len(offered) > 0 && h.oneIn(2) {
		if own := slices.DeleteFunc(slices.Clone(offered), func(id spec.ID) bool {
			d := h.auditor.Record(ledger.DiscountKey(id)).(ledger.Discount)
			return d.Buyer != buyer || d.Seller != seller
		}); len(own) > 0 {
			offered = own
		}
		id := offered[h.rand.IntN(len(offered))]
		return nil, id[:]
	}
	signer := h.persons[h.rand.IntN(len(h.persons))]
	for _, p := range h.persons {
		if p.address == seller {
			signer = p
		}
	}
	signed := signer.signsDiscount(h.aDiscount(buyer))
	if h.oneIn(10) {
		signed.Signature = slices.Clone(signed.Signature)
		signed.Signature[h.rand.IntN(64)] ^= 1
	}
	return signed, nil
}

// takenOff is what the buyer believes that its discount takes off.
func (h *history) takenOff(c *spec.PlaceOrder, goods spec.Amount) spec.Amount {
	var bps uint32
	var off spec.Amount
	if c.Discount != nil {
		var terms spec.OfferDiscount
		if err := proto.Unmarshal(c.Discount.Discount, &terms); err != nil {
			h.t.Fatal(err)
		}
		off, _ = spec.AmountFromBytes(terms.Amount)
		bps = terms.Bps
	} else {
		d := h.auditor.Record(ledger.DiscountKey(spec.ID(c.DiscountId))).(ledger.Discount)
		off, bps = d.Amount, d.Bps
	}
	if bps > 0 {
		return goods.Share(bps)
	}
	return off
}

// Buyers who bring discounts that a seller signed for each of them stand in nobody's way, nor do those with discounts on the ledger;
// one buyer cannot use one twice, whoever carries it.
func TestDiscountsConflictWithNobody(t *testing.T) {
	const each = 12
	b := openBazaar(t, simulate.Config{})
	shop := newPerson("shop", spec.Scheme_SCHEME_P256)
	shop.nonce++
	create := shop.signs(shop.nonce, b.Now()+3600, "market:CreateListing", &spec.CreateListing{
		Reference: "tea", Price: spec.CMT(2).Bytes(), Stock: 4 * each, Lots: 2, Category: "tea", ContentHash: make([]byte, 32),
	})
	created := b.carry(merchant, create)
	b.Submit(created)
	b.cut()
	b.answers(created)
	listing := spec.NewID(spec.ListingType, shop.address, "tea")
	persons := crowdOf(2 * each)
	for _, p := range persons {
		b.fundPerson(p, 3)
	}
	order := func(p *person, reference string, lot uint32, signed *spec.SignedDiscount) *spec.SignedIntent {
		p.nonce++
		id := spec.StockLot(listing, 1, lot)
		in := p.signs(p.nonce, b.Now()+3600, "market:PlaceOrder", &spec.PlaceOrder{
			Reference: reference, Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(1).Bytes(), Discount: signed,
		})
		in.Hints = &spec.Hints{Lot: id[:]}
		return in
	}
	half := func(p *person) *spec.SignedDiscount {
		return shop.signsDiscount(&spec.OfferDiscount{Reference: "half", Buyer: p.address.Bytes(), Bps: 5000, ValidUntil: b.Now() + 3600})
	}
	var batches []*simulate.Envelope
	for at, mspID := range []string{operator, merchant} {
		var intents []*spec.SignedIntent
		for _, p := range persons[at*each : (at+1)*each] {
			intents = append(intents, order(p, "first", uint32(at), half(p)))
		}
		batches = append(batches, b.carry(mspID, intents...))
		b.Submit(batches[at])
	}
	if block := b.cut(); block.Count(simulate.Valid) != 2 {
		t.Fatalf("%d of 2 batches in one block are valid", block.Count(simulate.Valid))
	}
	for _, batch := range batches {
		b.answers(batch)
	}

	anna, ben := persons[0], persons[1]
	stolen, forged := half(ben), half(anna)
	forged.Signature = anna.sign(intent.DiscountMessage(ledgerID, forged.Discount))
	elsewhere := half(anna)
	elsewhere.Signature = shop.sign(intent.DiscountMessage([16]byte{1}, elsewhere.Discount))
	twice := b.carry(operator, order(anna, "second", 0, half(anna)), order(anna, "third", 0, stolen), order(anna, "fourth", 0, forged), order(anna, "fifth", 0, elsewhere))
	b.answers(twice, spec.DiscountUsed, spec.NotAParty, spec.BadDiscount, spec.BadDiscount)
	// By contract call the signature is checked as well.
	signed := shop.signsDiscount(&spec.OfferDiscount{Reference: "half", Buyer: spec.SubAccountAddress(buyers, "carl").Bytes(), Bps: 5000, ValidUntil: b.Now() + 3600})
	b.fund(buyers, "carl", spec.CMT(2))
	place := &spec.PlaceOrder{Reference: "one", Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(1).Bytes(), Discount: signed}
	good := signed.Signature
	signed.Signature = make([]byte, 64)
	b.refused(spec.BadDiscount, buyers, "carl", "market:PlaceOrder", place, nil)
	signed.Signature = good
	b.must(buyers, "carl", "market:PlaceOrder", place, nil)
}
