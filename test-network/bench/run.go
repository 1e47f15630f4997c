package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrBroken says that a scenario could not be carried out; the result has the cause.
var ErrBroken = errors.New("a scenario broke")

// Run carries the scenarios out in order. One that breaks does not keep the next from running; an ended context does.
func (b Bench) Run(ctx context.Context, lab *Lab) (results []Result, err error) {
	// At once, while the sources are those that the bench itself was built of.
	if err := lab.Build(ctx); err != nil {
		return nil, err
	}
	results = []Result{}
	for _, scenario := range b.Scenarios {
		lab.Say("%s: %s", scenario.Name, scenario.Summary)
		began := time.Now()
		result, broke := scenario.Run(ctx, lab)
		result.Name = scenario.Name
		if ctx.Err() != nil {
			if broke == nil {
				broke = context.Cause(ctx)
			}
			return results, fmt.Errorf("%s: %w", scenario.Name, broke)
		}
		if broke != nil {
			lab.Say("%s: FAILED after %.0f s: %v", scenario.Name, time.Since(began).Seconds(), broke)
			result, err = Result{Name: scenario.Name, Err: broke}, errors.Join(err, fmt.Errorf("%w: %s", ErrBroken, scenario.Name))
		} else {
			lab.Say("%s: done in %.0f s", scenario.Name, time.Since(began).Seconds())
		}
		results = append(results, result)
	}
	return results, err
}
