package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// tradeRoutes are the lists of what trade leaves.
var tradeRoutes = []ownRoute{
	{
		method: "GET", path: "/v1/auctions", name: "ListAuctions", doc: "Auctions, the newest first, page by page.", item: &spec.AuctionView{},
		parameters: []parameter{
			addressParameter("seller", "Only this seller's."), idParameter("listing", "Only those of this listing.", &spec.GetListing{}),
			stateParameter(spec.AuctionState(0).Descriptor()), cursorParameter, limitParameter,
		},
		serve: (*server).listAuctions,
	},
	{
		method: "GET", path: "/v1/offers", name: "ListAllOffers", doc: "Offers, the newest first, page by page.", item: &spec.OfferView{},
		parameters: []parameter{
			idParameter("listing", "Only those on this listing.", &spec.GetListing{}), addressParameter("buyer", "Only this buyer's."), addressParameter("seller", "Only those to this seller."),
			stateParameter(spec.OfferState(0).Descriptor()), cursorParameter, limitParameter,
		},
		serve: (*server).listOffers,
	},
	{
		method: "GET", path: "/v1/disputes", name: "ListDisputes", doc: "Disputes, the newest first, page by page.", item: &spec.DisputeView{},
		parameters: []parameter{
			addressParameter("buyer", "Only those of this buyer's orders."), addressParameter("seller", "Only those of this seller's orders."),
			{"arbiter", "Only those that this organisation may vote on, by its membership service provider.", fieldSchema(&spec.GetMember{}, "msp_id")},
			stateParameter(spec.DisputeState(0).Descriptor()), cursorParameter, limitParameter,
		},
		serve: (*server).listDisputes,
	},
	{
		method: "GET", path: "/v1/reviews", name: "ListReviews", doc: "Reviews, the newest first, page by page.", item: &spec.ReviewView{},
		parameters: []parameter{addressParameter("subject", "Only those of this account."), addressParameter("author", "Only those by this account."), cursorParameter, limitParameter},
		serve:      (*server).listReviews,
	},
	{
		method: "GET", path: "/v1/holds", name: "ListHolds", doc: "Holds, the newest first, page by page.", item: &spec.HoldView{},
		parameters: []parameter{
			addressParameter("payer", "Only this payer's."), addressParameter("payee", "Only those for this payee."), addressParameter("arbiter", "Only those that this account captures from."),
			stateParameter(spec.HoldState(0).Descriptor()), cursorParameter, limitParameter,
		},
		serve: (*server).listHolds,
	},
	{
		method: "GET", path: "/v1/payouts", name: "ListPayouts", doc: "Payouts with a reference, the newest first, page by page.", item: &spec.PayoutView{},
		parameters: []parameter{addressParameter("from", "Only this payer's."), cursorParameter, limitParameter},
		serve:      (*server).listPayouts,
	},
	{
		method: "GET", path: "/v1/accounts/{address}/reputation", name: "GetReputation", doc: "What reviews say of an account, added up by this gateway.",
		schema: func() spec.Schema { return spec.MessageSchema((&spec.Reputation{}).ProtoReflect().Descriptor()) },
		serve:  (*server).getReputation,
	},
}

func (s *server) listAuctions(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	query := app.AuctionQuery{
		Seller: q.address("seller"), Listing: q.id("listing", spec.ListingType), State: spec.AuctionState(q.state(spec.AuctionState(0).Descriptor())),
	}
	query.Cursor, query.Limit = q.page()
	if q.err != nil {
		return q.err
	}
	page, err := s.options.Lists.Auctions(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) listOffers(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	query := app.OfferQuery{
		Listing: q.id("listing", spec.ListingType), Buyer: q.address("buyer"), Seller: q.address("seller"), State: spec.OfferState(q.state(spec.OfferState(0).Descriptor())),
	}
	query.Cursor, query.Limit = q.page()
	if q.err != nil {
		return q.err
	}
	page, err := s.options.Lists.Offers(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) listDisputes(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	query := app.DisputeQuery{
		Buyer: q.address("buyer"), Seller: q.address("seller"), Arbiter: q.msp("arbiter"), State: spec.DisputeState(q.state(spec.DisputeState(0).Descriptor())),
	}
	query.Cursor, query.Limit = q.page()
	if q.err != nil {
		return q.err
	}
	page, err := s.options.Lists.Disputes(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) listReviews(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	query := app.ReviewQuery{Subject: q.address("subject"), Author: q.address("author")}
	query.Cursor, query.Limit = q.page()
	if q.err != nil {
		return q.err
	}
	page, err := s.options.Lists.Reviews(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) listHolds(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	query := app.HoldQuery{
		Payer: q.address("payer"), Payee: q.address("payee"), Arbiter: q.address("arbiter"), State: spec.HoldState(q.state(spec.HoldState(0).Descriptor())),
	}
	query.Cursor, query.Limit = q.page()
	if q.err != nil {
		return q.err
	}
	page, err := s.options.Lists.Holds(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) listPayouts(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	query := app.PayoutQuery{From: q.address("from")}
	query.Cursor, query.Limit = q.page()
	if q.err != nil {
		return q.err
	}
	page, err := s.options.Lists.Payouts(r.Context(), query)
	return writePage(w, page, err)
}

func (s *server) getReputation(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	address, err := pathAddress(r, "address")
	if err != nil {
		return err
	}
	reputation, err := s.options.Lists.Reputation(r.Context(), address)
	if err != nil {
		return err
	}
	body, err := spec.EncodeJSON(reputation)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, json.RawMessage(body))
}
