package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/config"
	"github.com/cybermiles/cmt/gateway/fabric"
	"github.com/cybermiles/cmt/gateway/httpapi"
	"github.com/cybermiles/cmt/gateway/keys"
	"github.com/cybermiles/cmt/gateway/neighbours"
	"github.com/cybermiles/cmt/gateway/store"
)

// The HTTP server's own bounds: how long a client may take over its request's header and body, and keep a connection idle.
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 20 * time.Second
	idleTimeout   = 2 * time.Minute
	// answerSlack is what an answer may take beyond the longest write.
	answerSlack    = 10 * time.Second
	maxHeaderBytes = 32 << 10
)

// masterKeyName is the master key's file in the data folder when the configuration names none.
const masterKeyName = "master.key"

// probe is the query that tells whether an organisation's chaincode answers.
const probe = spec.ConsortiumContract + ":GetParameters"

// serve runs the gateway until ctx ends, then lets requests under way finish.
func serve(ctx context.Context, c config.Config) error {
	log := newLogger(c.Log)
	database, err := store.Open(ctx, c.Data, c.MSPID)
	if err != nil {
		return err
	}
	defer func() { _ = database.Close() }() // the process ends
	database.KeepIntents(c.Intents.Keep)
	ledger, err := fabric.NewLedger(ledgerOptions(c, log))
	if err != nil {
		return err
	}
	defer ledger.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	meter := newMeter(registry, service{ledger, database})
	service := app.NewService(appSettings(c), ledger, database, database, meter, log)
	keeper, err := keys.Open(ctx, database, cmp.Or(c.Keys.MasterKeyFile, filepath.Join(c.Data, masterKeyName)))
	if err != nil {
		return err
	}
	intents := app.NewIntents(intentSettings(c), database, database, keeper, log)
	options := batchOptions(c, meter, log)
	options.Remedies = batch.Remedies{spec.LotEmpty: service.Lots()}
	carriage := newCarriage(c.MSPID, options, c.Sweep, ledger, database, intents, neighbours.New(neighbourOptions(c)))
	handler := httpapi.New(httpapi.Options{
		UseCases: service, Intents: intents, Lists: database, Histories: database, Authenticator: database, AnonymousReads: c.AnonymousReads, RequestsPerSecond: c.Limits.RequestsPerSecond,
		Checks: checks(ledger, database, intents), Registry: registry, Log: log,
	})
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log.Info("serving", "address", listener.Addr().String(), "organisation", c.Organisation, "channel", c.Channel)

	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return serveHTTP(ctx, listener, handler, c, log) })
	work.Go(func() error { return fabric.NewFollower(ledger, carriage.blocks, c.Chaincode, log).Run(ctx) })
	work.Go(func() error { return carriage.run(ctx) })
	work.Go(func() error { return ledger.Discover(ctx) })
	work.Go(func() error { return ledger.Heal(ctx) })
	work.Go(func() error { return database.KeepPruned(ctx, log) })
	if c.Sweep.Threshold > 0 {
		work.Go(func() error { return service.Sweep(ctx, c.Sweep.Interval) })
	}
	return work.Wait()
}

// serveHTTP serves until ctx ends, then waits for requests under way, but not for ever.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, c config.Config, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout,
		// A request under an idempotency key may bring an earlier transaction to its end before its own.
		WriteTimeout: c.Timeouts.Lane + 2*c.Timeouts.Write + c.Timeouts.Model + answerSlack,
		IdleTimeout:  idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		log.Info("stopping; requests under way are finished", "within", c.Timeouts.Shutdown)
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Timeouts.Shutdown)
		defer cancel()
		stopped <- server.Shutdown(stopping)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

func newLogger(c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

func ledgerOptions(c config.Config, log *slog.Logger) fabric.Options {
	options := fabric.Options{
		Channel: c.Channel, Chaincode: c.Chaincode, MSPID: c.MSPID, Certificate: c.Identity.Certificate, Key: c.Identity.Key,
		Endorsers: endorsers(c), Endorsements: c.Endorsements, Probe: probe, Log: log,
		Timeouts: fabric.Timeouts{
			EndorseAttempt: c.Timeouts.EndorseAttempt, Endorse: c.Timeouts.Endorse, Order: c.Timeouts.Order, Submit: c.Timeouts.Submit,
			CommitStatus: c.Timeouts.CommitStatus, Evaluate: c.Timeouts.Evaluate, Outcome: c.Timeouts.Outcome,
		},
		Breaker: breaker.Options{First: c.Breaker.First, Longest: c.Breaker.Longest},
	}
	for _, peer := range c.Peers {
		options.Peers = append(options.Peers, fabric.Peer{MSPID: peer.MSPID, Address: peer.Address, TLSCA: peer.TLSCA, TLSServerName: peer.TLSServerName})
	}
	for _, orderer := range c.Orderers {
		options.Orderers = append(options.Orderers, fabric.Orderer(orderer))
	}
	return options
}

// endorsers are those configured, else the organisations of the configured peers when they are enough; else discovery is
// left to find some.
func endorsers(c config.Config) []string {
	if len(c.Endorsers) > 0 {
		return c.Endorsers
	}
	var organisations []string
	for _, peer := range c.Peers {
		if !slices.Contains(organisations, peer.MSPID) {
			organisations = append(organisations, peer.MSPID)
		}
	}
	if len(organisations) < c.Endorsements {
		return nil
	}
	return organisations
}

func appSettings(c config.Config) app.Settings {
	return app.Settings{
		Organisation: c.Organisation, MSPID: c.MSPID,
		Retry:     app.Retry{Attempts: c.Retry.Attempts, Base: c.Retry.Base, Max: c.Retry.Longest},
		LaneLimit: c.Limits.Lane, LaneWait: c.Timeouts.Lane, WriteTimeout: c.Timeouts.Write, ModelWait: c.Timeouts.Model,
		SweepThreshold: c.Sweep.Threshold,
	}
}

func intentSettings(c config.Config) app.IntentSettings {
	return app.IntentSettings{Wait: c.Timeouts.Write, ModelWait: c.Timeouts.Model, LaneLimit: c.Limits.Lane, LaneWait: c.Timeouts.Lane}
}

func batchOptions(c config.Config, meter batch.Meter, log *slog.Logger) batch.Options {
	return batch.Options{
		MaxIntents: c.Batch.MaxIntents, MaxBytes: c.Batch.MaxBytes, InFlight: c.Batch.InFlight,
		QueueIntents: c.Batch.QueueIntents, LaneIntents: c.Batch.LaneIntents, Attempts: c.Batch.Attempts, Meter: meter, Log: log,
	}
}

func neighbourOptions(c config.Config) neighbours.Options {
	options := neighbours.Options{MSPID: c.MSPID, Timeout: c.Timeouts.Neighbour, Breaker: breaker.Options{First: c.Breaker.First, Longest: c.Breaker.Longest}}
	for _, one := range c.Neighbours {
		options.Neighbours = append(options.Neighbours, neighbours.Neighbour{MSPID: one.MSPID, URL: one.URL, KeyFile: one.KeyFile})
	}
	return options
}

// maxLagBlocks is how far the read model may be behind its peer and the gateway still be ready.
const maxLagBlocks = 5

// checks is what the gateway needs to be ready.
func checks(ledger *fabric.Ledger, database *store.Store, intents *app.Intents) []httpapi.Check {
	return []httpapi.Check{
		{Name: "intents", Check: intents.Ready},
		{Name: "peer", Check: ledger.Ready},
		{Name: "database", Check: database.Ready},
		{Name: "follower", Check: func(ctx context.Context) error {
			height, err := ledger.Height(ctx)
			if err != nil {
				return err
			}
			if taken := database.Taken(); taken+maxLagBlocks < height {
				return fmt.Errorf("the read model has %d of %d blocks", taken, height)
			}
			return nil
		}},
	}
}
