package app

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// MaxPage is the most items a page has, and how many it has when nobody says.
const MaxPage = 100

// Page is a part of a list: the JSON forms of views, the newest first.
type Page struct {
	Items [][]byte
	// NextCursor is where to go on; empty on the last page.
	NextCursor string
}

// ListingQuery asks for listings; a field without a value does not restrict.
type ListingQuery struct {
	Seller   *spec.Address
	Category string
	State    spec.ListingState
	Cursor   string
	Limit    int
}

// OrderQuery asks for orders; a field without a value does not restrict.
type OrderQuery struct {
	Buyer, Seller *spec.Address
	State         spec.OrderState
	Cursor        string
	Limit         int
}

// TransferQuery asks for transfers; Account is either side.
type TransferQuery struct {
	Account *spec.Address
	Cursor  string
	Limit   int
}

// Lists are the read model's lists. A cursor that no page gave is refused as InvalidField.
type Lists interface {
	Listings(ctx context.Context, query ListingQuery) (Page, error)
	Orders(ctx context.Context, query OrderQuery) (Page, error)
	Transfers(ctx context.Context, query TransferQuery) (Page, error)
}
