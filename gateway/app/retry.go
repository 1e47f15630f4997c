package app

import (
	"context"
	"math/rand/v2"
	"time"
)

// Retry bounds how often a call that lost to others is built anew, and how long it waits in between.
type Retry struct {
	// Attempts counts the first one too.
	Attempts int
	// Base is the longest first wait; each further one doubles, up to Max. Waits are drawn evenly from the upper half.
	Base, Max time.Duration
	// Sleep and Random are replaced by tests; nil means the clock and math/rand.
	Sleep  func(ctx context.Context, d time.Duration) error
	Random func() float64
}

// wait sleeps before the attempt that follows the given one, counted from 1.
func (r Retry) wait(ctx context.Context, attempt int) error {
	longest := min(r.Base<<min(attempt-1, 16), r.Max)
	random := r.Random
	if random == nil {
		random = rand.Float64
	}
	pause := longest/2 + time.Duration(random()*float64(longest)/2)
	if r.Sleep != nil {
		return r.Sleep(ctx, pause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
