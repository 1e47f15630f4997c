package app_test

import (
	"fmt"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
)

// answerMember answers as a peer on which the organisation has the number.
func answerMember(index uint32) func(*spec.Call) ([]byte, error) {
	return func(call *spec.Call) ([]byte, error) {
		return spec.EncodeJSON(&spec.Member{
			MspId: call.Command.(*spec.GetMember).MspId, Address: spec.OrganisationAddress(mspID).Bytes(), Index: index,
		})
	}
}

// stock is a listing's lots: the n-th begins with so many units, 0 for one that is gone.
func stock(units ...uint32) (lots []app.Lot) {
	for n, left := range units {
		if left > 0 {
			lots = append(lots, app.Lot{ID: numbered(n), Stock: left})
		}
	}
	return lots
}

func numbered(n int) spec.ID { return spec.StockLot(listingOf(placeOrder(1)), 1, uint32(n)) }

func listingOf(call *spec.Call) spec.ID { return spec.ID(call.Command.(*spec.PlaceOrder).Listing) }

func newLots(index uint32, lots []app.Lot) (*app.Lots, *fixed) {
	model := &fixed{lots: lots}
	return app.NewLots(mspID, &scripted{evaluate: answerMember(index)}, model, gatewaytest.Quiet()), model
}

// Each member's gateway sells from the lot with its number first, then from those behind it.
func TestEachGatewayHasALot(t *testing.T) {
	for _, test := range []struct {
		member   uint32
		quantity uint32
		stock    []uint32
		want     int // -1: none
	}{
		{1, 1, []uint32{5, 5, 5}, 0},
		{2, 1, []uint32{5, 5, 5}, 1},
		{3, 1, []uint32{5, 5, 5}, 2},
		{4, 1, []uint32{5, 5, 5}, 0}, // more members than lots
		{2, 1, []uint32{5, 0, 5}, 2},
		{3, 1, []uint32{5, 5, 0}, 0},
		{1, 4, []uint32{3, 3, 5}, 2},
		{2, 6, []uint32{5, 5, 5}, -1},
		{2, 1, []uint32{0, 0, 0}, -1},
		{5, 1, []uint32{7}, 0},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			lots, _ := newLots(test.member, stock(test.stock...))
			var hints spec.Hints
			lots.Hint(t.Context(), placeOrder(test.quantity), &hints)
			if got := hints.GetLot(); test.want < 0 && got != nil || test.want >= 0 && (got == nil || spec.ID(got) != numbered(test.want)) {
				t.Errorf("named %x, want lot %d", got, test.want)
			}
		})
	}
	lots, _ := newLots(1, stock(5, 5))
	mine := spec.ID{9}
	hints := spec.Hints{Lot: mine[:]}
	if lots.Hint(t.Context(), placeOrder(1), &hints); spec.ID(hints.Lot) != mine {
		t.Error("another lot than the buyer's own choice was named")
	}
}

// Stock that came back, or was added, comes behind the lots that the listing began with.
func TestReturnedStockComesLast(t *testing.T) {
	returned := app.Lot{ID: spec.ID{7}, Stock: 1}
	lots, _ := newLots(2, append([]app.Lot{returned}, stock(5, 0)...))
	var hints spec.Hints
	if lots.Hint(t.Context(), placeOrder(1), &hints); spec.ID(hints.Lot) != numbered(0) {
		t.Errorf("named %x", hints.Lot)
	}
	lots, _ = newLots(2, []app.Lot{returned})
	hints = spec.Hints{}
	if lots.Hint(t.Context(), placeOrder(1), &hints); spec.ID(hints.Lot) != returned.ID {
		t.Errorf("named %x, want what came back", hints.Lot)
	}
}

func refusedOrders(quantities ...uint32) (refused []*app.RefusedIntent) {
	for _, quantity := range quantities {
		refused = append(refused, &app.RefusedIntent{Call: placeOrder(quantity), Hints: &spec.Hints{}, Refusal: spec.Errorf(spec.LotEmpty, "")})
	}
	return refused
}

// What is left is dealt out: nobody is sent where others were sent already, while there is anywhere else to go.
func TestLotsAreDealtOut(t *testing.T) {
	for _, test := range []struct {
		name       string
		stock      []uint32
		quantities []uint32
		want       []int // the lot of each; -1: sold out
	}{
		{"one lot has enough for all", []uint32{0, 3}, []uint32{1, 1, 1}, []int{1, 1, 1}},
		{"two lots have", []uint32{1, 2}, []uint32{1, 1, 1}, []int{0, 1, 1}},
		{"the rest is tried behind the others", []uint32{1, 1}, []uint32{1, 1, 1}, []int{0, 1, 1}},
		{"nothing is left", []uint32{0, 0}, []uint32{1, 2}, []int{-1, -1}},
		{"too little for one of them", []uint32{2, 2}, []uint32{3, 2, 1}, []int{-1, 0, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lots, model := newLots(1, stock(test.stock...))
			refused := refusedOrders(test.quantities...)
			lots.Again(t.Context(), 7, refused)
			if !model.waited {
				t.Error("nobody waited for the block of the refusal")
			}
			for i, r := range refused {
				switch want := test.want[i]; {
				case want < 0 && (r.Again || r.Refusal.Code != spec.SoldOut):
					t.Errorf("order %d: %+v, want sold out", i, r)
				case want >= 0 && (!r.Again || !r.Apart || r.Tries != 1 || spec.ID(r.Hints.GetLot()) != numbered(want)):
					t.Errorf("order %d: %+v, want lot %d", i, r, want)
				}
			}
		})
	}
}

// Without certainty the refusal stays what it is, which may be tried again.
func TestSoldOutIsCertain(t *testing.T) {
	uncertain := func(name string, model *fixed, tries int) {
		t.Helper()
		refused := refusedOrders(1)
		refused[0].Tries = tries
		app.NewLots(mspID, &scripted{evaluate: answerMember(1)}, model, gatewaytest.Quiet()).Again(t.Context(), 7, refused)
		if r := refused[0]; r.Again || r.Refusal.Code != spec.LotEmpty {
			t.Errorf("%s: %+v", name, r)
		}
	}
	uncertain("the read model does not answer", &fixed{broken: spec.Errorf(spec.Internal, "")}, 0)
	uncertain("the read model lags", &fixed{lagging: true}, 0)
	uncertain("there are more lots than anybody looks at", &fixed{lots: make([]app.Lot, app.MaxLots)}, 0)
	uncertain("it was tried often enough", &fixed{lots: stock(5)}, 32)
}
