package gatewaytest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/httpapi"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
	"github.com/cybermiles/cmt/gateway/keys"
	"github.com/cybermiles/cmt/gateway/neighbours"
	"github.com/cybermiles/cmt/gateway/store"
)

// Gateway is one organisation's gateway.
type Gateway struct {
	MSPID   string
	Chain   *memledger.Chain
	Ledger  *memledger.Ledger
	Store   *store.Store
	Service *app.Service
	Intents *app.Intents
	Batcher *batch.Batcher
	Handler http.Handler
	Server  *httptest.Server

	witness *batch.Witness
	others  *neighbours.Set
}

// T is what is needed of a test; testscript's environment has it too.
type T interface {
	Fatal(arguments ...any)
	Cleanup(func())
	TempDir() string
	Context() context.Context
}

// Option changes how a gateway is put together.
type Option func(*httpapi.Options)

// WithAnonymousReads lets reads pass without a key.
func WithAnonymousReads() Option { return func(o *httpapi.Options) { o.AnonymousReads = true } }

// WithRate bounds each key.
func WithRate(perSecond float64) Option {
	return func(o *httpapi.Options) { o.RequestsPerSecond = perSecond }
}

// Settings are the use cases' in tests: tries follow each other at once.
func Settings(mspID string) app.Settings {
	return app.Settings{
		Organisation: "test", MSPID: mspID,
		Retry:     app.Retry{Attempts: 4, Base: time.Millisecond, Max: time.Millisecond, Sleep: func(context.Context, time.Duration) error { return nil }},
		LaneLimit: 8, LaneWait: 10 * time.Second, WriteTimeout: 10 * time.Second, ModelWait: time.Second, SweepThreshold: 64,
	}
}

// Quiet logs nothing.
func Quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// New returns a gateway of an organisation on the chain.
func New(t T, chain *memledger.Chain, mspID string, options ...Option) *Gateway {
	// The contexts of the test and of what cleans up after it are not the same.
	database, err := store.Open(t.Context(), t.TempDir(), mspID)
	if err != nil {
		t.Fatal(err)
	}
	witness := batch.NewWitness()
	if err := chain.Follow(context.WithoutCancel(t.Context()), witness.Watching(database)); err != nil {
		t.Fatal(err)
	}
	g := &Gateway{MSPID: mspID, Chain: chain, Ledger: chain.For(mspID), Store: database, witness: witness}
	g.others = neighbours.New(neighbours.Options{MSPID: mspID, Timeout: 10 * time.Second, Breaker: breaker.Options{First: retryNeighbour, Longest: retryNeighbour}})
	g.Service = app.NewService(Settings(mspID), g.Ledger, database, database, app.NoMeter{}, Quiet())
	stop := g.carry(t)
	api := httpapi.Options{
		UseCases: g.Service, Intents: g.Intents, Lists: database, Histories: database, Authenticator: database, Registry: prometheus.NewRegistry(), Log: Quiet(),
		Checks: []httpapi.Check{{Name: "database", Check: database.Ready}},
	}
	if os.Getenv("CMT_TEST_LOG") != "" {
		api.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, option := range options {
		option(&api)
	}
	g.Handler = httpapi.New(api)
	g.Server = httptest.NewServer(g.Handler)
	t.Cleanup(func() {
		g.Server.Close()
		stop()
		_ = database.Close()
	})
	return g
}

// carry starts the second door and returns what stops it.
func (g *Gateway) carry(t T) func() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	parameters, err := batch.ReadParameters(ctx, g.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := keys.Open(ctx, g.Store, filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	settings := app.IntentSettings{Wait: 10 * time.Second, ModelWait: time.Second, LaneLimit: 64, LaneWait: 10 * time.Second}
	g.Intents = app.NewIntents(settings, g.Store, g.Store, keeper, Quiet())
	g.Batcher = batch.New(batch.Options{
		Parameters: parameters, QueueIntents: QueueIntents, Remedies: batch.Remedies{spec.LotEmpty: g.Service.Lots()}, Neighbours: g.others, Log: Quiet(),
	}, g.Ledger, g.Store, g.witness)
	g.Intents.Start(parameters.LedgerID, g.Batcher)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = g.Batcher.Run(ctx) // it ends with its context
	}()
	return func() {
		cancel()
		<-done
	}
}

// QueueIntents is how many intents may wait in a test's gateway.
const QueueIntents = 1000

// Chain returns a new chain with its genesis.
func Chain(t T) *memledger.Chain {
	chain, err := memledger.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// Key makes an API key; without scopes it has all, and it acts for the accounts, without any for all.
func (g *Gateway) Key(t T, scopes []spec.Scope, accounts ...string) string {
	if scopes == nil {
		scopes = spec.Scopes
	}
	if accounts == nil {
		accounts = []string{app.AllAccounts}
	}
	text, _, err := g.Store.CreateKey(t.Context(), "test", scopes, accounts)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
