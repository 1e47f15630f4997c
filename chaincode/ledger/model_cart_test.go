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
	return m.checkOut(c, modelCart{
		reference: command.Reference, lines: command.Lines, lots: c.hints.GetLots(), total: number(command.Total), handOver: command.HandOverHash,
		cart: true, discountID: command.DiscountId, signed: command.Discount != nil,
	})
}

// modelCart is what somebody wants to buy: an order has one line.
type modelCart struct {
	reference  string
	lines      []*spec.CartLine
	lots       [][]byte
	cart       bool
	total      *big.Int
	handOver   []byte
	discountID []byte
	signed     bool
}

func (m *model) checkOut(c modelCall, wanted modelCart) spec.Code {
	id := spec.NewID(spec.OrderType, c.actor, wanted.reference)
	if wanted.signed && wanted.discountID != nil {
		return spec.InvalidField
	}
	if m.orders[id] != nil {
		return spec.ReferenceUsed
	}
	var listings []*modelListing
	faults := map[spec.Code]bool{}
	for _, line := range wanted.lines {
		listing := m.listings[spec.ID(line.Listing)]
		listings = append(listings, listing)
		faults[listing.sells(line.Version, line.Variant)] = true
	}
	discount, discountID := m.discountOf(c, wanted)
	if discount != nil {
		faults[m.redeems(c, discount, discountID, listings[0])] = true
	}
	for _, code := range []spec.Code{spec.NotFound, spec.NotAParty, spec.ListingClosed, spec.ListingSuspended, spec.VersionStale, spec.DiscountUsed} {
		if faults[code] {
			return code
		}
	}
	if slices.ContainsFunc(listings, func(l *modelListing) bool { return l.seller == c.actor }) {
		return spec.SameAccount
	}
	order := modelOrder{
		buyer: c.actor, buyerMSP: c.msp, seller: listings[0].seller, sellerMSP: listings[0].msp, listing: spec.ID(wanted.lines[0].Listing),
		version: wanted.lines[0].Version, variant: wanted.lines[0].Variant, total: new(big.Int), placedAt: c.time, handOver: wanted.handOver,
	}
	terms, on := modelVersion{}, new(big.Int)
	for i, line := range wanted.lines {
		version := listings[i].versions[line.Version-1]
		if wanted.cart && (len(version.milestones) > 0 || listings[i].seller != listings[0].seller) {
			return spec.CartMismatch
		}
		terms.acceptRequired = terms.acceptRequired || version.acceptRequired
		terms.milestones = version.milestones
		price := append([]*big.Int{version.price}, version.variants...)[line.Variant]
		if !slices.ContainsFunc(order.lines, func(l modelLine) bool { return l.listing == spec.ID(line.Listing) }) {
			order.total.Add(order.total, version.shipping)
		}
		order.lines = append(order.lines, modelLine{spec.ID(line.Listing), line.Version, line.Variant, line.Quantity, price})
		worth := order.lines[i].worth(line.Quantity)
		order.total.Add(order.total, worth)
		if discount != nil && (discount.listing == nil || spec.ID(discount.listing) == spec.ID(line.Listing)) {
			on.Add(on, worth)
		}
		order.quantity += line.Quantity
	}
	if discount != nil && order.total.Cmp(maxUnits) <= 0 {
		if order.off = discount.off(on); order.off == nil {
			return spec.DiscountMismatch
		}
		order.total.Sub(order.total, order.off)
	}
	switch {
	case order.total.Cmp(maxUnits) > 0 || order.total.Cmp(wanted.total) != 0:
		return spec.TotalMismatch
	case discount != nil && order.total.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case discount != nil && c.time > discount.validUntil:
		return spec.DeadlinePassed
	}
	before := maps.Clone(m.lots)
	for i, line := range order.lines {
		// The lot that is hinted at for the line, as if it were the only one.
		alone := modelCall{hints: &spec.Hints{}}
		if i < len(wanted.lots) {
			alone.hints.Lot = wanted.lots[i]
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
	if !wanted.cart {
		order.lines = nil
	}
	if discount != nil {
		m.redeemed[discountID] = id
	}
	m.orders[id] = terms.begin(order)
	return ""
}

type modelDiscount struct {
	seller, buyer spec.Address
	listing       []byte
	minimum       *big.Int
	amount        *big.Int
	bps           uint32
	validUntil    int64
	absent        bool
}

func newModelDiscount(seller spec.Address, command *spec.OfferDiscount) (*modelDiscount, spec.ID) {
	buyer, _ := spec.AddressFromBytes(command.Buyer)
	return &modelDiscount{
		seller: seller, buyer: buyer, listing: command.Listing, minimum: number(command.Minimum), amount: number(command.Amount), bps: command.Bps,
		validUntil: command.ValidUntil,
	}, spec.DiscountID(seller, buyer, command.Reference)
}

func (m *model) offerDiscount(c modelCall, command *spec.OfferDiscount) spec.Code {
	d, id := newModelDiscount(c.actor, command)
	switch {
	case m.discounts[id] != nil:
		return spec.ReferenceUsed
	case d.buyer == c.actor:
		return spec.SameAccount
	case (d.amount.Sign() > 0) == (d.bps > 0):
		return spec.DiscountMismatch
	case d.validUntil <= c.time:
		return spec.DeadlineOutOfRange
	}
	m.discounts[id] = d
	return ""
}

// discountOf is what discount somebody brings, or nil.
func (m *model) discountOf(c modelCall, wanted modelCart) (*modelDiscount, spec.ID) {
	switch {
	case wanted.signed:
		return newModelDiscount(c.brings.Seller, c.brings.Terms)
	case wanted.discountID == nil:
		return nil, spec.ID{}
	}
	id := spec.ID(wanted.discountID)
	if m.discounts[id] == nil {
		return &modelDiscount{absent: true}, id
	}
	return m.discounts[id], id
}

// redeems says why nobody, or not this one, can use a discount with a listing.
func (m *model) redeems(c modelCall, d *modelDiscount, id spec.ID, listing *modelListing) spec.Code {
	_, used := m.redeemed[id]
	switch {
	case d.absent:
		return spec.NotFound
	case d.buyer != c.actor || listing == nil || d.seller != listing.seller:
		return spec.NotAParty
	case used:
		return spec.DiscountUsed
	}
	return ""
}

// off is what the discount takes off goods that cost so much; nil when it does not fit them.
func (d *modelDiscount) off(on *big.Int) *big.Int {
	if (d.amount.Sign() > 0) == (d.bps > 0) || on.Sign() == 0 || on.Cmp(d.minimum) < 0 || d.amount.Cmp(on) > 0 {
		return nil
	}
	if d.bps > 0 {
		share := new(big.Int).Mul(on, big.NewInt(int64(d.bps)))
		return share.Quo(share, big.NewInt(10_000))
	}
	return d.amount
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
