package flash

import (
	"fmt"
	"testing"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

func write(key ledger.Key, record ledger.Record) app.Write {
	return app.Write{Key: state.FormatKey(key), Value: state.EncodeRecord(record), Delete: record == nil}
}

func address(name string) spec.Address { return spec.OrganisationAddress(name) }

func order(listing spec.ID, buyer string) app.Write {
	id := spec.NewID(spec.OrderType, address(buyer), buyer)
	return write(ledger.OrderKey(id), ledger.Order{
		State: spec.OrderState_ORDER_STATE_ACCEPTED, Buyer: address(buyer), Seller: address("shop"), Listing: listing, Version: 1, Quantity: 1,
		Total: spec.CMT(1), PlacedAt: 1, UpdatedAt: 1, ShipDeadline: 2, ProtectionDeadline: 3,
	})
}

// Only valid writes of the one listing count, an order that is written again once; what is invalid counts from the sale on.
func TestCensusCountsWhatBlocksShow(t *testing.T) {
	listing, other := spec.ID{1}, spec.ID{2}
	lot := ledger.LotKey(listing, spec.ID{9})
	c := newCensus(listing, 1, 3)
	for number, transactions := range [][]app.BlockTransaction{
		{{Code: app.Valid, Writes: []app.Write{write(lot, ledger.Lot{Stock: 3})}}, {Code: "MVCC_READ_CONFLICT"}},
		{
			{Code: app.Valid, Writes: []app.Write{order(listing, "anna"), order(other, "ben"), write(lot, ledger.Lot{Stock: 2})}},
			{Code: "MVCC_READ_CONFLICT"},
		},
		{
			{Code: app.Valid, Writes: []app.Write{order(listing, "anna"), order(listing, "carl"), {Key: state.FormatKey(lot), Delete: true}}},
			{Code: "MVCC_READ_CONFLICT"},
		},
	} {
		if err := c.Apply(t.Context(), app.Block{Number: uint64(number), Hash: []byte{1}, Transactions: transactions}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := fmt.Sprint(c.orders(), c.units(), c.buyers(), c.left(), c.transactions, c.invalid, c.early), "2 2 2 0 4 2 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	select {
	case <-c.done:
	default:
		t.Error("all blocks came and nobody was told")
	}
}

func TestCheckComparesBlocksWithWhatWasTold(t *testing.T) {
	listing := spec.ID{1}
	sold := func(buyers ...string) *census {
		c := newCensus(listing, 0, 1)
		for _, buyer := range buyers {
			if err := c.take(order(listing, buyer)); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	left := sold("anna", "ben")
	left.lots["lot"] = 1
	for _, row := range []struct {
		name string
		told map[string]int
		c    *census
		ok   bool
	}{
		{"all is well", map[string]int{ordered: 2, "sold_out": 1}, sold("anna", "ben"), true},
		{"an order too many", map[string]int{ordered: 2, "sold_out": 1}, sold("anna", "ben", "carl"), false},
		{"an order that nobody was told of", map[string]int{ordered: 1, "sold_out": 2}, sold("anna", "ben"), false},
		{"an order that is not there", map[string]int{ordered: 2, "sold_out": 1}, sold("anna"), false},
		{"a buyer who was told neither", map[string]int{ordered: 2, "conflict": 1}, sold("anna", "ben"), false},
		{"a unit left", map[string]int{ordered: 2, "sold_out": 1}, left, false},
	} {
		s := &sale{units: 2, buyers: 3, told: row.told}
		if err := s.check(row.c); (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
