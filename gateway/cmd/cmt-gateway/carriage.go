package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/config"
	"github.com/cybermiles/cmt/gateway/neighbours"
	"github.com/cybermiles/cmt/gateway/store"
)

// The pauses between questions for the ledger's parameters: doubled each time, up to the longest.
const (
	firstParametersPause   = 200 * time.Millisecond
	longestParametersPause = 5 * time.Second
)

// carriage runs the batcher once the ledger has told its parameters, and anew when the ledger turns out to be another one.
type carriage struct {
	mspID    string
	options  batch.Options
	sweep    config.Sweep
	ledger   batch.Ledger
	database *store.Store
	intents  *app.Intents
	// neighbours are told which members they are.
	neighbours *neighbours.Set
	witness    *batch.Witness
	// blocks is what the follower feeds.
	blocks *batch.Watched
	// changed is told that the ledger is another one.
	changed chan struct{}
	log     *slog.Logger
}

func newCarriage(mspID string, options batch.Options, sweep config.Sweep, ledger batch.Ledger, database *store.Store, intents *app.Intents, others *neighbours.Set) *carriage {
	witness := batch.NewWitness()
	c := &carriage{
		mspID: mspID, options: options, sweep: sweep, ledger: ledger, database: database, intents: intents, witness: witness, neighbours: others,
		blocks: witness.Watching(database), changed: make(chan struct{}, 1), log: options.Log,
	}
	c.blocks.OnReset = func() {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
	return c
}

func (c *carriage) run(ctx context.Context) error {
	for ctx.Err() == nil {
		parameters, err := c.parameters(ctx)
		if err != nil {
			// Only the end of ctx ends the asking.
			return nil
		}
		if err := c.carry(ctx, parameters); err != nil {
			return err
		}
	}
	return nil
}

// carry runs a batcher until ctx ends or the ledger is another one.
func (c *carriage) carry(ctx context.Context, parameters batch.Parameters) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	options := c.options
	options.Parameters, options.Neighbours = parameters, c.neighbours
	batcher := batch.New(options, c.ledger, c.database, c.witness)
	c.intents.Start(parameters.LedgerID, batcher)
	work, running := errgroup.WithContext(running)
	work.Go(func() error { return batcher.Run(running) })
	if c.sweep.Threshold > 0 {
		work.Go(func() error { return batcher.SweepGuests(running, c.sweep.Interval, c.sweep.Threshold) })
	}
	ended := make(chan error, 1)
	go func() { ended <- work.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-c.changed:
		c.intents.Stop(errors.New("the ledger is another one; its parameters were not read yet"))
		stop()
		return <-ended
	}
}

// readParameters asks the ledger for its parameters, and for the numbers that the own organisation and its neighbours have on it.
func (c *carriage) readParameters(ctx context.Context) (batch.Parameters, error) {
	parameters, err := batch.ReadParameters(ctx, c.ledger)
	if err != nil {
		return parameters, err
	}
	index, err := app.MemberIndex(ctx, c.ledger, c.mspID)
	if err != nil {
		return parameters, err
	}
	c.neighbours.Forget()
	for _, mspID := range c.neighbours.MSPIDs() {
		member, err := app.MemberIndex(ctx, c.ledger, mspID)
		if spec.ErrorCode(err) == spec.NotFound && err != nil {
			c.log.Warn("a neighbour is no member; nothing is handed over to it", "organisation", mspID)
			continue
		}
		if err != nil {
			return parameters, err
		}
		c.neighbours.Name(mspID, member)
	}
	c.witness.SetHome(index)
	return parameters, nil
}

// parameters asks the ledger until it answers.
func (c *carriage) parameters(ctx context.Context) (batch.Parameters, error) {
	pause := firstParametersPause
	for {
		parameters, err := c.readParameters(ctx)
		if err == nil {
			return parameters, nil
		}
		c.intents.Stop(err)
		c.log.Debug("the ledger does not tell its parameters yet", "error", err, "again_in", pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return parameters, ctx.Err()
		}
		pause = min(2*pause, longestParametersPause)
	}
}
