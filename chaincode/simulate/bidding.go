package simulate

import (
	"math/big"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// auction returns an auction as the transaction leaves it; its terms never change.
func (b *books) auction(id spec.ID) ledger.Auction {
	auction, ok := b.after(ledger.AuctionKey(id)).(ledger.Auction)
	if !ok {
		b.fault("a command is about the auction %x, which is not there", id)
	}
	return auction
}

// openAuction: what is sold leaves the stock.
func (b *books) openAuction(deed *act, c *spec.OpenAuction) {
	id := spec.NewID(spec.AuctionType, deed.actor, c.Reference)
	auction := b.auction(id)
	version, _ := b.after(ledger.VersionKey(spec.ID(c.Listing), c.Version)).(ledger.Version)
	if auction.Seller != deed.actor || version.Seller != deed.actor || auction.Quantity != c.Quantity || auction.Listing != spec.ID(c.Listing) {
		b.fault("the auction %x is not what %s asked for", id, deed.actor)
	}
	if _, again := b.auctions[id]; again || b.records[ledger.AuctionKey(id)] != nil {
		b.fault("the auction %x is opened a second time", id)
	}
	b.stock[auction.Listing] -= int64(auction.Quantity)
	b.auctions[id] = spec.AuctionState_AUCTION_STATE_OPEN
}

// bid: a bid takes the next place, beats the one before by the step, and frees its money.
func (b *books) bid(deed *act, c *spec.PlaceBid) {
	id, number := spec.ID(c.Auction), c.Beats+1
	auction := b.auction(id)
	bid, ok := b.after(ledger.BidKey(id, number)).(ledger.Bid)
	if !ok || bid.Bidder != deed.actor || bid.Amount != amountOf(c.Amount) || bid.Bidder == auction.Seller {
		b.fault("bid %d of %x is %v, not what %s bid", number, id, bid, deed.actor)
	}
	endsAt, least := auction.EndsAt, auction.StartPrice
	if c.Beats > 0 {
		beaten, _ := b.after(ledger.BidKey(id, c.Beats)).(ledger.Bid)
		endsAt = max(endsAt, beaten.EndsAt)
		least, _ = beaten.Amount.Add(auction.Step)
		b.freeBid(deed.actor, id, c.Beats, beaten)
	}
	if bid.Amount.Less(least) || bid.Time >= endsAt || bid.EndsAt != max(endsAt, bid.Time+int64(auction.ExtensionSeconds)) {
		b.fault("bid %d of %x, %v, is too low or too late: at least %s before %d", number, id, bid, least, endsAt)
	}
	b.spend(deed.actor, units(bid.Amount))
	b.bids[spec.AuctionOrder(id, number)] = true
}

// freeBid: whoever raises its own bid has its money back at once, everyone else is given it.
func (b *books) freeBid(by spec.Address, auction spec.ID, number uint32, bid ledger.Bid) {
	b.bids[spec.AuctionOrder(auction, number)] = true
	if bid.Bidder == by {
		b.spend(by, new(big.Int).Neg(units(bid.Amount)))
		return
	}
	b.give(bid.Bidder.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, units(bid.Amount))
}

// closeAuction: the last bid becomes an order when it reaches the reserve.
func (b *books) closeAuction(c *spec.CloseAuction) {
	id := spec.ID(c.Auction)
	auction := b.auction(id)
	bid, _ := b.after(ledger.BidKey(id, c.Bids)).(ledger.Bid)
	if b.after(ledger.BidKey(id, c.Bids+1)) != nil {
		b.fault("the auction %x is closed after %d bids and has more", id, c.Bids)
	}
	if c.Bids == 0 || bid.Amount.Less(auction.Reserve) {
		if c.Bids > 0 {
			b.bids[spec.AuctionOrder(id, c.Bids)] = true
			b.give(bid.Bidder.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, units(bid.Amount))
		}
		b.endUnsold(id, spec.AuctionState_AUCTION_STATE_UNSOLD)
		return
	}
	at := spec.AuctionOrder(id, c.Bids)
	order, ok := b.order(at)
	if !ok || order.Buyer != bid.Bidder || order.Seller != auction.Seller || order.Total != bid.Amount || order.Quantity != auction.Quantity || order.PlacedAt < max(auction.EndsAt, bid.EndsAt) {
		b.fault("the auction %x became the order %v, not that of %v", id, order, bid)
	}
	version, _ := b.after(ledger.VersionKey(auction.Listing, auction.Version)).(ledger.Version)
	b.orders[at], b.won[at] = spec.OrderState_ORDER_STATE_ACCEPTED, true
	if version.AcceptRequired {
		b.orders[at] = spec.OrderState_ORDER_STATE_PLACED
	}
	b.auctions[id] = spec.AuctionState_AUCTION_STATE_SOLD
}

func (b *books) cancelAuction(deed *act, id spec.ID) {
	if auction := b.auction(id); auction.Seller != deed.actor || b.after(ledger.BidKey(id, 1)) != nil {
		b.fault("%s cancels the auction %x, which is another's or has bids", deed.actor, id)
	}
	b.endUnsold(id, spec.AuctionState_AUCTION_STATE_CANCELLED)
}

func (b *books) endUnsold(id spec.ID, to spec.AuctionState) {
	auction := b.auction(id)
	b.stock[auction.Listing] += int64(auction.Quantity)
	b.auctions[id] = to
}

// checkAuctions: an auction ends once, by a command, and keeps its terms; bids come by commands.
func (b *books) checkAuctions() {
	for _, c := range b.changes {
		switch c.key.Kind {
		case ledger.AuctionKind:
			id := spec.ID([]byte(c.key.ID))
			after, _ := c.after.(ledger.Auction)
			before, existed := c.before.(ledger.Auction)
			if want, asked := b.auctions[id]; !asked || after.State != want {
				b.fault("the auction %x is %s, what was asked makes it %s", id, after.State, want)
			}
			if existed && before.State != spec.AuctionState_AUCTION_STATE_OPEN {
				b.fault("the auction %x was %s and goes on", id, before.State)
			}
			after.State, after.Bids = before.State, before.Bids
			if existed && after != before {
				b.fault("the auction %x changes its terms", id)
			}
		case ledger.BidKind:
			id, number := spec.ID([]byte(c.key.Parent)), bidNumber(c.key)
			if !b.bids[spec.AuctionOrder(id, number)] {
				b.fault("%s is nobody's bid", state.FormatKey(c.key))
			}
		}
	}
}

// bidNumber is a bid's place in its auction.
func bidNumber(key ledger.Key) (n uint32) {
	for _, octet := range []byte(key.ID) {
		n = n<<8 | uint32(octet)
	}
	return n
}

// leaders are the highest bids of auctions, by auction, as a walk over the state meets them.
type leaders map[spec.ID]struct {
	number uint32
	bid    ledger.Bid
}

func (l leaders) see(key ledger.Key, bid ledger.Bid) {
	auction, number := spec.ID([]byte(key.Parent)), bidNumber(key)
	if number > l[auction].number {
		l[auction] = struct {
			number uint32
			bid    ledger.Bid
		}{number, bid}
	}
}

// checkLeaders: of each open auction the highest bid holds its amount, and no other bid holds anything. What it finds it takes
// out of the holds.
func (a *Auditor) checkLeaders(open []spec.ID, highest leaders, holds map[ledger.Key]spec.Amount) {
	for _, id := range open {
		leader := highest[id]
		if leader.number == 0 {
			continue
		}
		at := ledger.HoldKey(leader.bid.Bidder, spec.AuctionOrder(id, leader.number))
		if held, ok := holds[at]; !ok || held != leader.bid.Amount {
			a.fault("the highest bid of auction %x holds %s of %s", id, held, leader.bid.Amount)
		}
		delete(holds, at)
	}
}
