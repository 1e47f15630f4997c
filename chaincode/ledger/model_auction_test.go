package ledger_test

import (
	"math/big"

	"github.com/cybermiles/cmt/chaincode/spec"
)

type modelAuction struct {
	state                string
	seller               spec.Address
	listing              spec.ID
	version, quantity    uint32
	start, reserve, step *big.Int
	opened, ends         int64
	bids                 []modelBid
}

type modelBid struct {
	bidder     spec.Address
	msp        string
	units      *big.Int
	time, ends int64
	handOver   []byte
}

func (m *model) openAuction(c modelCall, command *spec.OpenAuction) spec.Code {
	id, listingID := spec.NewID(spec.AuctionType, c.actor, command.Reference), spec.ID(command.Listing)
	listing := m.listings[listingID]
	lot := spec.StockLot(listingID, 1, 0)
	if hint := c.hints.GetLot(); len(hint) > 0 {
		lot = spec.ID(hint)
	}
	a := &modelAuction{
		state: "open", seller: c.actor, listing: listingID, version: command.Version, quantity: command.Quantity, start: number(command.StartPrice),
		reserve: number(command.Reserve), step: number(command.Step), opened: c.time, ends: command.EndsAt,
	}
	if a.reserve.Cmp(a.start) < 0 {
		a.reserve = a.start
	}
	switch {
	case m.auctions[id] != nil:
		return spec.ReferenceUsed
	case listing == nil || int(command.Version) > len(listing.versions):
		return spec.NotFound
	case listing.seller != c.actor:
		return spec.NotAParty
	case listing.suspended[int(command.Version)]:
		return spec.ListingSuspended
	case int(command.Version) == len(listing.versions) && listing.closed:
		return spec.ListingClosed
	case int(command.Version) < len(listing.versions):
		return spec.VersionStale
	case a.start.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case a.ends <= c.time || a.ends > c.time+auctionSeconds:
		return spec.DeadlineOutOfRange
	case m.lots[lotKey(listingID, lot)] < a.quantity || m.variants[lotKey(listingID, lot)] != 0:
		return spec.LotEmpty
	}
	m.lots[lotKey(listingID, lot)] -= a.quantity
	m.auctions[id] = a
	return ""
}

// at checks that the auction is open and has so many bids, and returns when it ends and what time it is.
func (a *modelAuction) at(c modelCall, bids uint32) (ends, now int64, code spec.Code) {
	switch {
	case a == nil || int(bids) > len(a.bids):
		return 0, 0, spec.NotFound
	case a.state != "open":
		return 0, 0, spec.WrongState
	case int(bids) < len(a.bids):
		return 0, 0, spec.ValueStale
	}
	ends, now = a.ends, max(c.time, a.opened)
	for _, bid := range a.bids {
		ends, now = max(ends, bid.ends), max(now, bid.time)
	}
	return ends, now, ""
}

func (m *model) placeBid(c modelCall, command *spec.PlaceBid) spec.Code {
	a := m.auctions[spec.ID(command.Auction)]
	ends, now, code := a.at(c, command.Beats)
	if code != "" {
		return code
	}
	units, least := number(command.Amount), a.start
	var last *modelBid
	if n := len(a.bids); n > 0 {
		last = &a.bids[n-1]
		least = new(big.Int).Add(last.units, a.step)
	}
	own := new(big.Int)
	if last != nil && last.bidder == c.actor {
		own = last.units
	}
	switch {
	case a.seller == c.actor:
		return spec.SameAccount
	case units.Cmp(least) < 0:
		return spec.BidTooLow
	case now >= ends:
		return spec.DeadlinePassed
	case !m.pay(c, new(big.Int).Sub(units, own)):
		return spec.InsufficientFunds
	}
	if last != nil && last.bidder != c.actor {
		m.give(c, modelCredit{last.bidder, last.units, spec.CreditKind_CREDIT_KIND_REFUND})
	}
	a.bids = append(a.bids, modelBid{c.actor, c.msp, units, now, max(ends, now+extensionSeconds), command.HandOverHash})
	return ""
}

func (m *model) closeAuction(c modelCall, command *spec.CloseAuction) spec.Code {
	id := spec.ID(command.Auction)
	a := m.auctions[id]
	ends, now, code := a.at(c, command.Bids)
	if code != "" {
		return code
	}
	if now < ends {
		return spec.NotDue
	}
	n := len(a.bids)
	if n == 0 || a.bids[n-1].units.Cmp(a.reserve) < 0 {
		if n > 0 {
			m.give(c, modelCredit{a.bids[n-1].bidder, a.bids[n-1].units, spec.CreditKind_CREDIT_KIND_REFUND})
		}
		m.endAuction(id, "unsold")
		return ""
	}
	a.state = "sold"
	bid, listing := a.bids[n-1], m.listings[a.listing]
	m.orders[spec.AuctionOrder(id, uint32(n))] = listing.versions[a.version-1].begin(modelOrder{
		buyer: bid.bidder, buyerMSP: bid.msp, seller: a.seller, sellerMSP: listing.msp, listing: a.listing, version: a.version,
		quantity: a.quantity, total: bid.units, placedAt: now, handOver: bid.handOver,
	})
	return ""
}

func (m *model) endAuction(id spec.ID, state string) {
	a := m.auctions[id]
	a.state = state
	m.lots[lotKey(a.listing, spec.ReturnLot(a.listing, id))] = a.quantity
}

func (m *model) cancelAuction(c modelCall, command *spec.CancelAuction) spec.Code {
	id := spec.ID(command.Auction)
	a := m.auctions[id]
	switch {
	case a == nil:
		return spec.NotFound
	case a.seller != c.actor:
		return spec.NotAParty
	case a.state != "open" || len(a.bids) > 0:
		return spec.WrongState
	}
	m.endAuction(id, "cancelled")
	return ""
}
