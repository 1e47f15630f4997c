package ledger_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/cybermiles/cmt/chaincode/spec"
)

type modelLine struct {
	listing                    spec.ID
	version, variant, quantity uint32
	price                      *big.Int
}

func (l modelLine) String() string {
	return fmt.Sprintf("%d of %s version %d variant %d at %s", l.quantity, l.listing.Text(spec.ListingType), l.version, l.variant, l.price)
}

func (m *model) placeCart(c modelCall, command *spec.PlaceCart) spec.Code {
	id := spec.NewID(spec.OrderType, c.actor, command.Reference)
	if m.orders[id] != nil {
		return spec.ReferenceUsed
	}
	var listings []*modelListing
	faults := map[spec.Code]bool{}
	for _, line := range command.Lines {
		listing := m.listings[spec.ID(line.Listing)]
		listings = append(listings, listing)
		faults[listing.sells(line.Version, line.Variant)] = true
	}
	for _, code := range []spec.Code{spec.NotFound, spec.ListingClosed, spec.ListingSuspended, spec.VersionStale} {
		if faults[code] {
			return code
		}
	}
	if slices.ContainsFunc(listings, func(l *modelListing) bool { return l.seller == c.actor }) {
		return spec.SameAccount
	}
	order := modelOrder{
		buyer: c.actor, buyerMSP: c.msp, seller: listings[0].seller, sellerMSP: listings[0].msp, listing: spec.ID(command.Lines[0].Listing),
		version: command.Lines[0].Version, variant: command.Lines[0].Variant, total: new(big.Int), placedAt: c.time, handOver: command.HandOverHash,
	}
	terms := modelVersion{}
	for i, line := range command.Lines {
		version := listings[i].versions[line.Version-1]
		if len(version.milestones) > 0 || listings[i].seller != listings[0].seller {
			return spec.CartMismatch
		}
		terms.acceptRequired = terms.acceptRequired || version.acceptRequired
		price := append([]*big.Int{version.price}, version.variants...)[line.Variant]
		if !slices.ContainsFunc(order.lines, func(l modelLine) bool { return l.listing == spec.ID(line.Listing) }) {
			order.total.Add(order.total, version.shipping)
		}
		order.lines = append(order.lines, modelLine{spec.ID(line.Listing), line.Version, line.Variant, line.Quantity, price})
		order.total.Add(order.total, order.lines[i].worth(line.Quantity))
		order.quantity += line.Quantity
	}
	if order.total.Cmp(maxUnits) > 0 || order.total.Cmp(number(command.Total)) != 0 {
		return spec.TotalMismatch
	}
	before := maps.Clone(m.lots)
	for i, line := range order.lines {
		// The lot that is hinted at for the line, as if it were the only one.
		alone := modelCall{hints: &spec.Hints{}}
		if i < len(c.hints.GetLots()) {
			alone.hints.Lot = c.hints.Lots[i]
		}
		if !m.take(alone, line.listing, line.variant, line.quantity) {
			m.lots = before
			return spec.LotEmpty
		}
	}
	if !m.pay(c, order.total) {
		m.lots = before
		return spec.InsufficientFunds
	}
	m.orders[id] = terms.begin(order)
	return ""
}

// worth is what so many units of the line cost.
func (l modelLine) worth(units uint32) *big.Int {
	return new(big.Int).Mul(l.price, big.NewInt(int64(units)))
}

// comeBack makes lots of so many units that never left the seller, the last ones of the order.
func (m *model) comeBack(id spec.ID, o *modelOrder, back uint32) {
	if o.lines == nil {
		key := lotKey(o.listing, spec.ReturnLot(o.listing, id))
		m.lots[key], m.variants[key] = back, o.variant
		return
	}
	for i := len(o.lines) - 1; i >= 0; i-- {
		line := o.lines[i]
		units := min(line.quantity, back)
		back -= units
		if units > 0 {
			key := lotKey(line.listing, spec.LineReturnLot(line.listing, id, uint32(i)))
			m.lots[key], m.variants[key] = units, line.variant
		}
	}
}

// worthSent is the share of the total of the units that went: by their number or, of a cart, by their prices.
func (o *modelOrder) worthSent() *big.Int {
	sent, all := big.NewInt(int64(o.shipped)), big.NewInt(int64(o.quantity))
	if o.lines != nil {
		sent, all = new(big.Int), new(big.Int)
		left := o.shipped
		for _, line := range o.lines {
			units := min(left, line.quantity)
			left -= units
			sent.Add(sent, line.worth(units))
			all.Add(all, line.worth(line.quantity))
		}
	}
	sent.Mul(sent, o.total)
	return sent.Quo(sent, all)
}
