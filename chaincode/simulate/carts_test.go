package simulate_test

import (
	"fmt"
	"testing"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// Buyers with carts of one seller's listings, through several gateways at once, stand in nobody's way: each gateway's batch takes from
// lots of its own. Nor does the seller, who ships, is paid and edits another of its listings meanwhile.
func TestCartsOfOneSellerThroughSeveralGateways(t *testing.T) {
	const perGateway, things = 12, 3
	gateways := []string{operator, merchant, buyers}
	b := openBazaar(t, simulate.Config{})
	var listings []spec.ID
	for n := range things {
		listings = append(listings, b.list(fmt.Sprintf("thing-%d", n), spec.CMT(1), 2*perGateway*uint32(len(gateways)), uint32(len(gateways)), false))
	}
	edited := b.list("edited", spec.CMT(1), 5, 1, false)
	b.fund(buyers, "anna", spec.CMT(1))
	b.must(buyers, "anna", "market:PlaceOrder", b.order("before", edited, 1, spec.CMT(1)), nil)
	persons := crowdOf(perGateway * len(gateways))
	for _, p := range persons {
		b.fundPerson(p, 2*things)
	}
	cart := func(p *person, gateway int) *spec.SignedIntent {
		p.nonce++
		command, hints := &spec.PlaceCart{Reference: "cart", Total: spec.CMT(2 * things).Bytes()}, &spec.Hints{}
		for _, listing := range listings {
			lot := spec.StockLot(listing, 1, uint32(gateway))
			command.Lines = append(command.Lines, &spec.CartLine{Listing: listing[:], Version: 1, Quantity: 2})
			hints.Lots = append(hints.Lots, lot[:])
		}
		signed := p.signs(p.nonce, b.Now()+3600, "market:PlaceCart", command)
		signed.Hints = hints
		return signed
	}

	batches := make([]*simulate.Envelope, len(gateways))
	for at, mspID := range gateways {
		var intents []*spec.SignedIntent
		for _, p := range persons[at*perGateway : (at+1)*perGateway] {
			intents = append(intents, cart(p, at))
		}
		batches[at] = b.carry(mspID, intents...)
		b.Submit(batches[at])
	}
	before := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, "anna"), "before")
	b.Submit(b.mustEndorse(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: before[:]}, nil))
	b.Submit(b.mustEndorse(merchant, "", "market:EditListing", &spec.EditListing{Listing: edited[:], Version: 1, Price: spec.CMT(3).Bytes(), Category: "lamps", ContentHash: make([]byte, 32)}, nil))
	block := b.cut()
	if got := block.Count(simulate.Valid); got != len(block.Transactions) {
		t.Fatalf("%d of %d transactions are valid", got, len(block.Transactions))
	}
	for _, batch := range batches {
		b.answers(batch)
	}
	for _, listing := range listings {
		for n := range gateways {
			if left := b.auditor.Record(ledger.LotKey(listing, spec.StockLot(listing, 1, uint32(n)))); left != nil {
				t.Errorf("lot %d has %v left", n, left)
			}
		}
	}

	// All cancel at once: nobody meets, and all units are there again.
	for _, p := range persons {
		id := spec.NewID(spec.OrderType, p.address, "cart")
		p.nonce++
		b.Submit(b.carry(operator, p.signs(p.nonce, b.Now()+3600, "market:CancelOrder", &spec.CancelOrder{Order: id[:]})))
	}
	if block := b.cut(); block.Count(simulate.Valid) != len(persons) {
		t.Errorf("%d of %d cancellations in one block are valid", block.Count(simulate.Valid), len(persons))
	}
	for _, listing := range listings {
		units := uint32(0)
		for _, pair := range b.Pairs(b.Height()) {
			if key, record := b.parse(pair); key.Kind == ledger.LotKind && key.Parent == string(listing[:]) {
				units += record.(ledger.Lot).Stock
			}
		}
		if want := uint32(2 * perGateway * len(gateways)); units != want {
			t.Errorf("%d units are there again, want %d", units, want)
		}
	}
}

// Two carts that take from one lot meet there; one of them is lost whole, and nothing of it happened.
func TestACartIsWholeOrNotAtAll(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	one, two := b.list("one", spec.CMT(1), 5, 1, false), b.list("two", spec.CMT(1), 5, 1, false)
	cart := func(lines ...spec.ID) *spec.PlaceCart {
		command := &spec.PlaceCart{Reference: "cart", Total: spec.CMT(uint32(len(lines))).Bytes()}
		for _, listing := range lines {
			command.Lines = append(command.Lines, &spec.CartLine{Listing: listing[:], Version: 1, Quantity: 1})
		}
		return command
	}
	for _, name := range []string{"anna", "ben", "carl"} {
		b.fund(buyers, name, spec.CMT(2))
	}
	both := b.mustEndorse(buyers, "anna", "market:PlaceCart", cart(one, two), nil)
	lost := b.mustEndorse(buyers, "ben", "market:PlaceCart", cart(two, one), nil)
	b.Submit(both)
	b.Submit(lost)
	b.cut()
	b.expect("the first cart", both, simulate.Valid)
	b.expect("the second cart", lost, simulate.MVCCReadConflict)
	b.must(buyers, "ben", "market:PlaceCart", cart(two, one), nil)
	b.refused(spec.LotEmpty, buyers, "carl", "market:PlaceCart", func() *spec.PlaceCart {
		command := cart(one, two)
		command.Lines[1].Quantity, command.Total = 4, spec.CMT(5).Bytes()
		return command
	}(), nil)
	for _, listing := range []spec.ID{one, two} {
		if got := b.auditor.Record(ledger.LotKey(listing, spec.StockLot(listing, 1, 0))); got != (ledger.Lot{Stock: 3}) {
			t.Errorf("the lot has %v left, want 3 units", got)
		}
	}
}
