package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func placeOrderKeys(t *task, c *spec.PlaceOrder) []Key {
	listing := identifier(c.Listing)
	return append(t.debitKeys(),
		OrderKey(spec.NewID(spec.OrderType, t.actor, c.Reference)),
		VersionKey(listing, c.Version),
		EndKey(listing, c.Version),
		LotKey(listing, t.lot(listing, c.Variant)))
}

// lot returns the lot that the carrier hints at, else the variant's first.
func (t *task) lot(listing spec.ID, variant uint32) spec.ID {
	if hint := t.call.Hints.GetLot(); len(hint) > 0 {
		return identifier(hint)
	}
	return spec.StockLot(listing, 1, variant*MaxLots)
}

// placeOrder takes stock from one lot and moves the total from the buyer into a hold, under the terms of the named version
// and of the ledger's parameters as they are now.
func placeOrder(t *task, c *spec.PlaceOrder) (proto.Message, error) {
	id := spec.NewID(spec.OrderType, t.actor, c.Reference)
	if has(t, OrderKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.OrderType))
	}
	listing := identifier(c.Listing)
	version, err := t.orderableVersion(listing, c.Version, c.Variant)
	if err != nil {
		return nil, err
	}
	if version.Seller == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "listing", "is the buyer's own")
	}
	total := amount(c.Total)
	price, _ := version.price(c.Variant)
	want, possible := version.total(c.Quantity, price)
	if !possible {
		return nil, spec.FieldErrorf(spec.TotalMismatch, "total", "%d × %s and %s for shipping exceed all CMT there can be", c.Quantity, price, version.ShippingPrice)
	}
	if want != total {
		return nil, spec.FieldErrorf(spec.TotalMismatch, "total", "must be %s CMT: %d × %s and %s for shipping", want, c.Quantity, price, version.ShippingPrice)
	}
	if err := t.takeStock(listing, c.Variant, c.Quantity); err != nil {
		return nil, err
	}
	if err := t.debit(total); err != nil {
		return nil, err
	}
	order := t.putOrder(id, version, purchase{
		buyer: t.actor, buyerMember: t.member().Index, listing: listing, version: c.Version, variant: c.Variant, quantity: c.Quantity, total: total,
		handOver: hash(c.HandOverHash), delivery: hash(c.DeliveryHash), time: t.tx.Time,
	})
	t.put(HoldKey(t.actor, id), Hold{Amount: total})
	return order.view(id), nil
}

// purchase is what makes an order, beside the version's terms and the ledger's parameters.
type purchase struct {
	buyer              spec.Address
	buyerMember        uint32
	listing            spec.ID
	version, variant   uint32
	quantity           uint32
	total              spec.Amount
	handOver, delivery [32]byte
	time               int64
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
		Total:              p.total,
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
	if order.State = order.begun(); version.AcceptRequired {
		order.State = placed
	}
	t.put(OrderKey(id), order)
	return order
}

// orderableVersion returns the named version if it still takes orders. The listing's head, which its seller rewrites, is not
// read: the mark of a version's end is written once and for good.
func (t *task) orderableVersion(listing spec.ID, number, variant uint32) (Version, error) {
	version, ok := get[Version](t, VersionKey(listing, number))
	if !ok {
		return version, spec.FieldErrorf(spec.NotFound, "listing", "there is no version %d of %s", number, listing.Text(spec.ListingType))
	}
	if _, ok := version.price(variant); !ok {
		return version, spec.FieldErrorf(spec.NotFound, "variant", "version %d of %s has no variant %d", number, listing.Text(spec.ListingType), variant)
	}
	end, ended := get[End](t, EndKey(listing, number))
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

// total returns quantity × price + shipping, or false when that exceeds the cap.
func (v Version) total(quantity uint32, price spec.Amount) (spec.Amount, bool) {
	goods, ok := price.Mul(uint64(quantity))
	total, ok2 := goods.Add(v.ShippingPrice)
	return total, ok && ok2
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

func (t *task) takeStock(listing spec.ID, variant, quantity uint32) error {
	id := t.lot(listing, variant)
	lot, _ := get[Lot](t, LotKey(listing, id))
	if lot.Variant != variant {
		return spec.FieldErrorf(spec.LotEmpty, "variant", "%s is of another variant", id.Text(spec.LotType))
	}
	if lot.Stock < quantity {
		return spec.FieldErrorf(spec.LotEmpty, "quantity", "%s has %d units left", id.Text(spec.LotType), lot.Stock)
	}
	if lot.Stock -= quantity; lot.Stock == 0 {
		t.remove(LotKey(listing, id))
		return nil
	}
	t.put(LotKey(listing, id), lot)
	return nil
}
