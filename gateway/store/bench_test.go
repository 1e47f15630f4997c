package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

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

// accountsInState is how many accounts the benchmark's strangers are of; nightly a million, or ten.
var accountsInState = flag.Int("accounts", 100_000, "accounts in the benchmark's read model")

// model is the read model, or what it was.
type model interface {
	Apply(ctx context.Context, block app.Block) error
	Funds(ctx context.Context, address spec.Address, credits int) (app.Funds, error)
	Close() error
}

// BenchmarkPayments is what the read model costs a payment of strangers: who follows takes blocks, who carries asks for each
// payer's funds besides; who states has all people at home, and keeps both sides of each payment in their statements. cpu-us/payment is all CPU time of the process, what compacts in the background with it, but for that of making
// the blocks; a run of some hundred blocks (-benchtime 2000x) is needed to see compaction.
func BenchmarkPayments(b *testing.B) {
	opens := map[string]func(folder string) (model, error){
		"new": func(folder string) (model, error) { return store.Open(b.Context(), folder, mspID) },
		"old": func(folder string) (model, error) { return openTables(folder) },
	}
	for _, name := range []string{"old", "new"} {
		for _, role := range []struct {
			name    string
			carries bool
			member  uint32
		}{{"follows", false, 2}, {"carries", true, 2}, {"states", false, 1}} {
			b.Run(name+"/"+role.name, func(b *testing.B) {
				m, err := opens[name](b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				defer m.Close()
				benchmarkPayments(b, m, role.member, role.carries)
			})
		}
	}
}

func benchmarkPayments(b *testing.B, m model, member uint32, carries bool) {
	const seeded = 5000
	l := newLoad(*accountsInState, member)
	take := func(block app.Block) {
		if err := m.Apply(b.Context(), block); err != nil {
			b.Fatal(err)
		}
	}
	take(l.genesis())
	for n := 0; n < *accountsInState; n += seeded {
		take(l.accountsFrom(n, min(seeded, *accountsInState-n)))
	}
	for range openBlocks {
		block, _ := l.payments(payments)
		take(block)
	}
	runtime.GC()
	runtime.LockOSThread() // so that the thread's time is ours
	defer runtime.UnlockOSThread()
	b.ResetTimer()
	var making time.Duration
	started := cpuTime(b, syscall.RUSAGE_SELF)
	for range b.N {
		made := cpuTime(b, rusageThread)
		block, payers := l.payments(payments)
		making += cpuTime(b, rusageThread) - made
		if carries {
			for _, payer := range payers {
				if _, err := m.Funds(b.Context(), payer, 64); err != nil {
					b.Fatal(err)
				}
			}
		}
		take(block)
	}
	spent := cpuTime(b, syscall.RUSAGE_SELF) - started - making
	b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(b.N*payments), "cpu-us/payment")
}

// rusageThread asks for the calling thread's own time.
const rusageThread = 1

func cpuTime(b *testing.B, who int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
