package batch

import (
	"context"
	"errors"
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// maxGuestSweeps bounds how many guests are swept in one round, so that a round ends.
const maxGuestSweeps = 16

// SweepGuests folds the credits of people at home here who have reached the threshold, until ctx ends: every interval some of them, 64
// credits each, by the organisation's own call. Who acts folds some with each intent anyway; this is for who only receives.
func (b *Batcher) SweepGuests(ctx context.Context, interval time.Duration, threshold int) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		crowded, err := b.model.Crowded(ctx, threshold)
		if err != nil {
			b.options.Log.Warn("could not look for guests to sweep", "error", err)
			continue
		}
		swept := 0
		for _, account := range crowded {
			if ctx.Err() != nil || swept == maxGuestSweeps {
				break
			}
			if !b.guest(account) {
				continue
			}
			swept++
			if err := b.sweepGuest(ctx, account); err != nil {
				b.options.Log.Warn("could not sweep a guest", "account", account, "error", err)
			}
		}
	}
}

// guest reports whether an account is a person's who is at home here, as far as blocks have shown it. It is a hint, never an authority:
// who is missing is paid by a credit.
func (b *Batcher) guest(account spec.Address) bool {
	if account.Type != spec.KeyAccount {
		return false
	}
	if is, known := b.witness.guest(account); known {
		return is
	}
	return b.model.Guest(account)
}

// sweepGuest folds up to 64 of an account's credits while no batch in flight touches the account. One that is touched is left for the next
// round.
func (b *Batcher) sweepGuest(ctx context.Context, account spec.Address) error {
	key := ledger.AccountKey(account)
	if !b.reserve(key) {
		return nil
	}
	defer b.free(key)
	funds, err := b.model.Funds(ctx, account, spec.MaxHintedCredits)
	if err != nil || len(funds.Credits) == 0 {
		return err
	}
	hints := &spec.Hints{}
	for _, credit := range funds.Credits {
		hints.Credits = append(hints.Credits, credit.Name.Bytes())
	}
	call := &spec.Call{Operation: spec.Find(spec.TokenContract + ":Sweep"), Hints: hints, Command: &spec.Sweep{Account: account.Bytes()}}
	commit, err := b.ledger.Submit(ctx, call, func(_ context.Context, sent app.Sent) error {
		b.witness.Own(sent.Transaction)
		return nil
	})
	if errors.Is(err, &spec.Error{Code: spec.NoCredits}) {
		// Somebody folded them meanwhile.
		return nil
	}
	if err != nil {
		return err
	}
	return b.model.AwaitBlock(ctx, commit.Block)
}

// reserve holds a key as a batch in flight does, unless one does.
func (b *Batcher) reserve(key ledger.Key) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.held[key] {
		return false
	}
	b.queue.held[key] = true
	return true
}

func (b *Batcher) free(key ledger.Key) {
	b.mu.Lock()
	b.queue.release([]ledger.Key{key})
	b.mu.Unlock()
	b.nudge()
}
