package store

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

var (
	auctionsList = list{"auctions", idBytes, spec.MarketContract + ":GetAuction", func(id []byte) proto.Message { return &spec.GetAuction{Auction: id} }, nil}
	offersList   = list{"offers", 2 * idBytes, spec.MarketContract + ":GetOffer", func(id []byte) proto.Message {
		return &spec.GetOffer{Listing: id[:idBytes], Offer: id[idBytes:]}
	}, nil}
	disputesList = list{"disputes", idBytes, spec.MarketContract + ":GetDispute", getDispute, nil}
	panelsList   = list{"panels", idBytes, spec.MarketContract + ":GetDispute", getDispute, nil}
	reviewsList  = list{"reviews", idBytes + 1, spec.MarketContract + ":GetReviews", func(id []byte) proto.Message { return &spec.GetReviews{Order: id[:idBytes]} }, pickReview}
	holdsList    = list{"holds", idBytes, spec.TokenContract + ":GetHold", func(id []byte) proto.Message { return &spec.GetHold{Hold: id} }, nil}
	payoutsList  = list{"payouts", idBytes, spec.TokenContract + ":GetPayout", func(id []byte) proto.Message { return &spec.GetPayout{Payout: id} }, nil}
)

func getDispute(id []byte) proto.Message { return &spec.GetDispute{Order: id} }

// pickReview takes one side's review out of an order's.
func pickReview(answer proto.Message, id []byte) proto.Message {
	reviews := answer.(*spec.OrderReviews).GetReviews()
	at := slices.IndexFunc(reviews, func(r *spec.ReviewView) bool { return r.GetBy() == spec.Side(id[idBytes]) })
	if at < 0 {
		return &spec.ReviewView{}
	}
	return reviews[at]
}

// where gathers the filters that have a value.
type where []filter

func (w *where) address(column string, address *spec.Address) {
	if address != nil {
		*w = append(*w, filter{column + " = ?", []any{address.Bytes()}})
	}
}

func (w *where) id(column string, id *spec.ID) {
	if id != nil {
		*w = append(*w, filter{column + " = ?", []any{id[:]}})
	}
}

func (w *where) state(state int32) {
	if state != 0 {
		*w = append(*w, filter{"state = ?", []any{state}})
	}
}

// Auctions lists auctions, the newest first.
func (s *Store) Auctions(ctx context.Context, q app.AuctionQuery) (app.Page, error) {
	var w where
	w.address("seller", q.Seller)
	w.id("listing", q.Listing)
	w.state(int32(q.State))
	return s.page(ctx, auctionsList, w, q.Cursor, q.Limit)
}

// Offers lists offers, the newest first.
func (s *Store) Offers(ctx context.Context, q app.OfferQuery) (app.Page, error) {
	var w where
	w.id("listing", q.Listing)
	w.address("buyer", q.Buyer)
	w.address("seller", q.Seller)
	w.state(int32(q.State))
	return s.page(ctx, offersList, w, q.Cursor, q.Limit)
}

// Disputes lists disputes, the newest first.
func (s *Store) Disputes(ctx context.Context, q app.DisputeQuery) (app.Page, error) {
	var w where
	w.state(int32(q.State))
	if q.Arbiter == "" {
		w.address("buyer", q.Buyer)
		w.address("seller", q.Seller)
		return s.page(ctx, disputesList, w, q.Cursor, q.Limit)
	}
	w = append(w, filter{"arbiter = ?", []any{q.Arbiter}})
	for _, side := range []struct {
		column  string
		address *spec.Address
	}{{"buyer", q.Buyer}, {"seller", q.Seller}} {
		if side.address != nil {
			w = append(w, filter{"id IN (SELECT id FROM disputes WHERE " + side.column + " = ?)", []any{side.address.Bytes()}})
		}
	}
	return s.page(ctx, panelsList, w, q.Cursor, q.Limit)
}

// Reviews lists reviews, the newest first.
func (s *Store) Reviews(ctx context.Context, q app.ReviewQuery) (app.Page, error) {
	var w where
	w.address("author", q.Author)
	w.address("subject", q.Subject)
	return s.page(ctx, reviewsList, w, q.Cursor, q.Limit)
}

// Holds lists holds, the newest first.
func (s *Store) Holds(ctx context.Context, q app.HoldQuery) (app.Page, error) {
	var w where
	w.address("payer", q.Payer)
	w.address("payee", q.Payee)
	w.address("arbiter", q.Arbiter)
	w.state(int32(q.State))
	return s.page(ctx, holdsList, w, q.Cursor, q.Limit)
}

// Payouts lists payouts, the newest first.
func (s *Store) Payouts(ctx context.Context, q app.PayoutQuery) (app.Page, error) {
	var w where
	w.address("sender", q.From)
	return s.page(ctx, payoutsList, w, q.Cursor, q.Limit)
}

// Reputation adds up what others say of an account: at most ten rows.
func (s *Store) Reputation(ctx context.Context, of spec.Address) (*spec.Reputation, error) {
	const ratings = 5
	total := &spec.Reputation{
		Address: of.Bytes(), AsSeller: &spec.Ratings{ByRating: make([]uint64, ratings)}, AsBuyer: &spec.Ratings{ByRating: make([]uint64, ratings)},
	}
	rows, err := s.blocks.QueryContext(ctx, "SELECT side, rating, count FROM ratings WHERE subject = ? AND rating BETWEEN 1 AND ?", of.Bytes(), ratings)
	if err != nil {
		return nil, wrap(err, "add reviews up")
	}
	defer rows.Close()
	for rows.Next() {
		var side spec.Side
		var rating, count uint64
		if err := rows.Scan(&side, &rating, &count); err != nil {
			return nil, wrap(err, "add reviews up")
		}
		// What a buyer says is of a seller.
		said := total.AsSeller
		if side == spec.Side_SIDE_SELLER {
			said = total.AsBuyer
		}
		said.Count += count
		said.Sum += rating * count
		said.ByRating[rating-1] = count
	}
	return total, wrap(rows.Err(), "add reviews up")
}
