//go:build network

package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// everyWrite makes writes at which all endorsers must agree: now, or with a clock that runs ahead, by whom it does not matter.
type everyWrite struct {
	agree func(by account, operation string, command, result proto.Message, credits ...[]byte) receipt
	ahead func(at int64, operation string, command proto.Message)
}

// setsApart pays many at once, and has money drawn, captured, voided and expired.
func (w everyWrite) setsApart(payer, payee, other account) {
	w.agree(payer, "token:Payout", &spec.Payout{Reference: reference(), Payments: []*spec.Payment{
		{To: payee.address().Bytes(), Amount: cmt("1")}, {To: other.address().Bytes(), Amount: cmt("2")},
	}}, nil)
	w.agree(payer, "token:Approve", &spec.Approve{Spender: payee.address().Bytes(), Amount: cmt("3")}, nil)
	w.agree(payee, "token:TransferFrom", &spec.TransferFrom{Reference: reference(), Owner: payer.address().Bytes(), To: other.address().Bytes(), Amount: cmt("1")}, nil)
	place := func() []byte {
		var hold spec.HoldView
		w.agree(payer, "token:PlaceHold", &spec.PlaceHold{Reference: reference(), Payee: payee.address().Bytes(), Amount: cmt("2"), ExpiresAt: now().Unix() + 40}, &hold)
		return hold.Hold
	}
	captured, overdue := place(), place()
	w.agree(payee, "token:CaptureHold", &spec.CaptureHold{Hold: captured, Amount: cmt("1")}, nil)
	w.agree(payee, "token:VoidHold", &spec.VoidHold{Hold: captured}, nil)
	w.ahead(now().Unix()+45, "token:ExpireHold", &spec.ExpireHold{Hold: overdue})
}

// buys lists what the terms say and buys one of it, for one CMT.
func (w everyWrite) buys(buyer, shop account, terms *spec.CreateListing) (listing, order []byte) {
	terms.Reference, terms.Price, terms.Category, terms.ContentHash = reference(), cmt("1"), "x", make([]byte, 32)
	var view spec.ListingView
	w.agree(shop, "market:CreateListing", terms, &view)
	place := buyer.orderOf(spec.ID(view.Listing), "1")
	w.agree(buyer, "market:PlaceOrder", place, nil)
	id := spec.NewID(spec.OrderType, buyer.address(), place.Reference)
	return view.Listing, id[:]
}

// fills places a cart of two listings and cancels it, and another with a discount.
func (w everyWrite) fills(buyer, shop account) {
	place := &spec.PlaceCart{Reference: reference(), Total: cmt("5.5")}
	for _, units := range []uint32{2, 3} {
		var listing spec.ListingView
		w.agree(shop, "market:CreateListing", &spec.CreateListing{
			Reference: reference(), Price: cmt("1"), ShippingPrice: cmt("0.25"), Stock: 18, Lots: 2, Category: "x", ContentHash: make([]byte, 32),
		}, &listing)
		place.Lines = append(place.Lines, &spec.CartLine{Listing: listing.Listing, Version: 1, Quantity: units})
	}
	var order spec.OrderView
	w.agree(buyer, "market:PlaceCart", place, &order)
	w.agree(buyer, "market:CancelOrder", &spec.CancelOrder{Order: order.Order}, nil)

	var discount spec.DiscountView
	w.agree(shop, "market:OfferDiscount", &spec.OfferDiscount{
		Reference: reference(), Buyer: buyer.address().Bytes(), Bps: 5000, ValidUntil: now().Unix() + 300,
	}, &discount)
	place.Reference, place.DiscountId, place.Total = reference(), discount.Discount, cmt("3")
	w.agree(buyer, "market:PlaceCart", place, &order)
	w.agree(shop, "market:RefundOrder", &spec.RefundOrder{Order: order.Order}, nil)
}

// serves releases a service's first milestone and splits the rest; then the operator suspends the listing for a while.
func (w everyWrite) serves(buyer, shop, operator account) {
	listing, order := w.buys(buyer, shop, &spec.CreateListing{Stock: 2, Milestones: []uint32{4000, 6000}})
	w.agree(shop, "market:ReportMilestone", &spec.ReportMilestone{Order: order, Milestone: 1, ProofHash: make([]byte, 32)}, nil)
	w.agree(buyer, "market:ReleaseMilestone", &spec.ReleaseMilestone{Order: order, Milestone: 1}, nil)
	w.agree(buyer, "market:ProposeSplit", &spec.ProposeSplit{Order: order, SellerAmount: cmt("0.2")}, nil)
	w.agree(shop, "market:AgreeSplit", &spec.AgreeSplit{Order: order, SellerAmount: cmt("0.2")}, nil)
	w.agree(operator, "market:SuspendListing", &spec.SuspendListing{Listing: listing, Reason: "same"}, nil)
	w.agree(operator, "market:ResumeListing", &spec.ResumeListing{Listing: listing}, nil)
}

// sendsBack has the seller decline one return and take another.
func (w everyWrite) sendsBack(buyer, shop account) {
	for _, accepted := range []bool{false, true} {
		_, order := w.buys(buyer, shop, &spec.CreateListing{Stock: 1})
		w.agree(shop, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: handOverCode}, nil)
		w.agree(buyer, "market:AskReturn", &spec.AskReturn{Order: order}, nil)
		if !accepted {
			w.agree(shop, "market:DeclineReturn", &spec.DeclineReturn{Order: order}, nil)
			w.agree(buyer, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order}, nil)
			continue
		}
		w.agree(shop, "market:AcceptReturn", &spec.AcceptReturn{Order: order}, nil)
		w.agree(buyer, "market:ShipReturn", &spec.ShipReturn{Order: order}, nil)
		w.agree(shop, "market:RefundOrder", &spec.RefundOrder{Order: order}, nil)
	}
}

// auctions closes one that somebody bid in and cancels another.
func (w everyWrite) auctions(buyer, shop account) {
	var listing spec.ListingView
	w.agree(shop, "market:CreateListing", &spec.CreateListing{Reference: reference(), Price: cmt("1"), Stock: 2, Category: "x", ContentHash: make([]byte, 32)}, &listing)
	open := func() []byte {
		var auction spec.AuctionView
		w.agree(shop, "market:OpenAuction", &spec.OpenAuction{
			Reference: reference(), Listing: listing.Listing, Version: 1, Quantity: 1, StartPrice: cmt("1"), Step: cmt("1"), EndsAt: now().Unix() + 30,
		}, &auction)
		return auction.Auction
	}
	sold, cancelled := open(), open()
	var bid spec.BidView
	w.agree(buyer, "market:PlaceBid", &spec.PlaceBid{Auction: sold, Amount: cmt("1")}, &bid)
	w.agree(shop, "market:CancelAuction", &spec.CancelAuction{Auction: cancelled}, nil)
	w.ahead(bid.EndsAt, "market:CloseAuction", &spec.CloseAuction{Auction: sold, Bids: 1})
}
