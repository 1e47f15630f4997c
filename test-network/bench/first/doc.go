// Package first is the bench of a newcomer's first hour: how long until the demo has run, how long a network takes to come
// up, how long one write takes, what an idle network costs, and how long nobody can write after the leader was killed. It
// knows the demo and the REST API from outside, and must never look into a gateway or peer.
package first

import "github.com/cybermiles/cmt/test-network/bench"

// Bench is scripts/bench first. The goals hold for two cores that nobody else uses.
func Bench() bench.Bench {
	return bench.Bench{
		Name:    "first",
		Summary: "from a clean clone to the first writes",
		Scenarios: []bench.Scenario{
			{Name: "cold_demo", Summary: "a clean clone to demo: ok, nothing cached but the Go toolchain", Run: coldDemo},
			{Name: "warm_demo", Summary: "a clean clone to demo: ok, with this user's caches and Fabric built", Run: warmDemo},
			{Name: "up", Summary: "cmt-network up on an existing ledger", Run: up},
			{Name: "write", Summary: "one payment through REST at a time, on an idle network", Run: write},
			{Name: "idle", Summary: "memory and CPU of a whole network that has nothing to do", Run: idle},
			{Name: "failover", Summary: "the leading orderer killed, until the next payment through REST commits", Run: failover},
		},
	}
}
