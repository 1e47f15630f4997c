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
		LotKey(listing, t.lot(listing)))
}

// lot returns the lot that the carrier hints at, else the first.
func (t *task) lot(listing spec.ID) spec.ID {
	if hint := t.call.Hints.GetLot(); len(hint) > 0 {
		return identifier(hint)
	}
	return spec.StockLot(listing, 1, 0)
}

// placeOrder takes stock from one lot and moves the total from the buyer into a hold, under the terms of the named version
// and of the ledger's parameters as they are now.
func placeOrder(t *task, c *spec.PlaceOrder) (proto.Message, error) {
	id := spec.NewID(spec.OrderType, t.actor, c.Reference)
	if has(t, OrderKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.OrderType))
	}
	listing := identifier(c.Listing)
	version, err := t.orderableVersion(listing, c.Version)
	if err != nil {
		return nil, err
	}
	if version.Seller == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "listing", "is the buyer's own")
	}
	total := amount(c.Total)
	want, possible := version.total(c.Quantity)
	if !possible {
		return nil, spec.FieldErrorf(spec.TotalMismatch, "total", "%d × %s and %s for shipping exceed all CMT there can be", c.Quantity, version.Price, version.ShippingPrice)
	}
	if want != total {
		return nil, spec.FieldErrorf(spec.TotalMismatch, "total", "must be %s CMT: %d × %s and %s for shipping", want, c.Quantity, version.Price, version.ShippingPrice)
	}
	if err := t.takeStock(listing, c.Quantity); err != nil {
		return nil, err
	}
	if err := t.debit(total); err != nil {
		return nil, err
	}
	order := t.putOrder(id, version, purchase{
		buyer: t.actor, buyerMember: t.member().Index, listing: listing, version: c.Version, quantity: c.Quantity, total: total,
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
	version, quantity  uint32
	total              spec.Amount
	handOver, delivery [32]byte
	time               int64
}

// putOrder makes the order of a purchase, whose money is held or will be, under the terms of the version and of the ledger's
// parameters as they are now.
func (t *task) putOrder(id spec.ID, version Version, p purchase) Order {
	order := t.params().fund(Order{
		State:        accepted,
		Buyer:        p.buyer,
		Seller:       version.Seller,
		BuyerMember:  p.buyerMember,
		SellerMember: version.SellerMember,
		Listing:      p.listing,
		Version:      p.version,
		Quantity:     p.quantity,
		Total:        p.total,
		HandOverHash: p.handOver,
		DeliveryHash: p.delivery,
	}, p.time)
	if version.AcceptRequired {
		order.State = placed
	}
	t.put(OrderKey(id), order)
	return order
}

// fund gives an order that begins now the terms that it keeps.
func (p Parameters) fund(order Order, now int64) Order {
	order.FeeBps, order.ReleaseSeconds = p.FeeBps, p.ReleaseSeconds
	order.PlacedAt, order.UpdatedAt = now, now
	order.ShipDeadline = now + int64(p.ShipSeconds)
	order.ProtectionDeadline = now + int64(p.ProtectionSeconds)
	return order
}

// orderableVersion returns the named version if it still takes orders. The listing's head, which its seller rewrites, is not
// read: the mark of a version's end is written once and for good.
func (t *task) orderableVersion(listing spec.ID, number uint32) (Version, error) {
	version, ok := get[Version](t, VersionKey(listing, number))
	if !ok {
		return version, spec.FieldErrorf(spec.NotFound, "listing", "there is no version %d of %s", number, listing.Text(spec.ListingType))
	}
	end, ended := get[End](t, EndKey(listing, number))
	switch {
	case ended && end.Closed:
		return version, spec.FieldErrorf(spec.ListingClosed, "listing", "was closed on %s", utc(end.Time))
	case ended:
		return version, spec.FieldErrorf(spec.VersionStale, "version", "a newer version took its place on %s", utc(end.Time))
	}
	return version, nil
}

// total returns quantity × price + shipping, or false when that exceeds the cap.
func (v Version) total(quantity uint32) (spec.Amount, bool) {
	goods, ok := v.Price.Mul(uint64(quantity))
	total, ok2 := goods.Add(v.ShippingPrice)
	return total, ok && ok2
}

func (t *task) takeStock(listing spec.ID, quantity uint32) error {
	id := t.lot(listing)
	lot, _ := get[Lot](t, LotKey(listing, id))
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
