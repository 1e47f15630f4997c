package ledger_test

import (
	"math/big"

	"github.com/cybermiles/cmt/chaincode/spec"
)

type modelListing struct {
	seller   spec.Address
	msp      string
	versions []modelVersion // the first is version 1
	closed   bool
	// suspended are the versions at which it was suspended.
	suspended   map[int]bool
	isSuspended bool
	updated     int64
}

type modelVersion struct {
	price, shipping *big.Int
	variants        []*big.Int // the prices of further variants
	acceptRequired  bool
	milestones      []uint32
}

func lotKey(listing, lot spec.ID) string {
	return listing.Text(spec.ListingType) + " " + lot.Text(spec.LotType)
}

func (m *model) createListing(c modelCall, command *spec.CreateListing) spec.Code {
	id := spec.NewID(spec.ListingType, c.actor, command.Reference)
	if m.listings[id] != nil {
		return spec.ReferenceUsed
	}
	version, code := newModelVersion(command)
	if code != "" {
		return code
	}
	m.listings[id] = &modelListing{seller: c.actor, msp: c.msp, updated: c.time, versions: []modelVersion{version}, suspended: map[int]bool{}}
	// Unit after unit goes into the next lot.
	lots := command.Lots
	if lots == 0 {
		lots = 1
	}
	stocks := []uint32{command.Stock}
	for _, variant := range command.Variants {
		stocks = append(stocks, variant.Stock)
	}
	for variant, stock := range stocks {
		for unit := range stock {
			m.addStock(id, 1, uint32(variant), unit%lots, 1)
		}
	}
	return ""
}

// addStock adds units to the n-th lot of a variant that came with a version.
func (m *model) addStock(listing spec.ID, version, variant, n, units uint32) {
	key := lotKey(listing, spec.StockLot(listing, version, variant*16+n))
	m.lots[key] += units
	m.variants[key] = variant
}

func newModelVersion(command interface {
	GetPrice() []byte
	GetShippingPrice() []byte
	GetVariants() []*spec.VariantTerms
	GetAcceptRequired() bool
	GetMilestones() []uint32
}) (modelVersion, spec.Code) {
	v := modelVersion{price: number(command.GetPrice()), shipping: number(command.GetShippingPrice()), acceptRequired: command.GetAcceptRequired(), milestones: command.GetMilestones()}
	for _, variant := range command.GetVariants() {
		v.variants = append(v.variants, number(variant.Price))
	}
	for _, price := range append([]*big.Int{v.price}, v.variants...) {
		if price.Cmp(big.NewInt(10)) < 0 {
			return v, spec.BelowMinimum
		}
	}
	return v, ""
}

// suspend is the operator's word, and its opposite.
func (m *model) suspend(c modelCall, listing []byte, suspended bool) spec.Code {
	l := m.listings[spec.ID(listing)]
	switch {
	case l == nil:
		return spec.NotFound
	case l.isSuspended == suspended:
		return spec.WrongState
	case l.closed:
		return spec.ListingClosed
	}
	if l.isSuspended = suspended; suspended {
		l.suspended[len(l.versions)] = true
	} else {
		l.versions = append(l.versions, l.versions[len(l.versions)-1])
	}
	l.updated = max(l.updated, c.time)
	return ""
}

func (m *model) own(c modelCall, listing []byte) (*modelListing, spec.Code) {
	id := spec.ID(listing)
	l := m.listings[id]
	if l == nil {
		return nil, spec.NotFound
	}
	if l.seller != c.actor {
		return nil, spec.NotAParty
	}
	if l.closed {
		return nil, spec.ListingClosed
	}
	return l, ""
}

func (m *model) editListing(c modelCall, command *spec.EditListing) spec.Code {
	listing, code := m.own(c, command.Listing)
	if code != "" {
		return code
	}
	if listing.isSuspended {
		return spec.ListingSuspended
	}
	if int(command.Version) != len(listing.versions) {
		return spec.VersionStale
	}
	version, code := newModelVersion(command)
	if code != "" {
		return code
	}
	listing.versions = append(listing.versions, version)
	listing.updated = max(listing.updated, c.time)
	id := spec.ID(command.Listing)
	m.addStock(id, uint32(len(listing.versions)), 0, 0, command.AddStock)
	for i, variant := range command.Variants {
		m.addStock(id, uint32(len(listing.versions)), uint32(i)+1, 0, variant.Stock)
	}
	return ""
}

// sells says why nobody can order a variant of a version.
func (l *modelListing) sells(version, variant uint32) spec.Code {
	if l == nil || int(version) > len(l.versions) || int(variant) > len(l.versions[version-1].variants) {
		return spec.NotFound
	}
	current := int(version) == len(l.versions)
	switch {
	case l.suspended[int(version)]:
		return spec.ListingSuspended
	case current && l.closed:
		return spec.ListingClosed
	case !current:
		return spec.VersionStale
	}
	return ""
}

// take takes units of a variant from the lot that the call hints at, or from its first.
func (m *model) take(c modelCall, listing spec.ID, variant, quantity uint32) bool {
	key := c.lotOf(listing, variant)
	if m.lots[key] < quantity || m.variants[key] != variant {
		return false
	}
	m.lots[key] -= quantity
	return true
}

func (c modelCall) lotOf(listing spec.ID, variant uint32) string {
	lot := spec.StockLot(listing, 1, variant*16)
	if hint := c.hints.GetLot(); len(hint) > 0 {
		lot = spec.ID(hint)
	}
	return lotKey(listing, lot)
}
