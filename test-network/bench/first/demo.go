package first

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	coldGoalSeconds = 240
	warmGoalSeconds = 30
)

func coldDemo(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	return demo(ctx, lab, "cold", true, coldGoalSeconds)
}

// warmDemo has Fabric built before its clock starts: cold_demo has the time that takes.
func warmDemo(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	network, err := lab.Program(ctx, "cmt-network")
	if err != nil {
		return bench.Result{}, err
	}
	build := lab.Follow(bench.Command{Dir: lab.Repository, Args: []string{network, "build"}})
	if err := build.Run(ctx); err != nil {
		return bench.Result{}, err
	}
	return demo(ctx, lab, "warm", false, warmGoalSeconds)
}

// phases are told from what scripts/demo, scripts/build and cmt-network print.
func phases() *bench.Phases {
	return &bench.Phases{Marks: []bench.Mark{
		{Phase: "modules", Text: "go: downloading "},
		{Phase: "build", Text: "build: ok in "},
		{Phase: "fabric", Text: " fabric programs "},
		{Phase: "network", Text: "up: ok in "},
		{Phase: "stories_and_down", Text: demoOK},
	}}
}

// demoOK begins the demo's last line, which stands for every postcondition.
const demoOK = "demo: ok in "

func demo(ctx context.Context, lab *bench.Lab, name string, cold bool, goalSeconds float64) (result bench.Result, err error) {
	clone, err := lab.Clone(ctx, name, cold)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, clone.Remove()) }()
	phases := phases()
	used, err := clone.Measure(ctx, phases.Line, filepath.Join(clone.Root, "scripts", "demo"), "--once")
	if err != nil {
		return result, err
	}
	took, ok := phases.Ended("stories_and_down")
	if !ok {
		return result, errors.New("scripts/demo --once ended with status 0 and without its line " + demoOK)
	}
	result.AddAtMost("seconds", (clone.Used.Wall + took).Seconds(), goalSeconds)
	// What the compilers used, for the most part: where others share the machine, the figure that still compares.
	result.Add("cpu_seconds", (clone.Used.CPU + used.CPU).Seconds())
	result.Add("phase_seconds", append(bench.Parts{{Name: "clone", Value: clone.Used.Wall.Seconds()}}, phases.Seconds()...))
	return result, nil
}
