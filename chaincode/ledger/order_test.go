package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

const (
	absent     = spec.OrderState_ORDER_STATE_UNSPECIFIED
	placed     = spec.OrderState_ORDER_STATE_PLACED
	accepted   = spec.OrderState_ORDER_STATE_ACCEPTED
	shipped    = spec.OrderState_ORDER_STATE_SHIPPED
	handedOver = spec.OrderState_ORDER_STATE_HANDED_OVER
	released   = spec.OrderState_ORDER_STATE_RELEASED
	cancelled  = spec.OrderState_ORDER_STATE_CANCELLED
	refunded   = spec.OrderState_ORDER_STATE_REFUNDED
	expired    = spec.OrderState_ORDER_STATE_EXPIRED
	disputed   = spec.OrderState_ORDER_STATE_DISPUTED
	ruled      = spec.OrderState_ORDER_STATE_RULED
)

var orderStates = []spec.OrderState{absent, placed, accepted, shipped, handedOver, released, cancelled, refunded, expired, disputed, ruled}

// actor is somebody who tries something with anna's order from the merchant.
type actor struct {
	name, mspID, subAccount string
	roles                   string // what the actor is to the order; a partial carrier has the role, but stands behind a side
}

var actors = []actor{
	{"the buyer", buyers, "anna", "buyer partial"},
	{"the seller", merchant, "", "seller partial"},
	{"a carrier", carrier, "", "carrier"},
	{"a carrier's department", carrier, "bikes", "carrier"},
	{"another account of the buyer's organisation", buyers, "ben", "partial"},
	{"another account of the seller's organisation", merchant, "store", "partial"},
	{"the operator", operator, "", ""},
	{"the treasurer", treasurer, "", ""},
}

func (a actor) is(role string) bool { return slices.Contains(strings.Fields(a.roles), role) }

// transition is one operation on an order, as DESIGN 7 and the issue have it.
type transition struct {
	function string
	command  func(order []byte) proto.Message
	// who may do it: buyer, seller, either of both, carrier, or anyone.
	who string
	// to is the state it leads to, by the state it comes from. What is not named is the wrong state.
	to map[spec.OrderState]spec.OrderState
	// before: it comes too late at the state's deadline. after: it comes too early before it. Otherwise time does not matter.
	before, after bool
}

var transitions = []transition{
	{
		function: "market:AcceptOrder", who: "seller", before: true,
		command: func(o []byte) proto.Message { return &spec.AcceptOrder{Order: o} },
		to:      map[spec.OrderState]spec.OrderState{placed: accepted},
	},
	{
		function: "market:ShipOrder", who: "seller", before: true,
		command: func(o []byte) proto.Message {
			return &spec.ShipOrder{Order: o, TrackingHash: slices.Repeat([]byte{7}, 32)}
		},
		to: map[spec.OrderState]spec.OrderState{accepted: shipped},
	},
	{
		function: "market:HandOverOrder", who: "either", before: true,
		command: func(o []byte) proto.Message { return &spec.HandOverOrder{Order: o, Code: code} },
		to:      map[spec.OrderState]spec.OrderState{accepted: handedOver, shipped: handedOver, disputed: disputed},
	},
	{
		function: "market:ReportDelivery", who: "carrier", before: true,
		command: func(o []byte) proto.Message {
			return &spec.ReportDelivery{Order: o, ProofHash: slices.Repeat([]byte{8}, 32)}
		},
		to: map[spec.OrderState]spec.OrderState{shipped: handedOver, disputed: disputed},
	},
	{
		function: "market:ConfirmOrder", who: "buyer",
		command: func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o} },
		to:      map[spec.OrderState]spec.OrderState{accepted: released, shipped: released, handedOver: released, disputed: released},
	},
	{
		function: "market:CancelOrder", who: "either",
		command: func(o []byte) proto.Message { return &spec.CancelOrder{Order: o} },
		to:      map[spec.OrderState]spec.OrderState{placed: cancelled, accepted: cancelled},
	},
	{
		function: "market:RefundOrder", who: "seller",
		command: func(o []byte) proto.Message { return &spec.RefundOrder{Order: o} },
		to:      map[spec.OrderState]spec.OrderState{placed: refunded, accepted: refunded, shipped: refunded, handedOver: refunded, disputed: refunded},
	},
	{
		function: "market:ExpireOrder", who: "anyone", after: true,
		command: func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} },
		to:      map[spec.OrderState]spec.OrderState{placed: expired, accepted: expired, shipped: expired},
	},
	{
		function: "market:ReleaseOrder", who: "anyone", after: true,
		command: func(o []byte) proto.Message { return &spec.ReleaseOrder{Order: o} },
		to:      map[spec.OrderState]spec.OrderState{handedOver: released},
	},
}

// The times of an order that is placed at the start, shipped after 100 s and handed over after 150.
const (
	shippedAt    = start + 100
	handedOverAt = start + 150
)

// deadlines of the states: until when the next step may be taken, and from when anyone may end it.
var deadlines = map[spec.OrderState]int64{
	placed:     start + shipSeconds,
	accepted:   start + shipSeconds,
	shipped:    start + protectionSeconds,
	disputed:   start + protectionSeconds,
	handedOver: handedOverAt + releaseSeconds,
}

// expected is what the design says of one cell.
func (tr transition) expected(state spec.OrderState, a actor, when int64) (spec.OrderState, spec.Code) {
	to, possible := tr.to[state]
	switch {
	case tr.who == "carrier" && !a.is("carrier") && !a.is("partial"):
		return 0, spec.RoleRequired
	case state == absent:
		return 0, spec.NotFound
	case tr.who == "carrier" && !a.is("carrier"):
		return 0, spec.NotAParty
	case tr.who == "either" && !a.is("buyer") && !a.is("seller"):
		return 0, spec.NotAParty
	case (tr.who == "buyer" || tr.who == "seller") && !a.is(tr.who):
		return 0, spec.NotAParty
	case !possible:
		return 0, spec.WrongState
	case tr.before && when >= deadlines[state]:
		return 0, spec.DeadlinePassed
	case tr.after && when < deadlines[state]:
		return 0, spec.NotDue
	}
	return to, ""
}

// orderIn returns books with anna's order in a state.
func orderIn(t *testing.T, state spec.OrderState) (b *books, listing, id spec.ID) {
	t.Helper()
	b = openBooks(t)
	b.fund(buyers, "anna", spec.CMT(7))
	listing = b.list("lamp", state == placed)
	command, id := purchase(listing, "order")
	if state == absent {
		return b, listing, id
	}
	b.must(buyers, "anna", "market:PlaceOrder", command, nil)
	step := func(when int64, mspID, subAccount string, function string, command proto.Message) {
		b.now = when
		b.must(mspID, subAccount, function, command, nil)
	}
	if state == shipped || state == handedOver || state == released || state == disputed || state == ruled {
		step(shippedAt, merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: id[:]})
	}
	if state == handedOver || state == released {
		step(handedOverAt, carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]})
	}
	switch state {
	case released:
		step(b.now, buyers, "anna", "market:ConfirmOrder", &spec.ConfirmOrder{Order: id[:]})
	case disputed, ruled:
		step(shippedAt+10, buyers, "anna", "market:OpenDispute", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)})
		if state == ruled {
			step(shippedAt+10+disputeSeconds, operator, "", "market:RuleDispute", &spec.RuleDispute{Order: id[:]})
		}
	case cancelled:
		step(b.now, buyers, "anna", "market:CancelOrder", &spec.CancelOrder{Order: id[:]})
	case refunded:
		step(b.now, merchant, "", "market:RefundOrder", &spec.RefundOrder{Order: id[:]})
	case expired:
		step(start+shipSeconds, operator, "", "market:ExpireOrder", &spec.ExpireOrder{Order: id[:]})
	}
	return b, listing, id
}

// TestOrderStateMachine is every cell of state × operation × actor × time: the state after it, the money moved, the stock
// returned, or the refusal.
func TestOrderStateMachine(t *testing.T) {
	cells := 0
	for _, state := range orderStates {
		for _, tr := range transitions {
			for _, a := range actors {
				for _, offset := range []int64{-1, 0, +1, +100_000} {
					deadline, open := deadlines[state]
					if !open {
						deadline = start + protectionSeconds
					}
					when := deadline + offset
					name := fmt.Sprintf("%s, %s by %s, %+d s from its deadline", spec.EnumText(state.Descriptor(), state.Number()), tr.function, a.name, offset)
					checkCell(t, name, state, tr, a, when)
					cells++
				}
			}
		}
	}
	if want := 11 * 9 * 8 * 4; cells != want {
		t.Errorf("%d cells were checked, want %d", cells, want)
	}
}

func checkCell(t *testing.T, name string, state spec.OrderState, tr transition, a actor, when int64) {
	t.Helper()
	b, listing, id := orderIn(t, state)
	b.now = when
	buyer, seller, fees := spec.SubAccountAddress(buyers, "anna"), spec.OrganisationAddress(merchant), spec.OrganisationAddress(operator)
	before := [3]spec.Amount{b.wealth(buyer), b.wealth(seller), b.wealth(fees)}
	stock := b.stock(listing)
	held, _ := b.records[ledger.HoldKey(buyer, id)].(ledger.Hold)

	to, code := tr.expected(state, a, when)
	result, err := b.try(a.mspID, a.subAccount, tr.function, tr.command(id[:]), nil)
	if code != "" {
		if err == nil || spec.ErrorCode(err) != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v, want %s", name, err, to)
		return
	}
	order := b.records[ledger.OrderKey(id)].(ledger.Order)
	if order.State != to || result.(*spec.OrderView).State != to {
		t.Errorf("%s: the order is %s and the answer %s, want %s", name, order.State, result.(*spec.OrderView).State, to)
	}
	// 7 CMT × 333 bps, rounded down.
	fee, _ := spec.ParseAmount("0.2331")
	payout, _ := spec.CMT(7).Sub(fee)
	var gain [3]spec.Amount
	wantStock := stock
	switch to {
	case released:
		gain = [3]spec.Amount{{}, payout, fee}
	case cancelled, refunded, expired:
		gain = [3]spec.Amount{spec.CMT(7), {}, {}}
		if state == placed || state == accepted {
			wantStock += 2
		}
	}
	for i, address := range []spec.Address{buyer, seller, fees} {
		want, _ := before[i].Add(gain[i])
		if got := b.wealth(address); got != want {
			t.Errorf("%s: %s has %s CMT, want %s", name, []string{"the buyer", "the seller", "the operator"}[i], got, want)
		}
	}
	if got := b.stock(listing); got != wantStock {
		t.Errorf("%s: the lots have %d units, want %d", name, got, wantStock)
	}
	after, stillHeld := b.records[ledger.HoldKey(buyer, id)].(ledger.Hold)
	_, open := deadlines[to]
	if open != stillHeld || open && after != held {
		t.Errorf("%s: the order holds %v, %t; it held %v", name, after, stillHeld, held)
	}
	checkTimes(t, name, order, to, when)
}

// checkTimes: the deadlines of funding stay; only proof of hand-over starts the release clock, once.
func checkTimes(t *testing.T, name string, order ledger.Order, to spec.OrderState, when int64) {
	t.Helper()
	if order.PlacedAt != start || order.ShipDeadline != start+shipSeconds || order.ProtectionDeadline != start+protectionSeconds || order.UpdatedAt != when {
		t.Errorf("%s: the times are %d, %d, %d and %d", name, order.PlacedAt, order.ShipDeadline, order.ProtectionDeadline, order.UpdatedAt)
	}
	if (to == handedOver || to == disputed) && order.ReleaseDue != when+releaseSeconds {
		t.Errorf("%s: the release is due at %d, want %d", name, order.ReleaseDue, when+releaseSeconds)
	}
	if to == shipped && order.ReleaseDue != 0 {
		t.Errorf("%s: the seller's word alone started the release clock", name)
	}
}

// A wrong code proves nothing, whatever it resembles; without a commitment no code does.
func TestHandOverCodes(t *testing.T) {
	for _, guess := range [][]byte{make([]byte, 16), []byte("0123456789abcdeg"), slices.Repeat([]byte{255}, 16)} {
		b, _, id := orderIn(t, shipped)
		if _, err := b.try(merchant, "", "market:HandOverOrder", &spec.HandOverOrder{Order: id[:], Code: guess}, nil); spec.ErrorCode(err) != spec.WrongCode {
			t.Errorf("the code %q: %v, want %s", guess, err, spec.WrongCode)
		}
	}
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(14))
	listing := b.list("lamp", false)
	command, id := purchase(listing, "without")
	command.HandOverHash = nil
	b.must(buyers, "anna", "market:PlaceOrder", command, nil)
	if _, err := b.try(merchant, "", "market:HandOverOrder", &spec.HandOverOrder{Order: id[:], Code: code}, nil); spec.ErrorCode(err) != spec.WrongCode {
		t.Errorf("an order without a commitment: %v, want %s", err, spec.WrongCode)
	}
	// The commitment of one order does not open another, though the code is the same.
	command, id = purchase(listing, "other")
	command.HandOverHash = spec.HandOverHash(spec.ID{}, code)
	b.must(buyers, "anna", "market:PlaceOrder", command, nil)
	if _, err := b.try(merchant, "", "market:HandOverOrder", &spec.HandOverOrder{Order: id[:], Code: code}, nil); spec.ErrorCode(err) != spec.WrongCode {
		t.Errorf("a commitment to another order: %v, want %s", err, spec.WrongCode)
	}
}

// A client's clock behind the order's last change does not turn it back.
func TestAnOrdersTimeNeverGoesBack(t *testing.T) {
	b, _, id := orderIn(t, shipped)
	b.now = shippedAt - 50
	b.must(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]}, nil)
	order := b.records[ledger.OrderKey(id)].(ledger.Order)
	if order.UpdatedAt != shippedAt || order.ReleaseDue != shippedAt+releaseSeconds {
		t.Errorf("reported by a clock 50 s behind: changed at %d, due at %d; want %d and %d", order.UpdatedAt, order.ReleaseDue, shippedAt, shippedAt+releaseSeconds)
	}
}

// The fee's share and the time to release are those of funding: an order remembers them.
func TestAnOrderKeepsTheTermsItWasFundedWith(t *testing.T) {
	b, listing, id := orderIn(t, accepted)
	params := b.records[ledger.ParametersKey()].(ledger.Parameters)
	params.FeeBps, params.ReleaseSeconds, params.ShipSeconds, params.ProtectionSeconds = 10_000, 1, 1, 1
	b.records[ledger.ParametersKey()] = params
	b.must(merchant, "", "market:EditListing", &spec.EditListing{Listing: listing[:], Version: 1, Price: spec.CMT(9).Bytes(), Category: "lamps", ContentHash: make([]byte, 32)}, nil)
	b.now = start + shipSeconds - 1
	b.must(buyers, "anna", "market:HandOverOrder", &spec.HandOverOrder{Order: id[:], Code: code}, nil)
	b.now += releaseSeconds - 1
	if _, err := b.try(merchant, "", "market:ReleaseOrder", &spec.ReleaseOrder{Order: id[:]}, nil); spec.ErrorCode(err) != spec.NotDue {
		t.Fatalf("one second early: %v, want %s", err, spec.NotDue)
	}
	b.now++
	b.must(merchant, "", "market:ReleaseOrder", &spec.ReleaseOrder{Order: id[:]}, nil)
	fee, _ := spec.ParseAmount("0.2331")
	if got := b.wealth(spec.OrganisationAddress(operator)); got != fee {
		t.Errorf("the operator has %s CMT, want %s", got, fee)
	}
}

// Shares are rounded down and the rest is the seller's, to the base unit.
func TestFeesAreRoundedDown(t *testing.T) {
	for _, row := range []struct {
		units, fee uint64
	}{
		{10, 0}, {30, 0}, {31, 1}, {60, 1}, {61, 2}, {10_000, 333}, {10_001, 333}, {10_030, 333}, {10_031, 334},
	} {
		b := openBooks(t)
		price := spec.Units(row.units)
		b.fund(buyers, "anna", price)
		b.must(merchant, "", "market:CreateListing", &spec.CreateListing{Reference: "l", Price: price.Bytes(), Stock: 1, Category: "x", ContentHash: make([]byte, 32)}, nil)
		listing := spec.NewID(spec.ListingType, spec.OrganisationAddress(merchant), "l")
		b.must(buyers, "anna", "market:PlaceOrder", &spec.PlaceOrder{Reference: "o", Listing: listing[:], Version: 1, Quantity: 1, Total: price.Bytes()}, nil)
		id := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, "anna"), "o")
		b.must(buyers, "anna", "market:ConfirmOrder", &spec.ConfirmOrder{Order: id[:]}, nil)
		if got := b.wealth(spec.OrganisationAddress(operator)); got != spec.Units(row.fee) {
			t.Errorf("of %d base units the fee is %v, want %d", row.units, got, row.fee)
		}
		if got := b.wealth(spec.OrganisationAddress(merchant)); got != spec.Units(row.units-row.fee) {
			t.Errorf("of %d base units the seller has %v, want %d", row.units, got, row.units-row.fee)
		}
	}
}
