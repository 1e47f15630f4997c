package ledger

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func placeCartKeys(t *task, c *spec.PlaceCart) []Key {
	keys := append(t.debitKeys(), OrderKey(spec.NewID(spec.OrderType, t.actor, c.Reference)))
	for _, item := range t.itemsOf(c) {
		keys = append(keys, VersionKey(item.listing, item.version), EndKey(item.listing, item.version), LotKey(item.listing, item.lot))
	}
	return append(keys, t.voucherOf(c).keys()...)
}

// itemsOf returns a cart's lines, each with the lot that the carrier hints at.
func (t *task) itemsOf(c *spec.PlaceCart) []item {
	items := make([]item, len(c.Lines))
	for i, line := range c.Lines {
		var hint []byte
		if hints := t.call.Hints.GetLots(); i < len(hints) {
			hint = hints[i]
		}
		listing := identifier(line.Listing)
		items[i] = item{
			listing: listing, version: line.Version, variant: line.Variant, quantity: line.Quantity, lot: lotOr(hint, listing, line.Variant),
			path: fmt.Sprintf("lines[%d].", i),
		}
	}
	return items
}

// placeCart is one order of several listings: all of its lines, or none. The lines lie in a record of their own, written once, so
// that an order's steps do not write them again.
func placeCart(t *task, c *spec.PlaceCart) (proto.Message, error) {
	if err := t.oneVoucher(c); err != nil {
		return nil, err
	}
	items := t.itemsOf(c)
	id, order, err := t.checkOut(checkout{
		reference: c.Reference, items: items, lines: uint32(len(items)), total: amount(c.Total), voucher: t.voucherOf(c),
		handOver: hash(c.HandOverHash), delivery: hash(c.DeliveryHash),
	})
	if err != nil {
		return nil, err
	}
	var lines Lines
	for i, item := range items {
		version, _ := get[Version](t, VersionKey(item.listing, item.version))
		price, _ := version.price(item.variant)
		lines[i] = Line{Listing: item.listing, Version: item.version, Variant: item.variant, Quantity: item.quantity, Price: price}
	}
	t.put(LinesKey(id), lines)
	return order.viewWith(id, lines), nil
}

// oneCart refuses what does not go together. Those behind the seller may not judge or carry for it, and an order names one
// organisation a side.
func oneCart(items []item, versions []Version) error {
	for i, item := range items {
		switch version := versions[i]; {
		case version.milestones() > 0:
			return spec.FieldErrorf(spec.CartMismatch, item.path+"listing", "is a service")
		case version.Seller != versions[0].Seller:
			return spec.FieldErrorf(spec.CartMismatch, item.path+"listing", "is sold by %s, the first line by %s", version.Seller, versions[0].Seller)
		case version.SellerMember != versions[0].SellerMember:
			return spec.FieldErrorf(spec.CartMismatch, item.path+"listing", "was listed through another organisation than the first line's")
		}
	}
	return nil
}

// linesOf returns what an order is of: a cart's lines, else the one thing.
func (t *task) linesOf(id spec.ID, order Order) []Line {
	if order.Lines == 0 {
		return []Line{{Listing: order.Listing, Version: order.Version, Variant: order.Variant, Quantity: order.Quantity}}
	}
	lines, _ := get[Lines](t, LinesKey(id))
	return lines[:order.Lines]
}

// returnLot names the lot that units of an order's line come back as.
func (o Order) returnLot(id spec.ID, at int, line Line) spec.ID {
	if o.Lines == 0 {
		return spec.ReturnLot(line.Listing, id)
	}
	return spec.LineReturnLot(line.Listing, id, uint32(at))
}

// unsent returns how many units of each line the seller still has, when so many of all went in the order of the lines.
func unsent(lines []Line, sent uint32) []uint32 {
	left := make([]uint32, len(lines))
	for i, line := range lines {
		gone := min(sent, line.Quantity)
		left[i] = line.Quantity - gone
		sent -= gone
	}
	return left
}

// shippedShare is what the units that went are worth of the order's total, rounded down: by their number, of a cart by the prices of
// its lines.
func (o Order) shippedShare(lines []Line) spec.Amount {
	if o.Lines == 0 {
		return o.Total.Portion(o.Shipped, o.Quantity)
	}
	var goods, sent spec.Amount
	for i, left := range unsent(lines, o.Shipped) {
		goods = plus(goods, times(lines[i].Price, lines[i].Quantity))
		sent = plus(sent, times(lines[i].Price, lines[i].Quantity-left))
	}
	return o.Total.Ratio(sent, goods)
}

// getOrderKeys names the order and, once it is known to be a cart, its lines.
func getOrderKeys(t *task, c *spec.GetOrder) []Key {
	keys := []Key{OrderKey(identifier(c.Order))}
	if order, _ := get[Order](t, keys[0]); order.Lines > 0 {
		keys = append(keys, LinesKey(identifier(c.Order)))
	}
	return keys
}

// viewWith is the order's view with the lines of a cart.
func (o Order) viewWith(id spec.ID, lines Lines) *spec.OrderView {
	view := o.view(id)
	for _, line := range lines[:o.Lines] {
		view.Lines = append(view.Lines, &spec.LineView{
			Listing: line.Listing[:], Version: line.Version, Variant: line.Variant, Quantity: line.Quantity, Price: line.Price.Bytes(),
		})
	}
	return view
}
