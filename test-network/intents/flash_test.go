//go:build network

package intents

import (
	"context"
	"sync"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/batch"
)

// Three members' batchers sell one listing, a lot each, and nearly all buyers come to one of them: each unit is sold once, the others'
// lots too, and who comes too late is told that nothing is left.
func TestThreeBatchersSellEveryUnitOnce(t *testing.T) {
	const units, lots, late = 30, 3, 15
	organisations := []string{"fivemiles", "merchant1", "merchant2"}
	seller, buyers := newPerson(t, spec.Scheme_SCHEME_ED25519), crowd(t, units+late, 1)
	name := reference()
	testnet.members["merchant1"].carries(t, seller.next("market:CreateListing", &spec.CreateListing{
		Reference: name, Price: spec.CMT(1).Bytes(), Stock: units, Lots: lots, Category: "tests", ContentHash: make([]byte, 32),
	})).happen()
	listing := spec.NewID(spec.ListingType, seller.address, name)
	var batchers []*batch.Batcher
	for _, organisation := range organisations {
		batchers = append(batchers, newBatcher(t, organisation))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	errs := make([]error, len(buyers))
	var selling sync.WaitGroup
	for i, buyer := range buyers {
		signed := buyer.next("market:PlaceOrder", &spec.PlaceOrder{Reference: name, Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(1).Bytes()})
		at := batchers[0]
		if i%10 == 0 {
			at = batchers[1+i/10%2]
		}
		selling.Go(func() { _, errs[i] = at.Submit(ctx, signed) })
	}
	selling.Wait()
	ordered := 0
	for i, err := range errs {
		switch {
		case err == nil:
			ordered++
		case spec.ErrorCode(err) != spec.SoldOut:
			t.Errorf("buyer %d: %v", i, err)
		}
		wantHas(t, "a buyer, with what is held for the order,", buyers[i].address, spec.CMT(1))
	}
	if ordered != units {
		t.Errorf("%d buyers have an order, want %d", ordered, units)
	}
	var view spec.ListingView
	if err := testnet.members["merchant2"].ask(short(t), "market:GetListing", &spec.GetListing{Listing: listing[:]}, &view); err != nil {
		t.Fatal(err)
	}
	if len(view.GetLots()) > 0 {
		t.Errorf("lots are left: %v", view.GetLots())
	}
}
