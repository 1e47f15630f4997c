package mirror

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/history"
)

// twin is what a mirror does, in plain maps.
type twin struct {
	values  map[string]string
	intents map[spec.ID]Said
	// rows has each subject's, the oldest first.
	rows map[history.Subject][]Row
	next uint64
}

func newTwin() *twin {
	return &twin{values: map[string]string{}, intents: map[spec.ID]Said{}, rows: map[history.Subject][]Row{}}
}

func (w *twin) apply(c Changes) {
	for _, write := range c.Writes {
		if write.Delete {
			delete(w.values, write.Key)
		} else {
			w.values[write.Key] = string(write.Value)
		}
	}
	for _, t := range c.Transactions {
		for _, in := range t.Intents {
			if before, said := w.intents[in.ID]; !said || before.Refusal != nil {
				w.intents[in.ID] = Said{Block: c.Number, Transaction: t.ID, Position: in.Position, Refusal: in.Refusal}
			}
		}
		for n, row := range t.Rows {
			w.rows[row.Subject] = append(w.rows[row.Subject], Row{
				Place: Place{c.Number, t.Number, uint32(n)}, Transaction: Transaction{Number: t.Number, ID: t.ID, Time: t.Time}, Value: row.Value,
			})
		}
	}
	w.next = c.Number + 1
}

func address(n int) spec.Address { return spec.KeyAddress("test", fmt.Append(nil, n)) }

func amount(n uint64) spec.Amount { return spec.Units(n) }

// drawBlock makes the block that the twin wants next: accounts, credits that come and go, lots, and intents.
func drawBlock(t *rapid.T, w *twin) Changes {
	const people = 6
	c := Changes{Number: w.next, Hash: fmt.Append(nil, "hash of ", w.next)}
	credits := slices.Sorted(maps.Keys(w.values))
	credits = slices.DeleteFunc(credits, func(key string) bool { return key[0] != 'c' })
	touched := map[string]bool{}
	for n := range rapid.IntRange(0, 12).Draw(t, "writes") {
		who := address(rapid.IntRange(0, people-1).Draw(t, "who"))
		key, record := ledger.AccountKey(who), ledger.Record(ledger.Account{Balance: amount(rapid.Uint64().Draw(t, "balance"))})
		var write app.Write
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0, 1:
			key = ledger.CreditKey(who, creditName(w.next, n))
			record = ledger.Credit{Amount: amount(rapid.Uint64Range(1, 9).Draw(t, "credit"))}
		case 2:
			if len(credits) > 0 {
				write = app.Write{Key: rapid.SampledFrom(credits).Draw(t, "folded"), Delete: true}
			}
		case 3:
			key, record = ledger.LotKey(spec.ID{byte(n % 2)}, spec.ID{9}), ledger.Lot{Stock: 1}
			write = app.Write{Key: state.FormatKey(key), Delete: rapid.Bool().Draw(t, "gone")}
		}
		if write.Key == "" {
			write.Key = state.FormatKey(key)
		}
		if !write.Delete {
			write.Value = state.EncodeRecord(record)
		}
		if !touched[write.Key] {
			touched[write.Key] = true
			c.Writes = append(c.Writes, write)
		}
	}
	batch := Transaction{Number: 3, ID: [32]byte{byte(w.next), 1}, Time: int64(w.next) * 300}
	for n := range rapid.IntRange(0, 3).Draw(t, "intents") {
		in := Intent{ID: spec.ID{byte(rapid.IntRange(0, 5).Draw(t, "intent"))}, Position: uint32(n)}
		// What happened once happens never again: its nonce is used.
		before, said := w.intents[in.ID]
		happened := said && before.Refusal == nil || slices.ContainsFunc(batch.Intents, func(other Intent) bool { return other.ID == in.ID && other.Refusal == nil })
		if happened || rapid.Bool().Draw(t, "refused") {
			in.Refusal = &spec.Error{Code: spec.InsufficientFunds, Field: "amount", Detail: "too much"}
		}
		batch.Intents = append(batch.Intents, in)
	}
	call := Transaction{Number: 4, ID: [32]byte{byte(w.next), 2}}
	for n := range rapid.IntRange(0, 5).Draw(t, "rows") {
		row := history.Row{Subject: subject(rapid.IntRange(0, subjects-1).Draw(t, "subject")), Value: fmt.Append(nil, "row ", w.next, n)}
		if rapid.Bool().Draw(t, "by a call") {
			call.Rows = append(call.Rows, row)
		} else {
			batch.Rows = append(batch.Rows, row)
		}
	}
	c.Transactions = append(c.Transactions, batch, call)
	return c
}

const subjects = 3

// subject returns neighbours: an account's history, and others that sort before and behind it.
func subject(n int) history.Subject {
	return history.Account(spec.Address{Type: spec.KeyAccount, Digest: spec.ID{byte(n)}})
}

func creditName(block uint64, n int) spec.CreditName {
	var name spec.CreditName
	binary.BigEndian.PutUint64(name.Tx[:], block)
	name.N = uint32(n)
	return name
}

type failer interface {
	Helper()
	Fatalf(format string, arguments ...any)
}

// same compares all that a mirror answers with its twin.
func same(t failer, m *Mirror, w *twin) {
	t.Helper()
	if m.Next() != w.next {
		t.Fatalf("next is %d, want %d", m.Next(), w.next)
	}
	all := map[string]string{}
	var last string
	if err := m.All(func(key string, value []byte) error {
		if key <= last {
			t.Fatalf("%q comes behind %q", key, last)
		}
		last, all[key] = key, string(value)
		return nil
	}); err != nil || !maps.Equal(all, w.values) {
		t.Fatalf("all keys: %q, want %q; %v", all, w.values, err)
	}
	for n := range 6 {
		sameFunds(t, m, w, address(n))
	}
	sameRows(t, m, w)
	for n := range 6 {
		id := spec.ID{byte(n)}
		said, err := m.Intent(id)
		want, known := w.intents[id]
		if err != nil || (said != nil) != known || known && !reflect.DeepEqual(*said, want) {
			t.Fatalf("intent %d: %+v, want %+v; %v", n, said, want, err)
		}
	}
}

// sameRows compares all histories, whole and page by page.
func sameRows(t failer, m *Mirror, w *twin) {
	t.Helper()
	for n := range subjects {
		for _, order := range []Order{OldestFirst, NewestFirst} {
			want := slices.Clone(w.rows[subject(n)])
			if order == NewestFirst {
				slices.Reverse(want)
			}
			for _, limit := range []int{1, 3, 100} {
				var got []Row
				var behind *Place
				for {
					page, err := m.Rows(subject(n), behind, order, limit)
					if err != nil || len(page) > limit {
						t.Fatalf("a page of %d rows has %d; %v", limit, len(page), err)
					}
					got = append(got, page...)
					if len(page) < limit {
						break
					}
					behind = &page[len(page)-1].Place
				}
				if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
					t.Fatalf("subject %d, newest first %t, by %d: %v, want %v", n, order, limit, got, want)
				}
			}
		}
	}
}

func sameFunds(t failer, m *Mirror, w *twin, who spec.Address) {
	t.Helper()
	key := state.FormatKey(ledger.AccountKey(who))
	values, err := m.Get(key)
	if err != nil || string(values[0]) != w.values[key] {
		t.Fatalf("%s: %q, want %q; %v", key, values[0], w.values[key], err)
	}
	family := state.FamilyOf(ledger.CreditKind, string(who.Bytes()))
	var keys []string
	for key := range w.values {
		if state.Family(key) == family {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for limit := range len(keys) + 2 {
		pairs, err := m.Range(family, state.Behind(family), limit)
		if err != nil || len(pairs) != min(limit, len(keys)) {
			t.Fatalf("%d of %d credits: %d, %v", limit, len(keys), len(pairs), err)
		}
		for n, pair := range pairs {
			if pair.Key != keys[n] || string(pair.Value) != w.values[keys[n]] {
				t.Fatalf("credit %d is %q, want %q", n, pair.Key, keys[n])
			}
		}
	}
	funds, err := m.Funds(who, 2)
	if err != nil || funds.CreditCount != len(keys) || len(funds.Credits) != min(2, len(keys)) {
		t.Fatalf("funds: %+v, want %d credits; %v", funds, len(keys), err)
	}
	if len(funds.Credits) == 2 && funds.Credits[0].Amount.Less(funds.Credits[1].Amount) {
		t.Fatalf("the smaller credit first: %v", funds.Credits)
	}
	if crowded := slices.Contains(m.Crowded(2), who); crowded != (len(keys) >= 2) {
		t.Fatalf("crowded: %t with %d credits", crowded, len(keys))
	}
}

// A mirror says what plain maps say, whatever is in memory, being written or on the disk, and after it was opened again.
func TestMirrorIsItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp("", "mirror")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		flushAt := rapid.IntRange(1, 60).Draw(t, "flush at")
		m, err := open(folder, flushAt, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		w := newTwin()
		for range rapid.IntRange(1, 12).Draw(t, "blocks") {
			c := drawBlock(t, w)
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				if err := m.Apply(c); err != nil {
					t.Fatal(err)
				}
			}
			w.apply(c)
			same(t, m, w)
			if rapid.IntRange(0, 5).Draw(t, "restart") == 0 {
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				if m, err = open(folder, flushAt, 2); err != nil {
					t.Fatal(err)
				}
				same(t, m, w)
			}
		}
	})
}

// What a crash leaves is a mirror of an earlier block, from which the blocks that followed lead to the same.
func TestCrash(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	folder := t.TempDir()
	m, err := open(folder, 40, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	w := newTwin()
	var taken []Changes
	var opened []string // the last block's credits
	for n := range 60 {
		c := Changes{Number: uint64(n), Hash: []byte{byte(n)}}
		for _, credit := range opened[:min(4, len(opened))] {
			c.Writes = append(c.Writes, app.Write{Key: credit, Delete: true})
		}
		opened = nil
		for i := range 5 {
			who := address(random.IntN(6))
			credit := state.FormatKey(ledger.CreditKey(who, creditName(w.next, i)))
			opened = append(opened, credit)
			c.Writes = append(c.Writes,
				app.Write{Key: state.FormatKey(ledger.AccountKey(who)), Value: state.EncodeRecord(ledger.Account{Balance: amount(random.Uint64())})},
				app.Write{Key: credit, Value: state.EncodeRecord(ledger.Credit{Amount: amount(1)})})
		}
		c.Transactions = []Transaction{{ID: [32]byte{byte(n)}, Rows: []history.Row{{Subject: subject(n % subjects), Value: []byte{byte(n)}}}}}
		taken = append(taken, c)
		if err := m.Apply(c); err != nil {
			t.Fatal(err)
		}
		w.apply(c)
	}
	// A flush that a crash cuts off is undone by the engine's own journal; here it is done.
	if err := m.settle(); err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(crashed, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	again, err := open(crashed, 40, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if next := again.Next(); next == 0 || next == w.next {
		t.Fatalf("the crash left %d of %d blocks: this test shows nothing", next, w.next)
	}
	for _, c := range taken {
		if err := again.Apply(c); err != nil {
			t.Fatal(err)
		}
	}
	same(t, again, w)
}

func TestApplyRefuses(t *testing.T) {
	m, err := open(t.TempDir(), 10, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	w := newTwin()
	account := app.Write{Key: state.FormatKey(ledger.AccountKey(address(1))), Value: state.EncodeRecord(ledger.Account{})}
	first := Changes{Number: 0, Hash: []byte("first"), Writes: []app.Write{account}}
	if err := m.Apply(first); err != nil {
		t.Fatal(err)
	}
	w.apply(first)
	for name, c := range map[string]Changes{
		"a gap":              {Number: 2},
		"another block":      {Number: 0, Hash: []byte("other")},
		"a key of no kind":   {Number: 1, Writes: []app.Write{{Key: account.Key, Delete: true}, {Key: "zz/unknown"}}},
		"a credit of nobody": {Number: 1, Writes: []app.Write{{Key: account.Key, Delete: true}, {Key: "c/AA/AA"}}},
	} {
		if err := m.Apply(c); err == nil {
			t.Errorf("%s was taken", name)
		}
		same(t, m, w)
	}
	if err := m.Reset(); err != nil {
		t.Fatal(err)
	}
	same(t, m, newTwin())
}

// What could not happen any more is forgotten, piece by piece and round and round; what is in memory, or still valid, is not.
func TestForgetIntents(t *testing.T) {
	const intents = 20
	folder := t.TempDir()
	m, err := open(folder, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var batch Transaction
	for n := range intents {
		in := Intent{ID: spec.ID{byte(n)}, Position: uint32(n), ValidUntil: int64(100 + n)}
		if n%2 == 1 {
			in.Refusal = &spec.Error{Code: spec.InsufficientFunds, Detail: "poor"}
		}
		batch.Intents = append(batch.Intents, in)
	}
	taken := Changes{Number: 0, Hash: []byte("first"), Transactions: []Transaction{batch}}
	if err := m.Apply(taken); err != nil {
		t.Fatal(err)
	}
	known := func() (list []int) {
		t.Helper()
		for n := range intents {
			said, err := m.Intent(spec.ID{byte(n)})
			if err != nil {
				t.Fatal(err)
			}
			if said != nil {
				list = append(list, n)
			}
		}
		return list
	}
	if forgotten, err := m.ForgetIntents(1000, 100); err != nil || forgotten != 0 || len(known()) != intents {
		t.Fatalf("of memory %d were forgotten, %v", forgotten, err)
	}
	// Opened again, they lie on the disk.
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err = open(folder, 1, 2); err != nil {
		t.Fatal(err)
	}
	total := 0
	for range 5 { // 6 at a time: a round takes four
		forgotten, err := m.ForgetIntents(110, 6)
		if err != nil {
			t.Fatal(err)
		}
		total += forgotten
	}
	if got := known(); total != 10 || !slices.Equal(got, []int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}) {
		t.Errorf("%d were forgotten, %v are known", total, got)
	}
	if said, err := m.Intent(spec.ID{11}); err != nil || said.Refusal == nil || said.Position != 11 {
		t.Errorf("a refused one: %+v, %v", said, err)
	}
	// A block that is taken again, as after a crash before it reached the disk, brings them back until the next round.
	if err := m.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(taken); err != nil {
		t.Fatal(err)
	}
	if got := known(); len(got) != intents {
		t.Errorf("taken again, %v are known", got)
	}
}

func TestInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.StringMatching(`A{0,9}[\x00-\x03A-C]{0,2}`), rapid.Int()).Draw(t, "values")
		var keys []string
		for key, value := range inOrder(values, rankOf[string], strings.Compare) {
			if value != values[key] {
				t.Errorf("%q has %d, not %d", key, value, values[key])
			}
			keys = append(keys, key)
		}
		if want := slices.Sorted(maps.Keys(values)); !slices.Equal(keys, want) {
			t.Errorf("%q, not %q", keys, want)
		}
	})
}
