package demo

import (
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// auctionSeconds is how long it runs at least; a late bid extends it.
const auctionSeconds = 8

// auction: two people bid from two gateways. The beaten have their money back at once; the winner's bid becomes an order.
func auction(s *scene) {
	heidi, ivan, antiques, anyone := s.part("heidi"), s.part("ivan"), s.part("antiques"), s.demo.house(Operator)
	listing := s.lists(antiques, "A clock of 1870, which goes", &spec.CreateListing{
		Price: cmt("120"), Stock: 1, Category: "antiques",
	}, "the dealer lists a clock")
	open := &spec.OpenAuction{
		Reference: reference(), Listing: listing.GetListing(), Version: listing.GetVersion(), Quantity: 1,
		StartPrice: cmt("20"), Step: cmt("5"), Reserve: cmt("40"), EndsAt: time.Now().Add(auctionSeconds * time.Second).Unix(),
	}
	id := spec.NewID(spec.AuctionType, antiques.address, open.Reference)
	s.step(antiques, "market:OpenAuction", open, "the dealer opens an auction: from 20 CMT, by 5")
	s.say("    %s", id.Text(spec.AuctionType))

	s.bids(heidi, id, 0, "20", "heidi bids 20, which are held")
	s.bids(ivan, id, 1, "30", "ivan bids 30; heidi has her 20 back")
	low := &spec.PlaceBid{Auction: id[:], Beats: 2, Amount: cmt("34.9")}
	s.refused(spec.BidTooLow, heidi, "market:PlaceBid", low, "34.9 would be less than a step more")
	order, code := s.bids(heidi, id, 2, "45", "heidi bids 45; ivan has his 30 back")

	var view spec.AuctionView
	s.look(heidi, "market:GetAuction", &spec.GetAuction{Auction: id[:]}, &view)
	s.onceDue(view.GetEndsAt(), anyone, "market:CloseAuction", &spec.CloseAuction{Auction: id[:], Bids: view.GetBids()}, "it is over: anyone closes it, and heidi has won")
	s.holds(heidi, order, "45")
	s.step(antiques, "market:ShipOrder", &spec.ShipOrder{Order: order}, "the dealer ships it")
	s.step(antiques, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: code}, "heidi's code proves the hand-over")
	s.step(heidi, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order}, "heidi signs that she has it; the dealer is paid")
	s.settled(order, spec.OrderState_ORDER_STATE_RELEASED)
	s.sold(heidi, antiques, "45")
}

// bids beats the bid of a number and returns the order that this bid becomes if it wins, with its hand-over code.
func (s *scene) bids(bidder *person, auction spec.ID, beats uint32, amount, line string) (order, code []byte) {
	id := spec.AuctionOrder(auction, beats+1)
	code = randomBytes(codeBytes)
	s.step(bidder, "market:PlaceBid", &spec.PlaceBid{
		Auction: auction[:], Beats: beats, Amount: cmt(amount), HandOverHash: spec.HandOverHash(id, code),
	}, line)
	return id[:], code
}
