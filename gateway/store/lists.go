package store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// filter is a condition of a list with its arguments; the SQL is ours, never the caller's.
type filter struct {
	sql       string
	arguments []any
}

// list is one list: where its identifiers are, of how many bytes, and how one's view is asked for.
type list struct {
	table    string
	idBytes  int
	function string
	command  func(id []byte) proto.Message
	// pick takes an identifier's own view out of what the query answers; nil when that is it.
	pick func(answer proto.Message, id []byte) proto.Message
}

const idBytes = len(spec.ID{})

var (
	listingsList  = list{"listings", idBytes, spec.MarketContract + ":GetListing", func(id []byte) proto.Message { return &spec.GetListing{Listing: id} }, nil}
	ordersList    = list{"orders", idBytes, spec.MarketContract + ":GetOrder", func(id []byte) proto.Message { return &spec.GetOrder{Order: id} }, nil}
	transfersList = list{"transfers", idBytes, spec.TokenContract + ":GetTransfer", func(id []byte) proto.Message { return &spec.GetTransfer{Transfer: id} }, nil}
)

var _ app.Lists = (*Store)(nil)

// Listings lists listings, the newest first.
func (s *Store) Listings(ctx context.Context, q app.ListingQuery) (app.Page, error) {
	var filters []filter
	if q.Seller != nil {
		filters = append(filters, filter{"seller = ?", []any{q.Seller.Bytes()}})
	}
	if q.Category != "" {
		filters = append(filters, filter{"category = ?", []any{q.Category}})
	}
	if q.State != 0 {
		filters = append(filters, filter{"state = ?", []any{int32(q.State)}})
	}
	return s.page(ctx, listingsList, filters, q.Cursor, q.Limit)
}

// Orders lists orders, the newest first.
func (s *Store) Orders(ctx context.Context, q app.OrderQuery) (app.Page, error) {
	var filters []filter
	if q.Buyer != nil {
		filters = append(filters, filter{"buyer = ?", []any{q.Buyer.Bytes()}})
	}
	if q.Seller != nil {
		filters = append(filters, filter{"seller = ?", []any{q.Seller.Bytes()}})
	}
	if q.State != 0 {
		filters = append(filters, filter{"state = ?", []any{int32(q.State)}})
	}
	return s.page(ctx, ordersList, filters, q.Cursor, q.Limit)
}

// Transfers lists transfers, the newest first.
func (s *Store) Transfers(ctx context.Context, q app.TransferQuery) (app.Page, error) {
	var filters []filter
	if q.Account != nil {
		filters = append(filters, filter{"(sender = ? OR receiver = ?)", []any{q.Account.Bytes(), q.Account.Bytes()}})
	}
	return s.page(ctx, transfersList, filters, q.Cursor, q.Limit)
}

// place is where a row stands in its list.
type place struct {
	position int64
	id       []byte
}

func (s *Store) page(ctx context.Context, l list, filters []filter, cursor string, limit int) (app.Page, error) {
	conditions, arguments := []string{"1"}, []any{}
	if cursor != "" {
		from, err := parseCursor(cursor, l.idBytes)
		if err != nil {
			return app.Page{}, err
		}
		filters = append(filters, filter{"(position, id) < (?, ?)", []any{from.position, from.id}})
	}
	for _, f := range filters {
		conditions = append(conditions, f.sql)
		arguments = append(arguments, f.arguments...)
	}
	places, err := s.places(ctx, "SELECT position, id FROM "+l.table+" WHERE "+strings.Join(conditions, " AND ")+" ORDER BY position DESC, id DESC LIMIT ?", append(arguments, limit+1))
	if err != nil {
		return app.Page{}, wrap(err, "list "+l.table)
	}
	var page app.Page
	if len(places) > limit {
		places = places[:limit]
		page.NextCursor = formatCursor(places[limit-1])
	}
	for _, p := range places {
		item, err := s.item(l, p.id)
		if err != nil {
			return app.Page{}, wrap(err, "list "+l.table)
		}
		page.Items = append(page.Items, item)
	}
	return page, nil
}

// item returns the JSON form of one view.
func (s *Store) item(l list, id []byte) ([]byte, error) {
	answer, err := s.view(l.function, l.command(id))
	if err != nil {
		return nil, err
	}
	if l.pick != nil {
		answer = l.pick(answer, id)
	}
	return spec.EncodeJSON(answer)
}

func (s *Store) places(ctx context.Context, query string, arguments []any) ([]place, error) {
	rows, err := s.blocks.QueryContext(ctx, query, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var places []place
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.position, &p.id); err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	return places, rows.Err()
}

func formatCursor(p place) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(p.position)), p.id...))
}

// positionBytes stand before the identifier in a cursor.
const positionBytes = 8

func parseCursor(text string, idBytes int) (place, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != positionBytes+idBytes || b[0]&0x80 != 0 {
		return place{}, badCursor()
	}
	return place{position: int64(binary.BigEndian.Uint64(b)), id: b[positionBytes:]}, nil
}

func badCursor() error {
	return spec.FieldErrorf(spec.InvalidField, "cursor", "must be a cursor as an earlier page gave it")
}
