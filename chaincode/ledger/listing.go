package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func createListingKeys(t *task, c *spec.CreateListing) []Key {
	return []Key{ListingKey(spec.NewID(spec.ListingType, t.actor, c.Reference))}
}

// createListing writes the head, the first version, and the stock in equal lots, the first ones larger by the rest.
func createListing(t *task, c *spec.CreateListing) (proto.Message, error) {
	id := spec.NewID(spec.ListingType, t.actor, c.Reference)
	if has(t, ListingKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.ListingType))
	}
	if err := t.atLeastMinimum(amount(c.Price), "price"); err != nil {
		return nil, err
	}
	head := Listing{Seller: t.actor, Version: 1, CreatedAt: t.tx.Time, UpdatedAt: t.tx.Time}
	version := t.version(c, t.tx.Time)
	t.put(ListingKey(id), head)
	t.put(VersionKey(id, 1), version)
	lots := min(max(c.Lots, 1), c.Stock)
	view := head.view(id, version)
	for n := range lots {
		lot := Lot{Stock: c.Stock / lots}
		if n < c.Stock%lots {
			lot.Stock++
		}
		lotID := spec.StockLot(id, 1, n)
		t.put(LotKey(id, lotID), lot)
		view.Lots = append(view.Lots, &spec.LotView{Lot: lotID[:], Stock: lot.Stock})
	}
	return view, nil
}

// terms are what a listing's first version and every later one say alike.
type terms interface {
	GetPrice() []byte
	GetShippingPrice() []byte
	GetCategory() string
	GetContentHash() []byte
	GetAcceptRequired() bool
}

// version returns the actor's terms as a version that begins at a time.
func (t *task) version(c terms, createdAt int64) Version {
	return Version{
		Seller:         t.actor,
		SellerMember:   t.member().Index,
		Price:          amount(c.GetPrice()),
		ShippingPrice:  amount(c.GetShippingPrice()),
		Category:       c.GetCategory(),
		ContentHash:    hash(c.GetContentHash()),
		AcceptRequired: c.GetAcceptRequired(),
		CreatedAt:      createdAt,
	}
}

func editListingKeys(_ *task, c *spec.EditListing) []Key {
	return []Key{ListingKey(identifier(c.Listing))}
}

// editListing adds a version and marks the one before as ended; it touches no lot, so that buyers and the seller do not
// stand in each other's way.
func editListing(t *task, c *spec.EditListing) (proto.Message, error) {
	id := identifier(c.Listing)
	head, err := t.ownListing(id)
	if err != nil {
		return nil, err
	}
	if c.Version != head.Version {
		return nil, spec.FieldErrorf(spec.VersionStale, "version", "the current version is %d", head.Version)
	}
	if err := t.atLeastMinimum(amount(c.Price), "price"); err != nil {
		return nil, err
	}
	now := max(t.tx.Time, head.UpdatedAt)
	t.put(EndKey(id, head.Version), End{Time: now})
	head.Version++
	head.UpdatedAt = now
	version := t.version(c, now)
	t.put(ListingKey(id), head)
	t.put(VersionKey(id, head.Version), version)
	if c.AddStock > 0 {
		t.put(LotKey(id, spec.StockLot(id, head.Version, 0)), Lot{Stock: c.AddStock})
	}
	return head.view(id, version), nil
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
	t.put(EndKey(id, head.Version), End{Closed: true, Time: head.UpdatedAt})
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
		view.Lots = append(view.Lots, &spec.LotView{Lot: []byte(entry.Key.ID), Stock: entry.Record.(Lot).Stock})
	}
	return view, nil
}

func (l Listing) view(id spec.ID, v Version) *spec.ListingView {
	state := spec.ListingState_LISTING_STATE_OPEN
	if l.Closed {
		state = spec.ListingState_LISTING_STATE_CLOSED
	}
	return &spec.ListingView{
		Listing:        id[:],
		Seller:         l.Seller.Bytes(),
		Version:        l.Version,
		State:          state,
		Price:          v.Price.Bytes(),
		ShippingPrice:  v.ShippingPrice.Bytes(),
		Category:       v.Category,
		ContentHash:    v.ContentHash[:],
		AcceptRequired: v.AcceptRequired,
		CreatedAt:      l.CreatedAt,
		UpdatedAt:      l.UpdatedAt,
	}
}
