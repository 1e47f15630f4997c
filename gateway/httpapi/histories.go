package httpapi

import (
	"net/http"
	"strings"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// historyRoutes tell what happened.
var historyRoutes = []ownRoute{
	{
		method: "GET", path: "/v1/accounts/{address}/history", name: "GetStatement", item: &spec.StatementEntry{},
		doc:        "An account's statement, the newest movement first: of organisations, and of persons at home with this gateway's.",
		parameters: []parameter{cursorParameter, limitParameter}, errors: []spec.Code{spec.NotFound}, serve: (*server).getStatement,
	},
	historyRoute("/v1/accounts/{owner}/allowances/{spender}", "Allowance", "an allowance", pair("owner", "spender", ledger.AllowanceKey)),
	historyRoute("/v1/transfers/{transfer}", "Transfer", "a transfer with a reference", one(spec.TransferType, ledger.TransferKey)),
	historyRoute("/v1/payouts/{payout}", "Payout", "a payout with a reference", one(spec.PayoutType, ledger.PayoutKey)),
	historyRoute("/v1/holds/{hold}", "Hold", "a hold", one(spec.HoldType, ledger.TokenHoldKey)),
	historyRoute("/v1/mints/{mint}", "Mint", "a mint", one(spec.MintType, ledger.MintKey)),
	historyRoute("/v1/burns/{burn}", "Burn", "a burn", one(spec.BurnType, ledger.BurnKey)),
	historyRoute("/v1/listings/{listing}", "Listing", "a listing", one(spec.ListingType, ledger.ListingKey)),
	historyRoute("/v1/listings/{listing}/offers/{offer}", "Offer", "an offer", offerOf),
	historyRoute("/v1/discounts/{discount}", "Discount", "a discount: its offer, and its use", one(spec.DiscountType, ledger.DiscountKey)),
	historyRoute("/v1/orders/{order}", "Order", "an order, its milestones and its reviews", one(spec.OrderType, ledger.OrderKey)),
	historyRoute("/v1/orders/{order}/dispute", "Dispute", "an order's dispute, its evidence and its votes", one(spec.OrderType, ledger.DisputeKey)),
	historyRoute("/v1/auctions/{auction}", "Auction", "an auction and its bids", one(spec.AuctionType, ledger.AuctionKey)),
}

// keyOf reads from a path which record's history is asked for.
type keyOf func(path string, r *http.Request) (ledger.Key, error)

func historyRoute(path, name, of string, key keyOf) ownRoute {
	return ownRoute{
		method: "GET", path: path + "/history", name: "Get" + name + "History", doc: "What happened to " + of + ", the oldest step first.", item: &spec.HistoryEntry{}, oldestFirst: true,
		parameters: []parameter{cursorParameter, limitParameter}, errors: []spec.Code{spec.NotFound},
		serve: func(s *server, _ app.Principal, w http.ResponseWriter, r *http.Request) error {
			query := app.HistoryQuery{}
			var err error
			if query.Object, err = key(path, r); err != nil {
				return err
			}
			if query.Cursor, query.Limit, err = pageOf(r); err != nil {
				return err
			}
			page, err := s.options.Histories.History(r.Context(), query)
			return writePage(w, page, err)
		},
	}
}

// one reads the one identifier of a path.
func one(idType spec.IDType, key func(spec.ID) ledger.Key) keyOf {
	return func(path string, r *http.Request) (ledger.Key, error) {
		_, name, _ := strings.Cut(path, "{")
		name, _, _ = strings.Cut(name, "}")
		id, err := identifierOf(r, name, idType)
		return key(id), err
	}
}

func offerOf(_ string, r *http.Request) (ledger.Key, error) {
	listing, err := identifierOf(r, "listing", spec.ListingType)
	if err != nil {
		return ledger.Key{}, err
	}
	offer, err := identifierOf(r, "offer", spec.OfferType)
	return ledger.OfferKey(listing, offer), err
}

// pair reads two addresses of a path.
func pair(first, second string, key func(a, b spec.Address) ledger.Key) keyOf {
	return func(_ string, r *http.Request) (ledger.Key, error) {
		a, err := pathAddress(r, first)
		if err != nil {
			return ledger.Key{}, err
		}
		b, err := pathAddress(r, second)
		return key(a, b), err
	}
}

func identifierOf(r *http.Request, name string, idType spec.IDType) (spec.ID, error) {
	id, err := spec.ParseID(idType, r.PathValue(name))
	if err != nil {
		return id, spec.FieldErrorf(spec.InvalidField, name, "%s", err)
	}
	return id, nil
}

func pathAddress(r *http.Request, name string) (spec.Address, error) {
	address, err := spec.ParseAddress(r.PathValue(name))
	if err != nil {
		return address, spec.FieldErrorf(spec.InvalidField, name, "%s", err)
	}
	return address, nil
}

func (s *server) getStatement(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	var query app.StatementQuery
	var err error
	if query.Account, err = pathAddress(r, "address"); err != nil {
		return err
	}
	if query.Cursor, query.Limit, err = pageOf(r); err != nil {
		return err
	}
	page, err := s.options.Histories.Statement(r.Context(), query)
	return writePage(w, page, err)
}
