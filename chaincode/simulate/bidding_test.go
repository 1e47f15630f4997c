package simulate_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// drawBidding chooses something about auctions.
func (h *history) drawBidding(who *player) (string, proto.Message, *spec.Hints) {
	auctions := h.auditor.Auctions()
	if len(auctions) == 0 || h.oneIn(6) {
		return h.drawAuction(who)
	}
	id := auctions[h.rand.IntN(len(auctions))]
	auction := h.auditor.Record(ledger.AuctionKey(id)).(ledger.Auction)
	if auction.State != spec.AuctionState_AUCTION_STATE_OPEN && !h.oneIn(4) {
		return h.drawAuction(who)
	}
	bids := uint32(len(h.entries(ledger.BidKind, id[:])))
	if h.oneIn(12) {
		bids = max(bids, 1) - 1
	}
	last, _ := h.auditor.Record(ledger.BidKey(id, bids)).(ledger.Bid)
	switch {
	case h.Now() >= max(auction.EndsAt, last.EndsAt), h.oneIn(20):
		return "market:CloseAuction", &spec.CloseAuction{Auction: id[:], Bids: bids}, &spec.Hints{}
	case h.oneIn(12), h.oneIn(3) && bids == 0:
		if !h.oneIn(5) {
			h.become(who, auction.Seller)
		}
		return "market:CancelAuction", &spec.CancelAuction{Auction: id[:]}, &spec.Hints{}
	}
	least := auction.StartPrice
	if bids > 0 {
		least, _ = last.Amount.Add(auction.Step)
	}
	if h.oneIn(2) {
		*who = h.players[buyersAt+h.rand.IntN(len(h.players)-buyersAt)]
	}
	amount, _ := least.Add(h.amount())
	if h.oneIn(10) {
		amount = spec.Units(1)
	}
	command := &spec.PlaceBid{Auction: id[:], Beats: bids, Amount: amount.Bytes(), HandOverHash: spec.HandOverHash(spec.AuctionOrder(id, bids+1), code)}
	return "market:PlaceBid", command, h.folding(who)
}

// drawAuction opens an auction of a listing that there is, mostly by its seller.
func (h *history) drawAuction(who *player) (string, proto.Message, *spec.Hints) {
	listings := h.auditor.Listings()
	if len(listings) == 0 {
		return h.drawListing(who)
	}
	id := listings[h.rand.IntN(len(listings))]
	head := h.auditor.Record(ledger.ListingKey(id)).(ledger.Listing)
	if !h.oneIn(6) {
		h.become(who, head.Seller)
	}
	start := spec.Units(10 + h.rand.Uint64N(100))
	command := &spec.OpenAuction{
		Reference: h.reference(), Listing: id[:], Version: max(1, head.Version-uint32(h.rand.IntN(8)/7)), Quantity: 1 + uint32(h.rand.IntN(2)),
		StartPrice: start.Bytes(), Step: spec.Units(1 + h.rand.Uint64N(100)).Bytes(), EndsAt: h.Now() + 20 + int64(h.rand.IntN(auctionSeconds)),
	}
	if h.oneIn(2) {
		command.Reserve = spec.CMT(uint32(h.rand.IntN(15))).Bytes()
	}
	hints := &spec.Hints{}
	if lots := h.entries(ledger.LotKind, id[:]); len(lots) > 0 {
		hints.Lot = []byte(lots[h.rand.IntN(len(lots))].Key.ID)
	}
	return "market:OpenAuction", command, hints
}

// auction opens one of the merchant's.
func (b *bazaar) auction(reference string) spec.ID {
	b.t.Helper()
	listing := b.list(reference, spec.CMT(1), 1, 1, false)
	b.must(merchant, "", "market:OpenAuction", &spec.OpenAuction{
		Reference: reference, Listing: listing[:], Version: 1, Quantity: 1, StartPrice: spec.CMT(1).Bytes(), Step: spec.CMT(1).Bytes(), EndsAt: b.Now() + auctionSeconds,
	}, nil)
	return spec.NewID(spec.AuctionType, spec.OrganisationAddress(merchant), reference)
}

// Bidders of one auction conflict with each other and with nobody else: not with bidders of others, not with those who pay the same
// seller, and not with the seller who edits the listing.
func TestBiddersConflictWithNobodyElse(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	const auctions, bidders = 8, 3
	var ids []spec.ID
	for n := range auctions {
		ids = append(ids, b.auction(fmt.Sprint("dash-", n)))
	}
	for n := range crowd {
		b.fund(buyers, buyerName(n), spec.CMT(20))
	}
	// Somebody leads in each, so that a bid frees another's money.
	for n, id := range ids {
		b.must(buyers, buyerName(n), "market:PlaceBid", &spec.PlaceBid{Auction: id[:], Amount: spec.CMT(2).Bytes()}, nil)
	}
	to := spec.OrganisationAddress(merchant)
	var bids [auctions][bidders]*simulate.Envelope
	var others []*simulate.Envelope
	for n, id := range ids {
		for m := range bidders {
			who := buyerName(auctions + n*bidders + m)
			bids[n][m] = b.mustEndorse(buyers, who, "market:PlaceBid", &spec.PlaceBid{Auction: id[:], Beats: 1, Amount: spec.CMT(uint32(3 + m)).Bytes()}, nil)
		}
		others = append(others, b.mustEndorse(buyers, buyerName(crowd-1-n), "token:Transfer", &spec.Transfer{Reference: "pay", To: to.Bytes(), Amount: spec.CMT(1).Bytes()}, nil))
	}
	// The beaten leaders pay as well: what comes back to them comes as a credit.
	for n := range ids {
		others = append(others, b.mustEndorse(buyers, buyerName(n), "token:Transfer", &spec.Transfer{Reference: "pay", To: to.Bytes(), Amount: spec.CMT(1).Bytes()}, nil))
	}
	listing := spec.NewID(spec.ListingType, to, "dash-0")
	others = append(others, b.mustEndorse(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: listing[:]}, nil))
	for m := range bidders {
		for n := range ids {
			b.Submit(bids[n][m])
		}
	}
	for _, envelope := range others {
		b.Submit(envelope)
	}
	b.cut()
	for n := range ids {
		b.expect("the first bid", bids[n][0], simulate.Valid)
		for m := 1; m < bidders; m++ {
			b.expect("a bid that came behind it", bids[n][m], simulate.MVCCReadConflict)
		}
	}
	for _, envelope := range others {
		b.expect(envelope.Proposal.Function, envelope, simulate.Valid)
	}
	// Who lost is told what stands, and closing needs the right number.
	b.refused(spec.ValueStale, buyers, buyerName(auctions+1), "market:PlaceBid", &spec.PlaceBid{Auction: ids[0][:], Beats: 1, Amount: spec.CMT(9).Bytes()}, nil)
	b.Advance(auctionSeconds)
	b.refused(spec.ValueStale, operator, "", "market:CloseAuction", &spec.CloseAuction{Auction: ids[0][:], Bids: 1}, nil)
	b.must(operator, "", "market:CloseAuction", &spec.CloseAuction{Auction: ids[0][:], Bids: 2}, nil)
	if got := b.orderState(spec.AuctionOrder(ids[0], 2)); got != spec.OrderState_ORDER_STATE_ACCEPTED {
		t.Errorf("the winning bid became an order that is %s", got)
	}
}

// A bid and the closing that did not see it cannot both be: whichever is first in the block's order stands.
func TestABidRacesTheClosing(t *testing.T) {
	for _, bidFirst := range []bool{true, false} {
		b := openBazaar(t, simulate.Config{})
		id := b.auction("dash")
		b.fund(buyers, "anna", spec.CMT(20))
		b.Advance(auctionSeconds - 1)
		bid := b.mustEndorse(buyers, "anna", "market:PlaceBid", &spec.PlaceBid{Auction: id[:], Amount: spec.CMT(2).Bytes()}, nil)
		b.Advance(1)
		closing := b.mustEndorse(operator, "", "market:CloseAuction", &spec.CloseAuction{Auction: id[:]}, nil)
		first, second := closing, bid
		if bidFirst {
			first, second = bid, closing
		}
		b.Submit(first)
		b.Submit(second)
		b.cut()
		b.expect("the first", first, simulate.Valid)
		b.expect("the second", second, simulate.MVCCReadConflict)
	}
}

// Payers of one merchant through three gateways, single payments and payouts, in one block: no conflict at all.
func TestPayersThroughThreeGateways(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	relays := []string{operator, merchant, buyers}
	persons := crowdOf(36)
	for _, p := range persons {
		b.fundPerson(p, 10)
	}
	shop, newcomer := spec.OrganisationAddress(merchant), newPerson("a newcomer", spec.Scheme_SCHEME_ED25519).address
	var batches []*simulate.Envelope
	for n, relay := range relays {
		var intents []*spec.SignedIntent
		for at := n; at < len(persons); at += len(relays) {
			p := persons[at]
			intents = append(intents, b.pays(p, shop, 1))
			p.nonce++
			payout := p.signs(p.nonce, b.Now()+3600, "token:Payout", &spec.Payout{Payments: []*spec.Payment{
				{To: shop.Bytes(), Amount: spec.CMT(1).Bytes()}, {To: newcomer.Bytes(), Amount: spec.CMT(1).Bytes()},
			}})
			intents = append(intents, payout)
		}
		batches = append(batches, b.carry(relay, intents...))
	}
	for _, batch := range batches {
		b.Submit(batch)
	}
	b.cut()
	for _, batch := range batches {
		b.expect("a gateway's batch", batch, simulate.Valid)
		b.answers(batch)
	}
	if sum, count := b.openCredits(shop); sum != spec.CMT(72) || count != 3 {
		t.Errorf("the shop has %s in %d credits, want 72 in 3", sum, count)
	}
	if sum, count := b.openCredits(newcomer); sum != spec.CMT(36) || count != 3 {
		t.Errorf("the newcomer has %s in %d credits, want 36 in 3", sum, count)
	}
}
