package bench

import (
	"context"
	"fmt"
	"time"
)

// pollEvery is the pause between two askings of a condition.
const pollEvery = 50 * time.Millisecond

// Await asks for a condition until it holds, ctx ends or the limit passes; then its error has the condition's last.
func Await(ctx context.Context, limit time.Duration, what string, condition func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		err := condition(bounded)
		if err == nil {
			return nil
		}
		if last == nil || bounded.Err() == nil { // an error that only says that time is up says nothing
			last = err
		}
		select {
		case <-bounded.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%s: not within %v: %w", what, limit, last)
		case <-tick.C:
		}
	}
}
