package simulate

import (
	"math/big"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// returnedLine names what came back of an order: of a cart each line's units by themselves.
type returnedLine struct {
	order spec.ID
	line  int
}

// linesOf is what an order is of: a cart's lines, or the one thing.
func (a *Auditor) linesOf(id spec.ID, order ledger.Order) []ledger.Line {
	if order.Lines == 0 {
		return []ledger.Line{{Listing: order.Listing, Quantity: order.Quantity}}
	}
	lines, _ := a.records[ledger.LinesKey(id)].(ledger.Lines)
	return lines[:order.Lines]
}

// placeCart writes down that a buyer ordered several things of one seller, at the prices of the versions that it named.
func (b *books) placeCart(deed *act, c *spec.PlaceCart) {
	id := spec.NewID(spec.OrderType, deed.actor, c.Reference)
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	if b.orders[id] != nil || b.records[ledger.OrderKey(id)] != nil {
		b.fault("the order %x is placed a second time", id)
	}
	total, shipped, terms := new(big.Int), map[spec.ID]bool{}, ledger.Version{}
	var lines []ledger.Line
	var goods []ordered
	count := uint32(0)
	for _, line := range c.Lines {
		listing := spec.ID(line.Listing)
		version, _ := b.after(ledger.VersionKey(listing, line.Version)).(ledger.Version)
		price := version.Price
		if line.Variant > 0 {
			price = version.VariantPrices[line.Variant-1]
		}
		goods = append(goods, ordered{listing, new(big.Int).Mul(units(price), big.NewInt(int64(line.Quantity)))})
		total.Add(total, goods[len(goods)-1].worth)
		if !shipped[listing] {
			shipped[listing] = true
			total.Add(total, units(version.ShippingPrice))
		}
		if version.Seller != order.Seller || version.SellerMember != order.SellerMember || version.Milestones[0] > 0 {
			b.fault("the cart %x has what does not go into one", id)
		}
		b.stock[listing] -= int64(line.Quantity)
		count += line.Quantity
		terms.AcceptRequired = terms.AcceptRequired || version.AcceptRequired
		lines = append(lines, ledger.Line{Listing: listing, Version: line.Version, Variant: line.Variant, Quantity: line.Quantity, Price: price})
	}
	off := b.redeem(deed, c, id, order.Seller, goods)
	if total.Sub(total, off); units(order.Discount).Cmp(off) != 0 {
		b.fault("the cart %x says that %s is taken off, not %s base units", id, order.Discount, off)
	}
	if order.Buyer != deed.actor || order.Quantity != count || int(order.Lines) != len(lines) || units(order.Total).Cmp(total) != 0 {
		b.fault("the cart %x is not what %s asked for", id, deed.actor)
	}
	b.spend(deed.actor, total)
	b.begin(id, order, terms)
	b.orders[id].lines = lines
}

// checkLines: a cart's lines are written with it, as they were asked for.
func (b *books) checkLines(id spec.ID, c change) {
	after, _ := c.after.(ledger.Lines)
	var want ledger.Lines
	if o := b.orders[id]; o != nil {
		copy(want[:], o.lines)
	}
	if c.before != nil || after != want {
		b.fault("the lines of %x are %v, want %v", id, after, want)
	}
}

// cameBack is so many units of a listing.
type cameBack struct {
	listing spec.ID
	units   int64
}

// lastUnits are the last so many units of an order, by its lines: those before them went.
func (o *orderBook) lastUnits(left int64) []cameBack {
	if o.lines == nil {
		return []cameBack{{o.terms.Listing, left}}
	}
	back := make([]cameBack, len(o.lines))
	for i := len(o.lines) - 1; i >= 0; i-- {
		units := min(left, int64(o.lines[i].Quantity))
		back[i] = cameBack{o.lines[i].Listing, units}
		left -= units
	}
	return back
}

// worthSent is the share of the total of the units that went, rounded down: by their number or, of a cart, by their prices.
func (o *orderBook) worthSent() *big.Int {
	sent, all := big.NewInt(int64(o.shipped)), big.NewInt(int64(o.terms.Quantity))
	if o.lines != nil {
		sent, all = new(big.Int), new(big.Int)
		for i, left := range o.lastUnits(int64(o.terms.Quantity - o.shipped)) {
			price, quantity := units(o.lines[i].Price), int64(o.lines[i].Quantity)
			sent.Add(sent, new(big.Int).Mul(price, big.NewInt(quantity-left.units)))
			all.Add(all, new(big.Int).Mul(price, big.NewInt(quantity)))
		}
	}
	sent.Mul(sent, units(o.terms.Total))
	return sent.Quo(sent, all)
}
