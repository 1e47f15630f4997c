package first

import (
	"context"
	"time"

	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	idleGoalMemoryMiB = 2048
	idleGoalCPU       = 10 // percent of one core
	idleLength        = 30 * time.Second

	// A network is quiet when it uses no less than quietRatio of what it used in the window before: it has stopped calming
	// down. One that is quiet from the start shows it in two windows.
	quietWindow  = 4 * time.Second
	quietRatio   = 0.8
	quietWindows = 15
)

func idle(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	network, err := lab.Network(ctx)
	if err != nil {
		return result, err
	}
	processes, err := network.Processes(ctx)
	if err != nil {
		return result, err
	}
	if err := awaitQuiet(ctx, lab, processes); err != nil {
		return result, err
	}
	lab.Say("%d processes are watched for %.0f s", len(processes), idleLength.Seconds())
	load, err := bench.Measure(ctx, processes, idleLength)
	if err != nil {
		return result, err
	}
	cpu, memory := load.ByKind()
	result.AddAtMost("memory_mib", load.ResidentMiB(), idleGoalMemoryMiB)
	result.AddAtMost("cpu_percent_of_core", load.PercentOfCore(), idleGoalCPU)
	result.Add("seconds", load.Length.Seconds())
	result.Add("memory_mib_by_kind", memory)
	result.Add("cpu_percent_by_kind", cpu)
	return result, nil
}

// awaitQuiet waits until the network has stopped calming down. One that never does is measured as it is: that is its idling.
func awaitQuiet(ctx context.Context, lab *bench.Lab, processes []bench.Process) error {
	before := -1.0
	for range quietWindows {
		load, err := bench.Measure(ctx, processes, quietWindow)
		if err != nil {
			return err
		}
		now := load.PercentOfCore()
		lab.Say("  %.1f %% of a core in %.0f s", now, quietWindow.Seconds())
		if before >= 0 && now >= quietRatio*before {
			return nil
		}
		before = now
	}
	lab.Say("  it does not settle")
	return nil
}
