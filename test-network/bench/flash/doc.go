// Package flash is the bench of a sale that more people want than there is of: buyers who sign their orders come through three
// gateways at once, and every unit is sold once. It counts what was sold from the blocks, never from what buyers were told, and
// fails when the two differ.
package flash

import "github.com/cybermiles/cmt/test-network/bench"

// Bench is scripts/bench flash.
func Bench() bench.Bench {
	return bench.Bench{
		Name:      "flash",
		Summary:   "a flash sale: one listing, more buyers than units, three gateways",
		Scenarios: []bench.Scenario{{Name: "flash", Summary: "10,000 units and 20,000 buyers, or --units and --buyers", Run: run}},
	}
}
