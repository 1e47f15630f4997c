package crowd

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/config"
	"github.com/cybermiles/cmt/gateway/fabric"
	"github.com/cybermiles/cmt/gateway/neighbours"
	"github.com/cybermiles/cmt/gateway/store"
	"github.com/cybermiles/cmt/network/topology"
)

// Relay is what carries intents in cmt-gateway, wired as there, in this process.
type Relay struct {
	MSPID      string
	Folder     string
	Ledger     *fabric.Ledger
	Store      *store.Store
	Blocks     *Blocks
	Parameters batch.Parameters
	batcher    *batch.Batcher
	neighbours *neighbours.Set
	index      uint32
	log        *slog.Logger
	// hands give out what the faucet has, side by side.
	hands []*Person

	cancel context.CancelFunc
	work   *errgroup.Group
}

// NewRelay starts a gateway of the n-th peer's organisation.
func NewRelay(ctx context.Context, facts *topology.Facts, n int, folder string) (*Relay, error) {
	log, err := os.OpenFile(filepath.Join(filepath.Dir(folder), filepath.Base(folder)+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	g := &Relay{MSPID: facts.Peers[n].MSPID, Folder: folder, log: logger}
	if g.Ledger, err = LedgerOf(facts, n, logger); err != nil {
		return nil, err
	}
	if g.Store, err = store.Open(ctx, folder, g.MSPID); err != nil {
		return nil, err
	}
	if g.Parameters, err = batch.ReadParameters(ctx, g.Ledger); err != nil {
		return nil, err
	}
	if g.index, err = app.MemberIndex(ctx, g.Ledger, g.MSPID); err != nil {
		return nil, err
	}
	standard := config.Default()
	g.neighbours = neighbours.New(neighbours.Options{
		MSPID: g.MSPID, Timeout: standard.Timeouts.Neighbour, Breaker: breaker.Options{First: standard.Breaker.First, Longest: standard.Breaker.Longest},
	})
	witness := batch.NewWitness()
	witness.SetHome(g.index)
	g.Blocks = &Blocks{Store: g.Store, witness: witness, credits: map[spec.Address]int{}}
	g.batcher = batch.New(batch.Options{
		Parameters: g.Parameters, Log: logger, Remedies: batch.Remedies{spec.LotEmpty: app.NewLots(g.MSPID, g.Ledger, g.Store, logger)},
		Neighbours: g.neighbours,
	}, g.Ledger, g.Store, witness)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.cancel = cancel
	g.work, running = errgroup.WithContext(running)
	g.work.Go(func() error { return fabric.NewFollower(g.Ledger, g.Blocks, facts.Chaincode, logger).Run(running) })
	g.work.Go(func() error { return g.Ledger.Heal(running) })
	g.work.Go(func() error { return g.batcher.Run(running) })
	return g, nil
}

// Take hands an intent to the batcher.
func (g *Relay) Take(ctx context.Context, signed *spec.SignedIntent) func() (uint64, error) {
	taken := g.batcher.Take([]*spec.SignedIntent{signed}, false)[0]
	return func() (uint64, error) {
		if taken.Err != nil {
			return 0, taken.Err
		}
		receipt, err := taken.Wait(ctx)
		return receipt.Block, err
	}
}

// Close ends the gateway.
func (g *Relay) Close(context.Context) error {
	g.cancel()
	err := g.work.Wait()
	g.Ledger.Close()
	if closed := g.Store.Close(); err == nil {
		err = closed
	}
	return err
}

// Blocks is the follower's consumer: the read model, the batcher's witness, and this bench's count of what came.
type Blocks struct {
	*store.Store
	witness *batch.Witness

	mu sync.Mutex
	// credits has how many credits each account has open, open how many all have.
	credits map[spec.Address]int
	open    int
	// batches and invalid count transactions: those that carried intents, and those that came to nothing.
	batches, invalid int
}

// Apply takes a block into all of them.
func (b *Blocks) Apply(ctx context.Context, block app.Block) error {
	b.witness.See(block)
	if err := b.Store.Apply(ctx, block); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, transaction := range block.Transactions {
		if transaction.Code != app.Valid {
			b.invalid++
		} else if transaction.Function == spec.BatchFunction {
			b.batches++
		}
		for _, write := range transaction.Writes {
			if write.Key[0] != 'c' {
				continue
			}
			if key, err := state.ParseKey(write.Key); err == nil && key.Kind == ledger.CreditKind {
				b.count(key, write.Delete)
			}
		}
	}
	return nil
}

func (b *Blocks) count(key ledger.Key, gone bool) {
	owner, err := spec.AddressFromBytes([]byte(key.Parent))
	if err != nil {
		return
	}
	change := 1
	if gone {
		change = -1
	}
	b.open += change
	if b.credits[owner] += change; b.credits[owner] == 0 {
		delete(b.credits, owner)
	}
}

// Tally is what came until now.
type Tally struct{ Open, Batches, Invalid int }

// Tally counts what came.
func (b *Blocks) Tally() Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Tally{b.open, b.batches, b.invalid}
}

// OpenOf is how many credits an account has open.
func (b *Blocks) OpenOf(owner spec.Address) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.credits[owner]
}

// Crowded returns the accounts with the most open credits, until sweeps of them fold as many as are asked for.
func (b *Blocks) Crowded(credits int, of func(spec.Address) bool) []spec.Address {
	b.mu.Lock()
	var owners []spec.Address
	open := maps.Clone(b.credits)
	b.mu.Unlock()
	for owner := range open {
		if of(owner) {
			owners = append(owners, owner)
		}
	}
	slices.SortFunc(owners, func(a, c spec.Address) int { return open[c] - open[a] })
	for n, owner := range owners {
		if credits -= min(open[owner], spec.MaxHintedCredits); credits <= 0 {
			return owners[:n+1]
		}
	}
	return owners
}
