package simulate

import (
	"math/big"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// discounted is a command that may bring a discount.
type discounted interface {
	GetDiscount() *spec.SignedDiscount
	GetDiscountId() []byte
}

// ordered is so much of one listing's goods.
type ordered struct {
	listing spec.ID
	worth   *big.Int
}

// redeem writes down that an order used a discount, if it brought one, and returns what that takes off its goods: the seller's word
// to this buyer, once.
func (b *books) redeem(deed *act, c discounted, id spec.ID, seller spec.Address, goods []ordered) *big.Int {
	discount := &spec.OfferDiscount{}
	var of spec.Address
	switch {
	case c.GetDiscount() != nil:
		if err := proto.Unmarshal(c.GetDiscount().Discount, discount); err != nil {
			b.fault("order %x brings what is no discount: %w", id, err)
		}
		signer, err := intent.Address(c.GetDiscount().Scheme, c.GetDiscount().PublicKey)
		if err != nil {
			b.fault("order %x brings a discount of nobody's: %w", id, err)
		}
		of = signer
	case len(c.GetDiscountId()) > 0:
		record, _ := b.after(ledger.DiscountKey(spec.ID(c.GetDiscountId()))).(ledger.Discount)
		of = record.Seller
		discount = &spec.OfferDiscount{
			Reference: record.Reference, Buyer: record.Buyer.Bytes(), Minimum: record.Minimum.Bytes(), Amount: record.Amount.Bytes(), Bps: record.Bps,
		}
		if record.Listing != (spec.ID{}) {
			discount.Listing = record.Listing[:]
		}
	default:
		return new(big.Int)
	}
	if of != seller || string(discount.Buyer) != string(deed.actor.Bytes()) {
		b.fault("order %x uses a discount of %s for %x", id, of, discount.Buyer)
	}
	use := ledger.DiscountUseKey(spec.DiscountID(seller, deed.actor, discount.Reference))
	if b.records[use] != nil || b.uses[use] || b.after(use) != (ledger.DiscountUse{Order: id}) {
		b.fault("order %x uses a discount, of which %v is written", id, b.after(use))
	}
	b.uses[use] = true
	on := new(big.Int)
	for _, some := range goods {
		if len(discount.Listing) == 0 || spec.ID(discount.Listing) == some.listing {
			on.Add(on, some.worth)
		}
	}
	off := new(big.Int).SetBytes(discount.Amount)
	if discount.Bps > 0 {
		off.Mul(on, big.NewInt(int64(discount.Bps)))
		off.Quo(off, big.NewInt(10_000))
	}
	if off.Cmp(on) > 0 || on.Cmp(new(big.Int).SetBytes(discount.Minimum)) < 0 {
		b.fault("order %x has %s base units taken off goods of %s", id, off, on)
	}
	return off
}

// offerDiscount writes down that a seller offered a discount.
func (b *books) offerDiscount(deed *act, c *spec.OfferDiscount) {
	key := ledger.DiscountKey(spec.DiscountID(deed.actor, b.address(c.Buyer), c.Reference))
	record, _ := b.after(key).(ledger.Discount)
	if b.records[key] != nil || record.Seller != deed.actor || string(record.Buyer.Bytes()) != string(c.Buyer) || record.ValidUntil != c.ValidUntil {
		b.fault("%s offers a discount, and %v is written", deed.actor, record)
	}
	b.uses[key] = true
}

// checkDiscounts: discounts are offered and used only as commands ask for.
func (b *books) checkDiscounts() {
	for _, c := range b.changes {
		if discount := c.key.Kind == ledger.DiscountKind || c.key.Kind == ledger.DiscountUseKind; discount && !b.uses[c.key] {
			b.fault("a discount %x changes and nobody asked", c.key.ID)
		}
	}
}
