package ledger_test

import (
	"fmt"
	"maps"
	"math/big"
	"math/bits"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate/seed"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// histories are how many random histories the rules and the model are driven through, side by side; each is short, and they are many.
// Their number, and in a nightly run theirs, are a promise.
const (
	histories        = 20_000
	nightlyHistories = 1_000_000
	historySteps     = 14
)

// TestRulesDoAsTheModel holds the rules to the model in random histories of all operations: the same refusals at each step, money
// conserved after each step, and in the end the same money, stock, listings and orders.
func TestRulesDoAsTheModel(t *testing.T) {
	count := histories
	if seed.Nightly() {
		count = nightlyHistories
	}
	done := &deeds{done: map[string]int{}}
	seed.Checks(count, historySteps, func() { rapid.Check(t, func(t *rapid.T) { playHistory(t, done) }) })
	if !t.Failed() && done.histories >= count {
		done.check(t)
	}
}

// drawOf draws one of several, evenly.
func drawOf[T any](t *rapid.T, label string, several []T) T {
	return several[drawEvenly(t, label, len(several))]
}

// deeds count the histories, and in how many of them each operation was done.
type deeds struct {
	histories int
	done      map[string]int
}

// playHistory draws a theme and then steps of it: who does a bit of everything in so few steps gets nowhere.
func playHistory(t *rapid.T, done *deeds) {
	m := newMachine(t)
	themes := m.themes()
	steps := themes[slices.Sorted(maps.Keys(themes))[drawEvenly(t, "theme", len(themes))]]
	if len(steps) == 0 {
		for _, theme := range themes {
			maps.Copy(steps, theme)
		}
	}
	steps["wait"] = m.wait
	names := slices.Sorted(maps.Keys(steps))
	t.Repeat(map[string]func(*rapid.T){
		"":     m.conserve,
		"step": func(t *rapid.T) { steps[names[drawEvenly(t, "step", len(names))]](t) },
	})
	m.compare(t)
	done.add(m)
}

// drawEvenly draws below n. Package rapid itself prefers small numbers, which here would be the first names.
func drawEvenly(t *rapid.T, label string, n int) int {
	drawn := 0
	for range bits.Len(uint(n)) + 2 {
		drawn *= 2
		if rapid.Bool().Draw(t, label) {
			drawn++
		}
	}
	return drawn % n
}

type steps = map[string]func(*rapid.T)

// themes are what histories are about, each with the steps that it has; one that has none is about everything.
func (m *machine) themes() map[string]steps {
	return map[string]steps{
		"everything": {},
		"money":      m.moneySteps(),
		"holds":      {"Approve": m.approve, "TransferFrom": m.transferFrom, "draw again": m.transferFrom, "PlaceHold": m.placeHold, "step": m.stepHold, "step on": m.stepHold, "step again": m.stepHold},
		"listings":   m.listingSteps(),
		"auctions":   {"OpenAuction": m.openAuction, "PlaceBid": m.placeBid, "bid again": m.placeBid, "CloseAuction": m.closeAuction, "close again": m.closeAuction, "CancelAuction": m.cancelAuction, "SuspendListing": m.suspend},
		"haggling":   {"MakeOffer": m.makeOffer, "bid": func(t *rapid.T) { m.bid(t) }, "haggle": m.haggle, "haggle on": m.haggle, "strike": m.strike, "EditListing": m.editListing, "CloseListing": m.closeListing, "SuspendListing": m.suspend},
		"purchases":  m.purchaseSteps(),
		"carts":      m.cartSteps(),
		"discounts":  m.discountSteps(),
		"services":   m.serviceSteps(),
		"returns":    m.returnSteps(),
		"disputes":   {"contest": m.contest, "contest on": m.contest, "contest further": m.contest, "contest again": m.contest, "OpenDispute": m.step("market:OpenDispute", disputing["OpenDispute"]), "RuleDispute": m.step("market:RuleDispute", disputing["RuleDispute"]), "confirm": m.confirmPart(), "prove": m.carryOn},
	}
}

func (m *machine) moneySteps() steps {
	return steps{
		"Mint": m.mint, "Burn": m.burn, "Transfer": m.transfer, "Payout": m.payout, "Sweep": m.sweep, "VoidNonce": m.voidNonce, "MoveHome": m.moveHome, "Fence": m.fence,
	}
}

func (m *machine) listingSteps() steps {
	return steps{
		"CreateListing": m.createListing, "EditListing": m.editListing, "CloseListing": m.closeListing, "SuspendListing": m.suspend, "suspend on": m.suspend,
		"PlaceOrder": m.placeOrder, "order again": m.placeOrder,
	}
}

func (m *machine) purchaseSteps() steps {
	return steps{
		"buy": m.buy, "progress": m.report, "carry on": m.carryOn,
		"AcceptOrder":    m.step("market:AcceptOrder", func(o []byte) proto.Message { return &spec.AcceptOrder{Order: o} }),
		"ShipOrder":      m.step("market:ShipOrder", func(o []byte) proto.Message { return &spec.ShipOrder{Order: o} }),
		"HandOverOrder":  m.step("market:HandOverOrder", func(o []byte) proto.Message { return &spec.HandOverOrder{Order: o, Code: code} }),
		"ReportDelivery": m.step("market:ReportDelivery", func(o []byte) proto.Message { return &spec.ReportDelivery{Order: o} }),
		"ConfirmOrder":   m.step("market:ConfirmOrder", func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o} }),
		"CancelOrder":    m.step("market:CancelOrder", func(o []byte) proto.Message { return &spec.CancelOrder{Order: o} }),
		"RefundOrder":    m.step("market:RefundOrder", func(o []byte) proto.Message { return &spec.RefundOrder{Order: o} }),
		"ExpireOrder":    m.step("market:ExpireOrder", func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} }),
		"ReleaseOrder":   m.step("market:ReleaseOrder", func(o []byte) proto.Message { return &spec.ReleaseOrder{Order: o} }),
		"ShipPart": m.drawn("market:ShipOrder", func(t *rapid.T, o []byte) proto.Message {
			return &spec.ShipOrder{Order: o, Quantity: rapid.Uint32Range(1, 3).Draw(t, "units")}
		}),
		"ConfirmPart": m.confirmPart(),
		"RefundPart":  m.refundPart(),
		"GiveReview":  m.review(),
	}
}

func (m *machine) confirmPart() func(*rapid.T) {
	return m.drawn("market:ConfirmOrder", func(t *rapid.T, o []byte) proto.Message {
		return &spec.ConfirmOrder{Order: o, Amount: m.drawPart(t, o)}
	})
}

func (m *machine) refundPart() func(*rapid.T) {
	return m.drawn("market:RefundOrder", func(t *rapid.T, o []byte) proto.Message { return &spec.RefundOrder{Order: o, Amount: m.drawPart(t, o)} })
}

func (m *machine) review() func(*rapid.T) {
	return m.step("market:GiveReview", func(o []byte) proto.Message {
		return &spec.GiveReview{Order: o, Rating: 1 + uint32(o[0])%5, ContentHash: make([]byte, 32)}
	})
}

func (m *machine) serviceSteps() steps {
	return steps{
		"buy": m.buy, "progress": m.report, "carry on": m.carryOn, "carry further": m.carryOn, "ConfirmPart": m.confirmPart(), "RefundPart": m.refundPart(),
		"ReportMilestone": m.drawn("market:ReportMilestone", func(t *rapid.T, o []byte) proto.Message {
			return &spec.ReportMilestone{Order: o, Milestone: rapid.Uint32Range(1, 4).Draw(t, "milestone")}
		}),
		"ReleaseMilestone": m.drawn("market:ReleaseMilestone", func(t *rapid.T, o []byte) proto.Message {
			return &spec.ReleaseMilestone{Order: o, Milestone: rapid.Uint32Range(1, 4).Draw(t, "milestone")}
		}),
		"split": m.split,
		"ProposeSplit": m.drawn("market:ProposeSplit", func(t *rapid.T, o []byte) proto.Message {
			return &spec.ProposeSplit{Order: o, SellerAmount: m.drawPart(t, o)}
		}),
		"AgreeSplit": m.drawn("market:AgreeSplit", func(t *rapid.T, o []byte) proto.Message {
			order := m.model.orders[spec.ID(o)]
			if order == nil || order.splitAmount == nil || drawEvenly(t, "another split", 5) == 4 {
				return &spec.AgreeSplit{Order: o, SellerAmount: m.drawPart(t, o)}
			}
			return &spec.AgreeSplit{Order: o, SellerAmount: order.splitAmount.Bytes()}
		}),
		"ExpireOrder": m.step("market:ExpireOrder", func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} }),
	}
}

// split has one side of an order propose a split, and the other agree, if it is open.
func (m *machine) split(t *rapid.T) {
	id := m.progress(t)
	order := m.model.orders[id]
	if order == nil {
		return
	}
	sides := []seat{m.seatOf(order.buyer), m.seatOf(order.seller)}
	proposes := drawEvenly(t, "who proposes", 2)
	amount := m.drawPart(t, id[:])
	m.perform(sides[proposes], 0, "market:ProposeSplit", &spec.ProposeSplit{Order: id[:], SellerAmount: amount}, nil)
	m.perform(sides[1-proposes], 0, "market:AgreeSplit", &spec.AgreeSplit{Order: id[:], SellerAmount: amount}, nil)
}

func (m *machine) returnSteps() steps {
	return steps{
		"send back": m.sendBack, "carry on": m.carryOn, "carry further": m.carryOn,
		"AskReturn":     m.step("market:AskReturn", func(o []byte) proto.Message { return &spec.AskReturn{Order: o} }),
		"AcceptReturn":  m.step("market:AcceptReturn", func(o []byte) proto.Message { return &spec.AcceptReturn{Order: o} }),
		"DeclineReturn": m.step("market:DeclineReturn", func(o []byte) proto.Message { return &spec.DeclineReturn{Order: o} }),
		"ShipReturn":    m.step("market:ShipReturn", func(o []byte) proto.Message { return &spec.ShipReturn{Order: o} }),
		"ReleaseOrder":  m.step("market:ReleaseOrder", func(o []byte) proto.Message { return &spec.ReleaseOrder{Order: o} }),
		"ExpireOrder":   m.step("market:ExpireOrder", func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} }),
		"GiveReview":    m.review(),
	}
}

// add counts a history.
func (d *deeds) add(m *machine) {
	d.histories++
	for function := range m.done {
		d.done[function]++
	}
}

// check: a history in which nothing happens proves nothing. Each operation is done in hundreds of so many histories; when it is expected
// in a hundred of them, the probability that it is in none is below e^-100.
func (d *deeds) check(t *testing.T) {
	t.Helper()
	var functions []string
	for i := range spec.Operations {
		if op := &spec.Operations[i]; op.Kind == spec.Write && op.FullName() != "consortium:Genesis" {
			functions = append(functions, op.FullName())
		}
	}
	slices.SortFunc(functions, func(x, y string) int { return d.done[x] - d.done[y] })
	for i, function := range functions {
		if d.done[function] == 0 {
			t.Errorf("no history has %s done", function)
		}
		if i < 5 || testing.Verbose() {
			t.Logf("%s is done in %d of %d histories", function, d.done[function], d.histories)
		}
	}
}

// machine drives the rules and the model side by side.
type machine struct {
	*books
	model *model
	done  map[string]bool
}

// seat is who may act: an organisation or a sub-account of it.
type seat struct{ mspID, subAccount string }

func (s seat) address() spec.Address { return spec.SubAccountAddress(s.mspID, s.subAccount) }

var seats = []seat{{buyers, "anna"}, {buyers, ""}, {merchant, ""}, {merchant, "store"}, {carrier, ""}, {operator, ""}, {treasurer, ""}, {stranger, ""}}

// begun are the books that each history begins with, once they are made: four seats have money.
var begun *books

func newMachine(t *rapid.T) *machine {
	m := &machine{model: newModel(), done: map[string]bool{}}
	gifts := make([]*spec.Transfer, 4)
	for i, s := range seats[:4] {
		gifts[i] = &spec.Transfer{Reference: "begin-" + s.mspID + s.subAccount, To: s.address().Bytes(), Amount: spec.CMT(50).Bytes()}
	}
	if begun == nil {
		begun = openBooks(t)
		for _, gift := range gifts {
			begun.must(treasurer, "", "token:Transfer", gift, nil)
		}
	}
	m.books = begun.copy()
	m.t, m.calls, m.sparing = t, 1, true // one call was the genesis
	for _, gift := range gifts {
		tx := m.transaction(treasurer)
		m.model.do(modelCall{tx.ID, tx.Time, tx.MSPID, seat{treasurer, ""}.address(), nil, nil}, gift)
	}
	return m
}

// perform has the rules and the model do the same and compares what they say.
func (m *machine) perform(s seat, skew int64, function string, command proto.Message, hints *spec.Hints) {
	m.t.Helper()
	tx := m.transaction(s.mspID)
	tx.Time += skew
	call := &spec.Call{Operation: spec.Find(function), SubAccount: s.subAccount, Command: command, Hints: hints, Discount: m.brings}
	if err := spec.Validate(command); err != nil {
		m.t.Fatalf("%s: %v", function, err)
	}
	want := m.model.do(modelCall{tx.ID, tx.Time, tx.MSPID, s.address(), hints, m.brings}, command)
	_, err := m.execute(tx, call)
	got := spec.Code("")
	if err != nil {
		got = spec.ErrorCode(err)
	}
	if got != want {
		m.t.Fatalf("%s by %s/%s: the rules say %q (%v), the model %q", function, s.mspID, s.subAccount, got, err, want)
	}
	if got == "" {
		m.done[function] = true
	}
}

// compare holds what the rules wrote to what the model knows.
func (m *machine) compare(t *rapid.T) {
	got, want := m.describe(), m.model.describe()
	for _, line := range slices.Sorted(maps.Keys(want)) {
		if got[line] != want[line] {
			t.Errorf("%s: the rules have %q, the model %q", line, got[line], want[line])
		}
	}
	for _, line := range slices.Sorted(maps.Keys(got)) {
		if _, known := want[line]; !known {
			t.Errorf("%s: the rules have %q, the model nothing", line, got[line])
		}
	}
}

// conserve: after each step all money is somewhere, and what is open holds some.
func (m *machine) conserve(t *rapid.T) {
	var sum spec.Amount
	holds, open := 0, 0
	add := func(a spec.Amount) {
		var ok bool
		if sum, ok = sum.Add(a); !ok {
			t.Fatalf("accounts, credits, holds and allowances are too much")
		}
	}
	for key, record := range m.records {
		switch r := record.(type) {
		case ledger.Account:
			add(r.Balance)
		case ledger.Credit:
			add(r.Amount)
		case ledger.Hold:
			add(r.Amount)
			holds++
		case ledger.Allowance:
			add(r.Amount)
		case ledger.TokenHold:
			if r.State == spec.HoldState_HOLD_STATE_HELD {
				open++
			}
		case ledger.Auction:
			if _, bids := m.records[ledger.BidKey(spec.ID([]byte(key.ID)), 1)]; bids && r.State == spec.AuctionState_AUCTION_STATE_OPEN {
				open++
			}
		case ledger.Order:
			if !r.Held().IsZero() {
				open++
			}
		case ledger.Offer:
			if r.State == offerOpen || r.State == offerCountered {
				open++
			}
		}
	}
	supply := m.records[ledger.SupplyKey()].(ledger.Supply)
	if sum != supply.Total() {
		t.Errorf("accounts, credits, holds and allowances are %s CMT, the supply is %s", sum, supply.Total())
	}
	if holds != open {
		t.Errorf("%d holds, %d open orders, offers, token holds and auctions with bids", holds, open)
	}
}

func (m *machine) wait(t *rapid.T) {
	m.now += drawOf(t, "seconds", []int64{1, 60, returnSeconds, shipSeconds - 60, shipSeconds, protectionSeconds - 1, protectionSeconds})
}

func drawSeat(t *rapid.T) seat { return seats[drawEvenly(t, "who", len(seats))] }
func drawReference(t *rapid.T) string {
	return drawOf(t, "reference", []string{"a", "b", "c", "d"})
}

func drawSkew(t *rapid.T) int64 {
	// Peers let a minute pass; the last is an endorser's own clock gone wrong, and meets fences.
	return drawOf(t, "skew", []int64{0, 0, 0, -60, -1, 60, -2 * epochSeconds})
}

// amounts are those at the bounds of the rules, and some between.
var amounts = []spec.Amount{spec.CMT(1), spec.Units(10), spec.Units(31), spec.CMT(3), spec.CMT(2), spec.Units(9), spec.Units(1), spec.CMT(49), spec.CMT(50), spec.CMT(51), spec.CMT(999_000_000), spec.Cap}

func drawAmount(t *rapid.T) []byte {
	// The large ones rarely.
	at := drawEvenly(t, "amount", 7)
	if at == 6 {
		at += drawEvenly(t, "large amount", len(amounts)-6)
	}
	return amounts[at].Bytes()
}

// keys are those of a kind, in their order.
func (m *machine) keys(kind ledger.Kind) (keys []ledger.Key) {
	for key := range m.records {
		if key.Kind == kind {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, ledger.Key.Compare)
	return keys
}

// drawHints names any open credits: the actor's own, others', some twice, and one that never was.
func (m *machine) drawHints(t *rapid.T, s seat) *spec.Hints {
	names := [][]byte{make([]byte, 20)}
	own := string(s.address().Bytes())
	for _, key := range m.keys(ledger.CreditKind) {
		names = append(names, []byte(key.ID))
		if key.Parent == own {
			names = append(names, []byte(key.ID))
		}
	}
	switch drawEvenly(t, "credits", 3) {
	case 0:
		return &spec.Hints{}
	case 1:
		return &spec.Hints{Credits: names[:min(64, len(names))]}
	}
	return &spec.Hints{Credits: [][]byte{rapid.SampledFrom(names).Draw(t, "credit")}}
}

func (m *machine) createListing(t *rapid.T) {
	command := &spec.CreateListing{
		Reference: drawReference(t), Price: drawAmount(t), Stock: rapid.Uint32Range(1, 7).Draw(t, "stock"), Lots: rapid.Uint32Range(0, 4).Draw(t, "lots"),
		Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"), Milestones: drawMilestones(t),
		Variants: drawVariants(t),
	}
	if rapid.Bool().Draw(t, "shipping") {
		command.ShippingPrice = drawAmount(t)
	}
	m.perform(drawSeat(t), drawSkew(t), "market:CreateListing", command, nil)
}

// drawMilestones draws none, as goods have, or a service's.
func drawMilestones(t *rapid.T) []uint32 {
	return rapid.SampledFrom([][]uint32{nil, nil, {10_000}, {3333, 6667}, {1, 9998, 1}}).Draw(t, "milestones")
}

// drawListing draws a listing that there is, mostly, and its seller, mostly.
func (m *machine) drawListing(t *rapid.T) (spec.ID, *modelListing, seat) {
	ids := slices.SortedFunc(maps.Keys(m.model.listings), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
	if len(ids) == 0 || drawEvenly(t, "no listing", 10) == 9 {
		return spec.ID{1}, nil, drawSeat(t)
	}
	id := rapid.SampledFrom(ids).Draw(t, "listing")
	return id, m.model.listings[id], m.mostly(t, m.model.listings[id].seller)
}

// mostly draws the seat of an address, mostly.
func (m *machine) mostly(t *rapid.T, address spec.Address) seat {
	if drawEvenly(t, "another", 5) < 4 {
		for _, s := range seats {
			if s.address() == address {
				return s
			}
		}
	}
	return drawSeat(t)
}

func (m *machine) editListing(t *rapid.T) {
	id, listing, s := m.drawListing(t)
	version := rapid.Uint32Range(1, 3).Draw(t, "version")
	if listing != nil && drawEvenly(t, "stale", 4) < 3 {
		version = uint32(len(listing.versions))
	}
	command := &spec.EditListing{
		Listing: id[:], Version: version, Price: drawAmount(t), AddStock: rapid.Uint32Range(0, 3).Draw(t, "add stock"), Category: "lamps",
		ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"), Milestones: drawMilestones(t),
		Variants: drawVariants(t),
	}
	m.perform(s, drawSkew(t), "market:EditListing", command, nil)
}

func (m *machine) closeListing(t *rapid.T) {
	id, _, s := m.drawListing(t)
	if drawEvenly(t, "close", 3) < 2 {
		return // else everything is soon closed
	}
	m.perform(s, drawSkew(t), "market:CloseListing", &spec.CloseListing{Listing: id[:]}, nil)
}

// suspend suspends or resumes a listing, mostly by the operator.
func (m *machine) suspend(t *rapid.T) {
	id, listing, _ := m.drawListing(t)
	s := rapid.SampledFrom([]seat{{operator, ""}, {operator, ""}, {operator, ""}, drawSeat(t)}).Draw(t, "who suspends")
	if listing != nil && listing.isSuspended && drawEvenly(t, "again", 6) < 5 {
		m.perform(s, drawSkew(t), "market:ResumeListing", &spec.ResumeListing{Listing: id[:]}, nil)
		return
	}
	if drawEvenly(t, "suspend", 3) == 0 {
		m.perform(s, drawSkew(t), "market:SuspendListing", &spec.SuspendListing{Listing: id[:], Reason: "a test"}, nil)
	}
}

// drawVariants draws none, mostly, or some.
func drawVariants(t *rapid.T) (variants []*spec.VariantTerms) {
	for range drawOf(t, "variants", []int{0, 0, 0, 1, 2}) {
		variants = append(variants, &spec.VariantTerms{Price: drawAmount(t), Stock: rapid.Uint32Range(0, 4).Draw(t, "variant's stock")})
	}
	return variants
}

func (m *machine) placeOrder(t *rapid.T) {
	id, listing, _ := m.drawListing(t)
	s := drawOf(t, "buyer", []seat{seats[0], seats[1], drawSeat(t)})
	reference := drawReference(t)
	command := &spec.PlaceOrder{Reference: reference, Listing: id[:], Version: 1, Quantity: rapid.Uint32Range(1, 3).Draw(t, "quantity"), Total: spec.CMT(3).Bytes()}
	if listing != nil {
		command.Version = uint32(len(listing.versions))
		if drawEvenly(t, "version", 5) == 4 {
			command.Version = rapid.Uint32Range(1, command.Version+1).Draw(t, "another version")
		}
		version := listing.versions[min(int(command.Version), len(listing.versions))-1]
		prices := append([]*big.Int{version.price}, version.variants...)
		command.Variant = rapid.Uint32Range(0, uint32(len(prices))).Draw(t, "variant")
		price := prices[min(int(command.Variant), len(prices)-1)]
		total := new(big.Int).Mul(price, big.NewInt(int64(command.Quantity)))
		total.Add(total, version.shipping)
		if total.Cmp(maxUnits) <= 0 && drawEvenly(t, "total", 10) < 9 {
			command.Total = total.Bytes()
		}
	}
	if drawEvenly(t, "with a code", 3) < 2 {
		command.HandOverHash = spec.HandOverHash(spec.NewID(spec.OrderType, s.address(), reference), code)
	}
	m.perform(s, drawSkew(t), "market:PlaceOrder", command, m.drawLot(t, m.drawHints(t, s)))
}

// drawLot adds any lot to the hints, or none.
func (m *machine) drawLot(t *rapid.T, hints *spec.Hints) *spec.Hints {
	lots := [][]byte{make([]byte, 20)}
	for _, key := range m.keys(ledger.LotKind) {
		lots = append(lots, []byte(key.ID))
	}
	if rapid.Bool().Draw(t, "with a lot") {
		hints.Lot = rapid.SampledFrom(lots).Draw(t, "lot")
	}
	return hints
}

func (m *machine) step(function string, command func([]byte) proto.Message) func(*rapid.T) {
	return m.drawn(function, func(_ *rapid.T, order []byte) proto.Message { return command(order) })
}

// drawn takes a step of any order, mostly by a side of it.
func (m *machine) drawn(function string, command func(*rapid.T, []byte) proto.Message) func(*rapid.T) {
	return func(t *rapid.T) {
		ids := slices.SortedFunc(maps.Keys(m.model.orders), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
		if len(ids) == 0 && drawEvenly(t, "an order that is none", 4) > 0 {
			m.sale(t)
			return
		}
		if len(ids) == 0 {
			m.perform(drawSeat(t), 0, function, command(t, make([]byte, 20)), nil)
			return
		}
		id := rapid.SampledFrom(ids).Draw(t, "order")
		order := m.model.orders[id]
		side := drawOf(t, "side", []spec.Address{order.buyer, order.seller, spec.OrganisationAddress(carrier)})
		m.perform(m.mostly(t, side), drawSkew(t), function, command(t, id[:]), nil)
	}
}

// drawPart draws a part of what an order holds: none of it, dust, a third, all but one unit, all, and more than all.
func (m *machine) drawPart(t *rapid.T, order []byte) []byte {
	held := big.NewInt(100)
	if o := m.model.orders[spec.ID(order)]; o != nil {
		held = o.held()
	}
	parts := [][]byte{nil, {9}, {10}, new(big.Int).Div(held, big.NewInt(3)).Bytes(), held.Bytes(), new(big.Int).Add(held, big.NewInt(1)).Bytes()}
	if held.Sign() > 0 {
		parts = append(parts, new(big.Int).Sub(held, big.NewInt(1)).Bytes())
	}
	return rapid.SampledFrom(parts).Draw(t, "part")
}

// buy makes a listing and an order of it, so that there are orders to go on with.
func (m *machine) buy(t *rapid.T) { m.sale(t) }

// sale is buy, and names the order, which there is if the buyer had the money.
func (m *machine) sale(t *rapid.T) spec.ID {
	reference := fmt.Sprintf("sale-%d", m.calls)
	price := drawOf(t, "price", []spec.Amount{spec.Units(10), spec.Units(61), spec.CMT(1), spec.CMT(3)})
	m.perform(seat{merchant, ""}, 0, "market:CreateListing", &spec.CreateListing{
		Reference: reference, Price: price.Bytes(), Stock: 3, Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"),
		Milestones: drawMilestones(t),
	}, nil)
	id := spec.NewID(spec.ListingType, spec.OrganisationAddress(merchant), reference)
	buyer := drawOf(t, "buyer", seats[:2])
	quantity := rapid.Uint32Range(1, 3).Draw(t, "quantity")
	total, _ := price.Mul(uint64(quantity))
	order := spec.NewID(spec.OrderType, buyer.address(), reference)
	m.perform(buyer, 0, "market:PlaceOrder", &spec.PlaceOrder{
		Reference: reference, Listing: id[:], Version: 1, Quantity: quantity, Total: total.Bytes(), HandOverHash: spec.HandOverHash(order, code),
	}, m.drawHints(t, buyer))
	return order
}

// carryOn takes an open order a step further, by whoever may, if it is not too late.
func (m *machine) carryOn(t *rapid.T) {
	var open []spec.ID
	for id, order := range m.model.orders {
		if order.open() {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		return
	}
	slices.SortFunc(open, func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
	id := rapid.SampledFrom(open).Draw(t, "open order")
	o := id[:]
	order := m.model.orders[id]
	seller, buyer := m.seatOf(order.seller), m.seatOf(order.buyer)
	switch order.state {
	case placed:
		m.perform(seller, 0, "market:AcceptOrder", &spec.AcceptOrder{Order: o}, nil)
	case accepted:
		m.perform(seller, 0, "market:ShipOrder", &spec.ShipOrder{Order: o}, nil)
	case partShipped:
		m.perform(seller, 0, "market:ShipOrder", &spec.ShipOrder{Order: o}, nil)
	case commissioned, working:
		at := uint32(slices.IndexFunc(order.milestones, func(one modelMilestone) bool { return !one.released })) + 1
		if rapid.Bool().Draw(t, "report") {
			m.perform(seller, 0, "market:ReportMilestone", &spec.ReportMilestone{Order: o, Milestone: at}, nil)
		} else {
			m.perform(buyer, 0, "market:ReleaseMilestone", &spec.ReleaseMilestone{Order: o, Milestone: at}, nil)
		}
	case shipped:
		if rapid.Bool().Draw(t, "by code") {
			m.perform(seller, 0, "market:HandOverOrder", &spec.HandOverOrder{Order: o, Code: code}, nil)
		} else {
			m.perform(seat{carrier, ""}, 0, "market:ReportDelivery", &spec.ReportDelivery{Order: o}, nil)
		}
	case returnAsked:
		switch drawEvenly(t, "answer", 3) {
		case 0:
			m.perform(seller, 0, "market:AcceptReturn", &spec.AcceptReturn{Order: o}, nil)
		case 1:
			m.perform(seller, 0, "market:DeclineReturn", &spec.DeclineReturn{Order: o}, nil)
		default:
			m.now += returnSeconds
			m.perform(buyer, 0, "market:ShipReturn", &spec.ShipReturn{Order: o}, nil)
		}
	case returnAccepted:
		m.perform(buyer, 0, "market:ShipReturn", &spec.ShipReturn{Order: o}, nil)
	case returnShipped:
		switch drawEvenly(t, "what comes back", 3) {
		case 0:
			m.perform(seller, 0, "market:RefundOrder", &spec.RefundOrder{Order: o}, nil)
		case 1:
			m.perform(seat{carrier, ""}, 0, "market:ReportDelivery", &spec.ReportDelivery{Order: o}, nil)
		default:
			m.perform(seller, 0, "market:OpenDispute", &spec.OpenDispute{Order: o, ReasonHash: make([]byte, 32)}, nil)
		}
	case handedOver:
		switch drawEvenly(t, "by whom", 3) {
		case 0:
			m.perform(buyer, 0, "market:ConfirmOrder", &spec.ConfirmOrder{Order: o}, nil)
		case 1:
			m.perform(buyer, 0, "market:AskReturn", &spec.AskReturn{Order: o}, nil)
		default:
			if rapid.Bool().Draw(t, "when it is due") {
				m.now += releaseSeconds
			}
			m.perform(drawSeat(t), 0, "market:ReleaseOrder", &spec.ReleaseOrder{Order: o}, nil)
		}
	}
}

func (m *machine) seatOf(address spec.Address) seat {
	for _, s := range seats {
		if s.address() == address {
			return s
		}
	}
	m.t.Fatalf("nobody sits at %s", address)
	return seat{}
}

// The model begins as the rules do.
func TestGenesisIsTheModelsBeginning(t *testing.T) {
	b, m := openBooks(t), newModel()
	if got, want := fmt.Sprint(b.describe()), fmt.Sprint(m.describe()); got != want {
		t.Errorf("the rules begin with %s, the model with %s", got, want)
	}
}
