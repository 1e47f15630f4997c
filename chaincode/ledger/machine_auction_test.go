package ledger_test

import (
	"fmt"
	"math/big"
	"slices"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// openAuction makes a listing, mostly, and sells it in an auction.
func (m *machine) openAuction(t *rapid.T) {
	id, _, s := m.drawListing(t)
	if drawEvenly(t, "a listing of its own", 4) > 0 {
		reference := fmt.Sprintf("lots-%d", m.calls)
		s = seat{merchant, ""}
		m.perform(s, 0, "market:CreateListing", &spec.CreateListing{
			Reference: reference, Price: spec.CMT(1).Bytes(), Stock: 2, Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"),
		}, nil)
		id = spec.NewID(spec.ListingType, s.address(), reference)
	}
	command := &spec.OpenAuction{
		Reference: drawReference(t), Listing: id[:], Version: drawOf(t, "version", []uint32{1, 1, 1, 2}), Quantity: rapid.Uint32Range(1, 3).Draw(t, "quantity"),
		StartPrice: drawAmount(t), Step: drawOf(t, "step", amounts[:5]).Bytes(),
		EndsAt: m.now + drawOf(t, "seconds", []int64{-1, 100, auctionSeconds, auctionSeconds, auctionSeconds + 1}),
	}
	if rapid.Bool().Draw(t, "with a reserve") {
		command.Reserve = drawAmount(t)
	}
	m.perform(s, drawSkew(t), "market:OpenAuction", command, nil)
}

// drawAuction chooses an auction, preferring open ones, and how many bids somebody believes it has.
func (m *machine) drawAuction(t *rapid.T) (spec.ID, *modelAuction, uint32) {
	var open, all []spec.ID
	for id, a := range m.model.auctions {
		all = append(all, id)
		if a.state == "open" {
			open = append(open, id)
		}
	}
	if len(open) > 0 && drawEvenly(t, "any", 6) > 0 {
		all = open
	}
	if len(all) == 0 {
		return spec.ID{}, nil, 0
	}
	slices.SortFunc(all, func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
	id := rapid.SampledFrom(all).Draw(t, "auction")
	a := m.model.auctions[id]
	bids := uint32(len(a.bids))
	switch drawEvenly(t, "bids", 10) {
	case 0:
		bids++
	case 1:
		bids = max(1, bids) - 1
	}
	return id, a, bids
}

func (m *machine) placeBid(t *rapid.T) {
	id, a, bids := m.drawAuction(t)
	s := drawSeat(t)
	command := &spec.PlaceBid{Auction: id[:], Beats: bids, Amount: drawAmount(t), HandOverHash: spec.HandOverHash(spec.AuctionOrder(id, bids+1), code)}
	if a != nil && drawEvenly(t, "enough", 5) > 0 {
		least := a.start
		if n := len(a.bids); n > 0 {
			least = new(big.Int).Add(a.bids[n-1].units, a.step)
		}
		if least.Cmp(maxUnits) <= 0 {
			command.Amount = least.Bytes()
		}
	}
	m.perform(s, drawSkew(t), "market:PlaceBid", command, m.drawHints(t, s))
}

func (m *machine) closeAuction(t *rapid.T) {
	id, a, bids := m.drawAuction(t)
	if rapid.Bool().Draw(t, "later") {
		m.now += auctionSeconds
	}
	s := drawSeat(t)
	if a != nil && len(a.bids) > 0 {
		s = m.mostly(t, a.bids[len(a.bids)-1].bidder)
	}
	m.perform(s, drawSkew(t), "market:CloseAuction", &spec.CloseAuction{Auction: id[:], Bids: bids}, nil)
}

func (m *machine) cancelAuction(t *rapid.T) {
	id, a, _ := m.drawAuction(t)
	s := drawSeat(t)
	if a != nil {
		s = m.mostly(t, a.seller)
	}
	m.perform(s, drawSkew(t), "market:CancelAuction", &spec.CancelAuction{Auction: id[:]}, nil)
}
