package ledger_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

const (
	noOffer        = spec.OfferState_OFFER_STATE_UNSPECIFIED
	offerOpen      = spec.OfferState_OFFER_STATE_OPEN
	offerCountered = spec.OfferState_OFFER_STATE_COUNTERED
	offerAccepted  = spec.OfferState_OFFER_STATE_ACCEPTED
	offerDeclined  = spec.OfferState_OFFER_STATE_DECLINED
	offerWithdrawn = spec.OfferState_OFFER_STATE_WITHDRAWN
	offerExpired   = spec.OfferState_OFFER_STATE_EXPIRED
)

// haggling has the operations on an offer.
var haggling = map[string]func(listing, offer []byte) proto.Message{
	"CounterOffer": func(l, o []byte) proto.Message {
		return &spec.CounterOffer{Listing: l, Offer: o, Total: spec.CMT(6).Bytes()}
	},
	"AcceptOffer": func(l, o []byte) proto.Message { return &spec.AcceptOffer{Listing: l, Offer: o} },
	"AcceptCounter": func(l, o []byte) proto.Message {
		return &spec.AcceptCounter{Listing: l, Offer: o, Total: spec.CMT(6).Bytes()}
	},
	"DeclineOffer":  func(l, o []byte) proto.Message { return &spec.DeclineOffer{Listing: l, Offer: o} },
	"WithdrawOffer": func(l, o []byte) proto.Message { return &spec.WithdrawOffer{Listing: l, Offer: o} },
	"ExpireOffer":   func(l, o []byte) proto.Message { return &spec.ExpireOffer{Listing: l, Offer: o} },
}

// bid is anna's offer of 5 CMT for two units, which cost 7; it stands as long as it may.
func bid(b *books, listing spec.ID) (*spec.MakeOffer, spec.ID) {
	id := spec.OfferID(anna.address(), listing, "bid")
	return &spec.MakeOffer{
		Reference: "bid", Listing: listing[:], Version: 1, Quantity: 2, Total: spec.CMT(5).Bytes(), ExpiresAt: b.now + offerSeconds,
		HandOverHash: spec.HandOverHash(id, code),
	}, id
}

// offerIn returns books with anna's offer in a state. She has 10 CMT.
func offerIn(t *testing.T, state spec.OfferState) (b *books, listing, id spec.ID) {
	t.Helper()
	b = openBooks(t)
	b.fund(buyers, "anna", spec.CMT(10))
	listing = b.list("lamp", true)
	command, id := bid(b, listing)
	if state == noOffer {
		return b, listing, id
	}
	b.must(buyers, "anna", "market:MakeOffer", command, nil)
	step := func(s seat, name string) {
		b.must(s.mspID, s.subAccount, "market:"+name, haggling[name](listing[:], id[:]), nil)
	}
	switch state {
	case offerCountered:
		step(seller, "CounterOffer")
	case offerAccepted:
		step(seller, "AcceptOffer")
	case offerDeclined:
		step(seller, "DeclineOffer")
	case offerWithdrawn:
		step(anna, "WithdrawOffer")
	case offerExpired:
		b.now += offerSeconds
		step(seat{carrier, ""}, "ExpireOffer")
	}
	return b, listing, id
}

// TestOfferStateMachine drives every cell of docs/rules/offers.md.
func TestOfferStateMachine(t *testing.T) {
	rules := readTable(t, "offers.md", "Offers")
	for state := noOffer; state <= offerExpired; state++ {
		from := "none"
		if state != noOffer {
			from = spec.EnumText(state.Descriptor(), state.Number())
		}
		for operation := range haggling {
			for who, s := range map[string]seat{"buyer": anna, "seller": seller, "other": {operator, ""}} {
				for _, offset := range []int64{-1, 0, 1, 100_000} {
					when := map[bool]string{true: "before", false: "after"}[offset < 0]
					row := rules.find(t, map[string]string{"operation": operation, "state": from, "actor": who, "when": when})
					name := fmt.Sprintf("%s, %s by the %s, %+d s from its expiry", from, operation, who, offset)
					checkOfferCell(t, name, row, state, operation, s, start+offerSeconds+offset)
				}
			}
		}
	}
	rules.checkUsed(t)
}

func checkOfferCell(t *testing.T, name string, row *tableRow, state spec.OfferState, operation string, s seat, now int64) {
	t.Helper()
	b, listing, id := offerIn(t, state)
	b.now = now
	wealth, stock := b.wealth(anna.address()), b.stock(listing)
	result, err := b.try(s.mspID, s.subAccount, "market:"+operation, haggling[operation](listing[:], id[:]), nil)
	if code := spec.Code(row.Row["error"]); code != "" {
		if err == nil || spec.ErrorCode(err) != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v, want %s", name, err, row.Row["next"])
		return
	}
	offer := b.records[ledger.OfferKey(listing, id)].(ledger.Offer)
	if got := spec.EnumText(offer.State.Descriptor(), offer.State.Number()); got != row.Row["next"] || result.(*spec.OfferView).State != offer.State {
		t.Errorf("%s: the offer is %s, want %s", name, got, row.Row["next"])
	}
	var back, held spec.Amount
	switch money := row.Row["money"]; money {
	case "stays held", "stays held, the order's":
		held = spec.CMT(5)
	case "the seller's total is held, the order's":
		held = spec.CMT(6)
		wealth, _ = wealth.Sub(spec.CMT(1))
	case "back to the buyer":
		back = spec.CMT(5)
	default:
		t.Fatalf("%s: the test does not know what %q moves", name, money)
	}
	wealth, _ = wealth.Add(back)
	if got := b.wealth(anna.address()); got != wealth {
		t.Errorf("%s: the buyer has %s CMT, want %s", name, got, wealth)
	}
	if hold, _ := b.records[ledger.HoldKey(anna.address(), id)].(ledger.Hold); hold.Amount != held {
		t.Errorf("%s: %s CMT are held, want %s", name, hold.Amount, held)
	}
	order, ordered := b.records[ledger.OrderKey(id)].(ledger.Order)
	if ordered != (offer.State == offerAccepted) {
		t.Errorf("%s: there is an order: %t", name, ordered)
	}
	if ordered {
		stock -= 2
		checkHaggledOrder(t, name, order, held, now)
	}
	if got := b.stock(listing); got != stock {
		t.Errorf("%s: the lots have %d units, want %d", name, got, stock)
	}
}

// checkHaggledOrder: an order from an offer is as one that was placed and accepted now.
func checkHaggledOrder(t *testing.T, name string, order ledger.Order, total spec.Amount, now int64) {
	t.Helper()
	if order.State != accepted || order.Total != total || order.Quantity != 2 || order.PlacedAt != now || order.ShipDeadline != now+shipSeconds ||
		order.Buyer != anna.address() || order.Seller != seller.address() || order.BuyerMember != 1 || order.SellerMember != 3 || order.FeeBps != feeBps {
		t.Errorf("%s: the order is %+v", name, order)
	}
}

// A lower counter-offer gives the difference back, an equal one moves nothing, and the order that comes of either goes its way
// with the hand-over code that was bound to it before.
func TestHaggledOrdersGoOn(t *testing.T) {
	for _, counter := range []uint32{2, 5, 9} {
		b, listing, id := offerIn(t, offerOpen)
		b.must(merchant, "", "market:CounterOffer", &spec.CounterOffer{Listing: listing[:], Offer: id[:], Total: spec.CMT(counter).Bytes()}, nil)
		b.must(buyers, "anna", "market:AcceptCounter", &spec.AcceptCounter{Listing: listing[:], Offer: id[:], Total: spec.CMT(counter).Bytes()}, nil)
		if got := b.wealth(anna.address()); got != spec.CMT(10-counter) {
			t.Errorf("counter of %d: the buyer has %s", counter, got)
		}
		b.must(buyers, "anna", "market:HandOverOrder", &spec.HandOverOrder{Order: id[:], Code: code}, nil)
		b.must(buyers, "anna", "market:ConfirmOrder", &spec.ConfirmOrder{Order: id[:]}, nil)
		sum, _ := b.wealth(seller.address()).Add(b.wealth(spec.OrganisationAddress(operator)))
		if sum != spec.CMT(counter) {
			t.Errorf("counter of %d: seller and fees have %s", counter, sum)
		}
		if view := b.must(buyers, "", "market:GetOffer", &spec.GetOffer{Listing: listing[:], Offer: id[:]}, nil).(*spec.OfferView); string(view.Order) != string(id[:]) {
			t.Errorf("the offer became %x, want the order %x", view.Order, id)
		}
	}
}

// The seller may take an old price on terms that it has since replaced or closed; the buyer may not hold it to a counter-offer.
func TestOffersOnEndedVersions(t *testing.T) {
	end := map[spec.Code]func(b *books, l spec.ID){
		spec.VersionStale: func(b *books, l spec.ID) {
			b.must(merchant, "", "market:EditListing", edit(l, 1, spec.CMT(9)), nil)
		},
		spec.ListingClosed: func(b *books, l spec.ID) {
			b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		},
	}
	for code, end := range end {
		b, listing, id := offerIn(t, offerCountered)
		end(b, listing)
		if _, err := b.try(buyers, "anna", "market:AcceptCounter", haggling["AcceptCounter"](listing[:], id[:]), nil); spec.ErrorCode(err) != code {
			t.Errorf("the buyer accepts: %v, want %s", err, code)
		}
		b.must(merchant, "", "market:AcceptOffer", haggling["AcceptOffer"](listing[:], id[:]), nil)
	}
}

// An offer reserves nothing: more may be offered for than there is, and the last comes too late.
func TestOffersReserveNoStock(t *testing.T) {
	b := openBooks(t)
	listing := b.list("lamp", false)
	var offers []spec.ID
	for n := range 3 {
		name := fmt.Sprint("buyer-", n)
		b.fund(buyers, name, spec.CMT(5))
		b.must(buyers, name, "market:MakeOffer", &spec.MakeOffer{
			Reference: "o", Listing: listing[:], Version: 1, Quantity: 5, Total: spec.CMT(5).Bytes(), ExpiresAt: b.now + 1,
		}, nil)
		offers = append(offers, spec.OfferID(spec.SubAccountAddress(buyers, name), listing, "o"))
	}
	for n, id := range offers {
		lot := spec.StockLot(listing, 1, uint32(n%2))
		_, err := b.try(merchant, "", "market:AcceptOffer", &spec.AcceptOffer{Listing: listing[:], Offer: id[:]}, &spec.Hints{Lot: lot[:]})
		if want := n == 2; (spec.ErrorCode(err) == spec.LotEmpty) != want || (err != nil) != want {
			t.Errorf("offer %d: %v", n, err)
		}
	}
	// Who gets nothing has the money back without the seller.
	b.must(buyers, "buyer-2", "market:WithdrawOffer", &spec.WithdrawOffer{Listing: listing[:], Offer: offers[2][:]}, nil)
	if got := b.wealth(spec.SubAccountAddress(buyers, "buyer-2")); got != spec.CMT(5) {
		t.Errorf("the last buyer has %s, want 5", got)
	}
}

// A listing's offers are shown page by page, each once.
func TestOffersPageByPage(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(30))
	listing, other := b.list("lamp", false), b.list("vase", false)
	for n := range 7 {
		for _, l := range []spec.ID{listing, other} {
			b.must(buyers, "anna", "market:MakeOffer", &spec.MakeOffer{
				Reference: fmt.Sprint(n), Listing: l[:], Version: 1, Quantity: 1, Total: spec.CMT(1).Bytes(), ExpiresAt: b.now + 1,
			}, nil)
		}
	}
	seen := map[string]bool{}
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page := b.must(operator, "", "market:ListOffers", &spec.ListOffers{Listing: listing[:], Cursor: cursor, Limit: 3}, nil).(*spec.OfferPage)
		if len(page.Offers) > 3 || pages > 7 {
			t.Fatalf("page %d has %d offers", pages, len(page.Offers))
		}
		for _, view := range page.Offers {
			if seen[string(view.Offer)] || string(view.Listing) != string(listing[:]) {
				t.Errorf("%x is foreign or shown twice", view.Offer)
			}
			seen[string(view.Offer)] = true
		}
		cursor = page.NextCursor
	}
	if len(seen) != 7 {
		t.Errorf("%d offers are shown, want 7", len(seen))
	}
}
