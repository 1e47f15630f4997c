package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func offerDiscountKeys(t *task, c *spec.OfferDiscount) []Key {
	return []Key{DiscountKey(spec.DiscountID(t.actor, address(c.Buyer), c.Reference))}
}

// offerDiscount writes a seller's word down where a key's signature would do elsewhere. It holds and reserves nothing.
func offerDiscount(t *task, c *spec.OfferDiscount) (proto.Message, error) {
	id := spec.DiscountID(t.actor, address(c.Buyer), c.Reference)
	if has(t, DiscountKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.DiscountType))
	}
	discount := discountOf(t.actor, c)
	if discount.Buyer == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "buyer", "is the seller")
	}
	if err := discount.says(); err != nil {
		return nil, spec.FieldErrorf(spec.DiscountMismatch, "amount", "%s", err.Detail)
	}
	if c.ValidUntil <= t.tx.Time {
		return nil, spec.FieldErrorf(spec.DeadlineOutOfRange, "valid_until", "must lie ahead of %s", utc(t.tx.Time))
	}
	t.put(DiscountKey(id), discount)
	return discount.view(id, DiscountUse{}), nil
}

// discountOf is a seller's discount as it is kept.
func discountOf(seller spec.Address, c *spec.OfferDiscount) Discount {
	d := Discount{
		Seller: seller, Buyer: address(c.Buyer), Reference: c.Reference, Minimum: amount(c.Minimum), Amount: amount(c.Amount), Bps: c.Bps, ValidUntil: c.ValidUntil,
	}
	if len(c.Listing) > 0 {
		d.Listing = identifier(c.Listing)
	}
	return d
}

// says refuses a discount that says neither or both of an amount and a share.
func (d Discount) says() *spec.Error {
	if d.Amount.IsZero() == (d.Bps == 0) {
		return spec.FieldErrorf(spec.DiscountMismatch, "discount", "must say either an amount or a share")
	}
	return nil
}

// voucher is the discount that a purchase brings: signed by the seller, or named as the seller offered it.
type voucher struct {
	id spec.ID
	// signed is the discount itself; nothing when it lies on the ledger.
	signed *spec.SellersDiscount
}

// discounted is a command that may bring a discount.
type discounted interface {
	GetDiscount() *spec.SignedDiscount
	GetDiscountId() []byte
}

// voucherOf returns what discount a command brings, or nil.
func (t *task) voucherOf(c discounted) *voucher {
	if signed := t.call.Discount; signed != nil {
		terms := signed.Terms
		return &voucher{id: spec.DiscountID(signed.Seller, address(terms.Buyer), terms.Reference), signed: signed}
	}
	if id := c.GetDiscountId(); len(id) > 0 {
		return &voucher{id: identifier(id)}
	}
	return nil
}

// oneVoucher refuses two discounts, and one whose signature does not hold, or was not looked at.
func (t *task) oneVoucher(c discounted) error {
	if c.GetDiscount() != nil && len(c.GetDiscountId()) > 0 {
		return spec.FieldErrorf(spec.InvalidField, "discount_id", "stands beside another discount")
	}
	if c.GetDiscount() != nil && t.call.Discount == nil {
		return spec.FieldErrorf(spec.BadDiscount, "discount.signature", "is not the key's over this discount on this ledger")
	}
	return nil
}

// keys are those of a discount: the mark of its use, which only its buyer's orders meet at, and the offer itself when it is on the ledger.
func (v *voucher) keys() []Key {
	switch {
	case v == nil:
		return nil
	case v.signed != nil:
		return []Key{DiscountUseKey(v.id)}
	}
	return []Key{DiscountUseKey(v.id), DiscountKey(v.id)}
}

// redeemable returns the discount of a voucher if the actor may use it with the seller, and has not; nothing of no voucher.
func (t *task) redeemable(v *voucher, seller spec.Address) (Discount, *spec.Error) {
	if v == nil {
		return Discount{}, nil
	}
	discount, ok := get[Discount](t, DiscountKey(v.id))
	if v.signed != nil {
		discount, ok = discountOf(v.signed.Seller, v.signed.Terms), true
	}
	switch {
	case !ok:
		return discount, spec.FieldErrorf(spec.NotFound, "discount_id", "there is no %s", v.id.Text(spec.DiscountType))
	case discount.Buyer != t.actor:
		return discount, spec.FieldErrorf(spec.NotAParty, v.field(), "is for %s", discount.Buyer)
	case discount.Seller != seller:
		return discount, spec.FieldErrorf(spec.NotAParty, v.field(), "is of %s, the goods are of %s", discount.Seller, seller)
	}
	if use, used := get[DiscountUse](t, DiscountUseKey(v.id)); used {
		return discount, spec.FieldErrorf(spec.DiscountUsed, v.field(), "was used for %s", use.Order.Text(spec.OrderType))
	}
	return discount, nil
}

// field is the command's that brings the discount.
func (v *voucher) field() string {
	if v.signed != nil {
		return "discount"
	}
	return "discount_id"
}

// off returns what the discount takes off goods of which so much is what it is on. It never takes more than that.
func (d Discount) off(on spec.Amount, field string) (spec.Amount, error) {
	if err := d.says(); err != nil {
		return spec.Amount{}, spec.FieldErrorf(spec.DiscountMismatch, field, "%s", err.Detail)
	}
	if on.IsZero() || on.Less(d.Minimum) {
		return spec.Amount{}, spec.FieldErrorf(spec.DiscountMismatch, field, "is on goods of at least %s CMT, the order has %s of them", d.Minimum, on)
	}
	if d.Bps > 0 {
		return on.Share(d.Bps), nil
	}
	if on.Less(d.Amount) {
		return spec.Amount{}, spec.FieldErrorf(spec.DiscountMismatch, field, "takes %s CMT off, its goods cost %s", d.Amount, on)
	}
	return d.Amount, nil
}

// on reports whether the discount is on a listing's goods.
func (d Discount) on(listing spec.ID) bool { return d.Listing == spec.ID{} || d.Listing == listing }

func getDiscountKeys(_ *task, c *spec.GetDiscount) []Key {
	return []Key{DiscountKey(identifier(c.Discount)), DiscountUseKey(identifier(c.Discount))}
}

func getDiscount(t *task, c *spec.GetDiscount) (proto.Message, error) {
	id := identifier(c.Discount)
	discount, offered := get[Discount](t, DiscountKey(id))
	use, used := get[DiscountUse](t, DiscountUseKey(id))
	if !offered && !used {
		return nil, spec.FieldErrorf(spec.NotFound, "discount", "there is no %s, unless it is signed and not used", id.Text(spec.DiscountType))
	}
	return discount.view(id, use), nil
}

func (d Discount) view(id spec.ID, use DiscountUse) *spec.DiscountView {
	view := &spec.DiscountView{Discount: id[:]}
	if use != (DiscountUse{}) {
		view.Order = use.Order[:]
	}
	if d == (Discount{}) {
		return view
	}
	view.Seller = d.Seller.Bytes()
	view.Terms = &spec.OfferDiscount{
		Reference: d.Reference, Buyer: d.Buyer.Bytes(), Minimum: d.Minimum.Bytes(), Amount: d.Amount.Bytes(), Bps: d.Bps, ValidUntil: d.ValidUntil,
	}
	if d.Listing != (spec.ID{}) {
		view.Terms.Listing = d.Listing[:]
	}
	return view
}
