package ledger_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// auctionLasts is how long the tests' auction runs without extensions.
const auctionLasts = 300

var (
	auctionID = spec.NewID(spec.AuctionType, seller.address(), "dash")
	rival     = seat{carrier, ""}
)

// openedAuction sells two of the merchant's lamps: from 2 CMT, for 4 at least, in steps of 1.
func openedAuction(b *books) {
	for _, s := range []seat{anna, rival} {
		b.fund(s.mspID, s.subAccount, spec.CMT(20))
	}
	b.must(merchant, "", "market:OpenAuction", auctionOf(b.list("lamp", false), func(*spec.OpenAuction) {}), nil)
}

func auctionOf(listing spec.ID, change func(*spec.OpenAuction)) *spec.OpenAuction {
	command := &spec.OpenAuction{
		Reference: "dash", Listing: listing[:], Version: 1, Quantity: 2, StartPrice: spec.CMT(2).Bytes(), Reserve: spec.CMT(4).Bytes(), Step: spec.CMT(1).Bytes(),
		EndsAt: start + auctionLasts,
	}
	change(command)
	return command
}

func bidOf(beats uint32, cmt uint32) *spec.PlaceBid {
	return &spec.PlaceBid{Auction: auctionID[:], Beats: beats, Amount: spec.CMT(cmt).Bytes(), HandOverHash: spec.HandOverHash(spec.AuctionOrder(auctionID, beats+1), code)}
}

func (b *books) bid(s seat, beats, cmt uint32) {
	b.must(s.mspID, s.subAccount, "market:PlaceBid", bidOf(beats, cmt), nil)
}

// bids is how many there are.
func (b *books) bids() (n uint32) {
	for b.records[ledger.BidKey(auctionID, n+1)] != nil {
		n++
	}
	return n
}

func auctionTable() ruleTable {
	bidding := func(cmt uint32) func(*books) proto.Message {
		return func(b *books) proto.Message { return bidOf(b.bids(), cmt) }
	}
	over := func(b *books) { b.now = start + auctionLasts }
	return ruleTable{
		file: "auctions.md", heading: "Auctions",
		actors: []tableActor{{"seller", seller}, {"leader", anna}, {"rival", rival}, {"anyone", seat{treasurer, ""}}},
		states: []tableState{
			{"none", func(*books) {}},
			{"open", openedAuction},
			{"open, 3 bid", func(b *books) { openedAuction(b); b.bid(anna, 0, 3) }},
			{"open, 5 bid", func(b *books) { openedAuction(b); b.bid(anna, 0, 5) }},
			{"over", func(b *books) { openedAuction(b); over(b) }},
			{"over, 3 bid", func(b *books) { openedAuction(b); b.bid(anna, 0, 3); over(b) }},
			{"over, 5 bid", func(b *books) { openedAuction(b); b.bid(anna, 0, 5); over(b) }},
			{"extended, 5 bid", func(b *books) {
				openedAuction(b)
				b.now = start + auctionLasts - 1
				b.bid(anna, 0, 5)
				over(b)
			}},
			{"sold", func(b *books) { openedAuction(b); b.bid(anna, 0, 5); over(b); b.close(1) }},
			{"unsold", func(b *books) { openedAuction(b); b.bid(anna, 0, 3); over(b); b.close(1) }},
			{"cancelled", func(b *books) {
				openedAuction(b)
				b.must(merchant, "", "market:CancelAuction", &spec.CancelAuction{Auction: auctionID[:]}, nil)
			}},
		},
		operations: []tableOperation{
			{"bid 1", "market:PlaceBid", bidding(1)},
			{"bid 6", "market:PlaceBid", bidding(6)},
			{"bid more than one has", "market:PlaceBid", bidding(10_000_000)},
			{"bid, outdated", "market:PlaceBid", func(*books) proto.Message { return bidOf(0, 6) }},
			{"beat what is not there", "market:PlaceBid", func(b *books) proto.Message { return bidOf(b.bids()+1, 6) }},
			{"close", "market:CloseAuction", func(b *books) proto.Message { return &spec.CloseAuction{Auction: auctionID[:], Bids: b.bids()} }},
			{"close, outdated", "market:CloseAuction", func(*books) proto.Message { return &spec.CloseAuction{Auction: auctionID[:]} }},
			{"cancel", "market:CancelAuction", func(*books) proto.Message { return &spec.CancelAuction{Auction: auctionID[:]} }},
		},
		stateOf: func(b *books) string {
			auction, _ := b.records[ledger.AuctionKey(auctionID)].(ledger.Auction)
			return spec.EnumText(auction.State.Descriptor(), auction.State.Number())
		},
	}
}

func (b *books) close(bids uint32) *spec.AuctionView {
	return b.must(operator, "", "market:CloseAuction", &spec.CloseAuction{Auction: auctionID[:], Bids: bids}, nil).(*spec.AuctionView)
}

// The highest bid becomes an order under the listing's terms, with its money held already, and goes on as any other.
func TestWinningBidBecomesAnOrder(t *testing.T) {
	b := openBooks(t)
	openedAuction(b)
	if left := b.stock(spec.NewID(spec.ListingType, seller.address(), "lamp")); left != 8 {
		t.Errorf("%d lamps are left beside the auction", left)
	}
	b.bid(anna, 0, 3)
	b.bid(rival, 1, 4)
	b.bid(anna, 2, 7)
	if got := b.wealth(rival.address()); got != spec.CMT(20) {
		t.Errorf("beaten, the rival has %s", got)
	}
	view := b.must(operator, "", "market:GetAuction", &spec.GetAuction{Auction: auctionID[:]}, nil).(*spec.AuctionView)
	if view.Bids != 3 || string(view.Highest.Bidder) != string(anna.address().Bytes()) || string(view.Highest.Amount) != string(spec.CMT(7).Bytes()) {
		t.Errorf("the auction shows %v", view)
	}
	b.now += auctionLasts
	closed := b.close(3)
	order := spec.ID(closed.Order)
	if order != spec.AuctionOrder(auctionID, 3) || closed.State != spec.AuctionState_AUCTION_STATE_SOLD {
		t.Fatalf("closed, the auction is %v", closed)
	}
	record := b.records[ledger.OrderKey(order)].(ledger.Order)
	if record.State != accepted || record.Buyer != anna.address() || record.Total != spec.CMT(7) || record.Quantity != 2 || record.PlacedAt != b.now {
		t.Errorf("the order is %+v", record)
	}
	b.must(merchant, "", "market:HandOverOrder", &spec.HandOverOrder{Order: order[:], Code: code}, nil)
	b.must(buyers, "anna", "market:ConfirmOrder", &spec.ConfirmOrder{Order: order[:]}, nil)
	if got := b.wealth(anna.address()); got != spec.CMT(13) {
		t.Errorf("anna has %s left", got)
	}
}

// Stock comes back from an auction without a sale.
func TestUnsoldStockComesBack(t *testing.T) {
	for _, bids := range []uint32{0, 1} {
		b := openBooks(t)
		openedAuction(b)
		if bids > 0 {
			b.bid(anna, 0, 3)
		}
		b.now += auctionLasts
		b.close(bids)
		if left := b.stock(spec.NewID(spec.ListingType, seller.address(), "lamp")); left != 10 || b.wealth(anna.address()) != spec.CMT(20) {
			t.Errorf("after %d bids, %d lamps are there and anna has %s", bids, left, b.wealth(anna.address()))
		}
	}
}

// Each bid near the end gives others the extension to beat it, and no bid comes after the end.
func TestLateBidsExtend(t *testing.T) {
	b := openBooks(t)
	openedAuction(b)
	b.now = start + auctionLasts - 10
	for n, s := range []seat{anna, rival, anna} {
		b.bid(s, uint32(n), uint32(3+n))
		b.now += extensionSeconds - 1
	}
	end := int64(start + auctionLasts - 10 + 3*extensionSeconds - 2)
	view := b.must(operator, "", "market:GetAuction", &spec.GetAuction{Auction: auctionID[:]}, nil).(*spec.AuctionView)
	if view.EndsAt != end || b.now != end-1 {
		t.Errorf("it ends at %d, want %d; now is %d", view.EndsAt, end, b.now)
	}
	b.now = end
	if _, err := b.try(rival.mspID, "", "market:PlaceBid", bidOf(3, 9), nil); spec.ErrorCode(err) != spec.DeadlinePassed {
		t.Errorf("at the end: %v", err)
	}
	b.close(3)
}

// Who raises its own bid needs the difference only.
func TestRaisingOnesOwnBid(t *testing.T) {
	b := openBooks(t)
	openedAuction(b)
	b.bid(anna, 0, 15)
	b.bid(anna, 1, 20)
	if got := b.wealth(anna.address()); !got.IsZero() {
		t.Errorf("anna has %s left", got)
	}
}

// Two who beat the same bid share its place: in one batch the second is told, in two Fabric lets one through.
func TestTwoBeatTheSameBid(t *testing.T) {
	bids := func(actor string) *ledger.Intent { return intentOf(actor, 1, bidOf(1, 5)) }
	shared := map[ledger.Key]int{}
	for _, actor := range []string{"ben", "cleo"} {
		for _, key := range ledger.Contended(bids(actor)) {
			shared[key]++
		}
	}
	if shared[ledger.BidKey(auctionID, 2)] != 2 {
		t.Error("two bidders do not meet at the bid's place")
	}
	b := opened(10, "anna", "ben", "cleo")
	b[ledger.AuctionKey(auctionID)] = ledger.Auction{State: spec.AuctionState_AUCTION_STATE_OPEN, Seller: person("sam"), StartPrice: spec.CMT(1), Step: spec.CMT(1), OpenedAt: batchTime, EndsAt: batchTime + 100}
	wantCodes(t, b.batch(t, intentOf("anna", 1, bidOf(0, 4)), bids("ben"), bids("cleo")), "", "", spec.ValueStale)
	if got := b.accountOf(person("anna")).Balance; got != spec.CMT(10) {
		t.Errorf("beaten in the same batch, anna has %s", got)
	}
	if b.total() != spec.CMT(30) {
		t.Errorf("together they have %s", b.total())
	}
}

func TestBidsPageByPage(t *testing.T) {
	b := openBooks(t)
	openedAuction(b)
	for n := range uint32(5) {
		b.bid([]seat{anna, rival}[n%2], n, 3+n)
	}
	var found []string
	cursor := ""
	for range 3 {
		page := b.must(merchant, "", "market:ListBids", &spec.ListBids{Auction: auctionID[:], Limit: 2, Cursor: cursor}, nil).(*spec.BidPage)
		for _, bid := range page.Bids {
			order := spec.AuctionOrder(auctionID, bid.Number)
			found = append(found, fmt.Sprint(bid.Number, string(bid.Order) == string(order[:])))
		}
		cursor = page.NextCursor
	}
	if got := fmt.Sprint(found); got != "[1 true 2 true 3 true 4 true 5 true]" || cursor != "" {
		t.Errorf("the bids are %s, and then %q", got, cursor)
	}
}
