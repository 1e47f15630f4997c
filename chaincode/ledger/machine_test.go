package ledger_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// TestRulesDoAsTheModel compares the rules with the model after each step of random histories: the same refusals, the same
// money, stock, listings and orders.
func TestRulesDoAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"":               m.compare,
			"wait":           m.wait,
			"buy":            m.buy,
			"carry on":       m.carryOn,
			"carry further":  m.carryOn,
			"carry to end":   m.carryOn,
			"Mint":           m.mint,
			"Burn":           m.burn,
			"Transfer":       m.transfer,
			"Payout":         m.payout,
			"OpenAuction":    m.openAuction,
			"PlaceBid":       m.placeBid,
			"bid again":      m.placeBid,
			"CloseAuction":   m.closeAuction,
			"CancelAuction":  m.cancelAuction,
			"Approve":        m.approve,
			"TransferFrom":   m.transferFrom,
			"PlaceHold":      m.placeHold,
			"step a hold":    m.stepHold,
			"Sweep":          m.sweep,
			"Fence":          m.fence,
			"CreateListing":  m.createListing,
			"EditListing":    m.editListing,
			"CloseListing":   m.closeListing,
			"PlaceOrder":     m.placeOrder,
			"AcceptOrder":    m.step("market:AcceptOrder", func(o []byte) proto.Message { return &spec.AcceptOrder{Order: o} }),
			"ShipOrder":      m.step("market:ShipOrder", func(o []byte) proto.Message { return &spec.ShipOrder{Order: o} }),
			"HandOverOrder":  m.step("market:HandOverOrder", func(o []byte) proto.Message { return &spec.HandOverOrder{Order: o, Code: code} }),
			"ReportDelivery": m.step("market:ReportDelivery", func(o []byte) proto.Message { return &spec.ReportDelivery{Order: o} }),
			"ConfirmOrder":   m.step("market:ConfirmOrder", func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o} }),
			"CancelOrder":    m.step("market:CancelOrder", func(o []byte) proto.Message { return &spec.CancelOrder{Order: o} }),
			"RefundOrder":    m.step("market:RefundOrder", func(o []byte) proto.Message { return &spec.RefundOrder{Order: o} }),
			"ExpireOrder":    m.step("market:ExpireOrder", func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} }),
			"ReleaseOrder":   m.step("market:ReleaseOrder", func(o []byte) proto.Message { return &spec.ReleaseOrder{Order: o} }),
			"GiveReview": m.step("market:GiveReview", func(o []byte) proto.Message {
				return &spec.GiveReview{Order: o, Rating: 1 + uint32(o[0])%5, ContentHash: make([]byte, 32)}
			}),
			"OpenDispute":     m.step("market:OpenDispute", disputing["OpenDispute"]),
			"RuleDispute":     m.step("market:RuleDispute", disputing["RuleDispute"]),
			"contest":         m.contest,
			"contest on":      m.contest,
			"contest further": m.contest,
			"MakeOffer":       m.makeOffer,
			"bid":             m.bid,
			"haggle":          m.haggle,
			"haggle on":       m.haggle,
		})
	})
}

// machine drives the rules and the model side by side.
type machine struct {
	*books
	model *model
}

// seat is who may act: an organisation or a sub-account of it.
type seat struct{ mspID, subAccount string }

func (s seat) address() spec.Address { return spec.SubAccountAddress(s.mspID, s.subAccount) }

var seats = []seat{{buyers, "anna"}, {buyers, ""}, {merchant, ""}, {merchant, "store"}, {carrier, ""}, {operator, ""}, {treasurer, ""}, {stranger, ""}}

func newMachine(t *rapid.T) *machine {
	m := &machine{books: openBooks(t), model: newModel()}
	for _, s := range seats[:4] {
		m.perform(seat{treasurer, ""}, 0, "token:Transfer", &spec.Transfer{Reference: "begin-" + s.mspID + s.subAccount, To: s.address().Bytes(), Amount: spec.CMT(50).Bytes()}, nil)
	}
	return m
}

// perform has the rules and the model do the same and compares what they say.
func (m *machine) perform(s seat, skew int64, function string, command proto.Message, hints *spec.Hints) {
	m.t.Helper()
	tx := m.transaction(s.mspID)
	tx.Time += skew
	call := &spec.Call{Operation: spec.Find(function), SubAccount: s.subAccount, Command: command, Hints: hints}
	if err := spec.Validate(command); err != nil {
		m.t.Fatalf("%s: %v", function, err)
	}
	want := m.model.do(modelCall{tx.ID, tx.Time, tx.MSPID, s.address(), hints}, command)
	_, err := m.execute(tx, call)
	got := spec.Code("")
	if err != nil {
		got = spec.ErrorCode(err)
	}
	if got != want {
		m.t.Fatalf("%s by %s/%s: the rules say %q (%v), the model %q", function, s.mspID, s.subAccount, got, err, want)
	}
}

// compare holds what the rules wrote to what the model knows, and both to the sums.
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
	sum, holds, open := new(big.Int), 0, 0
	for key, record := range m.records {
		switch r := record.(type) {
		case ledger.Account:
			sum.Add(sum, number(r.Balance.Bytes()))
		case ledger.Credit:
			sum.Add(sum, number(r.Amount.Bytes()))
		case ledger.Hold:
			sum.Add(sum, number(r.Amount.Bytes()))
			holds++
		case ledger.Allowance:
			sum.Add(sum, number(r.Amount.Bytes()))
		case ledger.TokenHold:
			if r.State == spec.HoldState_HOLD_STATE_HELD {
				open++
			}
		case ledger.Auction:
			if _, bids := m.records[ledger.BidKey(spec.ID([]byte(key.ID)), 1)]; bids && r.State == spec.AuctionState_AUCTION_STATE_OPEN {
				open++
			}
		case ledger.Order:
			if r.State == placed || r.State == accepted || r.State == shipped || r.State == handedOver || r.State == disputed {
				open++
			}
		case ledger.Offer:
			if r.State == offerOpen || r.State == offerCountered {
				open++
			}
		}
	}
	supply := m.records[ledger.SupplyKey()].(ledger.Supply)
	if total := number(supply.Total().Bytes()); sum.Cmp(total) != 0 {
		t.Errorf("accounts, credits, holds and allowances are %s base units, the supply is %s", sum, total)
	}
	if holds != open {
		t.Errorf("%d holds, %d open orders, offers, token holds and auctions with bids", holds, open)
	}
}

func (m *machine) wait(t *rapid.T) {
	m.now += rapid.SampledFrom([]int64{1, 60, shipSeconds - 60, shipSeconds, protectionSeconds - 1, protectionSeconds}).Draw(t, "seconds")
}

func drawSeat(t *rapid.T) seat { return rapid.SampledFrom(seats).Draw(t, "who") }
func drawReference(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "reference")
}

func drawSkew(t *rapid.T) int64 {
	// Peers let a minute pass; the last is an endorser's own clock gone wrong, and meets fences.
	return rapid.SampledFrom([]int64{0, 0, 0, -60, -1, 60, -2 * epochSeconds}).Draw(t, "skew")
}

// amounts are those at the bounds of the rules, and some between.
var amounts = []spec.Amount{spec.Units(1), spec.Units(9), spec.Units(10), spec.Units(31), spec.CMT(1), spec.CMT(3), spec.CMT(49), spec.CMT(50), spec.CMT(51), spec.CMT(999_000_000), spec.Cap}

func drawAmount(t *rapid.T) []byte {
	// The large ones last and rarely.
	at := rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, len(amounts)-1)).Draw(t, "amount")
	return amounts[at].Bytes()
}

// drawHints names any open credits: the actor's own, others', some twice, and one that never was.
func (m *machine) drawHints(t *rapid.T, s seat) *spec.Hints {
	names := [][]byte{make([]byte, 20)}
	for _, key := range slices.SortedFunc(maps.Keys(m.records), ledger.Key.Compare) {
		if key.Kind == ledger.CreditKind && key.Parent == string(s.address().Bytes()) {
			names = append(names, []byte(key.ID), []byte(key.ID))
		} else if key.Kind == ledger.CreditKind {
			names = append(names, []byte(key.ID))
		}
	}
	switch rapid.IntRange(0, 2).Draw(t, "credits") {
	case 0:
		return &spec.Hints{}
	case 1:
		return &spec.Hints{Credits: names[:min(64, len(names))]}
	}
	return &spec.Hints{Credits: [][]byte{rapid.SampledFrom(names).Draw(t, "credit")}}
}

func (m *machine) mint(t *rapid.T) {
	s := rapid.SampledFrom([]seat{{treasurer, ""}, {treasurer, ""}, {treasurer, "desk"}, drawSeat(t)}).Draw(t, "minter")
	m.perform(s, drawSkew(t), "token:Mint", &spec.Mint{Reference: drawReference(t), To: drawSeat(t).address().Bytes(), Amount: drawAmount(t)}, nil)
}

func (m *machine) burn(t *rapid.T) {
	s := rapid.SampledFrom([]seat{{treasurer, ""}, {treasurer, ""}, {treasurer, "desk"}, drawSeat(t)}).Draw(t, "burner")
	m.perform(s, drawSkew(t), "token:Burn", &spec.Burn{Reference: drawReference(t), Amount: drawAmount(t)}, m.drawHints(t, s))
}

func (m *machine) transfer(t *rapid.T) {
	s := drawSeat(t)
	command := &spec.Transfer{Reference: drawReference(t), To: drawSeat(t).address().Bytes(), Amount: drawAmount(t), Memo: rapid.SampledFrom([]string{"", "thanks"}).Draw(t, "memo")}
	m.perform(s, drawSkew(t), "token:Transfer", command, m.drawHints(t, s))
}

func (m *machine) payout(t *rapid.T) {
	s := drawSeat(t)
	command := &spec.Payout{Reference: drawReference(t), Memo: rapid.SampledFrom([]string{"", "wages"}).Draw(t, "memo")}
	for _, to := range rapid.SliceOfNDistinct(rapid.SampledFrom(seats), 1, 4, func(s seat) seat { return s }).Draw(t, "receivers") {
		command.Payments = append(command.Payments, &spec.Payment{To: to.address().Bytes(), Amount: drawAmount(t)})
	}
	m.perform(s, drawSkew(t), "token:Payout", command, m.drawHints(t, s))
}

func (m *machine) approve(t *rapid.T) {
	s, spender := drawSeat(t), drawSeat(t)
	expected := m.model.allowance(s.address(), spender.address())
	command := &spec.Approve{Spender: spender.address().Bytes(), Expected: expected.Bytes(), Amount: drawAmount(t)}
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		command.Expected = drawAmount(t)
	case 1:
		command.Amount = nil
	}
	m.perform(s, drawSkew(t), "token:Approve", command, m.drawHints(t, s))
}

// transferFrom draws mostly from an allowance that there is.
func (m *machine) transferFrom(t *rapid.T) {
	s, owner := drawSeat(t), drawSeat(t).address()
	var given [][2]spec.Address
	for key, left := range m.model.allowances {
		if left.Sign() > 0 {
			given = append(given, key)
		}
	}
	if len(given) > 0 && rapid.IntRange(0, 4).Draw(t, "given") > 0 {
		slices.SortFunc(given, func(a, b [2]spec.Address) int {
			return strings.Compare(a[0].String()+a[1].String(), b[0].String()+b[1].String())
		})
		pair := rapid.SampledFrom(given).Draw(t, "allowance")
		owner, s = pair[0], m.mostly(t, pair[1])
	}
	command := &spec.TransferFrom{Reference: drawReference(t), Owner: owner.Bytes(), To: drawSeat(t).address().Bytes(), Amount: drawAmount(t)}
	m.perform(s, drawSkew(t), "token:TransferFrom", command, nil)
}

func (m *machine) placeHold(t *rapid.T) {
	s := drawSeat(t)
	command := &spec.PlaceHold{
		Reference: drawReference(t), Payee: drawSeat(t).address().Bytes(), Amount: drawAmount(t),
		ExpiresAt: m.now + rapid.SampledFrom([]int64{-60, 0, 1, 100, holdSeconds, holdSeconds, holdSeconds + 1}).Draw(t, "seconds"),
	}
	if rapid.Bool().Draw(t, "with an arbiter") {
		command.Arbiter = drawSeat(t).address().Bytes()
	}
	m.perform(s, drawSkew(t), "token:PlaceHold", command, m.drawHints(t, s))
}

func (m *machine) stepHold(t *rapid.T) {
	ids := slices.SortedFunc(maps.Keys(m.model.holds), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
	id, who, captured := spec.ID{}, drawSeat(t), drawAmount(t)
	if len(ids) > 0 {
		id = rapid.SampledFrom(ids).Draw(t, "hold")
		hold := m.model.holds[id]
		who = m.mostly(t, rapid.SampledFrom([]spec.Address{hold.arbiter, hold.arbiter, hold.payee, hold.payer}).Draw(t, "side"))
		if rapid.IntRange(0, 4).Draw(t, "captured") > 0 {
			captured = hold.captured.Bytes()
		}
	}
	switch rapid.IntRange(0, 3).Draw(t, "step") {
	case 0, 1:
		m.perform(who, drawSkew(t), "token:CaptureHold", &spec.CaptureHold{Hold: id[:], Captured: captured, Amount: drawAmount(t)}, nil)
	case 2:
		m.perform(who, drawSkew(t), "token:VoidHold", &spec.VoidHold{Hold: id[:]}, nil)
	case 3:
		m.perform(who, drawSkew(t), "token:ExpireHold", &spec.ExpireHold{Hold: id[:]}, nil)
	}
}

// openAuction makes a listing, mostly, and sells it in an auction.
func (m *machine) openAuction(t *rapid.T) {
	id, _, s := m.drawListing(t)
	if rapid.IntRange(0, 3).Draw(t, "a listing of its own") > 0 {
		reference := fmt.Sprintf("lots-%d", m.calls)
		s = seat{merchant, ""}
		m.perform(s, 0, "market:CreateListing", &spec.CreateListing{
			Reference: reference, Price: spec.CMT(1).Bytes(), Stock: 2, Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"),
		}, nil)
		id = spec.NewID(spec.ListingType, s.address(), reference)
	}
	command := &spec.OpenAuction{
		Reference: drawReference(t), Listing: id[:], Version: rapid.SampledFrom([]uint32{1, 1, 1, 2}).Draw(t, "version"), Quantity: rapid.Uint32Range(1, 3).Draw(t, "quantity"),
		StartPrice: drawAmount(t), Step: rapid.SampledFrom(amounts[:5]).Draw(t, "step").Bytes(),
		EndsAt: m.now + rapid.SampledFrom([]int64{-1, 100, auctionSeconds, auctionSeconds, auctionSeconds + 1}).Draw(t, "seconds"),
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
	if len(open) > 0 && rapid.IntRange(0, 5).Draw(t, "any") > 0 {
		all = open
	}
	if len(all) == 0 {
		return spec.ID{}, nil, 0
	}
	slices.SortFunc(all, func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
	id := rapid.SampledFrom(all).Draw(t, "auction")
	a := m.model.auctions[id]
	bids := uint32(len(a.bids))
	switch rapid.IntRange(0, 9).Draw(t, "bids") {
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
	if a != nil && rapid.IntRange(0, 4).Draw(t, "enough") > 0 {
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

func (m *machine) sweep(t *rapid.T) {
	s := drawSeat(t)
	m.perform(s, drawSkew(t), "token:Sweep", &spec.Sweep{}, m.drawHints(t, s))
}

func (m *machine) fence(t *rapid.T) {
	epoch := uint64(m.now)/epochSeconds - uint64(rapid.IntRange(0, 3).Draw(t, "epochs ago"))
	m.perform(drawSeat(t), drawSkew(t), "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
}

func (m *machine) createListing(t *rapid.T) {
	command := &spec.CreateListing{
		Reference: drawReference(t), Price: drawAmount(t), Stock: rapid.Uint32Range(1, 7).Draw(t, "stock"), Lots: rapid.Uint32Range(0, 4).Draw(t, "lots"),
		Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"),
	}
	if rapid.Bool().Draw(t, "shipping") {
		command.ShippingPrice = drawAmount(t)
	}
	m.perform(drawSeat(t), drawSkew(t), "market:CreateListing", command, nil)
}

// drawListing draws a listing that there is, mostly, and its seller, mostly.
func (m *machine) drawListing(t *rapid.T) (spec.ID, *modelListing, seat) {
	ids := slices.SortedFunc(maps.Keys(m.model.listings), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
	if len(ids) == 0 || rapid.IntRange(0, 9).Draw(t, "no listing") == 9 {
		return spec.ID{1}, nil, drawSeat(t)
	}
	id := rapid.SampledFrom(ids).Draw(t, "listing")
	return id, m.model.listings[id], m.mostly(t, m.model.listings[id].seller)
}

// mostly draws the seat of an address, mostly.
func (m *machine) mostly(t *rapid.T, address spec.Address) seat {
	if rapid.IntRange(0, 4).Draw(t, "another") < 4 {
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
	if listing != nil && rapid.IntRange(0, 3).Draw(t, "stale") < 3 {
		version = uint32(len(listing.versions))
	}
	command := &spec.EditListing{
		Listing: id[:], Version: version, Price: drawAmount(t), AddStock: rapid.Uint32Range(0, 3).Draw(t, "add stock"), Category: "lamps",
		ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"),
	}
	m.perform(s, drawSkew(t), "market:EditListing", command, nil)
}

func (m *machine) closeListing(t *rapid.T) {
	id, _, s := m.drawListing(t)
	if rapid.IntRange(0, 2).Draw(t, "close") < 2 {
		return // else everything is soon closed
	}
	m.perform(s, drawSkew(t), "market:CloseListing", &spec.CloseListing{Listing: id[:]}, nil)
}

func (m *machine) placeOrder(t *rapid.T) {
	id, listing, _ := m.drawListing(t)
	s := rapid.SampledFrom([]seat{seats[0], seats[1], drawSeat(t)}).Draw(t, "buyer")
	reference := drawReference(t)
	command := &spec.PlaceOrder{Reference: reference, Listing: id[:], Version: 1, Quantity: rapid.Uint32Range(1, 3).Draw(t, "quantity"), Total: spec.CMT(3).Bytes()}
	if listing != nil {
		command.Version = uint32(len(listing.versions))
		if rapid.IntRange(0, 4).Draw(t, "version") == 4 {
			command.Version = rapid.Uint32Range(1, command.Version+1).Draw(t, "another version")
		}
		version := listing.versions[min(int(command.Version), len(listing.versions))-1]
		total := new(big.Int).Mul(version.price, big.NewInt(int64(command.Quantity)))
		total.Add(total, version.shipping)
		if total.Cmp(maxUnits) <= 0 && rapid.IntRange(0, 9).Draw(t, "total") < 9 {
			command.Total = total.Bytes()
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "with a code") < 2 {
		command.HandOverHash = spec.HandOverHash(spec.NewID(spec.OrderType, s.address(), reference), code)
	}
	m.perform(s, drawSkew(t), "market:PlaceOrder", command, m.drawLot(t, m.drawHints(t, s)))
}

// drawLot adds any lot to the hints, or none.
func (m *machine) drawLot(t *rapid.T, hints *spec.Hints) *spec.Hints {
	lots := [][]byte{make([]byte, 20)}
	for _, key := range slices.SortedFunc(maps.Keys(m.records), ledger.Key.Compare) {
		if key.Kind == ledger.LotKind {
			lots = append(lots, []byte(key.ID))
		}
	}
	if rapid.Bool().Draw(t, "with a lot") {
		hints.Lot = rapid.SampledFrom(lots).Draw(t, "lot")
	}
	return hints
}

func (m *machine) step(function string, command func([]byte) proto.Message) func(*rapid.T) {
	return func(t *rapid.T) {
		ids := slices.SortedFunc(maps.Keys(m.model.orders), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
		if len(ids) == 0 {
			m.perform(drawSeat(t), 0, function, command(make([]byte, 20)), nil)
			return
		}
		id := rapid.SampledFrom(ids).Draw(t, "order")
		order := m.model.orders[id]
		side := rapid.SampledFrom([]spec.Address{order.buyer, order.seller, spec.OrganisationAddress(carrier)}).Draw(t, "side")
		m.perform(m.mostly(t, side), drawSkew(t), function, command(id[:]), nil)
	}
}

// buy makes a listing and an order of it, so that there are orders to go on with.
func (m *machine) buy(t *rapid.T) { m.sale(t) }

// sale is buy, and names the order, which there is if the buyer had the money.
func (m *machine) sale(t *rapid.T) spec.ID {
	reference := fmt.Sprintf("sale-%d", m.calls)
	price := rapid.SampledFrom([]spec.Amount{spec.Units(10), spec.Units(61), spec.CMT(1), spec.CMT(3)}).Draw(t, "price")
	m.perform(seat{merchant, ""}, 0, "market:CreateListing", &spec.CreateListing{
		Reference: reference, Price: price.Bytes(), Stock: 2, Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: rapid.Bool().Draw(t, "accept required"),
	}, nil)
	id := spec.NewID(spec.ListingType, spec.OrganisationAddress(merchant), reference)
	buyer := rapid.SampledFrom(seats[:2]).Draw(t, "buyer")
	order := spec.NewID(spec.OrderType, buyer.address(), reference)
	m.perform(buyer, 0, "market:PlaceOrder", &spec.PlaceOrder{
		Reference: reference, Listing: id[:], Version: 1, Quantity: 1, Total: price.Bytes(), HandOverHash: spec.HandOverHash(order, code),
	}, m.drawHints(t, buyer))
	return order
}

// carryOn takes an open order a step further, by whoever may, if it is not too late.
func (m *machine) carryOn(t *rapid.T) {
	var open []spec.ID
	for id, order := range m.model.orders {
		if order.state < released {
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
	case shipped:
		if rapid.Bool().Draw(t, "by code") {
			m.perform(seller, 0, "market:HandOverOrder", &spec.HandOverOrder{Order: o, Code: code}, nil)
		} else {
			m.perform(seat{carrier, ""}, 0, "market:ReportDelivery", &spec.ReportDelivery{Order: o}, nil)
		}
	case handedOver:
		if rapid.Bool().Draw(t, "by the buyer") {
			m.perform(buyer, 0, "market:ConfirmOrder", &spec.ConfirmOrder{Order: o}, nil)
		} else {
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
