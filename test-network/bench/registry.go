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

// Only keeps the named scenarios, in the bench's order; no names keep all.
func (b Bench) Only(names []string) (Bench, error) {
	if len(names) == 0 {
		return b, nil
	}
	var known []string
	var kept []Scenario
	for _, scenario := range b.Scenarios {
		known = append(known, scenario.Name)
		if slices.Contains(names, scenario.Name) {
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
			fmt.Fprintf(&out, "  %-10s  %s\n", scenario.Name, scenario.Summary)
		}
	}
	return out.String()
}
