package gatewaytest

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/neighbours"
)

// others are a gateway's neighbours once it has some.
type others struct {
	set atomic.Pointer[neighbours.Set]
}

func (o *others) Answers(member uint32) bool {
	set := o.set.Load()
	return set != nil && set.Answers(member)
}

func (o *others) Hand(ctx context.Context, member uint32, intents []*spec.SignedIntent) ([]app.IntentOutcome, error) {
	return o.set.Load().Hand(ctx, member, intents)
}

func (o *others) Ask(ctx context.Context, member uint32, id spec.ID) (app.IntentRecord, error) {
	return o.set.Load().Ask(ctx, member, id)
}

// Join makes gateways each other's neighbours. A gateway that does not answer is tried again after 50 ms.
func Join(t T, gateways ...*Gateway) {
	indexes := map[*Gateway]uint32{}
	for _, g := range gateways {
		index, err := app.MemberIndex(t.Context(), g.Ledger, g.MSPID)
		if err != nil {
			t.Fatal(err)
		}
		indexes[g] = index
	}
	for _, g := range gateways {
		options := neighbours.Options{MSPID: g.MSPID, Timeout: 10 * time.Second, Breaker: breaker.Options{First: 50 * time.Millisecond, Longest: 50 * time.Millisecond}}
		for _, other := range gateways {
			if other == g {
				continue
			}
			file := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(file, []byte(other.Key(t, []spec.Scope{spec.ScopeRelay, spec.ScopeRead})+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			options.Neighbours = append(options.Neighbours, neighbours.Neighbour{MSPID: other.MSPID, URL: other.Server.URL, KeyFile: file})
		}
		set := neighbours.New(options)
		for _, other := range gateways {
			set.Name(other.MSPID, indexes[other])
		}
		g.others.set.Store(set)
		g.witness.SetHome(indexes[g])
	}
}
