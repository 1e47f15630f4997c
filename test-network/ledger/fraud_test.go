//go:build network

package ledger

import (
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// The auditor's word at the end is worth what it would have found: it reads the blocks of a purchase, each time with one
// octet of the books bent.
func TestAuditorFindsFraud(t *testing.T) {
	shop, buyer := open(t, "merchant1", "audited"), open(t, "buyers", "audited")
	fund(t, "10", buyer)
	listing := shop.list(t, offer{price: price, stock: units})
	order := buyer.buy(t, listing, price)
	buyer.do(t, "market:CancelOrder", &spec.CancelOrder{Order: order.Order}, nil)
	last := testnet.height(t)
	blocks, err := shop.blocks(short(t), 0, last)
	if err != nil {
		t.Fatal(err)
	}
	count := func(bend func(write *kvrwset.KVWrite, key ledger.Key) *kvrwset.KVWrite) error {
		books := newAuditor()
		for _, block := range blocks {
			if block.number != last-1 {
				if err := books.take(block); err != nil {
					return err
				}
				continue
			}
			bent := block
			bent.transactions = slices.Clone(block.transactions)
			for i, transaction := range bent.transactions {
				bent.transactions[i].writes = bendAll(t, transaction.writes, bend)
			}
			if err := books.take(bent); err != nil {
				return err
			}
		}
		return books.finish()
	}
	same := func(write *kvrwset.KVWrite, _ ledger.Key) *kvrwset.KVWrite { return write }
	if err := count(same); err != nil {
		t.Fatalf("the books as they are: %v", err)
	}
	put := func(write *kvrwset.KVWrite, record ledger.Record) *kvrwset.KVWrite {
		return &kvrwset.KVWrite{Key: write.GetKey(), Value: state.EncodeRecord(record)}
	}
	for name, fraud := range map[string]struct {
		kind ledger.Kind
		bend func(write *kvrwset.KVWrite) *kvrwset.KVWrite
	}{
		"a refund one unit too high": {ledger.CreditKind, func(w *kvrwset.KVWrite) *kvrwset.KVWrite {
			more, _ := amount(price).Add(spec.Units(1))
			return put(w, ledger.Credit{Amount: more, Cause: spec.CreditKind_CREDIT_KIND_REFUND})
		}},
		"a refund to somebody else": {ledger.CreditKind, func(w *kvrwset.KVWrite) *kvrwset.KVWrite {
			return &kvrwset.KVWrite{Key: state.FormatKey(ledger.CreditKey(shop.address(), spec.CreditName{})), Value: w.GetValue()}
		}},
		"a hold that stays":                  {ledger.HoldKind, func(*kvrwset.KVWrite) *kvrwset.KVWrite { return nil }},
		"an order that stays as it was":      {ledger.OrderKind, func(*kvrwset.KVWrite) *kvrwset.KVWrite { return nil }},
		"more units back than were taken":    {ledger.LotKind, func(w *kvrwset.KVWrite) *kvrwset.KVWrite { return put(w, ledger.Lot{Stock: 2}) }},
		"a key that is none of the ledger's": {ledger.LotKind, func(w *kvrwset.KVWrite) *kvrwset.KVWrite { return &kvrwset.KVWrite{Key: "x", Value: w.GetValue()} }},
		"terms rewritten": {ledger.LotKind, func(w *kvrwset.KVWrite) *kvrwset.KVWrite {
			return &kvrwset.KVWrite{Key: state.FormatKey(ledger.VersionKey(listing, 1)), Value: state.EncodeRecord(ledger.Version{Seller: shop.address()})}
		}},
	} {
		if err := count(func(write *kvrwset.KVWrite, key ledger.Key) *kvrwset.KVWrite {
			if key.Kind != fraud.kind {
				return write
			}
			return fraud.bend(write)
		}); err == nil {
			t.Errorf("%s: the books add up", name)
		}
	}
}

// bendAll changes or leaves out the writes of a transaction.
func bendAll(t *testing.T, writes []*kvrwset.KVWrite, bend func(*kvrwset.KVWrite, ledger.Key) *kvrwset.KVWrite) (all []*kvrwset.KVWrite) {
	t.Helper()
	for _, write := range writes {
		key, err := state.ParseKey(write.GetKey())
		if err != nil {
			t.Fatal(err)
		}
		if write = bend(write, key); write != nil {
			all = append(all, write)
		}
	}
	return all
}
