package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/test-network/bench"
)

// registry is a bench that measures nothing, in a clone that is none.
func registry() bench.Registry {
	return bench.Registry{{Name: "quick", Summary: "tests", Scenarios: []bench.Scenario{
		{Name: "works", Summary: "yes", Run: func(context.Context, *bench.Lab) (result bench.Result, err error) {
			result.AddAtMost("seconds", 11, 10)
			return result, nil
		}},
		{Name: "breaks", Summary: "no", Run: func(context.Context, *bench.Lab) (bench.Result, error) {
			return bench.Result{}, errors.New("nothing works")
		}},
	}}}
}

// run is the command line with a clone of its own behind it.
func run(t *testing.T, arguments ...string) (out, progress string, err error) {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "scripts", "build"), []byte("#!/bin/sh\nmkdir -p .bin\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	command := newCommand(registry())
	command.SetArgs(append(arguments, "--root", root))
	command.SetOut(&stdout)
	command.SetErr(&stderr)
	err = command.ExecuteContext(context.Background())
	return stdout.String(), stderr.String(), err
}

func TestUsageAndUnknownNames(t *testing.T) {
	for _, row := range []struct {
		arguments []string
		want      string
	}{
		{nil, "name a bench"},
		{[]string{"slow"}, `no bench "slow": there is quick`},
		{[]string{"quick", "slow"}, "one bench at a time"},
		{[]string{"quick", "--only", "works,sleeps"}, `no scenario "sleeps": there is works, breaks`},
		{[]string{"quick", "--json", "/nowhere/at/all.json"}, "make the folder first"},
		{[]string{"quick", "--second-hand", "1"}, "unknown flag"},
	} {
		out, progress, err := run(t, row.arguments...)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: %v, want %q", row.arguments, err, row.want)
		}
		if out != "" {
			t.Errorf("%q printed figures: %s", row.arguments, out)
		}
		if row.arguments == nil && !strings.Contains(progress, "usage: scripts/bench NAME") {
			t.Errorf("no usage: %s", progress)
		}
	}
}

func TestAMissedGoalIsNoFailure(t *testing.T) {
	out, _, err := run(t, "quick", "--only", "works")
	if err != nil || !strings.Contains(out, "at most 10") || !strings.Contains(out, "NO") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWhatBrokeIsInTheDocumentAndTheStatus(t *testing.T) {
	file := filepath.Join(t.TempDir(), "figures.json")
	out, progress, err := run(t, "--json", file, "quick")
	if !errors.Is(err, bench.ErrBroken) || !strings.Contains(progress, "nothing works") || !strings.Contains(out, "broken") {
		t.Errorf("%v\n%s\n%s", err, progress, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Machine map[string]any
		Results []map[string]any
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if document.Machine["cores"] == nil || len(document.Results) != 2 || document.Results[0]["seconds"] != 11.0 ||
		document.Results[0]["goal_seconds"] != 10.0 || document.Results[1]["error"] != "nothing works" {
		t.Errorf("%s", text)
	}
}
