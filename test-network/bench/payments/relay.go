package payments

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

// relay is what carries intents in cmt-gateway, wired as there, in this process.
type relay struct {
	mspID      string
	folder     string
	ledger     *fabric.Ledger
	store      *store.Store
	batcher    *batch.Batcher
	blocks     *blocks
	parameters batch.Parameters
	index      uint32
	neighbours *neighbours.Set
	log        *slog.Logger

	cancel context.CancelFunc
	work   *errgroup.Group
}

// newRelay starts a gateway of the n-th peer's organisation.
func newRelay(ctx context.Context, facts *topology.Facts, n int, folder string) (*relay, error) {
	log, err := os.OpenFile(filepath.Join(filepath.Dir(folder), filepath.Base(folder)+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	g := &relay{mspID: facts.Peers[n].MSPID, folder: folder, log: logger}
	if g.ledger, err = ledgerOf(facts, n, logger); err != nil {
		return nil, err
	}
	if g.store, err = store.Open(ctx, folder, g.mspID); err != nil {
		return nil, err
	}
	if g.parameters, err = batch.ReadParameters(ctx, g.ledger); err != nil {
		return nil, err
	}
	if g.index, err = app.MemberIndex(ctx, g.ledger, g.mspID); err != nil {
		return nil, err
	}
	standard := config.Default()
	g.neighbours = neighbours.New(neighbours.Options{
		MSPID: g.mspID, Timeout: standard.Timeouts.Neighbour, Breaker: breaker.Options{First: standard.Breaker.First, Longest: standard.Breaker.Longest},
	})
	witness := batch.NewWitness()
	witness.SetHome(g.index)
	g.blocks = &blocks{Store: g.store, witness: witness, credits: map[spec.Address]int{}}
	g.batcher = batch.New(batch.Options{
		Parameters: g.parameters, Log: logger, Remedies: batch.Remedies{spec.LotEmpty: app.NewLots(g.mspID, g.ledger, g.store, logger)},
		Neighbours: g.neighbours,
	}, g.ledger, g.store, witness)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.cancel = cancel
	g.work, running = errgroup.WithContext(running)
	g.work.Go(func() error { return fabric.NewFollower(g.ledger, g.blocks, facts.Chaincode, logger).Run(running) })
	g.work.Go(func() error { return g.ledger.Heal(running) })
	g.work.Go(func() error { return g.batcher.Run(running) })
	return g, nil
}

func (g *relay) take(ctx context.Context, signed *spec.SignedIntent) func() (uint64, error) {
	taken := g.batcher.Take([]*spec.SignedIntent{signed}, false)[0]
	return func() (uint64, error) {
		if taken.Err != nil {
			return 0, taken.Err
		}
		receipt, err := taken.Wait(ctx)
		return receipt.Block, err
	}
}

func (g *relay) close(context.Context) error {
	g.cancel()
	err := g.work.Wait()
	g.ledger.Close()
	if closed := g.store.Close(); err == nil {
		err = closed
	}
	return err
}

// blocks is the follower's consumer: the read model, the batcher's witness, and this bench's count of what came.
type blocks struct {
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
func (b *blocks) Apply(ctx context.Context, block app.Block) error {
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

func (b *blocks) count(key ledger.Key, gone bool) {
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

// tally is what came until now.
type tally struct{ open, batches, invalid int }

func (b *blocks) tally() tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	return tally{b.open, b.batches, b.invalid}
}

func (b *blocks) openOf(owner spec.Address) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.credits[owner]
}

// crowded returns the accounts with the most open credits, until sweeps of them fold as many as are asked for.
func (b *blocks) crowded(credits int, of func(spec.Address) bool) []spec.Address {
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
