package store_test

import (
	"slices"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store"
)

// lists are all lists of trade, with all and with each filter.
func (s *story) lists(from *store.Store, o objects) map[string]app.Page {
	ctx := s.t.Context()
	alice, bob := s.alice.Address(), s.bob.Address()
	auctions := func(q app.AuctionQuery) app.Page { q.Limit = 10; return mustPage(from.Auctions(ctx, q)) }
	offers := func(q app.OfferQuery) app.Page { q.Limit = 10; return mustPage(from.Offers(ctx, q)) }
	disputes := func(q app.DisputeQuery) app.Page { q.Limit = 10; return mustPage(from.Disputes(ctx, q)) }
	reviews := func(q app.ReviewQuery) app.Page { q.Limit = 10; return mustPage(from.Reviews(ctx, q)) }
	holds := func(q app.HoldQuery) app.Page { q.Limit = 10; return mustPage(from.Holds(ctx, q)) }
	payouts := func(q app.PayoutQuery) app.Page { q.Limit = 10; return mustPage(from.Payouts(ctx, q)) }
	return map[string]app.Page{
		"2 auctions":            auctions(app.AuctionQuery{}),
		"2 auctions, seller":    auctions(app.AuctionQuery{Seller: &shopAddress}),
		"0 auctions, seller":    auctions(app.AuctionQuery{Seller: &alice}),
		"2 auctions, listing":   auctions(app.AuctionQuery{Listing: &o.listing}),
		"0 auctions, listing":   auctions(app.AuctionQuery{Listing: &o.order}),
		"1 auctions, sold":      auctions(app.AuctionQuery{State: spec.AuctionState_AUCTION_STATE_SOLD}),
		"0 auctions, open":      auctions(app.AuctionQuery{State: spec.AuctionState_AUCTION_STATE_OPEN}),
		"2 offers":              offers(app.OfferQuery{}),
		"2 offers, listing":     offers(app.OfferQuery{Listing: &o.listing}),
		"0 offers, listing":     offers(app.OfferQuery{Listing: &o.order}),
		"2 offers, buyer":       offers(app.OfferQuery{Buyer: &bob}),
		"0 offers, buyer":       offers(app.OfferQuery{Buyer: &alice}),
		"1 offers, declined":    offers(app.OfferQuery{Seller: &shopAddress, State: spec.OfferState_OFFER_STATE_DECLINED}),
		"3 disputes":            disputes(app.DisputeQuery{}),
		"3 disputes, buyer":     disputes(app.DisputeQuery{Buyer: &alice}),
		"0 disputes, buyer":     disputes(app.DisputeQuery{Buyer: &bob}),
		"1 disputes, ruled":     disputes(app.DisputeQuery{Seller: &shopAddress, State: spec.DisputeState_DISPUTE_STATE_RULED}),
		"2 disputes, settled":   disputes(app.DisputeQuery{State: spec.DisputeState_DISPUTE_STATE_SETTLED}),
		"3 disputes, arbiter":   disputes(app.DisputeQuery{Arbiter: arbiterMSP, Buyer: &alice, Seller: &shopAddress}),
		"0 disputes, no panel":  disputes(app.DisputeQuery{Arbiter: shopMSP}),
		"0 disputes, to rule":   disputes(app.DisputeQuery{Arbiter: arbiterMSP, State: spec.DisputeState_DISPUTE_STATE_OPEN}),
		"2 disputes, gave up":   disputes(app.DisputeQuery{Arbiter: arbiterMSP, State: spec.DisputeState_DISPUTE_STATE_SETTLED}),
		"0 disputes, by others": disputes(app.DisputeQuery{Arbiter: arbiterMSP, Buyer: &bob}),
		"2 reviews":             reviews(app.ReviewQuery{}),
		"1 reviews, subject":    reviews(app.ReviewQuery{Subject: &shopAddress}),
		"1 reviews, author":     reviews(app.ReviewQuery{Author: &shopAddress}),
		"0 reviews, author":     reviews(app.ReviewQuery{Author: &bob}),
		"1 holds":               holds(app.HoldQuery{}),
		"1 holds, payer":        holds(app.HoldQuery{Payer: &alice}),
		"1 holds, payee":        holds(app.HoldQuery{Payee: &shopAddress, State: spec.HoldState_HOLD_STATE_VOIDED}),
		"0 holds, arbiter":      holds(app.HoldQuery{Arbiter: &alice}),
		"0 holds, held":         holds(app.HoldQuery{State: spec.HoldState_HOLD_STATE_HELD}),
		"1 payouts":             payouts(app.PayoutQuery{}),
		"1 payouts, from":       payouts(app.PayoutQuery{From: &treasuryAddress}),
		"0 payouts, from":       payouts(app.PayoutQuery{From: &bob}),
	}
}

func TestLists(t *testing.T) {
	s := newStory(t)
	o := s.tell()
	for name, page := range s.lists(s.store, o) {
		if want := int(name[0] - '0'); len(page.Items) != want || page.NextCursor != "" {
			t.Errorf("%s: %s", name, texts(page))
		}
	}
	// A page goes on where the one before ended, with identifiers of every length.
	for name, list := range map[string]func(cursor string) (app.Page, error){
		"offers": func(c string) (app.Page, error) {
			return s.store.Offers(t.Context(), app.OfferQuery{Cursor: c, Limit: 1})
		},
		"reviews": func(c string) (app.Page, error) {
			return s.store.Reviews(t.Context(), app.ReviewQuery{Cursor: c, Limit: 1})
		},
		"panels": func(c string) (app.Page, error) {
			return s.store.Disputes(t.Context(), app.DisputeQuery{Arbiter: arbiterMSP, State: spec.DisputeState_DISPUTE_STATE_SETTLED, Cursor: c, Limit: 1})
		},
	} {
		first := mustPage(list(""))
		second := mustPage(list(first.NextCursor))
		if len(first.Items) != 1 || len(second.Items) != 1 || second.NextCursor != "" || slices.Equal(first.Items[0], second.Items[0]) {
			t.Errorf("%s: %s, then %s", name, texts(first), texts(second))
		}
		if _, err := list(first.NextCursor[1:]); err == nil {
			t.Errorf("%s: half a cursor was taken", name)
		}
	}
}

// Reviews are added up, each once, by which side gave them.
func TestReputation(t *testing.T) {
	s := newStory(t)
	s.tell()
	take(t, s.store, s.blocks)
	for account, want := range map[spec.Address][2]uint64{shopAddress: {5, 0}, s.alice.Address(): {0, 4}, s.bob.Address(): {0, 0}} {
		got, err := s.store.Reputation(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		for i, ratings := range []*spec.Ratings{got.AsSeller, got.AsBuyer} {
			if ratings.Sum != want[i] || ratings.Count != min(want[i], 1) || want[i] > 0 && ratings.ByRating[want[i]-1] != 1 {
				t.Errorf("%s: %v, want %v", s.who(account.Bytes()), got, want)
			}
		}
	}
}
