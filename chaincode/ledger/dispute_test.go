package ledger_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// disputing has the operations on a dispute.
var disputing = map[string]func(order []byte) proto.Message{
	"OpenDispute":   func(o []byte) proto.Message { return &spec.OpenDispute{Order: o, ReasonHash: make([]byte, 32)} },
	"AnswerDispute": func(o []byte) proto.Message { return &spec.AnswerDispute{Order: o, AnswerHash: make([]byte, 32)} },
	"SubmitEvidence": func(o []byte) proto.Message {
		return &spec.SubmitEvidence{Order: o, Number: 8, ContentHash: make([]byte, 32)}
	},
	"VoteDispute": func(o []byte) proto.Message { return &spec.VoteDispute{Order: o, BuyerBps: 3350} },
	"RuleDispute": func(o []byte) proto.Message { return &spec.RuleDispute{Order: o} },
}

// panelOf returns the seats of the panel of an order's dispute, and of the arbiters that are not on it. Without a dispute there is
// no panel yet, and any arbiter will do.
func panelOf(b *books, order spec.ID) (panel, others []seat) {
	var names []string
	if dispute, ok := b.records[ledger.DisputeKey(order)].(ledger.Dispute); ok {
		view := b.must(operator, "", "market:GetDispute", &spec.GetDispute{Order: order[:]}, nil).(*spec.DisputeView)
		if names = view.Panel; dispute.Panel == "" {
			return nil, nil
		}
	}
	for _, name := range []string{"PanelAMSP", "PanelBMSP", "PanelCMSP", "PanelDMSP"} {
		if slices.Contains(names, name) {
			panel = append(panel, seat{name, ""})
		} else {
			others = append(others, seat{name, "desk"})
		}
	}
	if panel == nil {
		panel = others
	}
	return panel, others
}

// paidService is a service of which what was reported is paid for.
const paidService = "working paid"

// contestable are the states in which an order may be contested, as disputes.md names them, and by whom.
var contestable = map[string][]seat{
	nameOf(shipped): {anna, seller}, nameOf(handedOver): {anna, seller}, nameOf(working): {anna, seller}, nameOf(returnAsked): {anna},
	nameOf(returnAccepted): {anna}, nameOf(returnShipped): {anna, seller}, returnProven: {anna, seller},
}

// contest is how an order came into a state of the dispute's table.
type contestCase struct {
	// state is the table's. Of a contested order, from is the order's before, and opener who contests it.
	state, from string
	opener      seat
	*books
	id spec.ID
	// since is from when its times are counted: that of the dispute, or of what it would be too late for.
	since int64
}

// other is the side that is not the seat's.
func other(s seat) seat {
	if s == anna {
		return seller
	}
	return anna
}

// contestIn returns an order of anna's, of 7 CMT, in a state of the table.
func contestIn(t testing.TB, state, from string, opener seat) contestCase {
	t.Helper()
	c := contestCase{state: state, from: from, opener: opener}
	step := func(s seat, name string) {
		t.Helper()
		c.must(s.mspID, s.subAccount, "market:"+name, disputing[name](c.id[:]), nil)
	}
	c.books, _, c.id = orderIn(t, from)
	if state == from {
		// What is not contested is watched around the time when it may be settled.
		c.since = timeOf(settlementOf(state), state) - answerSeconds
		return c
	}
	step(opener, "OpenDispute")
	c.since = c.now
	if state == "opened" {
		return c
	}
	if state == "settled" {
		c.must(merchant, "", "market:RefundOrder", &spec.RefundOrder{Order: c.id[:]}, nil)
		return c
	}
	if state == "unheard" {
		c.now = c.since + answerSeconds
	} else {
		step(other(opener), "AnswerDispute")
	}
	if state == "answered" {
		return c
	}
	panel, _ := panelOf(c.books, c.id)
	step(panel[0], "VoteDispute")
	step(panel[1], "VoteDispute")
	if state == "over" {
		step(seat{carrier, ""}, "RuleDispute")
	}
	return c
}

// disputeIn is contestIn with anna's contest.
func disputeIn(t testing.TB, state string, from spec.OrderState) (b *books, id spec.ID, since int64) {
	t.Helper()
	c := contestIn(t, state, nameOf(from), anna)
	return c.books, c.id, c.since
}

// settlementOf is the time of the table of orders from which anyone may settle an order.
func settlementOf(state string) string {
	switch state {
	case nameOf(handedOver):
		return "release due"
	case nameOf(working):
		return "milestone due"
	case nameOf(returnAsked):
		return "lapse"
	case nameOf(returnAccepted), nameOf(returnShipped), returnProven:
		return "return due"
	}
	return "protection deadline"
}

// contestCases are all states of the table: those of an order that nobody contests, and each of a contested one, wherever it came from and
// whoever contests it.
func contestCases(t *testing.T) []contestCase {
	var cases []contestCase
	for _, state := range ruletable.Values(table(t, ordersDoc, "States"), "state") {
		if orderState(state) != nameOf(disputed) && state != nameOf(ruled) {
			cases = append(cases, contestIn(t, state, state, seat{}))
		}
	}
	cases = append(cases, contestIn(t, paidService, paidService, seat{}))
	for from, openers := range contestable {
		for _, opener := range openers {
			for _, state := range []string{"opened", "answered", "voted", "unheard", "settled", "over"} {
				cases = append(cases, contestIn(t, state, from, opener))
			}
		}
	}
	return cases
}

// TestDisputeStateMachine drives every cell of docs/rules/disputes.md: state, wherever it came from and whoever contests, × operation ×
// actor × time.
func TestDisputeStateMachine(t *testing.T) {
	rules, defaults := readTable(t, "disputes.md", "Disputes"), readTable(t, "disputes.md", "Defaults")
	cells := 0
	for _, c := range contestCases(t) {
		panel, others := panelOf(c.books, c.id)
		who := map[string]seat{"buyer": anna, "seller": seller, "panellist": panel[0], "arbiter": others[0], "other": {operator, ""}}
		if c.opener != (seat{}) {
			delete(who, "buyer")
			delete(who, "seller")
			who["opener"], who["respondent"] = c.opener, other(c.opener)
		}
		for operation := range disputing {
			for actor, s := range who {
				for when, offsets := range map[string][]int64{"early": {answerSeconds - 1}, "late": {answerSeconds, disputeSeconds - 1}, "after": {disputeSeconds, 100_000}} {
					for _, offset := range offsets {
						row := rules.find(t, map[string]string{"operation": operation, "state": c.state, "actor": actor, "when": when})
						c.check(t, row, defaults, operation, s, offset)
						cells++
					}
				}
			}
		}
	}
	rules.checkUsed(t)
	defaults.checkUsed(t)
	t.Logf("%d cells", cells)
}

// check does one operation and holds what comes of it to its row.
func (c contestCase) check(t *testing.T, row *tableRow, defaults *stepTable, operation string, s seat, offset int64) {
	t.Helper()
	name := fmt.Sprintf("%s from %s by %s, %s by %s/%s after %d s", c.state, c.from, c.opener, operation, s.mspID, s.subAccount, offset)
	b, id := c.copy(), c.id
	b.now = max(c.now, c.since+offset)
	wealth := b.wealth(anna.address())
	_, err := b.try(s.mspID, s.subAccount, "market:"+operation, disputing[operation](id[:]), nil)
	if code := spec.Code(row.Row["error"]); code != "" {
		if err == nil || spec.ErrorCode(err) != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v, want %s", name, err, row.Row["next"])
		return
	}
	next := row.Row["next"]
	if next == "same" {
		next = map[string]string{"voted": "answered", "unheard": "opened"}[c.state]
		if next == "" {
			next = c.state
		}
	}
	if got := b.disputeState(id); got != next {
		t.Errorf("%s: the dispute is %s, want %s", name, got, next)
	}
	hold, held := b.records[ledger.HoldKey(anna.address(), id)].(ledger.Hold)
	gain, _ := b.wealth(anna.address()).Sub(wealth)
	c.checkMoney(t, name, row.Row["money"], defaults, gain, hold, held)
}

func (c contestCase) checkMoney(t *testing.T, name, money string, defaults *stepTable, gain spec.Amount, hold ledger.Hold, held bool) {
	t.Helper()
	var want spec.Amount
	switch money {
	case "stays held":
		if !held || hold.Amount != spec.CMT(7) {
			t.Errorf("%s: %v is held", name, hold)
		}
		return
	case "by the default":
		if c.favours(t, defaults) == "buyer" {
			want = spec.CMT(7)
		}
	case "by the median":
		// 1.11 % of 7 is the panel's, and of what is left 3350 bps the buyer's; the part that the default does not favour is rounded
		// down, which of this sum is no difference.
		want, _ = spec.ParseAmount("2.3189705")
	default:
		t.Fatalf("%s: the test does not know what %q moves", name, money)
	}
	if held || gain != want {
		t.Errorf("%s: the buyer got %s, want %s, and %v is held", name, gain, want, hold)
	}
}

// favours says by the table whom the default favours.
func (c contestCase) favours(t *testing.T, defaults *stepTable) string {
	t.Helper()
	said := map[seat]string{anna: "buyer", seller: "seller"}[c.opener]
	if c.state != "opened" && c.state != "unheard" {
		said = "both"
	}
	return defaults.find(t, map[string]string{"contested": c.from, "who said a word": said}).Row["without a ruling it goes to"]
}

// disputeState is a dispute's state in the table's words.
func (b *books) disputeState(id spec.ID) string {
	view := b.must(operator, "", "market:GetDispute", &spec.GetDispute{Order: id[:]}, nil).(*spec.DisputeView)
	switch {
	case view.State != spec.DisputeState_DISPUTE_STATE_OPEN:
		return spec.EnumText(view.State.Descriptor(), view.State.Number())
	case view.AnsweredAt > 0:
		return "answered"
	}
	return "opened"
}

// vote has the panel vote, each member a share, and somebody ask for the ruling; it returns what it came to.
func (b *books) vote(id spec.ID, shares ...uint32) *spec.DisputeView {
	panel, _ := panelOf(b, id)
	for i, share := range shares {
		b.must(panel[i].mspID, "", "market:VoteDispute", &spec.VoteDispute{Order: id[:], BuyerBps: share}, nil)
	}
	return b.must(operator, "", "market:RuleDispute", &spec.RuleDispute{Order: id[:]}, nil).(*spec.DisputeView)
}

// The ruling is the median; of two votes their mean, rounded to the side that the default favours.
func TestTheRulingIsTheMedian(t *testing.T) {
	for _, row := range []struct {
		from  spec.OrderState
		votes []uint32
		bps   uint32
	}{
		{shipped, []uint32{0, 10_000, 3350}, 3350}, {shipped, []uint32{10_000, 10_000, 0}, 10_000}, {handedOver, []uint32{5, 4, 6}, 5},
		{shipped, []uint32{3000, 3001}, 3001}, {handedOver, []uint32{3000, 3001}, 3000}, {handedOver, []uint32{3000, 3002}, 3001},
		{shipped, []uint32{0, 10_000}, 5000}, {handedOver, []uint32{0, 0}, 0}, {shipped, []uint32{9999, 10_000}, 10_000},
	} {
		b, id, _ := disputeIn(t, "answered", row.from)
		if view := b.vote(id, row.votes...); view.BuyerBps != row.bps || view.State != spec.DisputeState_DISPUTE_STATE_RULED {
			t.Errorf("from %s votes %v come to %v, want %d", row.from, row.votes, view, row.bps)
		}
	}
}

// settlement has what a dispute's order is settled to: who has what of its price.
func settlement(t tester, from spec.OrderState, price spec.Amount, shares ...uint32) map[string]spec.Amount {
	t.Helper()
	b := openBooks(t)
	b.fund(buyers, "anna", price)
	b.must(merchant, "", "market:CreateListing", &spec.CreateListing{Reference: "l", Price: price.Bytes(), Stock: 1, Category: "x", ContentHash: make([]byte, 32)}, nil)
	listing := spec.NewID(spec.ListingType, seller.address(), "l")
	b.must(buyers, "anna", "market:PlaceOrder", &spec.PlaceOrder{Reference: "o", Listing: listing[:], Version: 1, Quantity: 1, Total: price.Bytes()}, nil)
	id := spec.NewID(spec.OrderType, anna.address(), "o")
	b.must(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: id[:]}, nil)
	if from == handedOver {
		b.must(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]}, nil)
	}
	b.must(merchant, "", "market:OpenDispute", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)}, nil)
	b.must(buyers, "anna", "market:AnswerDispute", &spec.AnswerDispute{Order: id[:], AnswerHash: make([]byte, 32)}, nil)
	if len(shares) == 0 {
		b.now += disputeSeconds
	}
	view := b.vote(id, shares...)
	panel, _ := panelOf(b, id)
	got := map[string]spec.Amount{"buyer": b.wealth(anna.address()), "seller": b.wealth(seller.address()), "operator": b.wealth(spec.OrganisationAddress(operator))}
	for i, s := range panel {
		got[fmt.Sprint("panel ", i)] = b.wealth(s.address())
	}
	if order := b.records[ledger.OrderKey(id)].(ledger.Order); order.State != ruled || order.Fee() != got["operator"] {
		t.Errorf("the order is %+v", order)
	}
	if b.records[ledger.HoldKey(anna.address(), id)] != nil {
		t.Errorf("something stays held")
	}
	sellers, _ := got["seller"].Add(got["operator"])
	if string(view.ToBuyer) != string(got["buyer"].Bytes()) || string(view.ToSeller) != string(sellers.Bytes()) {
		t.Errorf("the dispute says %v, the accounts have %v", view, got)
	}
	return got
}

// A 33.5 / 66.5 ruling pays out 100 %, to the unit: 1,000,003 less 1.11 % for three arbiters, who get 3,700 each, leaves 988,903. Without
// proof the seller's 66.5 % are rounded down, with it the buyer's 33.5 %.
func TestARulingPaysOutAll(t *testing.T) {
	for _, row := range []struct {
		from                    spec.OrderState
		buyer, seller, operator uint64
	}{
		{shipped, 331_283, 635_722, 21_898}, {handedOver, 331_282, 635_723, 21_898},
	} {
		t.Run("a 33.5 / 66.5 ruling pays out 100 %, to the unit, of what was "+nameOf(row.from), func(t *testing.T) {
			got := settlement(t, row.from, spec.Units(1_000_003), 3350, 3350, 3350)
			want := map[string]spec.Amount{
				"buyer": spec.Units(row.buyer), "seller": spec.Units(row.seller), "operator": spec.Units(row.operator),
				"panel 0": spec.Units(3700), "panel 1": spec.Units(3700), "panel 2": spec.Units(3700),
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("from %s: %v, want %v", row.from, got, want)
			}
		})
	}
}

// Whatever is ruled on whatever sum: all of it is paid out, and nobody but the sides, the operator and who voted has any.
func TestEveryRulingConserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.OneOf(rapid.Uint64Range(10, 2000), rapid.Uint64Range(10, 5_000_000_000_000_000_000)).Draw(t, "units")
		shares := rapid.SliceOfN(rapid.Uint32Range(0, 10_000), 2, 3).Draw(t, "shares")
		if rapid.IntRange(0, 5).Draw(t, "default") == 0 {
			shares = nil
		}
		from := rapid.SampledFrom([]spec.OrderState{shipped, handedOver}).Draw(t, "from")
		sum := new(big.Int)
		for _, amount := range settlement(t, from, spec.Units(units), shares...) {
			sum.Add(sum, number(amount.Bytes()))
		}
		if sum.Cmp(new(big.Int).SetUint64(units)) != 0 {
			t.Errorf("%s of %d base units are paid out", sum, units)
		}
	})
}

// The panel's fee ends at its cap, and a default costs none.
func TestThePanelsFeeIsCapped(t *testing.T) {
	got := settlement(t, shipped, spec.CMT(400), 5000, 5000)
	for i, want := range []string{"0.5", "0.5", "0"} {
		if part := got[fmt.Sprint("panel ", i)]; part.String() != want {
			t.Errorf("member %d of the panel has %s, want %s", i, part, want)
		}
	}
	got = settlement(t, handedOver, spec.Units(1_000_000))
	if got["buyer"] != (spec.Amount{}) || got["seller"] != spec.Units(966_700) || got["panel 0"] != (spec.Amount{}) {
		t.Errorf("the default after proof of hand-over: %v", got)
	}
}

// The sides may end it themselves at any time; the dispute says so, and nobody rules any more.
func TestTheSidesMaySettleADispute(t *testing.T) {
	for _, state := range []string{"opened", "answered", "voted"} {
		for function, s := range map[string]seat{"market:ConfirmOrder": anna, "market:RefundOrder": seller} {
			b, id, _ := disputeIn(t, state, shipped)
			var command proto.Message = &spec.ConfirmOrder{Order: id[:]}
			if s == seller {
				command = &spec.RefundOrder{Order: id[:]}
			}
			b.must(s.mspID, s.subAccount, function, command, nil)
			if got := b.disputeState(id); got != "settled" {
				t.Errorf("%s, %s: the dispute is %s", state, function, got)
			}
			if _, err := b.try(operator, "", "market:RuleDispute", &spec.RuleDispute{Order: id[:]}, nil); spec.ErrorCode(err) != spec.WrongState {
				t.Errorf("%s, %s: a ruling: %v", state, function, err)
			}
		}
	}
}

// Hand-over that is proven while the order is contested turns the default, and is proven once.
func TestProofTurnsTheDefault(t *testing.T) {
	b, id, since := disputeIn(t, "answered", shipped)
	b.must(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]}, nil)
	if _, err := b.try(buyers, "anna", "market:HandOverOrder", &spec.HandOverOrder{Order: id[:], Code: code}, nil); spec.ErrorCode(err) != spec.WrongState {
		t.Errorf("a second proof: %v", err)
	}
	// The clocks stand still: neither release nor expiry settles it.
	b.now = start + protectionSeconds + 100_000
	for function, command := range map[string]proto.Message{"market:ReleaseOrder": &spec.ReleaseOrder{Order: id[:]}, "market:ExpireOrder": &spec.ExpireOrder{Order: id[:]}} {
		if _, err := b.try(merchant, "", function, command, nil); spec.ErrorCode(err) != spec.WrongState {
			t.Errorf("%s: %v", function, err)
		}
	}
	b.now = since + disputeSeconds
	view := b.vote(id)
	if view.State != spec.DisputeState_DISPUTE_STATE_DEFAULTED || !view.DefaultRelease || len(view.ToBuyer) > 0 {
		t.Errorf("the default is %v", view)
	}
}

// A return that is proven while it is contested, or a code revealed for a service, turns the default too, once.
func TestProofOfAReturnTurnsTheDefault(t *testing.T) {
	c := contestIn(t, "answered", nameOf(returnShipped), seller)
	if view := c.must(operator, "", "market:GetDispute", &spec.GetDispute{Order: c.id[:]}, nil).(*spec.DisputeView); !view.DefaultRelease {
		t.Errorf("before: %v", view)
	}
	c.must(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: c.id[:], ProofHash: slices.Repeat([]byte{5}, 32)}, nil)
	if _, err := c.try(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: c.id[:]}, nil); spec.ErrorCode(err) != spec.WrongState {
		t.Errorf("a second proof: %v", err)
	}
	if _, err := c.try(merchant, "", "market:HandOverOrder", &spec.HandOverOrder{Order: c.id[:], Code: code}, nil); spec.ErrorCode(err) != spec.WrongState {
		t.Errorf("a hand-over that was proven before it was sent back: %v", err)
	}
	view := c.must(operator, "", "market:GetOrder", &spec.GetOrder{Order: c.id[:]}, nil).(*spec.OrderView)
	if !view.ReturnSent || !view.ReturnProven || view.ReturnProofHash[0] != 5 || view.ProofHash[0] != 8 {
		t.Errorf("the order is %v", view)
	}
	c.now += disputeSeconds
	if ruling := c.vote(c.id); ruling.DefaultRelease || ruling.BuyerBps != 10_000 {
		t.Errorf("the default is %v", ruling)
	}

	c = contestIn(t, "answered", nameOf(working), anna)
	if _, err := c.try(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: c.id[:]}, nil); spec.ErrorCode(err) != spec.WrongState {
		t.Errorf("a carrier's word on a service: %v", err)
	}
	c.must(merchant, "", "market:HandOverOrder", &spec.HandOverOrder{Order: c.id[:], Code: code}, nil)
	c.now += disputeSeconds
	if ruling := c.vote(c.id); !ruling.DefaultRelease || ruling.BuyerBps != 0 {
		t.Errorf("the default after the code: %v", ruling)
	}
}

// Of a service, what is due is released first; the other milestones are contested then.
func TestADueMilestoneIsReleasedFirst(t *testing.T) {
	b, _, id := orderIn(t, nameOf(working))
	b.now += releaseSeconds - 1
	b.must(merchant, "", "market:ReportMilestone", &spec.ReportMilestone{Order: id[:], Milestone: 2}, nil)
	b.now++
	if _, err := b.try(buyers, "anna", "market:OpenDispute", disputing["OpenDispute"](id[:]), nil); spec.ErrorCode(err) != spec.DeadlinePassed {
		t.Errorf("with a milestone due: %v", err)
	}
	b.must(operator, "", "market:ReleaseMilestone", &spec.ReleaseMilestone{Order: id[:], Milestone: 1}, nil)
	b.must(buyers, "anna", "market:OpenDispute", disputing["OpenDispute"](id[:]), nil)
	b.now += disputeSeconds
	b.vote(id)
	if rest, _ := spec.CMT(7).Sub(milestone); b.wealth(anna.address()) != rest {
		t.Errorf("the buyer has %s, want what the other milestones are worth, %s", b.wealth(anna.address()), rest)
	}
}

// Who stands behind a side is on no panel; of the others chance, which nobody draws, takes as many as the parameter says.
func TestThePanelIsImpartial(t *testing.T) {
	panels := map[string]int{}
	for n := range 40 {
		b := openBooks(t)
		b.fund(buyers, "anna", spec.CMT(7))
		b.records[ledger.ArbitersKey()] = ledger.Arbiters{Names: "1:" + buyers + ",5:PanelAMSP,6:PanelBMSP,7:PanelCMSP,8:PanelDMSP,3:" + merchant}
		listing := b.list("lamp", false)
		command, id := purchase(listing, fmt.Sprint("order-", n))
		b.must(buyers, "anna", "market:PlaceOrder", command, nil)
		b.must(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: id[:]}, nil)
		view := b.must(buyers, "anna", "market:OpenDispute", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)}, nil).(*spec.DisputeView)
		if len(view.Panel) != 3 || slices.Contains(view.Panel, buyers) || slices.Contains(view.Panel, merchant) || view.Quorum != 2 {
			t.Errorf("the panel is %v with a quorum of %d", view.Panel, view.Quorum)
		}
		slices.Sort(view.Panel)
		panels[fmt.Sprint(view.Panel)]++
	}
	if len(panels) != 4 {
		t.Errorf("forty disputes have the panels %v, want each of the four there can be", panels)
	}
}

// With nobody to judge the default applies.
func TestADisputeWithoutArbiters(t *testing.T) {
	b, _, id := orderIn(t, nameOf(handedOver))
	b.records[ledger.ArbitersKey()] = ledger.Arbiters{}
	b.must(merchant, "", "market:OpenDispute", disputing["OpenDispute"](id[:]), nil)
	if _, err := b.try("PanelAMSP", "", "market:VoteDispute", disputing["VoteDispute"](id[:]), nil); spec.ErrorCode(err) != spec.NotAParty {
		t.Errorf("a vote: %v", err)
	}
	if _, err := b.try(operator, "", "market:RuleDispute", disputing["RuleDispute"](id[:]), nil); spec.ErrorCode(err) != spec.NotDue {
		t.Errorf("a ruling: %v", err)
	}
	b.now += disputeSeconds
	b.must(operator, "", "market:RuleDispute", disputing["RuleDispute"](id[:]), nil)
	if got := b.disputeState(id); got != "defaulted" {
		t.Errorf("the dispute is %s", got)
	}
}

// Each side numbers its own evidence; what was said is shown in one answer.
func TestADisputeShowsWhatWasSaid(t *testing.T) {
	b, id, _ := disputeIn(t, "voted", shipped)
	submit := func(s seat, number uint32) error {
		_, err := b.try(s.mspID, s.subAccount, "market:SubmitEvidence", &spec.SubmitEvidence{Order: id[:], Number: number, ContentHash: slices.Repeat([]byte{byte(number)}, 32)}, nil)
		return err
	}
	for number := range uint32(8) {
		for _, s := range []seat{anna, seller} {
			if err := submit(s, number+1); err != nil {
				t.Errorf("piece %d: %v", number+1, err)
			}
			if err := submit(s, number+1); spec.ErrorCode(err) != spec.WrongState {
				t.Errorf("piece %d again: %v", number+1, err)
			}
		}
	}
	view := b.must(carrier, "", "market:GetDispute", &spec.GetDispute{Order: id[:]}, nil).(*spec.DisputeView)
	if len(view.Evidence) != 16 || len(view.Votes) != 2 || view.Votes[0].BuyerBps != 3350 || view.OpenedBy != spec.Side_SIDE_BUYER {
		t.Errorf("the dispute shows %v", view)
	}
	for _, piece := range view.Evidence {
		if piece.ContentHash[0] != byte(piece.Number) {
			t.Errorf("piece %d is %x", piece.Number, piece.ContentHash)
		}
	}
}
