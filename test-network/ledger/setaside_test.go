//go:build network

package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Money that is paid out, set apart for a spender and held for a payee, by three organisations' clients.
func TestMoneySetApart(t *testing.T) {
	payer, payee, other := open(t, "buyers", "set-apart"), open(t, "merchant1", "set-apart"), open(t, "merchant2", "set-apart")
	fund(t, "30", payer)
	payer.do(t, "token:Payout", &spec.Payout{Reference: reference(), Payments: []*spec.Payment{
		{To: payee.address().Bytes(), Amount: cmt("1")}, {To: other.address().Bytes(), Amount: cmt("2")},
	}}, nil)

	payer.do(t, "token:Approve", &spec.Approve{Spender: payee.address().Bytes(), Amount: cmt("5")}, nil)
	payee.do(t, "token:TransferFrom", &spec.TransferFrom{Reference: reference(), Owner: payer.address().Bytes(), To: other.address().Bytes(), Amount: cmt("3")}, nil)
	payer.refuse(t, "token:Approve", &spec.Approve{Spender: payee.address().Bytes(), Expected: cmt("5")}, spec.ValueStale)
	payer.do(t, "token:Approve", &spec.Approve{Spender: payee.address().Bytes(), Expected: cmt("2")}, nil)

	var hold spec.HoldView
	payer.do(t, "token:PlaceHold", &spec.PlaceHold{Reference: reference(), Payee: payee.address().Bytes(), Amount: cmt("10"), ExpiresAt: now().Unix() + 300}, &hold)
	payee.do(t, "token:CaptureHold", &spec.CaptureHold{Hold: hold.Hold, Amount: cmt("4")}, nil)
	payee.refuse(t, "token:CaptureHold", &spec.CaptureHold{Hold: hold.Hold, Amount: cmt("4")}, spec.ValueStale)
	other.refuse(t, "token:ExpireHold", &spec.ExpireHold{Hold: hold.Hold}, spec.NotDue)
	payee.do(t, "token:VoidHold", &spec.VoidHold{Hold: hold.Hold}, &hold)
	if hold.State != spec.HoldState_HOLD_STATE_VOIDED || decimal(hold.Captured) != "4" {
		t.Errorf("the hold is %v", &hold)
	}
	for _, one := range []struct {
		account
		want string
	}{{payer, "20"}, {payee, "5"}, {other, "5"}} {
		if got := one.free(t); got.String() != one.want {
			t.Errorf("%s/%s has %s, want %s", one.mspID, one.label, got, one.want)
		}
	}
}

// An auction that two bid in, closed by somebody else once its time is over, becomes an order that goes on as any other.
func TestAuction(t *testing.T) {
	shop, one, two, anyone := open(t, "merchant1", "dash"), open(t, "buyers", "dash-1"), open(t, "buyers", "dash-2"), open(t, "merchant2", "")
	fund(t, "20", one, two)
	listing := shop.list(t, offer{price: "1", stock: 1})
	var auction spec.AuctionView
	shop.do(t, "market:OpenAuction", &spec.OpenAuction{
		Reference: reference(), Listing: listing[:], Version: 1, Quantity: 1, StartPrice: cmt("2"), Reserve: cmt("4"), Step: cmt("1"), EndsAt: now().Unix() + 10,
	}, &auction)
	one.do(t, "market:PlaceBid", &spec.PlaceBid{Auction: auction.Auction, Amount: cmt("3")}, nil)
	two.refuse(t, "market:PlaceBid", &spec.PlaceBid{Auction: auction.Auction, Amount: cmt("5")}, spec.ValueStale)
	var bid spec.BidView
	two.do(t, "market:PlaceBid", &spec.PlaceBid{Auction: auction.Auction, Beats: 1, Amount: cmt("5")}, &bid)
	if got := one.free(t); got.String() != "20" {
		t.Errorf("beaten, the first bidder has %s", got)
	}
	closed := uint64(0)
	eventually(t, time.Until(time.Unix(bid.EndsAt, 0))+patience, func(ctx context.Context) error {
		done, err := anyone.try(ctx, anyone.call("market:CloseAuction", &spec.CloseAuction{Auction: bid.Auction, Bids: 2}), &auction)
		closed = done.block
		return err
	})
	anyone.n.await(t, closed)
	if auction.State != spec.AuctionState_AUCTION_STATE_SOLD || string(auction.Order) != string(bid.Order) {
		t.Fatalf("closed, the auction is %v", &auction)
	}
	two.do(t, "market:ConfirmOrder", &spec.ConfirmOrder{Order: bid.Order}, nil)
	if got := two.free(t); got.String() != "15" {
		t.Errorf("the winner has %s left", got)
	}
}
