package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

const (
	placed         = spec.OrderState_ORDER_STATE_PLACED
	accepted       = spec.OrderState_ORDER_STATE_ACCEPTED
	commissioned   = spec.OrderState_ORDER_STATE_COMMISSIONED
	partShipped    = spec.OrderState_ORDER_STATE_PART_SHIPPED
	shipped        = spec.OrderState_ORDER_STATE_SHIPPED
	handedOver     = spec.OrderState_ORDER_STATE_HANDED_OVER
	working        = spec.OrderState_ORDER_STATE_WORKING
	returnAsked    = spec.OrderState_ORDER_STATE_RETURN_ASKED
	returnAccepted = spec.OrderState_ORDER_STATE_RETURN_ACCEPTED
	returnShipped  = spec.OrderState_ORDER_STATE_RETURN_SHIPPED
	released       = spec.OrderState_ORDER_STATE_RELEASED
	cancelled      = spec.OrderState_ORDER_STATE_CANCELLED
	refunded       = spec.OrderState_ORDER_STATE_REFUNDED
	expired        = spec.OrderState_ORDER_STATE_EXPIRED
	split          = spec.OrderState_ORDER_STATE_SPLIT
	disputed       = spec.OrderState_ORDER_STATE_DISPUTED
	ruled          = spec.OrderState_ORDER_STATE_RULED
)

// The states of the tables that are no state of an order, or one of two words, whose first is the order's.
const (
	absent          = "absent"
	placedService   = "placed service"
	disputedService = "disputed service"
	disputedReturn  = "disputed return"
	returnProven    = "return_shipped proven"
)

// orderState is the order's state of one of the tables.
func orderState(state string) string {
	first, _, _ := strings.Cut(state, " ")
	return first
}

// nameOf is a state as the tables have it.
func nameOf(state spec.OrderState) string { return spec.EnumText(state.Descriptor(), state.Number()) }

const ordersDoc = "../../docs/rules/orders.md"

// table reads a table of docs/rules.
func table(t testing.TB, path, heading string, each ...string) []ruletable.Row {
	t.Helper()
	rows, err := ruletable.Read(path, heading, each...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// actor is somebody who tries something with anna's order from the merchant.
type actor struct {
	name, mspID, subAccount string
	// is what the actor is to the order; a partial carrier has the role, but stands behind a side.
	is []string
}

var actors = []actor{
	{"the buyer", buyers, "anna", []string{"buyer", "partial"}},
	{"the seller", merchant, "", []string{"seller", "partial"}},
	{"a carrier", carrier, "", []string{"carrier"}},
	{"a carrier's department", carrier, "bikes", []string{"carrier"}},
	{"another account of the buyer's organisation", buyers, "ben", []string{"partial"}},
	{"another account of the seller's organisation", merchant, "store", []string{"partial"}},
	{"the operator", operator, "", nil},
	{"the treasurer", treasurer, "", nil},
}

// orderCommands are the operations of the table, on an order.
var orderCommands = map[string]func(order []byte) proto.Message{
	"AcceptOrder": func(o []byte) proto.Message { return &spec.AcceptOrder{Order: o} },
	"ShipOrder": func(o []byte) proto.Message {
		return &spec.ShipOrder{Order: o, TrackingHash: slices.Repeat([]byte{7}, 32)}
	},
	"ShipOrder part": func(o []byte) proto.Message { return &spec.ShipOrder{Order: o, Quantity: 1} },
	"HandOverOrder":  func(o []byte) proto.Message { return &spec.HandOverOrder{Order: o, Code: code} },
	"ReportDelivery": func(o []byte) proto.Message {
		return &spec.ReportDelivery{Order: o, ProofHash: slices.Repeat([]byte{8}, 32)}
	},
	"ConfirmOrder":      func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o} },
	"ConfirmOrder part": func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o, Amount: part.Bytes()} },
	"CancelOrder":       func(o []byte) proto.Message { return &spec.CancelOrder{Order: o} },
	"RefundOrder":       func(o []byte) proto.Message { return &spec.RefundOrder{Order: o} },
	"RefundOrder part":  func(o []byte) proto.Message { return &spec.RefundOrder{Order: o, Amount: part.Bytes()} },
	"ExpireOrder":       func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} },
	"ReleaseOrder":      func(o []byte) proto.Message { return &spec.ReleaseOrder{Order: o} },
	"ReportMilestone":   func(o []byte) proto.Message { return &spec.ReportMilestone{Order: o, Milestone: 2} },
	"ReleaseMilestone":  func(o []byte) proto.Message { return &spec.ReleaseMilestone{Order: o, Milestone: 1} },
	"ProposeSplit":      func(o []byte) proto.Message { return &spec.ProposeSplit{Order: o, SellerAmount: part.Bytes()} },
	"AgreeSplit":        func(o []byte) proto.Message { return &spec.AgreeSplit{Order: o, SellerAmount: agreed.Bytes()} },
	"AskReturn": func(o []byte) proto.Message {
		return &spec.AskReturn{Order: o, ReasonHash: slices.Repeat([]byte{9}, 32)}
	},
	"AcceptReturn":  func(o []byte) proto.Message { return &spec.AcceptReturn{Order: o} },
	"DeclineReturn": func(o []byte) proto.Message { return &spec.DeclineReturn{Order: o} },
	"ShipReturn": func(o []byte) proto.Message {
		return &spec.ShipReturn{Order: o, TrackingHash: slices.Repeat([]byte{6}, 32)}
	},
}

var (
	part      = spec.CMT(2)
	agreed    = spec.Units(4_000_000_000_000_000_001)
	milestone = spec.Units(2_333_100_000_000_000_000) // 7 CMT × 33.33 %
)

// operationOf is the operation's full name: the table's first word.
func operationOf(name string) string { return "market:" + strings.Fields(name)[0] }

// The times of the tests' orders, all placed at the start.
const (
	shippedAt    = start + 100
	disputedAt   = start + 110
	reportedAt   = start + 120
	handedOverAt = start + 150
	askedAt      = start + 160
	acceptedAt   = start + 170
	sentBackAt   = start + 180
	contestedAt  = start + 185
)

// timeOf is a time of the table for an order in a state.
func timeOf(name, state string) int64 {
	returnDue := map[string]int64{
		nameOf(returnAsked): askedAt + returnSeconds, nameOf(returnAccepted): acceptedAt + returnSeconds, nameOf(returnShipped): sentBackAt + returnSeconds,
	}[orderState(state)]
	switch name {
	case "ship deadline":
		return start + shipSeconds
	case "protection deadline", "work end":
		return start + protectionSeconds
	case "release due":
		return handedOverAt + releaseSeconds
	case "milestone due":
		return reportedAt + releaseSeconds
	case "return due":
		return returnDue
	case "lapse":
		return returnDue + returnSeconds
	}
	panic("docs/rules/orders.md names no time " + name)
}

// cell is what the tables say of one state, operation, actor and time.
type cell struct {
	to, money, stock string
	code             spec.Code
}

// orderTable is the table of steps.
type orderTable []ruletable.Row

func readOrderTable(t testing.TB) orderTable {
	return table(t, ordersDoc, "Steps", "state", "actor")
}

// expect looks a cell up. when is "" for a time that only states and actors decide over.
func (o orderTable) expect(state, operation string, a actor, when int64) cell {
	row, code := o.find(state, operation, a)
	if code != "" {
		return cell{code: code}
	}
	otherwise := row.List("otherwise")
	if row["when"] == "never" {
		return cell{code: spec.Code(otherwise[0])}
	}
	for _, bound := range row.List("when") {
		kind, name, _ := strings.Cut(bound, " ")
		switch {
		case kind == "from" && when < timeOf(name, state):
			return cell{code: spec.Code(otherwise[0])}
		case kind == "before" && when >= timeOf(name, state):
			return cell{code: spec.Code(otherwise[len(otherwise)-1])}
		}
	}
	to := row["next state"]
	if to == "same" {
		to = state
	}
	return cell{to: to, money: row["money"], stock: row["stock"]}
}

// find returns the row for who acts, or the refusal for there being none.
func (o orderTable) find(state, operation string, a actor) (ruletable.Row, spec.Code) {
	role := spec.Find(operationOf(operation)).Role
	if role != 0 && !slices.Contains(a.is, "carrier") && !slices.Contains(a.is, "partial") {
		return nil, spec.RoleRequired
	}
	if state == absent {
		return nil, spec.NotFound
	}
	may, possible := false, false
	var found ruletable.Row
	for _, row := range o {
		if row["operation"] != operation {
			continue
		}
		own := slices.Contains(a.is, row["actor"])
		may = may || own || row["actor"] == "anyone"
		possible = possible || row["state"] == state
		if row["state"] == state && (own || row["actor"] == "anyone" && found == nil) {
			found = row
		}
	}
	switch {
	case !may:
		return nil, spec.NotAParty
	case found == nil:
		return nil, spec.WrongState
	}
	return found, ""
}

// services are the states of the tables in which an order is of a service.
var services = []string{placedService, nameOf(commissioned), nameOf(working), disputedService, paidService}

// made are the books with an order in each state of the table, as far as they were asked for.
var made = map[string]struct {
	*books
	listing, id spec.ID
}{}

// orderIn returns books with anna's order in a state of the table.
func orderIn(t testing.TB, state string) (b *books, listing, id spec.ID) {
	t.Helper()
	m, ok := made[state]
	if !ok {
		m.books, m.listing, m.id = makeOrder(t, state)
		made[state] = m
	}
	b = m.copy()
	b.t = t
	return b, m.listing, m.id
}

func makeOrder(t testing.TB, state string) (b *books, listing, id spec.ID) {
	t.Helper()
	b = openBooks(t)
	b.fund(buyers, "anna", spec.CMT(7))
	service := slices.Contains(services, state)
	listing = b.listTerms("lamp", func(c *spec.CreateListing) {
		c.AcceptRequired = state == nameOf(placed) || state == placedService
		if service {
			c.Milestones = []uint32{3333, 3333, 3334}
		}
	})
	command, id := purchase(listing, "order")
	if state == absent {
		return b, listing, id
	}
	b.must(buyers, "anna", "market:PlaceOrder", command, nil)
	b.lead(id, state)
	return b, listing, id
}

// lead takes an order that was just placed to a state.
func (b *books) lead(id spec.ID, state string) {
	for _, step := range waysTo[state] {
		if step.when > 0 {
			b.now = step.when
		}
		b.must(step.who.mspID, step.who.subAccount, operationOf(step.operation), orderCommands[step.operation](id[:]), nil)
	}
}

type waypoint struct {
	when      int64
	who       seat
	operation string
}

// waysTo leads to each state from that of an order that was just placed.
var waysTo = func() map[string][]waypoint {
	carried := seat{carrier, ""}
	toShipped := []waypoint{{shippedAt, seller, "ShipOrder"}}
	toHandedOver := append(slices.Clip(toShipped), waypoint{handedOverAt, carried, "ReportDelivery"})
	toDisputed := append(slices.Clip(toShipped), waypoint{disputedAt, anna, "OpenDispute"})
	toAsked := append(slices.Clip(toHandedOver), waypoint{askedAt, anna, "AskReturn"})
	toAccepted := append(slices.Clip(toAsked), waypoint{acceptedAt, seller, "AcceptReturn"})
	toSentBack := append(slices.Clip(toAccepted), waypoint{sentBackAt, anna, "ShipReturn"})
	toWorking := []waypoint{{reportedAt, seller, "ReportMilestone first"}}
	return map[string][]waypoint{
		nameOf(partShipped): {{shippedAt, seller, "ShipOrder part"}}, nameOf(shipped): toShipped, nameOf(handedOver): toHandedOver,
		nameOf(returnAsked): toAsked, nameOf(returnAccepted): toAccepted,
		nameOf(returnShipped): toSentBack,
		returnProven:          append(slices.Clip(toSentBack), waypoint{0, carried, "ReportDelivery"}),
		disputedReturn:        append(slices.Clip(toSentBack), waypoint{contestedAt, seller, "OpenDispute"}),
		nameOf(working):       toWorking,
		paidService:           append(slices.Clip(toWorking), waypoint{0, anna, "ReleaseMilestone"}),
		disputedService:       append(slices.Clip(toWorking), waypoint{contestedAt, anna, "OpenDispute"}),
		nameOf(released):      append(slices.Clip(toHandedOver), waypoint{0, anna, "ConfirmOrder"}),
		nameOf(cancelled):     {{0, anna, "CancelOrder"}}, nameOf(refunded): {{0, seller, "RefundOrder"}},
		nameOf(expired):  {{start + shipSeconds, seat{operator, ""}, "ExpireOrder"}},
		nameOf(disputed): toDisputed,
		nameOf(ruled):    append(slices.Clip(toDisputed), waypoint{disputedAt + disputeSeconds, seat{operator, ""}, "RuleDispute"}),
		nameOf(split):    {{0, seller, "ProposeSplit agreed"}, {0, anna, "AgreeSplit"}},
	}
}()

func init() {
	// Steps of the ways that the table has in another form.
	orderCommands["ReportMilestone first"] = func(o []byte) proto.Message { return &spec.ReportMilestone{Order: o, Milestone: 1} }
	orderCommands["OpenDispute"] = func(o []byte) proto.Message { return &spec.OpenDispute{Order: o, ReasonHash: make([]byte, 32)} }
	orderCommands["RuleDispute"] = func(o []byte) proto.Message { return &spec.RuleDispute{Order: o} }
	orderCommands["ProposeSplit agreed"] = func(o []byte) proto.Message { return &spec.ProposeSplit{Order: o, SellerAmount: agreed.Bytes()} }
}

// TestOrderStateMachine is every cell of docs/rules/orders.md, state × operation × actor × time: the state after it, the money moved,
// the stock returned, or the refusal.
func TestOrderStateMachine(t *testing.T) {
	steps := readOrderTable(t)
	states := ruletable.Values(table(t, ordersDoc, "States"), "state")
	operations := ruletable.Values(steps, "operation")
	for _, operation := range operations {
		if orderCommands[operation] == nil {
			t.Fatalf("the table has the operation %s, which this test does not know", operation)
		}
	}
	cells := 0
	for _, state := range states {
		for _, operation := range operations {
			for _, a := range actors {
				for _, when := range steps.times(state, operation) {
					name := fmt.Sprintf("%s, %s by %s, %d s after the start", state, operation, a.name, when-start)
					checkCell(t, name, orderIn, state, operation, a, when, steps.expect(state, operation, a, when))
					cells++
				}
			}
		}
	}
	if want := len(states) * len(operations) * len(actors); cells < want {
		t.Errorf("%d cells were checked, of %d states, operations and actors", cells, want)
	}
	t.Logf("%d cells", cells)
}

// times are those around each bound that the operation has in the state, and one when it has none.
func (o orderTable) times(state, operation string) []int64 {
	times := []int64{start + 190}
	for _, row := range o {
		if row["operation"] != operation || row["state"] != state {
			continue
		}
		for _, bound := range row.List("when") {
			if _, name, timed := strings.Cut(bound, " "); timed {
				at := timeOf(name, state)
				times = append(times, at-1, at, at+1, at+100_000)
			}
		}
	}
	slices.Sort(times)
	return slices.Compact(times)
}

func checkCell(t *testing.T, name string, in func(testing.TB, string) (*books, spec.ID, spec.ID), state, operation string, a actor, when int64, want cell) {
	t.Helper()
	b, _, id := in(t, state)
	if operation == "AgreeSplit" && slices.Contains([]string{"split", "released", "cancelled", "refunded", "expired", "ruled", absent}, state) == false {
		b.must(merchant, "", "market:ProposeSplit", &spec.ProposeSplit{Order: id[:], SellerAmount: agreed.Bytes()}, nil)
	}
	b.now = when
	parties := []spec.Address{anna.address(), seller.address(), spec.OrganisationAddress(operator)}
	var before [3]spec.Amount
	for i, address := range parties {
		before[i] = b.wealth(address)
	}
	stock := b.allStock()
	held, _ := b.records[ledger.HoldKey(anna.address(), id)].(ledger.Hold)

	_, err := b.try(a.mspID, a.subAccount, operationOf(operation), orderCommands[operation](id[:]), nil)
	if want.code != "" {
		if err == nil || spec.ErrorCode(err) != want.code {
			t.Errorf("%s: %v, want %s", name, err, want.code)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v, want %s", name, err, want.to)
		return
	}
	order := b.records[ledger.OrderKey(id)].(ledger.Order)
	if got := nameOf(order.State); got != orderState(want.to) || order.ReturnProven != (want.to == returnProven || state == returnProven || state == disputedReturn && operation == "ReportDelivery") {
		t.Errorf("%s: the order is %s, want %s", name, got, want.to)
	}
	toSeller, toBuyer := moved(t, want.money, held.Amount)
	// 333 bps, rounded down.
	fee := toSeller.Share(feeBps)
	payout, _ := toSeller.Sub(fee)
	for i, gain := range []spec.Amount{toBuyer, payout, fee} {
		sum, _ := before[i].Add(gain)
		if got := b.wealth(parties[i]); got != sum {
			t.Errorf("%s: %s has %s CMT, want %s", name, []string{"the buyer", "the seller", "the operator"}[i], got, sum)
		}
	}
	units := map[string]uint32{"none": 0, "unshipped": 1, "all": 2}
	if got := b.allStock(); got != stock+units[want.stock] {
		t.Errorf("%s: the lots have %d units, want %d more than %d", name, got, units[want.stock], stock)
	}
	after, stillHeld := b.records[ledger.HoldKey(anna.address(), id)].(ledger.Hold)
	out, _ := toSeller.Add(toBuyer)
	if rest, _ := held.Amount.Sub(out); rest != after.Amount || stillHeld == rest.IsZero() || order.Held() != rest {
		t.Errorf("%s: %s are held, in a hold: %t, and the order says %s; want %s", name, after.Amount, stillHeld, order.Held(), rest)
	}
	checkTimes(t, name, order, state, when)
}

// moved is what the table's money moves to the seller and to the buyer.
func moved(t *testing.T, money string, held spec.Amount) (toSeller, toBuyer spec.Amount) {
	rest := func(a spec.Amount) spec.Amount {
		r, _ := held.Sub(a)
		return r
	}
	switch money {
	case "none":
	case "release all":
		return held, toBuyer
	case "release part":
		return part, toBuyer
	case "release milestone":
		return milestone, toBuyer
	case "refund all":
		return toSeller, held
	case "refund part":
		return toSeller, part
	case "refund unshipped":
		// One of two units.
		return toSeller, spec.Units(3_500_000_000_000_000_000)
	case "release reported, refund rest":
		return milestone, rest(milestone)
	case "split":
		return agreed, rest(agreed)
	default:
		t.Fatalf("the table has the money %q, which this test does not know", money)
	}
	return toSeller, toBuyer
}

// checkTimes: the deadlines of funding stay; only proof of hand-over starts the release clock, once, and a declined return leaves
// at least a step's time.
func checkTimes(t *testing.T, name string, order ledger.Order, from string, when int64) {
	t.Helper()
	if order.PlacedAt != start || order.ShipDeadline != start+shipSeconds || order.ProtectionDeadline != start+protectionSeconds || order.UpdatedAt != when {
		t.Errorf("%s: the times are %d, %d, %d and %d", name, order.PlacedAt, order.ShipDeadline, order.ProtectionDeadline, order.UpdatedAt)
	}
	due := order.ReleaseDue
	switch {
	case order.State == handedOver && from == nameOf(returnAsked):
		if want := max(handedOverAt+releaseSeconds, when+returnSeconds); due != want {
			t.Errorf("%s: after a declined return the release is due at %d, want %d", name, due, want)
		}
	case order.State == handedOver && from != nameOf(handedOver):
		if due != when+releaseSeconds {
			t.Errorf("%s: the release is due at %d, want %d", name, due, when+releaseSeconds)
		}
	case order.State == disputed && !order.ReturnSent && due != 0 && due != when+releaseSeconds:
		t.Errorf("%s: the release is due at %d, want %d", name, due, when+releaseSeconds)
	case order.State == shipped && due != 0:
		t.Errorf("%s: the seller's word alone started the release clock", name)
	}
}

// A wrong code proves nothing, whatever it resembles; without a commitment no code does.
func TestHandOverCodes(t *testing.T) {
	for _, guess := range [][]byte{make([]byte, 16), []byte("0123456789abcdeg"), slices.Repeat([]byte{255}, 16)} {
		b, _, id := orderIn(t, nameOf(shipped))
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
	b, _, id := orderIn(t, nameOf(shipped))
	b.now = shippedAt - 50
	b.must(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]}, nil)
	order := b.records[ledger.OrderKey(id)].(ledger.Order)
	if order.UpdatedAt != shippedAt || order.ReleaseDue != shippedAt+releaseSeconds {
		t.Errorf("reported by a clock 50 s behind: changed at %d, due at %d; want %d and %d", order.UpdatedAt, order.ReleaseDue, shippedAt, shippedAt+releaseSeconds)
	}
}

// The fee's share and the time to release are those of funding: an order remembers them.
func TestAnOrderKeepsTheTermsItWasFundedWith(t *testing.T) {
	b, listing, id := orderIn(t, nameOf(accepted))
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

// Many small releases cost what one large one does, and a split of 33.5 to 66.5 pays out all, to the unit.
func TestFeesAreThoseOfTheSum(t *testing.T) {
	b, _, id := orderIn(t, nameOf(handedOver))
	for range 6 {
		// 333 bps of 60 units are 1.99: released by itself, each would leave a rest.
		b.must(buyers, "anna", "market:ConfirmOrder", &spec.ConfirmOrder{Order: id[:], Amount: spec.Units(60).Bytes()}, nil)
	}
	if got, want := b.wealth(spec.OrganisationAddress(operator)), spec.Units(6*60*feeBps/10_000); got != want || got == spec.Units(6*(60*feeBps/10_000)) {
		t.Errorf("six releases of 60 units cost %v, want %v", got, want)
	}
	held := b.records[ledger.OrderKey(id)].(ledger.Order).Held()
	toSeller := held.Share(6_650)
	b.must(buyers, "anna", "market:ProposeSplit", &spec.ProposeSplit{Order: id[:], SellerAmount: toSeller.Bytes()}, nil)
	b.must(merchant, "", "market:AgreeSplit", &spec.AgreeSplit{Order: id[:], SellerAmount: toSeller.Bytes()}, nil)
	released, _ := toSeller.Add(spec.Units(6 * 60))
	sum, _ := b.wealth(seller.address()).Add(b.wealth(spec.OrganisationAddress(operator)))
	back, _ := held.Sub(toSeller)
	if sum != released || b.wealth(anna.address()) != back || b.wealth(spec.OrganisationAddress(operator)) != released.Share(feeBps) {
		t.Errorf("the seller and the operator have %s, want %s; the buyer %s, want %s", sum, released, b.wealth(anna.address()), back)
	}
}
