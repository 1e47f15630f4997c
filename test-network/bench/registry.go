package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Bench is scenarios that are run together, in order, in one workplace.
type Bench struct {
	Name      string
	Summary   string
	Scenarios []Scenario
}

// Scenario measures one thing. Run is for progress and errors; a missed goal is no error.
type Scenario struct {
	Name    string
	Summary string
	// Nightly: it takes long, and runs when it is named or when all is asked for.
	Nightly bool
	Run     func(context.Context, *Lab) (Result, error)
}

// Registry is every bench there is.
type Registry []Bench

// Find returns a bench by its name.
func (r Registry) Find(name string) (Bench, error) {
	names := make([]string, len(r))
	for i, bench := range r {
		if bench.Name == name {
			return bench, nil
		}
		names[i] = bench.Name
	}
	return Bench{}, fmt.Errorf("no bench %q: there is %s", name, strings.Join(names, ", "))
}

// Only keeps the named scenarios, in the bench's order; no names keep all, those of the night if it is one.
func (b Bench) Only(names []string, nightly bool) (Bench, error) {
	var known []string
	var kept []Scenario
	for _, scenario := range b.Scenarios {
		known = append(known, scenario.Name)
		if slices.Contains(names, scenario.Name) || len(names) == 0 && (nightly || !scenario.Nightly) {
			kept = append(kept, scenario)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return b, fmt.Errorf("--only: the bench %s has no scenario %q: there is %s", b.Name, name, strings.Join(known, ", "))
		}
	}
	b.Scenarios = kept
	return b, nil
}

// Describe lists benches and scenarios for the usage.
func (r Registry) Describe() string {
	var out strings.Builder
	for _, bench := range r {
		fmt.Fprintf(&out, "%s: %s\n", bench.Name, bench.Summary)
		for _, scenario := range bench.Scenarios {
			when := ""
			if scenario.Nightly {
				when = " (with --nightly)"
			}
			fmt.Fprintf(&out, "  %-10s  %s%s\n", scenario.Name, scenario.Summary, when)
		}
	}
	return out.String()
}
