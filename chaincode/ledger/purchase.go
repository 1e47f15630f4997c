package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func placeOrderKeys(t *task, c *spec.PlaceOrder) []Key {
	listing := identifier(c.Listing)
	keys := append(t.debitKeys(),
		OrderKey(spec.NewID(spec.OrderType, t.actor, c.Reference)),
		VersionKey(listing, c.Version),
		EndKey(listing, c.Version),
		LotKey(listing, t.lot(listing, c.Variant)))
	return append(keys, t.voucherOf(c).keys()...)
}

// lot returns the lot that the carrier hints at, else the variant's first.
func (t *task) lot(listing spec.ID, variant uint32) spec.ID {
	return lotOr(t.call.Hints.GetLot(), listing, variant)
}

// lotOr returns the lot that is hinted at, else the variant's first.
func lotOr(hint []byte, listing spec.ID, variant uint32) spec.ID {
	if len(hint) > 0 {
		return identifier(hint)
	}
	return spec.StockLot(listing, 1, variant*MaxLots)
}

// placeOrder takes stock from one lot and moves the total from the buyer into a hold, under the terms of the named version
// and of the ledger's parameters as they are now.
func placeOrder(t *task, c *spec.PlaceOrder) (proto.Message, error) {
	if err := t.oneVoucher(c); err != nil {
		return nil, err
	}
	listing := identifier(c.Listing)
	id, order, err := t.checkOut(checkout{
		reference: c.Reference, total: amount(c.Total), handOver: hash(c.HandOverHash), delivery: hash(c.DeliveryHash), voucher: t.voucherOf(c),
		items: []item{{listing: listing, version: c.Version, variant: c.Variant, quantity: c.Quantity, lot: t.lot(listing, c.Variant)}},
	})
	if err != nil {
		return nil, err
	}
	return order.view(id), nil
}

// checkout is what a buyer asks to buy, of one seller, and for how much.
type checkout struct {
	reference          string
	items              []item
	total              spec.Amount
	handOver, delivery [32]byte
	// lines counts those of a cart, which are the items; 0 for an order of one listing.
	lines   uint32
	voucher *voucher
}

// item is so many units of a version's variant, from a lot.
type item struct {
	listing                    spec.ID
	version, variant, quantity uint32
	lot                        spec.ID
	// path stands before the names of its fields in errors.
	path string
}

// checkOut takes the stock of all items and has their total held, or refuses and does neither. The order has the first item's
// listing, and begins unaccepted when one of the versions wants that.
func (t *task) checkOut(c checkout) (spec.ID, Order, error) {
	id := spec.NewID(spec.OrderType, t.actor, c.reference)
	if has(t, OrderKey(id)) {
		return id, Order{}, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.OrderType))
	}
	versions, discount, err := t.versionsFor(c)
	if err != nil {
		return id, Order{}, err
	}
	bill, err := t.billFor(c, versions, discount)
	if err != nil {
		return id, Order{}, err
	}
	for _, item := range c.items {
		if err := t.takeStock(item); err != nil {
			return id, Order{}, err
		}
	}
	if err := t.debit(c.total); err != nil {
		return id, Order{}, err
	}
	first, terms := c.items[0], versions[0]
	p := purchase{
		buyer: t.actor, buyerMember: t.member().Index, listing: first.listing, version: first.version, variant: first.variant,
		total: c.total, discount: bill.off,
		lines: c.lines, handOver: c.handOver, delivery: c.delivery, time: t.tx.Time,
	}
	for i, item := range c.items {
		p.quantity += item.quantity
		terms.AcceptRequired = terms.AcceptRequired || versions[i].AcceptRequired
	}
	if c.voucher != nil {
		t.put(DiscountUseKey(c.voucher.id), DiscountUse{Order: id})
	}
	t.put(HoldKey(t.actor, id), Hold{Amount: c.total})
	return id, t.putOrder(id, terms, p), nil
}

// versionsFor returns the versions of the items, all of which take orders, of one seller who is not the buyer, and that seller's
// discount, if the purchase brings one.
func (t *task) versionsFor(c checkout) ([]Version, Discount, error) {
	versions, first := t.orderableVersions(c.items)
	discount, refusal := t.redeemable(c.voucher, versions[0].Seller)
	if first = foremost(first, refusal); first != nil {
		return nil, discount, first
	}
	for i, item := range c.items {
		if versions[i].Seller == t.actor {
			return nil, discount, spec.FieldErrorf(spec.SameAccount, item.path+"listing", "is the buyer's own")
		}
	}
	if c.lines > 0 {
		if err := oneCart(c.items, versions); err != nil {
			return nil, discount, err
		}
	}
	return versions, discount, nil
}

// billFor adds up what the buyer agreed to pay, less what the discount takes off.
func (t *task) billFor(c checkout, versions []Version, discount Discount) (bill, error) {
	b := billOf(c.items, versions, discount)
	if c.voucher == nil {
		return b, b.check(c.total)
	}
	var err error
	if b.possible {
		if b.off, err = discount.off(b.discounted, c.voucher.field()); err != nil {
			return b, err
		}
	}
	if err := b.check(c.total); err != nil {
		return b, err
	}
	if err := t.atLeastMinimum(c.total, "total"); err != nil {
		return b, err
	}
	if t.tx.Time > discount.ValidUntil {
		return b, spec.FieldErrorf(spec.DeadlinePassed, c.voucher.field(), "was valid until %s", utc(discount.ValidUntil))
	}
	return b, nil
}

// foremost returns the refusal that precedes the other; of two with one code the first.
func foremost(a, b *spec.Error) *spec.Error {
	if a == nil || b != nil && b.Code.Precedes(a.Code) {
		return b
	}
	return a
}

// orderableVersions returns the items' versions, and of their refusals the foremost.
func (t *task) orderableVersions(items []item) (versions []Version, first *spec.Error) {
	versions = make([]Version, len(items))
	for i, item := range items {
		var refusal *spec.Error
		if versions[i], refusal = t.orderable(item); refusal != nil {
			refusal.Field = item.path + refusal.Field
		}
		first = foremost(first, refusal)
	}
	return versions, first
}

// bill is what a purchase costs. It exceeds all CMT there can be when it is not possible.
type bill struct {
	goods, shipping spec.Amount
	// discounted is the part of the goods that a discount is on, off what it takes off.
	discounted, off spec.Amount
	possible        bool
}

// billOf adds the items up. A listing's shipping price is added once an order.
func billOf(items []item, versions []Version, discount Discount) bill {
	b := bill{possible: true}
	shipped := make(map[spec.ID]bool, len(items))
	add := func(sum *spec.Amount, part spec.Amount, ok bool) {
		var fits bool
		*sum, fits = sum.Add(part)
		b.possible = b.possible && ok && fits
	}
	for i, item := range items {
		price, _ := versions[i].price(item.variant)
		worth, ok := price.Mul(uint64(item.quantity))
		add(&b.goods, worth, ok)
		if discount.on(item.listing) {
			add(&b.discounted, worth, ok)
		}
		if !shipped[item.listing] {
			shipped[item.listing] = true
			add(&b.shipping, versions[i].ShippingPrice, true)
		}
	}
	return b
}

// check refuses another total than the buyer agreed to.
func (b bill) check(total spec.Amount) error {
	goods, _ := b.goods.Sub(b.off)
	want, fits := goods.Add(b.shipping)
	if !b.possible || !fits {
		return spec.FieldErrorf(spec.TotalMismatch, "total", "goods and shipping exceed all CMT there can be")
	}
	if want != total {
		return spec.FieldErrorf(spec.TotalMismatch, "total", "must be %s CMT: %s for goods and %s for shipping", want, goods, b.shipping)
	}
	return nil
}

// purchase is what makes an order, beside the version's terms and the ledger's parameters.
type purchase struct {
	buyer            spec.Address
	buyerMember      uint32
	listing          spec.ID
	version, variant uint32
	quantity         uint32
	// lines counts those of a cart.
	lines              uint32
	total, discount    spec.Amount
	handOver, delivery [32]byte
	time               int64
	// agreed: the seller has taken the order already, whatever the version says.
	agreed bool
}

// putOrder makes the order of a purchase, whose money is held or will be, under the terms of the version and of the ledger's
// parameters as they are now.
func (t *task) putOrder(id spec.ID, version Version, p purchase) Order {
	params := t.params()
	order := Order{
		Buyer:              p.buyer,
		Seller:             version.Seller,
		BuyerMember:        p.buyerMember,
		SellerMember:       version.SellerMember,
		Listing:            p.listing,
		Version:            p.version,
		Variant:            p.variant,
		Quantity:           p.quantity,
		Lines:              p.lines,
		Total:              p.total,
		Discount:           p.discount,
		FeeBps:             params.FeeBps,
		ReleaseSeconds:     params.ReleaseSeconds,
		ReturnSeconds:      params.ReturnSeconds,
		PlacedAt:           p.time,
		UpdatedAt:          p.time,
		ShipDeadline:       p.time + int64(params.ShipSeconds),
		ProtectionDeadline: p.time + int64(params.ProtectionSeconds),
		HandOverHash:       p.handOver,
		DeliveryHash:       p.delivery,
	}
	t.putMilestones(id, &order, version)
	if order.State = order.begun(); version.AcceptRequired && !p.agreed {
		order.State = placed
	}
	t.put(OrderKey(id), order)
	return order
}

// orderableVersion returns the named version if it still takes orders.
func (t *task) orderableVersion(listing spec.ID, number, variant uint32) (Version, error) {
	version, refusal := t.orderable(item{listing: listing, version: number, variant: variant})
	if refusal != nil {
		return version, refusal
	}
	return version, nil
}

// orderable returns an item's version if it still takes orders. The listing's head, which its seller rewrites, is not
// read: the mark of a version's end is written once and for good.
func (t *task) orderable(i item) (Version, *spec.Error) {
	version, ok := get[Version](t, VersionKey(i.listing, i.version))
	if !ok {
		return version, spec.FieldErrorf(spec.NotFound, "listing", "there is no version %d of %s", i.version, i.listing.Text(spec.ListingType))
	}
	if _, ok := version.price(i.variant); !ok {
		return version, spec.FieldErrorf(spec.NotFound, "variant", "version %d of %s has no variant %d", i.version, i.listing.Text(spec.ListingType), i.variant)
	}
	end, ended := get[End](t, EndKey(i.listing, i.version))
	if !ended {
		return version, nil
	}
	switch end.Cause {
	case Closed:
		return version, spec.FieldErrorf(spec.ListingClosed, "listing", "was closed on %s", utc(end.Time))
	case Suspended:
		return version, spec.FieldErrorf(spec.ListingSuspended, "listing", "was suspended on %s", utc(end.Time))
	default:
		return version, spec.FieldErrorf(spec.VersionStale, "version", "a newer version took its place on %s", utc(end.Time))
	}
}

// price returns the price of a unit of a variant, or false when there is no such variant.
func (v Version) price(variant uint32) (spec.Amount, bool) {
	if variant == 0 {
		return v.Price, true
	}
	if variant >= MaxVariants {
		return spec.Amount{}, false
	}
	price := v.VariantPrices[variant-1]
	return price, !price.IsZero()
}

// takeStock takes an item's units from its lot.
func (t *task) takeStock(i item) error {
	key := LotKey(i.listing, i.lot)
	lot, _ := get[Lot](t, key)
	if lot.Variant != i.variant {
		return spec.FieldErrorf(spec.LotEmpty, i.path+"variant", "%s is of another variant", i.lot.Text(spec.LotType))
	}
	if lot.Stock < i.quantity {
		return spec.FieldErrorf(spec.LotEmpty, i.path+"quantity", "%s has %d units left", i.lot.Text(spec.LotType), lot.Stock)
	}
	if lot.Stock -= i.quantity; lot.Stock == 0 {
		t.remove(key)
		return nil
	}
	t.put(key, lot)
	return nil
}

// takeUnits takes units of a listing's first variant.
func (t *task) takeUnits(listing spec.ID, quantity uint32) error {
	return t.takeStock(item{listing: listing, quantity: quantity, lot: t.lot(listing, 0)})
}
