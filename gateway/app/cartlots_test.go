package app_test

import (
	"errors"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// placeCart has a line of so many units each, all of one listing.
func placeCart(quantities ...uint32) *spec.Call {
	listing := listingOf(placeOrder(1))
	command := &spec.PlaceCart{Reference: "r", Total: spec.CMT(1).Bytes()}
	for _, quantity := range quantities {
		command.Lines = append(command.Lines, &spec.CartLine{Listing: listing[:], Version: 1, Quantity: quantity})
	}
	return &spec.Call{Operation: spec.Find("market:PlaceCart"), Hints: &spec.Hints{}, Command: command}
}

// numbers are those of the lots that are named.
func numbers(t *testing.T, lots [][]byte) (named []int) {
	t.Helper()
	for _, lot := range lots {
		at := -1
		for n := range 4 {
			if spec.ID(lot) == numbered(n) {
				at = n
			}
		}
		named = append(named, at)
	}
	return named
}

func same(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Each line has a lot of its own named, and lines of one thing do not count on the same units.
func TestEachLineHasALot(t *testing.T) {
	for _, test := range []struct {
		member uint32
		stock  []uint32
		lines  []uint32
		want   []int
	}{
		{1, []uint32{5, 5}, []uint32{2, 3}, []int{0, 0}},
		{2, []uint32{5, 5}, []uint32{2, 3}, []int{1, 1}},
		{1, []uint32{5, 5}, []uint32{4, 3}, []int{0, 1}},
		{1, []uint32{5, 5}, []uint32{4, 3, 9}, []int{0, 1, 0}}, // none has nine: the one that is taken from without a hint
	} {
		lots, _ := newLots(test.member, stock(test.stock...))
		var hints spec.Hints
		lots.Hint(t.Context(), placeCart(test.lines...), &hints)
		if got := numbers(t, hints.Lots); !same(got, test.want) {
			t.Errorf("%v: named %v", test, got)
		}
		mine := spec.ID{9}
		hints = spec.Hints{Lots: [][]byte{mine[:]}}
		if lots.Hint(t.Context(), placeCart(1), &hints); len(hints.Lots) != 1 || spec.ID(hints.Lots[0]) != mine {
			t.Error("another lot than the buyer's own choice was named")
		}
	}
}

// Carts are dealt what others of the same batch were not; the line that goes without is told.
func TestLotsAreDealtToCarts(t *testing.T) {
	lots, _ := newLots(1, stock(3, 4))
	refused := refusedOrders(2)
	for _, lines := range [][]uint32{{1, 3}, {4, 4}, {2, 5}} {
		call := placeCart(lines...)
		refused = append(refused, &app.RefusedIntent{Call: call, Hints: &spec.Hints{}, Refusal: spec.Errorf(spec.LotEmpty, "")})
	}
	lots.Again(t.Context(), 7, refused)
	if r := refused[1]; !r.Again || !r.Apart || r.Tries != 1 || !same(numbers(t, r.Hints.Lots), []int{0, 1}) {
		t.Errorf("the first cart: %+v", r)
	}
	for i, line := range map[int]string{2: "lines[1].quantity", 3: "lines[1].quantity"} {
		if r := refused[i]; r.Again || r.Refusal.Code != spec.SoldOut || r.Refusal.Field != line {
			t.Errorf("cart %d: %+v, want sold out at %s", i, r, line)
		}
	}
	// Not certain that it is all there is.
	refused = []*app.RefusedIntent{{Call: placeCart(1), Hints: &spec.Hints{}, Refusal: spec.Errorf(spec.LotEmpty, "")}}
	lots, _ = newLots(1, make([]app.Lot, app.MaxLots))
	if lots.Again(t.Context(), 7, refused); refused[0].Again || refused[0].Refusal.Code != spec.LotEmpty {
		t.Errorf("with more lots than anybody looks at: %+v", refused[0])
	}
}

// A call asks a peer for the lots when one was empty, and says which line is sold out.
func TestLotsOfACart(t *testing.T) {
	empty := spec.Errorf(spec.LotEmpty, "")
	for _, test := range []struct {
		name     string
		outcomes []error
		told     []uint32
		submits  int
		code     spec.Code
		field    string
	}{
		{"the first lots have it", nil, nil, 1, "", ""},
		{"a peer knows lots that have it", []error{empty}, []uint32{3, 4}, 2, "", ""},
		{"the second line is sold out", []error{empty}, []uint32{3, 1}, 1, spec.SoldOut, "lines[1].quantity"},
		{"always empty", []error{empty, empty, empty, empty, empty}, []uint32{3, 4}, 5, spec.LotEmpty, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := &scripted{outcomes: test.outcomes, evaluate: func(call *spec.Call) ([]byte, error) {
				if _, ok := call.Command.(*spec.GetMember); ok {
					return answerMember(1)(call)
				}
				view := &spec.ListingView{
					Listing: call.Command.(*spec.GetListing).Listing, Seller: spec.OrganisationAddress("B").Bytes(), Version: 1, State: spec.ListingState_LISTING_STATE_OPEN,
					Price: spec.CMT(1).Bytes(), Category: "c", ContentHash: make([]byte, 32), CreatedAt: 1, UpdatedAt: 1,
				}
				for n, units := range test.told {
					id := numbered(n)
					view.Lots = append(view.Lots, &spec.LotView{Lot: id[:], Stock: units})
				}
				return spec.EncodeJSON(view)
			}}
			model := &fixed{lots: stock(5, 5), funds: app.Funds{Account: spec.CMT(10)}}
			_, err := newService(ledger, model, newJournal()).Execute(t.Context(), everything, placeCart(3, 2), nil)
			if (err == nil) != (test.code == "") || err != nil && spec.ErrorCode(err) != test.code {
				t.Fatalf("got %v, want %q", err, test.code)
			}
			var refusal *spec.Error
			if errors.As(err, &refusal) && refusal.Field != test.field {
				t.Errorf("the field is %q, want %q", refusal.Field, test.field)
			}
			if len(ledger.calls) != test.submits {
				t.Errorf("%d submits, want %d", len(ledger.calls), test.submits)
			}
			if last := ledger.calls[len(ledger.calls)-1]; test.submits == 2 && !same(numbers(t, last.Hints.Lots), []int{0, 1}) {
				t.Errorf("names %v", numbers(t, last.Hints.Lots))
			}
		})
	}
}
