//go:build network

package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The price of one unit in these tests, and what of it the seller gets less the fee of 2.5 %.
const (
	price  = "10"
	fee    = "0.25"
	payout = "9.75"
	units  = 5
)

// trade is a seller's listing and a buyer with money for three orders, both of this trade alone; carrier is any other
// organisation, and one that carries.
type trade struct {
	shop, buyer, carrier account
	listing              spec.ID
}

// Every way that a purchase can take, on the clock that hangs on the wall.
func TestPurchases(t *testing.T) {
	tests := []struct {
		name           string
		acceptRequired bool
		run            func(*testing.T, *trade)
	}{
		{"the buyer confirms", false, buyerConfirms},
		{"hand-over by code, then anyone releases when it is due", false, releasedWhenDue},
		{"a carrier's word starts the release clock", false, carriersWord},
		{"not shipped in time, anyone refunds and the stock comes back once", false, notShippedInTime},
		{"not accepted in time, anyone refunds and the stock comes back once", true, notShippedInTime},
		{"protection ends without proof, anyone refunds", false, protectionEnds},
		{"either side cancels before shipment", false, eitherSideCancels},
		{"the seller refunds", false, sellerRefunds},
		{"the seller wants to accept", true, sellerAccepts},
		{"confirm against expire", false, race("ConfirmOrder", "ExpireOrder", func(o *spec.OrderView) int64 { return o.ShipDeadline })},
		{"confirm against refund", false, race("ConfirmOrder", "RefundOrder", func(o *spec.OrderView) int64 { return o.PlacedAt })},
		{"cancel against ship", false, race("CancelOrder", "ShipOrder", func(o *spec.OrderView) int64 { return o.PlacedAt })},
		{"expire against expire", false, race("ExpireOrder", "ExpireOrder", func(o *spec.OrderView) int64 { return o.ShipDeadline })},
	}
	trades := make([]*trade, len(tests))
	var buyers []account
	for i := range tests {
		trades[i] = &trade{shop: open(t, "merchant1", fmt.Sprintf("trade-%d", i)), buyer: open(t, "buyers", fmt.Sprintf("trade-%d", i)), carrier: open(t, "merchant2", "")}
		buyers = append(buyers, trades[i].buyer)
	}
	fund(t, "30", buyers...)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			trades[i].listing = trades[i].shop.list(t, offer{price: price, stock: units, acceptRequired: test.acceptRequired})
			test.run(t, trades[i])
		})
	}
}

func (s *trade) expect(t *testing.T, shop, buyer string, stock uint32) {
	t.Helper()
	if got := s.shop.free(t); got.String() != shop {
		t.Errorf("the seller has %s, want %s", got, shop)
	}
	if got := s.buyer.free(t); got.String() != buyer {
		t.Errorf("the buyer has %s, want %s", got, buyer)
	}
	if got := s.shop.units(t, s.listing); got != stock {
		t.Errorf("%d units are left, want %d", got, stock)
	}
}

func checkState(t *testing.T, order *spec.OrderView, want spec.OrderState, held string) {
	t.Helper()
	if order.State != want || decimal(order.Held) != held {
		t.Errorf("the order is %v and holds %s, want %v and %s", order.State, decimal(order.Held), want, held)
	}
}

// onlyAt checks, without sending anything, that a step is refused with a code in the last second before a time and
// endorsed at it, or the other way round.
func onlyAt(t *testing.T, by account, operation string, command proto.Message, at int64, before, after spec.Code) {
	t.Helper()
	for _, one := range []struct {
		at   int64
		want spec.Code
	}{{at - 1, before}, {at, after}} {
		_, err := by.endorseAt(short(t), time.Unix(one.at, 0), by.call(operation, command))
		if err == nil && one.want == "" || err != nil && spec.ErrorCode(err) == one.want {
			continue
		}
		t.Errorf("%s %d s from %s: %v, want %q", operation, one.at-at, time.Unix(at, 0).UTC(), err, one.want)
	}
}

// whenDue repeats a step until its time has come; until then it must be refused as not due.
func whenDue(t *testing.T, by account, operation string, command proto.Message, due int64) *spec.OrderView {
	t.Helper()
	var view spec.OrderView
	var done receipt
	eventually(t, time.Until(time.Unix(due, 0))+patience, func(ctx context.Context) (err error) {
		began := now()
		done, err = by.try(ctx, by.call(operation, command), &view)
		if err != nil && (spec.ErrorCode(err) != spec.NotDue || began.Unix() > due) {
			t.Fatalf("%s at %v: %v", operation, began, err)
		}
		return err
	})
	if view.UpdatedAt < due {
		t.Errorf("%s went through %d s early", operation, due-view.UpdatedAt)
	}
	by.n.await(t, done.block)
	return &view
}

// settled refuses every further step of an order.
func settled(t *testing.T, s *trade, order []byte) {
	t.Helper()
	s.buyer.refuse(t, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order}, spec.WrongState)
	s.buyer.refuse(t, "market:CancelOrder", &spec.CancelOrder{Order: order}, spec.WrongState)
	s.shop.refuse(t, "market:RefundOrder", &spec.RefundOrder{Order: order}, spec.WrongState)
	s.carrier.refuse(t, "market:ReleaseOrder", &spec.ReleaseOrder{Order: order}, spec.WrongState)
	s.carrier.refuse(t, "market:ExpireOrder", &spec.ExpireOrder{Order: order}, spec.WrongState)
}

func buyerConfirms(t *testing.T, s *trade) {
	order := s.buyer.buy(t, s.listing, price)
	checkState(t, order, spec.OrderState_ORDER_STATE_ACCEPTED, price)
	s.expect(t, "0", "20", units-1)
	var view spec.OrderView
	s.buyer.do(t, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order.Order}, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_RELEASED, "0")
	if got := decimal(view.Fee); got != fee {
		t.Errorf("the fee is %s, want %s", got, fee)
	}
	s.expect(t, payout, "20", units-1)
	settled(t, s, order.Order)
}

func releasedWhenDue(t *testing.T, s *trade) {
	order := s.buyer.buy(t, s.listing, price)
	s.shop.do(t, "market:ShipOrder", &spec.ShipOrder{Order: order.Order}, nil)
	s.carrier.refuse(t, "market:ReleaseOrder", &spec.ReleaseOrder{Order: order.Order}, spec.WrongState)
	s.shop.refuse(t, "market:HandOverOrder", &spec.HandOverOrder{Order: order.Order, Code: make([]byte, 16)}, spec.WrongCode)
	s.carrier.refuse(t, "market:HandOverOrder", &spec.HandOverOrder{Order: order.Order, Code: handOverCode}, spec.NotAParty)
	var view spec.OrderView
	s.shop.do(t, "market:HandOverOrder", &spec.HandOverOrder{Order: order.Order, Code: handOverCode}, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_HANDED_OVER, price)
	if view.ReleaseDue != view.UpdatedAt+releaseSeconds {
		t.Errorf("handed over at %d, due at %d, want %d s between", view.UpdatedAt, view.ReleaseDue, releaseSeconds)
	}
	s.shop.refuse(t, "market:HandOverOrder", &spec.HandOverOrder{Order: order.Order, Code: handOverCode}, spec.WrongState)
	s.carrier.refuse(t, "market:ExpireOrder", &spec.ExpireOrder{Order: order.Order}, spec.WrongState)
	release := &spec.ReleaseOrder{Order: order.Order}
	onlyAt(t, s.shop, "market:ReleaseOrder", release, view.ReleaseDue, spec.NotDue, "")
	done := whenDue(t, s.carrier, "market:ReleaseOrder", release, view.ReleaseDue)
	checkState(t, done, spec.OrderState_ORDER_STATE_RELEASED, "0")
	s.expect(t, payout, "20", units-1)
	settled(t, s, order.Order)
}

func carriersWord(t *testing.T, s *trade) {
	order := s.buyer.buy(t, s.listing, price)
	report := &spec.ReportDelivery{Order: order.Order, ProofHash: make([]byte, 32)}
	report.ProofHash[0] = 1
	s.carrier.refuse(t, "market:ReportDelivery", report, spec.WrongState)
	s.shop.do(t, "market:ShipOrder", &spec.ShipOrder{Order: order.Order}, nil)
	open(t, "merchant1", "").refuse(t, "market:ReportDelivery", report, spec.NotAParty) // a carrier, and the seller's organisation
	onlyAt(t, s.carrier, "market:ReportDelivery", report, order.ProtectionDeadline, "", spec.DeadlinePassed)
	var view spec.OrderView
	s.carrier.do(t, "market:ReportDelivery", report, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_HANDED_OVER, price)
	s.carrier.refuse(t, "market:ReportDelivery", report, spec.WrongState)
	done := whenDue(t, s.shop, "market:ReleaseOrder", &spec.ReleaseOrder{Order: order.Order}, view.ReleaseDue)
	checkState(t, done, spec.OrderState_ORDER_STATE_RELEASED, "0")
	s.expect(t, payout, "20", units-1)
}

func notShippedInTime(t *testing.T, s *trade) {
	order := s.buyer.buy(t, s.listing, price)
	expire := &spec.ExpireOrder{Order: order.Order}
	onlyAt(t, s.carrier, "market:ExpireOrder", expire, order.ShipDeadline, spec.NotDue, "")
	if order.State == spec.OrderState_ORDER_STATE_ACCEPTED {
		onlyAt(t, s.shop, "market:ShipOrder", &spec.ShipOrder{Order: order.Order}, order.ShipDeadline, "", spec.DeadlinePassed)
		onlyAt(t, s.shop, "market:HandOverOrder", &spec.HandOverOrder{Order: order.Order, Code: handOverCode}, order.ShipDeadline, "", spec.DeadlinePassed)
	} else {
		onlyAt(t, s.shop, "market:AcceptOrder", &spec.AcceptOrder{Order: order.Order}, order.ShipDeadline, "", spec.DeadlinePassed)
	}
	done := whenDue(t, s.carrier, "market:ExpireOrder", expire, order.ShipDeadline)
	checkState(t, done, spec.OrderState_ORDER_STATE_EXPIRED, "0")
	s.expect(t, "0", "30", units)
	settled(t, s, order.Order)
	s.expect(t, "0", "30", units)
}

func protectionEnds(t *testing.T, s *trade) {
	order := s.buyer.buy(t, s.listing, price)
	s.shop.do(t, "market:ShipOrder", &spec.ShipOrder{Order: order.Order}, nil)
	expire := &spec.ExpireOrder{Order: order.Order}
	onlyAt(t, s.carrier, "market:ExpireOrder", expire, order.ShipDeadline, spec.NotDue, spec.NotDue)
	onlyAt(t, s.carrier, "market:ExpireOrder", expire, order.ProtectionDeadline, spec.NotDue, "")
	onlyAt(t, s.shop, "market:HandOverOrder", &spec.HandOverOrder{Order: order.Order, Code: handOverCode}, order.ProtectionDeadline, "", spec.DeadlinePassed)
	s.buyer.refuse(t, "market:CancelOrder", &spec.CancelOrder{Order: order.Order}, spec.WrongState)
	done := whenDue(t, s.carrier, "market:ExpireOrder", expire, order.ProtectionDeadline)
	checkState(t, done, spec.OrderState_ORDER_STATE_EXPIRED, "0")
	s.expect(t, "0", "30", units-1) // what was shipped is not on the shelf
	settled(t, s, order.Order)
}

func eitherSideCancels(t *testing.T, s *trade) {
	for _, side := range []account{s.buyer, s.shop} {
		order := s.buyer.buy(t, s.listing, price)
		// The refund before came as a credit, and the first lot has one unit less: returns are lots of their own.
		s.carrier.refuse(t, "market:CancelOrder", &spec.CancelOrder{Order: order.Order}, spec.NotAParty)
		var view spec.OrderView
		side.do(t, "market:CancelOrder", &spec.CancelOrder{Order: order.Order}, &view)
		checkState(t, &view, spec.OrderState_ORDER_STATE_CANCELLED, "0")
		s.expect(t, "0", "30", units)
		settled(t, s, order.Order)
	}
}

func sellerRefunds(t *testing.T, s *trade) {
	early, late := s.buyer.buy(t, s.listing, price), s.buyer.buy(t, s.listing, price)
	s.buyer.refuse(t, "market:RefundOrder", &spec.RefundOrder{Order: early.Order}, spec.NotAParty)
	var view spec.OrderView
	s.shop.do(t, "market:RefundOrder", &spec.RefundOrder{Order: early.Order}, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_REFUNDED, "0")
	s.expect(t, "0", "20", units-1)

	s.buyer.do(t, "market:HandOverOrder", &spec.HandOverOrder{Order: late.Order, Code: handOverCode}, nil)
	s.shop.do(t, "market:RefundOrder", &spec.RefundOrder{Order: late.Order}, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_REFUNDED, "0")
	s.expect(t, "0", "30", units-1) // what was handed over is not on the shelf
	settled(t, s, late.Order)
}

func sellerAccepts(t *testing.T, s *trade) {
	order := s.buyer.buy(t, s.listing, price)
	checkState(t, order, spec.OrderState_ORDER_STATE_PLACED, price)
	s.shop.refuse(t, "market:ShipOrder", &spec.ShipOrder{Order: order.Order}, spec.WrongState)
	s.buyer.refuse(t, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order.Order}, spec.WrongState)
	s.buyer.refuse(t, "market:AcceptOrder", &spec.AcceptOrder{Order: order.Order}, spec.NotAParty)
	var view spec.OrderView
	s.shop.do(t, "market:AcceptOrder", &spec.AcceptOrder{Order: order.Order}, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_ACCEPTED, price)
	s.shop.refuse(t, "market:AcceptOrder", &spec.AcceptOrder{Order: order.Order}, spec.WrongState)
	s.shop.do(t, "market:ShipOrder", &spec.ShipOrder{Order: order.Order}, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_SHIPPED, price)
	s.buyer.do(t, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order.Order}, &view)
	checkState(t, &view, spec.OrderState_ORDER_STATE_RELEASED, "0")
	s.expect(t, payout, "20", units-1)
}

// step makes the command of a step of an order and names who may take it.
func (s *trade) step(operation string, order []byte) (account, proto.Message) {
	switch operation {
	case "ConfirmOrder":
		return s.buyer, &spec.ConfirmOrder{Order: order}
	case "CancelOrder":
		return s.buyer, &spec.CancelOrder{Order: order}
	case "RefundOrder":
		return s.shop, &spec.RefundOrder{Order: order}
	case "ShipOrder":
		return s.shop, &spec.ShipOrder{Order: order}
	}
	return s.carrier, &spec.ExpireOrder{Order: order}
}

// race endorses two steps at one time, each possible by itself, and sends both at once: exactly one happens.
func race(first, second string, at func(*spec.OrderView) int64) func(*testing.T, *trade) {
	return func(t *testing.T, s *trade) {
		for range 3 {
			raceOnce(t, s, [2]string{first, second}, at)
		}
	}
}

func raceOnce(t *testing.T, s *trade, operations [2]string, at func(*spec.OrderView) int64) {
	t.Helper()
	order := s.buyer.buy(t, s.listing, price)
	var sent [2]*client.Transaction
	var views [2]spec.OrderView
	for i, operation := range operations {
		by, command := s.step(operation, order.Order)
		transaction, err := by.endorseAt(short(t), time.Unix(at(order), 0), by.call("market:"+operation, command))
		if err == nil {
			err = spec.DecodeJSON(transaction.Result(), &views[i])
		}
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		sent[i] = transaction
	}
	var errs [2]error
	var done [2]receipt
	var both sync.WaitGroup
	for i := range sent {
		both.Go(func() { done[i], errs[i] = finish(short(t), sent[i]) })
	}
	both.Wait()
	winner := 0
	if errs[0] != nil {
		winner = 1
	}
	if errs[winner] != nil || invalidCode(errs[1-winner]) != peer.TxValidationCode_MVCC_READ_CONFLICT {
		t.Fatalf("%v: %v, want one to happen and one to conflict", operations, errors.Join(errs[:]...))
	}
	testnet.await(t, done[winner].block)
	if got := s.buyer.order(t, order.Order); !proto.Equal(got, &views[winner]) {
		t.Errorf("%s happened and the order is %v, want %v", operations[winner], got, &views[winner])
	}
}
