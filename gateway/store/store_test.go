package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
	"github.com/cybermiles/cmt/gateway/store"
)

const mspID = "FiveMilesMSP"

func open(t *testing.T, folder string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), folder, mspID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// openRecords opens the records beside a process that has the store open.
func openRecords(t *testing.T, folder string) *store.Records {
	t.Helper()
	r, err := store.OpenRecords(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// blocks collects a chain's blocks.
type blocks []app.Block

func (b *blocks) Apply(_ context.Context, block app.Block) error {
	*b = append(*b, block)
	return nil
}

// history makes a chain of a few payments, a listing and an order, and returns its blocks.
func history(t *testing.T) blocks {
	t.Helper()
	chain, err := memledger.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list blocks
	if err := chain.Follow(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	treasury, shop := chain.For(memledger.Members[0]), chain.For(memledger.Members[1])
	do := func(l *memledger.Ledger, function, body string) {
		op := spec.Find(function)
		call, err := spec.DecodeCall(op, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Submit(t.Context(), call, func(context.Context, app.Sent) error { return nil }); err != nil {
			t.Fatalf("%s: %v", function, err)
		}
	}
	to := shopAddress.String()
	do(treasury, "token:Transfer", `{"reference":"a","to":"`+to+`","amount":"5"}`)
	do(treasury, "token:Transfer", `{"reference":"b","to":"`+to+`","amount":"300"}`)
	do(treasury, "token:Transfer", `{"reference":"c","to":"`+to+`","amount":"0.5"}`)
	do(shop, "market:CreateListing", `{"reference":"l","price":"10","stock":4,"lots":2,"category":"bikes","content_hash":"`+hash+`"}`)
	listing := spec.NewID(spec.ListingType, shopAddress, "l").Text(spec.ListingType)
	do(treasury, "market:PlaceOrder", `{"reference":"o","listing":"`+listing+`","version":1,"quantity":1,"total":"10"}`)
	do(shop, "market:EditListing", `{"listing":"`+listing+`","version":1,"price":"11","category":"cars","content_hash":"`+hash+`"}`)
	return list
}

const hash = "0000000000000000000000000000000000000000000000000000000000000000"

var shopAddress = spec.OrganisationAddress(memledger.Members[1])

func take(t *testing.T, s *store.Store, list blocks) {
	t.Helper()
	for _, block := range list {
		if err := s.Apply(t.Context(), block); err != nil {
			t.Fatal(err)
		}
	}
}

// picture is all that the read model answers.
func picture(t *testing.T, s *store.Store) []any {
	t.Helper()
	ctx := t.Context()
	funds, err1 := s.Funds(ctx, shopAddress, 64)
	crowded, err7 := s.Crowded(ctx, 2)
	listings, err2 := s.Listings(ctx, app.ListingQuery{Limit: 10})
	orders, err3 := s.Orders(ctx, app.OrderQuery{Limit: 10})
	transfers, err4 := s.Transfers(ctx, app.TransferQuery{Account: &shopAddress, Limit: 10})
	lots, err5 := s.Lots(ctx, spec.NewID(spec.ListingType, shopAddress, "l"))
	next, err6 := s.Next(ctx)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	return []any{funds, texts(listings), texts(orders), texts(transfers), lots, next, crowded}
}

func texts(page app.Page) []string {
	var list []string
	for _, item := range page.Items {
		list = append(list, string(item))
	}
	return list
}

func TestReadModel(t *testing.T) {
	s := open(t, t.TempDir())
	list := history(t)
	take(t, s, list)
	funds, err := s.Funds(t.Context(), shopAddress, 2)
	if err != nil {
		t.Fatal(err)
	}
	if funds.CreditCount != 3 || len(funds.Credits) != 2 || funds.Credits[0].Amount != spec.CMT(300) || funds.Credits[1].Amount != spec.CMT(5) {
		t.Errorf("funds: %+v", funds)
	}
	for credits, want := range map[int]int{1: 1, 3: 1, 4: 0} {
		if crowded, err := s.Crowded(t.Context(), credits); err != nil || len(crowded) != want {
			t.Errorf("%d credits: %v %v", credits, crowded, err)
		}
	}
	// The category is the current version's.
	for category, want := range map[string]int{"bikes": 0, "cars": 1} {
		page, err := s.Listings(t.Context(), app.ListingQuery{Category: category, Limit: 10})
		if err != nil || len(page.Items) != want {
			t.Errorf("%s: %d listings, %v", category, len(page.Items), err)
		}
	}
	record, err := s.Transaction(t.Context(), list[1].Transactions[0].ID)
	if err != nil || record.State != app.TransactionCommitted || record.Block != 1 || record.Operation != "token:Transfer" || len(record.Result) == 0 {
		t.Errorf("transaction: %+v %v", record, err)
	}
}

// A block taken again, as after a crash between the commit and its noting elsewhere, changes nothing.
func TestApplyIsIdempotent(t *testing.T) {
	folder := t.TempDir()
	list := history(t)
	s := open(t, folder)
	take(t, s, list)
	before := picture(t, s)
	take(t, s, list)
	if after := picture(t, s); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, folder)
	if after := picture(t, again); !reflect.DeepEqual(before, after) || again.Taken() != uint64(len(list)) {
		t.Errorf("opened again: %v", after)
	}
}

// A crash may leave either engine behind the other: the blocks are taken again from the lower checkpoint on.
func TestCrashBetweenTheEngines(t *testing.T) {
	list := history(t)
	// after returns the folder of a read model of so many blocks.
	after := func(count int) string {
		folder := t.TempDir()
		s := open(t, folder)
		take(t, s, list[:count])
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	early, late := after(3), after(len(list))
	whole := picture(t, open(t, late))
	for name, folders := range map[string]struct{ database, mirror string }{
		"the mirror is behind":   {after(len(list)), early},
		"the mirror is missing":  {after(len(list)), t.TempDir()},
		"the database is behind": {early, after(len(list))},
		"the database is gone":   {t.TempDir(), after(len(list))},
	} {
		folder := t.TempDir()
		files, err := filepath.Glob(filepath.Join(folders.database, "gateway.db*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if data, err := os.ReadFile(file); err != nil || os.WriteFile(filepath.Join(folder, filepath.Base(file)), data, 0o600) != nil {
				t.Fatal(file, err)
			}
		}
		if _, err := os.Stat(filepath.Join(folders.mirror, "mirror")); err == nil {
			if err := os.CopyFS(filepath.Join(folder, "mirror"), os.DirFS(filepath.Join(folders.mirror, "mirror"))); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, folder)
		next, err := s.Next(t.Context())
		if err != nil || next >= uint64(len(list)) || s.Taken() != next {
			t.Fatalf("%s: next %d, taken %d, %v", name, next, s.Taken(), err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.AwaitBlock(ended, next); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a block that one engine lacks is there: %v", name, err)
		}
		take(t, s, list[next:])
		if again := picture(t, s); !reflect.DeepEqual(whole, again) {
			t.Errorf("%s: want %v, got %v", name, whole, again)
		}
	}
}

// A block is taken whole or not at all.
func TestApplyIsAtomic(t *testing.T) {
	s := open(t, t.TempDir())
	list := history(t)
	take(t, s, list[:len(list)-1])
	before := picture(t, s)
	broken := list[len(list)-1]
	broken.Transactions = append(append([]app.BlockTransaction{}, broken.Transactions...), app.BlockTransaction{
		ID: "x", Code: app.Valid, Writes: []app.Write{{Key: "zz/unknown", Value: []byte("v")}},
	})
	if err := s.Apply(t.Context(), broken); err == nil {
		t.Fatal("a key of no kind was taken")
	}
	if after := picture(t, s); !reflect.DeepEqual(before, after) {
		t.Error("half a block was taken")
	}
	gap := list[len(list)-1]
	gap.Number++
	if err := s.Apply(t.Context(), gap); err == nil {
		t.Error("a block was left out")
	}
	take(t, s, list[len(list)-1:])
}

func TestResetKeepsKeys(t *testing.T) {
	s := open(t, t.TempDir())
	list := history(t)
	take(t, s, list)
	text, _, err := s.CreateKey(t.Context(), "k", spec.Scopes, []string{"store-1"})
	if err != nil {
		t.Fatal(err)
	}
	whole := picture(t, s)
	if _, err := s.Begin(t.Context(), shopAddress, "k", [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if next, err := s.Next(t.Context()); err != nil || next != 0 || s.Taken() != 0 {
		t.Errorf("next %d, %v", next, err)
	}
	if _, err := s.Authenticate(t.Context(), text); err != nil {
		t.Errorf("the key is gone: %v", err)
	}
	if labels, err := s.Labels(t.Context()); err != nil || len(labels) != 1 {
		t.Errorf("labels %v, %v", labels, err)
	}
	if entry, err := s.Begin(t.Context(), shopAddress, "k", [32]byte{2}); err != nil || entry.Fingerprint != [32]byte{2} {
		t.Errorf("another ledger's answer is still there: %v", err)
	}
	take(t, s, list)
	if again := picture(t, s); !reflect.DeepEqual(whole, again) {
		t.Error("built anew it differs")
	}
}

func TestAwaitBlock(t *testing.T) {
	s := open(t, t.TempDir())
	list := history(t)
	take(t, s, list[:1])
	if err := s.AwaitBlock(t.Context(), 0); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.AwaitBlock(ended, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	var waiting sync.WaitGroup
	for range 10 {
		waiting.Go(func() {
			if err := s.AwaitBlock(t.Context(), 2); err != nil {
				t.Error(err)
			}
		})
	}
	take(t, s, list[1:3])
	waiting.Wait()
}

func TestTransactionTwice(t *testing.T) {
	s := open(t, t.TempDir())
	first := app.Block{Number: 0, Hash: []byte("h0"), Transactions: []app.BlockTransaction{{ID: "t", Code: app.Valid, Time: time.Unix(1, 0)}}}
	second := app.Block{Number: 1, Hash: []byte("h1"), PreviousHash: []byte("h0"), Transactions: []app.BlockTransaction{{ID: "t", Code: "DUPLICATE_TXID", Time: time.Unix(1, 0)}}}
	take(t, s, blocks{first, second})
	if record, err := s.Transaction(t.Context(), "t"); err != nil || record.State != app.TransactionCommitted || record.Block != 0 {
		t.Errorf("got %+v %v", record, err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	s := open(t, folder)
	take(t, s, history(t))
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		want := os.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", entry.Name(), info.Mode(), err)
		}
	}
}
