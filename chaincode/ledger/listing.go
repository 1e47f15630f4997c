package ledger

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func createListingKeys(t *task, c *spec.CreateListing) []Key {
	return []Key{ListingKey(spec.NewID(spec.ListingType, t.actor, c.Reference))}
}

// createListing writes the head, the first version, and the stock in equal lots, the first ones larger by the rest.
func createListing(t *task, c *spec.CreateListing) (proto.Message, error) {
	version, err := t.version(c, t.tx.Time)
	if err != nil {
		return nil, err
	}
	id := spec.NewID(spec.ListingType, t.actor, c.Reference)
	if has(t, ListingKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.ListingType))
	}
	if err := t.pricesAtLeastMinimum(c); err != nil {
		return nil, err
	}
	head := Listing{Seller: t.actor, Version: 1, CreatedAt: t.tx.Time, UpdatedAt: t.tx.Time}
	t.put(ListingKey(id), head)
	t.put(VersionKey(id, 1), version)
	view := head.view(id, version)
	view.Lots = t.putLots(id, 0, c.Stock, c.Lots)
	for i, variant := range c.Variants {
		view.Lots = append(view.Lots, t.putLots(id, uint32(i)+1, variant.Stock, c.Lots)...)
	}
	return view, nil
}

// putLots writes a variant's stock in so many lots.
func (t *task) putLots(listing spec.ID, variant, stock, lots uint32) (views []*spec.LotView) {
	lots = min(max(lots, 1), stock)
	for n := range lots {
		lot := Lot{Stock: stock / lots, Variant: variant}
		if n < stock%lots {
			lot.Stock++
		}
		id := spec.StockLot(listing, 1, variant*MaxLots+n)
		t.put(LotKey(listing, id), lot)
		views = append(views, &spec.LotView{Lot: id[:], Stock: lot.Stock, Variant: variant})
	}
	return views
}

// terms are what a listing's first version and every later one say alike.
type terms interface {
	GetPrice() []byte
	GetShippingPrice() []byte
	GetCategory() string
	GetContentHash() []byte
	GetAcceptRequired() bool
	GetMilestones() []uint32
	GetRegion() string
	GetVariants() []*spec.VariantTerms
}

// pricesAtLeastMinimum refuses dust.
func (t *task) pricesAtLeastMinimum(c terms) error {
	for _, variant := range c.GetVariants() {
		if err := t.atLeastMinimum(amount(variant.Price), "variants.price"); err != nil {
			return err
		}
	}
	return t.atLeastMinimum(amount(c.GetPrice()), "price")
}

// version returns the actor's terms as a version that begins at a time.
func (t *task) version(c terms, createdAt int64) (Version, error) {
	milestones, err := atMilestones(c.GetMilestones())
	var prices [MaxVariants - 1]spec.Amount
	for i, variant := range c.GetVariants() {
		prices[i] = amount(variant.Price)
	}
	return Version{
		Region:         c.GetRegion(),
		VariantPrices:  prices,
		Milestones:     milestones,
		Seller:         t.actor,
		SellerMember:   t.member().Index,
		Price:          amount(c.GetPrice()),
		ShippingPrice:  amount(c.GetShippingPrice()),
		Category:       c.GetCategory(),
		ContentHash:    hash(c.GetContentHash()),
		AcceptRequired: c.GetAcceptRequired(),
		CreatedAt:      createdAt,
	}, err
}

func editListingKeys(_ *task, c *spec.EditListing) []Key {
	return []Key{ListingKey(identifier(c.Listing))}
}

// editListing adds a version and marks the one before as ended; it touches no lot, so that buyers and the seller do not
// stand in each other's way.
func editListing(t *task, c *spec.EditListing) (proto.Message, error) {
	version, err := t.version(c, t.tx.Time)
	if err != nil {
		return nil, err
	}
	id := identifier(c.Listing)
	head, err := t.ownListing(id)
	if err != nil {
		return nil, err
	}
	if head.Suspended {
		return nil, spec.FieldErrorf(spec.ListingSuspended, "listing", "was suspended on %s", utc(head.UpdatedAt))
	}
	if c.Version != head.Version {
		return nil, spec.FieldErrorf(spec.VersionStale, "version", "the current version is %d", head.Version)
	}
	if err := t.pricesAtLeastMinimum(c); err != nil {
		return nil, err
	}
	now := max(t.tx.Time, head.UpdatedAt)
	t.put(EndKey(id, head.Version), End{Time: now})
	head.Version++
	head.UpdatedAt = now
	version.CreatedAt = now
	t.put(ListingKey(id), head)
	t.put(VersionKey(id, head.Version), version)
	t.addStock(id, head.Version, 0, c.AddStock)
	for i, variant := range c.Variants {
		t.addStock(id, head.Version, uint32(i)+1, variant.Stock)
	}
	return head.view(id, version), nil
}

// addStock writes units that came with a version as a lot of their own.
func (t *task) addStock(listing spec.ID, version, variant, stock uint32) {
	if stock > 0 {
		t.put(LotKey(listing, spec.StockLot(listing, version, variant*MaxLots)), Lot{Stock: stock, Variant: variant})
	}
}

func closeListingKeys(t *task, c *spec.CloseListing) []Key { return headKeys(t, identifier(c.Listing)) }

// headKeys names a listing's head and, once that is known, its current version.
func headKeys(t *task, id spec.ID) []Key {
	keys := []Key{ListingKey(id)}
	if head, ok := get[Listing](t, ListingKey(id)); ok {
		keys = append(keys, VersionKey(id, head.Version))
	}
	return keys
}

func closeListing(t *task, c *spec.CloseListing) (proto.Message, error) {
	id := identifier(c.Listing)
	head, err := t.ownListing(id)
	if err != nil {
		return nil, err
	}
	head.Closed = true
	head.UpdatedAt = max(t.tx.Time, head.UpdatedAt)
	t.put(ListingKey(id), head)
	if !head.Suspended {
		t.put(EndKey(id, head.Version), End{Cause: Closed, Time: head.UpdatedAt})
	}
	version, _ := get[Version](t, VersionKey(id, head.Version))
	return head.view(id, version), nil
}

// ownListing returns an open listing of the actor's.
func (t *task) ownListing(id spec.ID) (Listing, error) {
	head, ok := get[Listing](t, ListingKey(id))
	if !ok {
		return head, spec.FieldErrorf(spec.NotFound, "listing", "there is no %s", id.Text(spec.ListingType))
	}
	if head.Seller != t.actor {
		return head, spec.FieldErrorf(spec.NotAParty, "listing", "belongs to %s, not to %s", head.Seller, t.actor)
	}
	if head.Closed {
		return head, spec.FieldErrorf(spec.ListingClosed, "listing", "was closed on %s", utc(head.UpdatedAt))
	}
	return head, nil
}

// maxLots bounds the lots that one answer lists.
const maxLots = 256

func getListingKeys(t *task, c *spec.GetListing) []Key { return headKeys(t, identifier(c.Listing)) }

func getListing(t *task, c *spec.GetListing) (proto.Message, error) {
	id := identifier(c.Listing)
	head, ok := get[Listing](t, ListingKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "listing", "there is no %s", id.Text(spec.ListingType))
	}
	version, _ := get[Version](t, VersionKey(id, head.Version))
	lots, _, err := t.reader.Page(LotKind, string(id[:]), "", maxLots)
	if err != nil {
		return nil, err
	}
	view := head.view(id, version)
	for _, entry := range lots {
		view.Lots = append(view.Lots, &spec.LotView{Lot: []byte(entry.Key.ID), Stock: entry.Record.(Lot).Stock, Variant: entry.Record.(Lot).Variant})
	}
	return view, nil
}

func (l Listing) view(id spec.ID, v Version) *spec.ListingView {
	return &spec.ListingView{
		Milestones:           v.Milestones[:v.milestones()],
		Listing:              id[:],
		Seller:               l.Seller.Bytes(),
		Version:              l.Version,
		State:                l.State(),
		Region:               v.Region,
		VariantPrices:        v.variantPrices(),
		SuspensionReason:     l.Reason,
		SuspensionReasonHash: optionalHash(l.ReasonHash),
		Price:                v.Price.Bytes(),
		ShippingPrice:        v.ShippingPrice.Bytes(),
		Category:             v.Category,
		ContentHash:          v.ContentHash[:],
		AcceptRequired:       v.AcceptRequired,
		CreatedAt:            l.CreatedAt,
		UpdatedAt:            l.UpdatedAt,
	}
}

// milestones counts a service's milestones; goods have none.
func (v Version) milestones() int {
	if n := slices.Index(v.Milestones[:], 0); n >= 0 {
		return n
	}
	return len(v.Milestones)
}

// variantPrices are those of the further variants.
func (v Version) variantPrices() (prices [][]byte) {
	for _, price := range v.VariantPrices {
		if price.IsZero() {
			break
		}
		prices = append(prices, price.Bytes())
	}
	return prices
}

// State is where the listing stands.
func (l Listing) State() spec.ListingState {
	switch {
	case l.Closed:
		return spec.ListingState_LISTING_STATE_CLOSED
	case l.Suspended:
		return spec.ListingState_LISTING_STATE_SUSPENDED
	}
	return spec.ListingState_LISTING_STATE_OPEN
}
