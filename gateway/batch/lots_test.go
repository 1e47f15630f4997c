package batch_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
)

// list has a merchant list something for 1 CMT.
func (h *house) list(stock, lots uint32) spec.ID {
	h.Helper()
	return h.listAs("lamps", stock, lots)
}

func (h *house) listAs(reference string, stock, lots uint32) spec.ID {
	h.Helper()
	call := &spec.Call{Operation: spec.Find("market:CreateListing"), Hints: &spec.Hints{}, Command: &spec.CreateListing{
		Reference: reference, Price: spec.CMT(1).Bytes(), Stock: stock, Lots: lots, Category: "lamps", ContentHash: make([]byte, 32),
	}}
	if _, err := h.chain.For(memledger.Members[1]).Submit(h.ctx, call, func(context.Context, app.Sent) error { return nil }); err != nil {
		h.Fatal(err)
	}
	return spec.NewID(spec.ListingType, spec.OrganisationAddress(memledger.Members[1]), reference)
}

func (h *house) buys(p *person, listing spec.ID) *spec.SignedIntent {
	h.Helper()
	return h.signs(p, "market:PlaceOrder", &spec.PlaceOrder{
		Reference: "one", Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(1).Bytes(),
	})
}

func (h *house) buyers(count int, listing spec.ID) (intents []*spec.SignedIntent) {
	h.Helper()
	for range count {
		intents = append(intents, h.buys(h.newPerson(1), listing))
	}
	return intents
}

func countCodes(errs []error) map[spec.Code]int {
	codes := map[spec.Code]int{}
	for _, err := range errs {
		if err == nil {
			codes[""]++
			continue
		}
		codes[spec.ErrorCode(err)]++
	}
	return codes
}

// lotsOf are the lots that a batch's orders name, and how many of its intents are orders.
func (h *house) lotsOf(intents []*spec.SignedIntent) (lots map[spec.ID]bool, orders int) {
	lots = map[spec.ID]bool{}
	for _, signed := range intents {
		decoded, err := intent.Decode(h.params.LedgerID, signed)
		if err != nil {
			h.Error(err)
			continue
		}
		if _, ok := decoded.Call.Command.(*spec.PlaceOrder); ok {
			orders++
			if hint := signed.GetHints().GetLot(); hint != nil {
				lots[spec.ID(hint)] = true
			}
		}
	}
	return lots, orders
}

// Every unit of every lot is sold, the own lot's first, and who comes too late is told that nothing is left. No two batches in
// flight touch one lot.
func TestAllLotsAreSold(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 8, InFlight: 3})
	listing := h.list(30, 3)
	intents := h.buyers(40, listing)
	var mu sync.Mutex
	inFlight := map[spec.ID]bool{}
	var first spec.ID
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		lots, _ := h.lotsOf(intents)
		mu.Lock()
		for lot := range lots {
			if first == (spec.ID{}) {
				first = lot
			}
			if inFlight[lot] {
				t.Error("a lot is in two batches in flight")
			}
			inFlight[lot] = true
		}
		mu.Unlock()
		commit, err := next()
		mu.Lock()
		defer mu.Unlock()
		for lot := range lots {
			delete(inFlight, lot)
		}
		return commit, err
	}
	codes := countCodes(h.all(intents))
	if codes[""] != 30 || codes[spec.SoldOut] != 10 {
		t.Errorf("30 units, 40 buyers: %v", codes)
	}
	if first != spec.StockLot(listing, 1, 0) {
		t.Error("the first lot to be sold from was not the own one")
	}
	if got := h.has(spec.OrganisationAddress(memledger.Members[1])); got != (spec.Amount{}) {
		t.Errorf("the seller has %s before anything was handed over", got)
	}
}

// The lot that a buyer names is tried first.
func TestBuyersLotIsFirst(t *testing.T) {
	h := newHouse(t, batch.Options{})
	listing := h.list(3, 3)
	var named []spec.ID
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		named = append(named, spec.ID(intents[0].GetHints().GetLot()))
		return next()
	}
	last, gone := spec.StockLot(listing, 1, 2), spec.ID{1, 2, 3}
	for _, hint := range []spec.ID{last, gone} {
		signed := h.buys(h.newPerson(1), listing)
		signed.Hints = &spec.Hints{Lot: hint[:]}
		h.noErrors(h.all([]*spec.SignedIntent{signed}))
	}
	if len(named) != 3 || named[0] != last || named[1] != gone || named[2] != spec.StockLot(listing, 1, 0) {
		t.Errorf("the lots %x were named", named)
	}
}

// Who lacks funds is told so, and leaves the unit to the next.
func TestPoorBuyersTakeNothing(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 4})
	listing := h.list(6, 2)
	intents := h.buyers(6, listing)
	for range 6 {
		intents = append(intents, h.buys(h.newPerson(0), listing))
	}
	errs := h.all(intents)
	if codes := countCodes(errs[:6]); codes[""] != 6 {
		t.Errorf("with money: %v", codes)
	}
	for _, err := range errs[6:] {
		if code := spec.ErrorCode(err); code != spec.InsufficientFunds && code != spec.SoldOut {
			t.Errorf("without money: %v", err)
		}
	}
}

// Where gateways meet at a lot, those who lose are carried again together, as often as it takes, and cost strangers one try.
func TestLosingALotIsNobodysGuilt(t *testing.T) {
	const losses, buyers, strangers = 20, 30, 10
	h := newHouse(t, batch.Options{Attempts: 3, InFlight: 1})
	listing := h.list(buyers, 1)
	intents := h.buyers(buyers, listing)
	for range strangers {
		intents = append(intents, h.pays(h.newPerson(5), spec.OrganisationAddress("ShopMSP"), 1))
	}
	var mu sync.Mutex
	lost, least, lostStrangers := 0, buyers, 0
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		mu.Lock()
		defer mu.Unlock()
		_, orders := h.lotsOf(intents)
		if orders == 0 || lost == losses {
			return next()
		}
		lost++
		lostStrangers += len(intents) - orders
		if lost > 3 { // the first may leave before all have come
			least = min(least, orders)
		}
		return app.Commit{}, spec.Errorf(spec.Conflict, "others changed the same objects first")
	}
	taken := h.batcher.Take(intents, false)
	for i, one := range taken {
		if _, err := one.Wait(h.ctx); err != nil {
			t.Errorf("intent %d: %v", i, err)
		}
	}
	if lost != losses || least < buyers || lostStrangers > strangers {
		t.Errorf("%d batches were lost, the smallest with %d buyers, and %d strangers in them", lost, least, lostStrangers)
	}
}

// Even at a lot nobody is carried for ever.
func TestHopelessLotEnds(t *testing.T) {
	h := newHouse(t, batch.Options{})
	listing := h.list(5, 1)
	h.ledger.carry = func(context.Context, []*spec.SignedIntent, func() (app.Commit, error)) (app.Commit, error) {
		return app.Commit{}, spec.Errorf(spec.Conflict, "others changed the same objects first")
	}
	if codes := countCodes(h.all(h.buyers(3, listing))); codes[spec.Conflict] != 3 {
		t.Errorf("got %v", codes)
	}
}

// Carts of two listings are carried until one of them is sold out; then every unit that could go went.
func TestCartsTakeFromAllLots(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 8, InFlight: 3})
	few, many := h.listAs("few", 12, 3), h.listAs("many", 20, 2)
	var intents []*spec.SignedIntent
	for range 16 {
		intents = append(intents, h.signs(h.newPerson(2), "market:PlaceCart", &spec.PlaceCart{
			Reference: "one", Total: spec.CMT(2).Bytes(),
			Lines: []*spec.CartLine{{Listing: few[:], Version: 1, Quantity: 1}, {Listing: many[:], Version: 1, Quantity: 1}},
		}))
	}
	errs := h.all(intents)
	if codes := countCodes(errs); codes[""] != 12 || codes[spec.SoldOut] != 4 {
		t.Errorf("12 units of one thing, 16 carts: %v", codes)
	}
	for _, err := range errs {
		var refusal *spec.Error
		if errors.As(err, &refusal) && refusal.Field != "lines[0].quantity" {
			t.Errorf("sold out is the field %q", refusal.Field)
		}
	}
}
