package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
	"github.com/cybermiles/cmt/gateway/store"
	"github.com/cybermiles/cmt/gateway/wallet"
)

// payments is how many intents a block of the benchmark has, as a full batch has.
const payments = 500

// payers makes people with money on a chain, in as many intents as it takes.
func payers(t testing.TB, chain *memledger.Chain, count int) []*wallet.Key {
	t.Helper()
	treasury := chain.For(memledger.Members[0])
	people := make([]*wallet.Key, count)
	for i := range people {
		secret := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		key, err := wallet.FromSecret(spec.Scheme_SCHEME_ED25519, secret[:])
		if err != nil {
			t.Fatal(err)
		}
		people[i] = key
		call := &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
			Reference: fmt.Sprint("p", i), To: key.Address().Bytes(), Amount: spec.CMT(1000).Bytes(),
		}}
		if _, err := treasury.Submit(t.Context(), call, func(context.Context, app.Sent) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	return people
}

// round carries one payment of everyone to the next one, who folds it in the round after.
func round(t testing.TB, chain *memledger.Chain, people []*wallet.Key, nonce uint64, hints func(i int) *spec.Hints) app.Commit {
	t.Helper()
	batch := &spec.Batch{}
	for i, from := range people {
		call := &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{
			To: people[(i+1)%len(people)].Address().Bytes(), Amount: spec.CMT(1).Bytes(),
		}}
		signed, err := from.Sign([16]byte{}, nonce, time.Now().Add(time.Hour).Unix(), call)
		if err != nil {
			t.Fatal(err)
		}
		signed.Hints = hints(i)
		batch.Intents = append(batch.Intents, signed)
	}
	argument, err := proto.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	commit, err := chain.For(memledger.Members[0]).Carry(t.Context(), argument, func(context.Context, app.Sent) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"count":%d}`, len(people)); string(commit.Result) != want {
		t.Fatalf("got %s, want %s", commit.Result, want)
	}
	return commit
}

// BenchmarkApplyPayments is what the read model costs an intent: everyone pays and folds what came in the block before.
func BenchmarkApplyPayments(b *testing.B) {
	chain, err := memledger.New(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	model, err := store.Open(b.Context(), b.TempDir(), mspID)
	if err != nil {
		b.Fatal(err)
	}
	defer model.Close()
	var list blocks
	people := payers(b, chain, payments)
	if err := chain.Follow(b.Context(), &list); err != nil {
		b.Fatal(err)
	}
	taken := 0
	catchUp := func() {
		for ; taken < len(list); taken++ {
			if err := model.Apply(b.Context(), list[taken]); err != nil {
				b.Fatal(err)
			}
		}
	}
	catchUp()
	b.ResetTimer()
	b.StopTimer()
	for n := range b.N {
		round(b, chain, people, uint64(n+1), func(i int) *spec.Hints {
			funds, err := model.Funds(b.Context(), people[i].Address(), 4)
			if err != nil {
				b.Fatal(err)
			}
			hints := &spec.Hints{}
			for _, credit := range funds.Credits {
				hints.Credits = append(hints.Credits, credit.Name.Bytes())
			}
			return hints
		})
		b.StartTimer()
		catchUp()
		b.StopTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*payments), "us/intent")
}
