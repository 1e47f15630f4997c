package app

import (
	"context"
	"slices"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// sweepBackoffLongest bounds the pause of an account whose sweeps fail.
const sweepBackoffLongest = time.Minute

// sweepPause is an account's back-off after sweeps that failed.
type sweepPause struct {
	until time.Time
	pause time.Duration
}

// Sweep folds the own accounts' credits, until ctx ends: every interval it looks at the organisation and its sub-accounts
// in use, and folds those that have reached the threshold, 64 credits at a time. It waits in the account's lane like any
// payment, so that the two never collide.
func (s *Service) Sweep(ctx context.Context, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	pauses := map[string]sweepPause{}
	for {
		select {
		case now := <-ticker.C:
			s.sweepAll(ctx, now, interval, pauses)
		case <-ctx.Done():
			return nil
		}
	}
}

// sweepAll looks at every own account that has reached the threshold once.
func (s *Service) sweepAll(ctx context.Context, now time.Time, interval time.Duration, pauses map[string]sweepPause) {
	labels, err := s.crowdedLabels(ctx)
	if err != nil {
		s.log.Warn("could not look for accounts to sweep", "error", err)
		return
	}
	for _, label := range labels {
		if ctx.Err() != nil {
			return
		}
		if now.Before(pauses[label].until) {
			continue
		}
		if err := s.sweepAccount(ctx, label); err != nil {
			pause := min(max(2*pauses[label].pause, interval), sweepBackoffLongest)
			pauses[label] = sweepPause{until: now.Add(pause), pause: pause}
			s.log.Warn("could not sweep", "sub_account", label, "again_in", pause, "error", err)
			continue
		}
		delete(pauses, label)
	}
}

// crowdedLabels returns the own accounts that have reached the threshold; the empty label is the organisation.
func (s *Service) crowdedLabels(ctx context.Context) ([]string, error) {
	crowded, err := s.model.Crowded(ctx, s.settings.SweepThreshold)
	if err != nil || len(crowded) == 0 {
		return nil, err
	}
	labels, err := s.model.Labels(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append([]string{""}, labels...), func(label string) bool {
		return !slices.Contains(crowded, spec.SubAccountAddress(s.settings.MSPID, label))
	}), nil
}

// sweepAccount folds an account's credits while it has reached the threshold.
func (s *Service) sweepAccount(ctx context.Context, label string) error {
	address := spec.SubAccountAddress(s.settings.MSPID, label)
	for {
		funds, err := s.model.Funds(ctx, address, 0)
		if err != nil {
			return err
		}
		if funds.CreditCount < s.settings.SweepThreshold {
			return nil
		}
		folded, err := s.sweepBatch(ctx, label, address)
		if err != nil || !folded {
			return err
		}
	}
}

// sweepBatch folds up to 64 credits in the account's lane, after a look at what is still open by then.
func (s *Service) sweepBatch(ctx context.Context, label string, address spec.Address) (folded bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, s.settings.LaneWait)
	defer cancel()
	leave, err := s.lanes.Enter(waiting, actorLane(address))
	if err != nil {
		return false, err
	}
	defer leave()
	funds, err := s.model.Funds(ctx, address, maxHints)
	if err != nil || funds.CreditCount < s.settings.SweepThreshold {
		return false, err
	}
	folding, cancelFold := context.WithTimeout(context.WithoutCancel(ctx), s.settings.WriteTimeout)
	defer cancelFold()
	if err := s.fold(folding, label, funds.Credits); err != nil {
		return false, err
	}
	return true, nil
}
