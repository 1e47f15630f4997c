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

// AuctionQuery asks for auctions; a field without a value does not restrict.
type AuctionQuery struct {
	Seller  *spec.Address
	Listing *spec.ID
	State   spec.AuctionState
	Cursor  string
	Limit   int
}

// OfferQuery asks for offers; a field without a value does not restrict.
type OfferQuery struct {
	Listing       *spec.ID
	Buyer, Seller *spec.Address
	State         spec.OfferState
	Cursor        string
	Limit         int
}

// DisputeQuery asks for disputes; a field without a value does not restrict. Arbiter is an organisation on their panels.
type DisputeQuery struct {
	Buyer, Seller *spec.Address
	Arbiter       string
	State         spec.DisputeState
	Cursor        string
	Limit         int
}

// ReviewQuery asks for reviews; a field without a value does not restrict.
type ReviewQuery struct {
	Author, Subject *spec.Address
	Cursor          string
	Limit           int
}

// HoldQuery asks for holds; a field without a value does not restrict.
type HoldQuery struct {
	Payer, Payee, Arbiter *spec.Address
	State                 spec.HoldState
	Cursor                string
	Limit                 int
}

// PayoutQuery asks for payouts with a reference; From is who paid.
type PayoutQuery struct {
	From   *spec.Address
	Cursor string
	Limit  int
}

// Lists are the read model's lists. A cursor that no page gave is refused as InvalidField.
type Lists interface {
	Listings(ctx context.Context, query ListingQuery) (Page, error)
	Orders(ctx context.Context, query OrderQuery) (Page, error)
	Transfers(ctx context.Context, query TransferQuery) (Page, error)
	Auctions(ctx context.Context, query AuctionQuery) (Page, error)
	Offers(ctx context.Context, query OfferQuery) (Page, error)
	Disputes(ctx context.Context, query DisputeQuery) (Page, error)
	Reviews(ctx context.Context, query ReviewQuery) (Page, error)
	Holds(ctx context.Context, query HoldQuery) (Page, error)
	Payouts(ctx context.Context, query PayoutQuery) (Page, error)
	// Reputation adds up what others say of an account.
	Reputation(ctx context.Context, of spec.Address) (*spec.Reputation, error)
}
