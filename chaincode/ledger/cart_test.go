package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// line is so many units of a listing's first version.
func line(listing spec.ID, quantity uint32) *spec.CartLine {
	return &spec.CartLine{Listing: listing[:], Version: 1, Quantity: quantity}
}

// cart is an order of lines by anna, with a hand-over code.
func cart(reference string, total spec.Amount, lines ...*spec.CartLine) (*spec.PlaceCart, spec.ID) {
	id := spec.NewID(spec.OrderType, anna.address(), reference)
	return &spec.PlaceCart{Reference: reference, Lines: lines, Total: total.Bytes(), HandOverHash: spec.HandOverHash(id, code)}, id
}

// cartFaults make the second line of a cart what the table calls it, beside the books that say so.
var cartFaults = map[string]func(b *books, lamp, bulb spec.ID, second *spec.CartLine){
	"none":             func(*books, spec.ID, spec.ID, *spec.CartLine) {},
	"no such listing":  func(_ *books, _, _ spec.ID, l *spec.CartLine) { l.Listing = make([]byte, 20) },
	"no such version":  func(_ *books, _, _ spec.ID, l *spec.CartLine) { l.Version = 2 },
	"no such variant":  func(_ *books, _, _ spec.ID, l *spec.CartLine) { l.Variant = 2 },
	"wants acceptance": func(b *books, _, _ spec.ID, l *spec.CartLine) { l.Listing = b.listed(seller, "slow", true) },
	"closed": func(b *books, _, bulb spec.ID, _ *spec.CartLine) {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: bulb[:]}, nil)
	},
	"suspended": func(b *books, _, bulb spec.ID, _ *spec.CartLine) {
		b.must(operator, "", "market:SuspendListing", &spec.SuspendListing{Listing: bulb[:], Reason: "a test"}, nil)
	},
	"edited": func(b *books, _, bulb spec.ID, _ *spec.CartLine) {
		b.must(merchant, "", "market:EditListing", edit(bulb, 1, spec.CMT(3)), nil)
	},
	"the buyer's own": func(b *books, _, _ spec.ID, l *spec.CartLine) { l.Listing = b.listed(anna, "own", false) },
	"another seller's": func(b *books, _, _ spec.ID, l *spec.CartLine) {
		l.Listing = b.listed(seat{merchant, "store"}, "other", false)
	},
	"a service": func(b *books, _, _ spec.ID, l *spec.CartLine) {
		id := b.listTerms("repair", func(c *spec.CreateListing) { c.Milestones = []uint32{10_000} })
		l.Listing = id[:]
	},
	"another organisation's": func(b *books, _, bulb spec.ID, _ *spec.CartLine) {
		// As it is when a person's listings are carried by two members.
		version := b.records[ledger.VersionKey(bulb, 1)].(ledger.Version)
		version.SellerMember++
		b.records[ledger.VersionKey(bulb, 1)] = version
	},
}

// listed makes a listing of a seat's, ten units at 3 CMT with a variant, and shipping at 1.
func (b *books) listed(s seat, reference string, acceptRequired bool) []byte {
	b.t.Helper()
	b.must(s.mspID, s.subAccount, "market:CreateListing", &spec.CreateListing{
		Reference: reference, Price: spec.CMT(3).Bytes(), ShippingPrice: spec.CMT(1).Bytes(), Stock: 10, Category: "lamps", ContentHash: make([]byte, 32),
		AcceptRequired: acceptRequired, Variants: []*spec.VariantTerms{{Price: spec.CMT(4).Bytes(), Stock: 1}},
	}, nil)
	id := spec.NewID(spec.ListingType, s.address(), reference)
	return id[:]
}

const cartsDoc = "carts.md"

// TestPlacingACart drives every combination of docs/rules/carts.md.
func TestPlacingACart(t *testing.T) {
	rules := readTable(t, cartsDoc, "Placing")
	for _, reference := range []string{"new", "used"} {
		for fault := range cartFaults {
			for _, total := range []string{"right", "wrong"} {
				for _, lot := range []string{"enough", "short", "another variant's"} {
					for _, funds := range []string{"enough", "short"} {
						row := rules.find(t, map[string]string{"reference": reference, "fault": fault, "total": total, "lot": lot, "funds": funds})
						name := fmt.Sprintf("%s reference, fault %s, %s total, lot %s, funds %s", reference, fault, total, lot, funds)
						checkCart(t, name, row, reference, fault, total, lot, funds)
					}
				}
			}
		}
	}
	rules.checkUsed(t)
}

func checkCart(t *testing.T, name string, row *tableRow, reference, fault, total, lot, funds string) {
	t.Helper()
	b := openBooks(t)
	// 2 × 3 + 1, and 3 × 3 + 1.
	price := spec.CMT(17)
	if funds == "enough" {
		b.fund(buyers, "anna", spec.CMT(18))
	}
	lamp, bulb := spec.ID(b.listed(seller, "lamp", false)), spec.ID(b.listed(seller, "bulb", false))
	if reference == "used" {
		b.fund(buyers, "anna", spec.CMT(4))
		used, _ := purchase(lamp, "cart")
		used.Quantity, used.Total = 1, spec.CMT(4).Bytes()
		b.must(buyers, "anna", "market:PlaceOrder", used, nil)
	}
	if total == "wrong" {
		price = spec.CMT(18)
	}
	second := line(bulb, 3)
	cartFaults[fault](b, lamp, bulb, second)
	command, id := cart("cart", price, line(lamp, 2), second)
	from := spec.ID(second.Listing)
	hinted := map[string]spec.ID{
		"enough": spec.StockLot(from, 1, 0), "short": spec.StockLot(from, 1, 5), "another variant's": spec.StockLot(from, 1, ledger.MaxLots),
	}[lot]
	stock := b.allStock()

	first := spec.StockLot(lamp, 1, 0)
	_, err := b.try(buyers, "anna", "market:PlaceCart", command, &spec.Hints{Lots: [][]byte{first[:], hinted[:]}})
	if row.Row["error"] != "" {
		var refusal *spec.Error
		errors.As(err, &refusal)
		if refusal == nil || refusal.Code != spec.Code(row.Row["error"]) || refusal.Field != row.Row["field"] {
			t.Errorf("%s: %v, want %s of %q", name, err, row.Row["error"], row.Row["field"])
		}
		if got := b.allStock(); got != stock {
			t.Errorf("%s: refused, and the lots have %d units of %d", name, got, stock)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	order := b.records[ledger.OrderKey(id)].(ledger.Order)
	if nameOf(order.State) != row.Row["next"] || order.Lines != 2 || order.Quantity != 5 || order.Total != spec.CMT(17) || order.Listing != lamp {
		t.Errorf("%s: the order is %+v", name, order)
	}
	if hold := b.records[ledger.HoldKey(anna.address(), id)]; hold != (ledger.Hold{Amount: spec.CMT(17)}) || b.wealth(anna.address()) != spec.CMT(1) {
		t.Errorf("%s: %v is held and %s left", name, hold, b.wealth(anna.address()))
	}
	want := ledger.Lines{{Listing: lamp, Version: 1, Quantity: 2, Price: spec.CMT(3)}, {Listing: from, Version: 1, Quantity: 3, Price: spec.CMT(3)}}
	if got := b.records[ledger.LinesKey(id)]; got != want {
		t.Errorf("%s: the lines are %v", name, got)
	}
	if got := b.allStock(); got != stock-5 {
		t.Errorf("%s: the lots have %d units, want 5 less than %d", name, got, stock)
	}
}

// cartIn returns books with anna's cart, of one unit of each of two listings, in a state of an order of goods.
func cartIn(t testing.TB, state string) (b *books, first, id spec.ID) {
	t.Helper()
	b = openBooks(t)
	b.fund(buyers, "anna", spec.CMT(7))
	first = b.list("lamp", state == nameOf(placed))
	second := b.listTerms("bulb", func(c *spec.CreateListing) { c.ShippingPrice = nil })
	command, id := cart("order", spec.CMT(7), line(first, 1), line(second, 1))
	if state == absent {
		return b, first, id
	}
	b.must(buyers, "anna", "market:PlaceCart", command, nil)
	b.lead(id, state)
	return b, first, id
}

// A cart goes the way of any order: every cell of docs/rules/orders.md that is about goods.
func TestCartStateMachine(t *testing.T) {
	steps := readOrderTable(t)
	for _, state := range ruletable.Values(table(t, ordersDoc, "States"), "state") {
		if slices.Contains(services, state) {
			continue
		}
		for _, operation := range ruletable.Values(steps, "operation") {
			for _, a := range actors[:3] {
				for _, when := range steps.times(state, operation) {
					name := fmt.Sprintf("a cart, %s, %s by %s, %d s after the start", state, operation, a.name, when-start)
					checkCell(t, name, cartIn, state, operation, a, when, steps.expect(state, operation, a, when))
				}
			}
		}
	}
}

// wholeCart places the cart of the document: 2 units at 1 CMT, 3 at 5 and 1 at 7, shipped for 2.
func wholeCart(t testing.TB) (b *books, listings [3]spec.ID, id spec.ID) {
	t.Helper()
	b = openBooks(t)
	b.fund(buyers, "anna", spec.CMT(26))
	var lines []*spec.CartLine
	for i, price := range []uint32{1, 5, 7} {
		listings[i] = b.listTerms(fmt.Sprintf("thing-%d", i), func(c *spec.CreateListing) {
			if c.Price, c.ShippingPrice = spec.CMT(price).Bytes(), nil; i == 1 {
				c.ShippingPrice = spec.CMT(2).Bytes()
			}
		})
		lines = append(lines, line(listings[i], []uint32{2, 3, 1}[i]))
	}
	command, id := cart("cart", spec.CMT(26), lines...)
	b.must(buyers, "anna", "market:PlaceCart", command, nil)
	return b, listings, id
}

// TestWhatComesBackOfACart drives the table of docs/rules/carts.md.
func TestWhatComesBackOfACart(t *testing.T) {
	for _, row := range table(t, "../../docs/rules/"+cartsDoc, "What comes back") {
		b, listings, id := wholeCart(t)
		var shipped uint32
		if _, err := fmt.Sscan(row["shipped"], &shipped); err != nil {
			t.Fatal(err)
		}
		if shipped > 0 {
			b.must(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: id[:], Quantity: shipped}, nil)
		}
		before := [3]uint32{b.stock(listings[0]), b.stock(listings[1]), b.stock(listings[2])}
		b.now = start + 100
		toBuyer, err := spec.ParseAmount(row["to the buyer"])
		if err != nil {
			t.Fatal(err)
		}
		who, command := seller, proto.Message(nil)
		switch row["ended by"] {
		case "CancelOrder":
			command = &spec.CancelOrder{Order: id[:]}
		case "RefundOrder":
			command = &spec.RefundOrder{Order: id[:]}
		case "ConfirmOrder":
			who, command = anna, &spec.ConfirmOrder{Order: id[:]}
		case "ExpireOrder":
			b.now = start + shipSeconds
			command = &spec.ExpireOrder{Order: id[:]}
		case "AgreeSplit":
			rest, _ := spec.CMT(26).Sub(toBuyer)
			b.must(buyers, "anna", "market:ProposeSplit", &spec.ProposeSplit{Order: id[:], SellerAmount: rest.Bytes()}, nil)
			command = &spec.AgreeSplit{Order: id[:], SellerAmount: rest.Bytes()}
		default:
			t.Fatalf("the table has the operation %q, which this test does not know", row["ended by"])
		}
		name := fmt.Sprintf("%d shipped, ended by %s", shipped, row["ended by"])
		b.must(who.mspID, who.subAccount, "market:"+row["ended by"], command, nil)
		if order := b.records[ledger.OrderKey(id)].(ledger.Order); nameOf(order.State) != row["state"] {
			t.Errorf("%s: the order is %s, want %s", name, order.State, row["state"])
		}
		if got := b.wealth(anna.address()); got != toBuyer {
			t.Errorf("%s: the buyer has %s CMT, want %s", name, got, toBuyer)
		}
		var back []string
		for i, listing := range listings {
			units := b.stock(listing) - before[i]
			back = append(back, fmt.Sprint(units))
			lot, _ := b.records[ledger.LotKey(listing, spec.LineReturnLot(listing, id, uint32(i)))].(ledger.Lot)
			if lot.Stock != units {
				t.Errorf("%s: line %d comes back as a lot of %d units, want %d", name, i, lot.Stock, units)
			}
		}
		if got := strings.Join(back, ", "); got != row["units of the lines"] {
			t.Errorf("%s: %s units come back, want %s", name, got, row["units of the lines"])
		}
	}
}

// One variant in two lines, from two lots, and another of the same listing: shipping is paid once, and what comes back is three lots.
func TestLinesOfOneListing(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(30))
	listing := b.listTerms("shirt", func(c *spec.CreateListing) {
		c.Variants = []*spec.VariantTerms{{Price: spec.CMT(5).Bytes(), Stock: 2}}
	})
	large := line(listing, 1)
	large.Variant = 1
	// 7 of 10 units in two lots of five, and one at 5.
	command, id := cart("shirts", spec.CMT(27), line(listing, 4), line(listing, 3), large)
	second, other := spec.StockLot(listing, 1, 1), spec.StockLot(listing, 1, ledger.MaxLots)
	if _, err := b.try(buyers, "anna", "market:PlaceCart", command, nil); spec.ErrorCode(err) != spec.LotEmpty {
		t.Errorf("seven units of a lot of five: %v", err)
	}
	first := spec.StockLot(listing, 1, 0)
	b.must(buyers, "anna", "market:PlaceCart", command, &spec.Hints{Lots: [][]byte{first[:], second[:], other[:]}})
	if got := b.stock(listing); got != 4 {
		t.Errorf("%d units are left, want 4", got)
	}
	b.must(buyers, "anna", "market:CancelOrder", &spec.CancelOrder{Order: id[:]}, nil)
	for i, want := range []ledger.Lot{{Stock: 4}, {Stock: 3}, {Stock: 1, Variant: 1}} {
		if got := b.records[ledger.LotKey(listing, spec.LineReturnLot(listing, id, uint32(i)))]; got != want {
			t.Errorf("line %d comes back as %v, want %v", i, got, want)
		}
	}
}

// Placing a cart and looking it up show its lines; a step says how many there are.
func TestACartIsShownWithItsLines(t *testing.T) {
	b, listings, id := wholeCart(t)
	step := b.must(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: id[:]}, nil).(*spec.OrderView)
	if step.LineCount != 3 || len(step.Lines) != 0 || step.Quantity != 6 {
		t.Errorf("a step shows %v", step)
	}
	view := b.must(operator, "", "market:GetOrder", &spec.GetOrder{Order: id[:]}, nil).(*spec.OrderView)
	want := &spec.LineView{Listing: listings[1][:], Version: 1, Quantity: 3, Price: spec.CMT(5).Bytes()}
	if view.LineCount != 3 || len(view.Lines) != 3 || !proto.Equal(view.Lines[1], want) || string(view.Listing) != string(listings[0][:]) {
		t.Errorf("the order is shown as %v", view)
	}
}

// A cart of the most lines there may be, from as many listings, is one order.
func TestTheLargestCart(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(4*ledger.MaxLines))
	var lines []*spec.CartLine
	for i := range ledger.MaxLines {
		lines = append(lines, line(b.list(fmt.Sprintf("thing-%d", i), false), 1))
	}
	command, id := cart("all", spec.CMT(4*ledger.MaxLines), lines...)
	b.must(buyers, "anna", "market:PlaceCart", command, nil)
	b.must(buyers, "anna", "market:CancelOrder", &spec.CancelOrder{Order: id[:]}, nil)
	if got := b.wealth(anna.address()); got != spec.CMT(4*ledger.MaxLines) || b.allStock() != 10*ledger.MaxLines {
		t.Errorf("after a cancellation the buyer has %s and the lots %d units", got, b.allStock())
	}
	command.Lines = append(command.Lines, lines[0])
	if err := spec.Validate(command); spec.ErrorCode(err) != spec.InvalidField {
		t.Errorf("%d lines: %v", len(command.Lines), err)
	}
}
