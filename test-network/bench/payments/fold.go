package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

// maxFoldRounds bounds how often what is left open after a round of sweeps is swept again.
const maxFoldRounds = 100

// fold has owners sweep their credits until no more are open than there were.
func (c *consortium) fold(ctx context.Context, d *crowd.Driver, atMost int) (open int, err error) {
	d.Limit = outstanding // one at a time would be the measure of something else
	for range maxFoldRounds {
		if err := c.settle(ctx, d); err != nil {
			return 0, err
		}
		if open = c.relay.Blocks.Tally().Open; open <= atMost {
			return open, nil
		}
		if err := c.foldOperator(ctx); err != nil {
			return open, err
		}
		owners := c.relay.Blocks.Crowded(open-atMost, func(owner spec.Address) bool { return c.byOwner[owner] != nil })
		next := 0
		err := d.Run(ctx, 0, func(bool) *crowd.Job {
			if next == len(owners) {
				return nil
			}
			next++
			return sweep(c.byOwner[owners[next-1]])
		})
		if err != nil {
			return open, err
		}
	}
	return open, fmt.Errorf("%d credits are open after %d rounds of sweeps, %d before", open, maxFoldRounds, atMost)
}

// settle waits until the read model has what the driver's intents did.
func (c *consortium) settle(ctx context.Context, d *crowd.Driver) error {
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	return c.relay.Store.AwaitBlock(ctx, d.Last)
}

// sweep is a job that folds a person's own credits.
func sweep(owner *crowd.Person) *crowd.Job {
	owner.Busy = true
	return &crowd.Job{
		Actor: owner, Call: &spec.Call{Operation: sweepOperation, Command: &spec.Sweep{}},
		Then: func(error) { owner.Busy = false },
	}
}

// foldOperator sweeps the marketplace operator's fees, which no person signs for: its gateway does.
func (c *consortium) foldOperator(ctx context.Context) error {
	funds, err := c.relay.Store.Funds(ctx, spec.OrganisationAddress(c.relay.MSPID), spec.MaxHintedCredits)
	if err != nil || len(funds.Credits) == 0 {
		return err
	}
	hints := &spec.Hints{}
	for _, credit := range funds.Credits {
		hints.Credits = append(hints.Credits, credit.Name.Bytes())
	}
	commit, err := c.relay.Ledger.Submit(ctx, &spec.Call{Operation: sweepOperation, Hints: hints, Command: &spec.Sweep{}}, crowd.AnnounceNobody)
	if spec.ErrorCode(err) == spec.Conflict {
		return nil // nothing happened, as when endorsers are at different heights: whoever folds comes again
	}
	if err != nil {
		return fmt.Errorf("fold the operator's fees: %w", err)
	}
	return c.relay.Store.AwaitBlock(ctx, commit.Block)
}

// crowdedOperator is how many fees lie open before the operator folds them, within a window.
const crowdedOperator = 32

// foldFees keeps the operator's fees few until ctx ends, as its gateway does.
func (c *consortium) foldFees(ctx context.Context, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if c.relay.Blocks.OpenOf(spec.OrganisationAddress(c.relay.MSPID)) < crowdedOperator {
			continue
		}
		if err := c.foldOperator(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
}
