package first

import (
	"context"
	"time"

	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	upGoal = 10 * time.Second
	// upRounds is how often it is measured; the figure is the median.
	upRounds = 3
)

func up(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	network, err := lab.Network(ctx)
	if err != nil {
		return result, err
	}
	var took bench.Latencies
	for range upRounds {
		if err := network.Down(ctx); err != nil {
			return result, err
		}
		one, err := network.Up(ctx)
		if err != nil {
			return result, err
		}
		took = append(took, one)
	}
	result.AddAtMost("seconds", took.Median().Seconds(), upGoal.Seconds())
	result.Add("round_seconds", took.Seconds())
	return result, nil
}
