// Package payments is the bench of what the ledger carries: a plain token of package baseline against signed intents in
// batches, through the gateway's own batching code, on networks of its own. It knows the gateway's parts as cmt-gateway
// wires them and measures processes from outside; it must never reach around them to make a figure better.
package payments

import (
	"time"

	"github.com/cybermiles/cmt/test-network/bench"
)

// defaultLength is a window's length when --seconds does not say.
const defaultLength = 15 * time.Second

// Bench is scripts/bench payments.
func Bench() bench.Bench {
	p := &plain{}
	c := &consortium{baseline: p}
	g := &growth{others: c}
	return bench.Bench{
		Name:    "payments",
		Summary: "signed payments in batches against a token as tutorials write it",
		Scenarios: []bench.Scenario{
			{Name: "baseline_spread", Summary: "the plain token: strangers pay strangers", Run: p.spread},
			{Name: "baseline_hot", Summary: "the plain token: all pay one merchant", Run: p.hot},
			{Name: "spread", Summary: "strangers pay strangers, met at random", Run: c.spread},
			{Name: "local", Summary: "accounts that act together pay each other", Run: c.local},
			{Name: "hot", Summary: "all pay one merchant", Run: c.hot},
			{Name: "payouts", Summary: "one pays all", Run: c.payouts},
			{Name: "purchases", Summary: "whole purchases: order, ship, confirm", Run: c.purchases},
			{Name: "mixed", Summary: "payments at random, payments to a merchant, purchases", Run: c.mixed},
			{Name: "lone", Summary: "one payment at a time on an idle network", Run: c.lone},
			{Name: "two_gateways", Summary: "the same few people's payments through two gateways at once", Run: c.twoGateways},
			{Name: "attacker", Summary: "strangers, while somebody sends conflicting intents through two gateways that know each other", Run: c.attacker},
			{Name: "rogue", Summary: "strangers, while a member's gateway that hands nothing over carries somebody's conflicting intents", Run: c.rogue},
			{Name: "quiet", Summary: "a quiet payer beside a merchant who keeps the gateway full", Run: c.quiet},
			{Name: "rest_single", Summary: "payments through a gateway's REST API, one a request", Run: c.restSingle},
			{Name: "rest_many", Summary: "payments through a gateway's REST API, a hundred a request", Run: c.restMany},
			{Name: "growth_10k", Summary: "strangers pay strangers, 10,000 accounts in the state", Nightly: true, Run: g.to(10_000)},
			{Name: "growth_1m", Summary: "... 1,000,000", Nightly: true, Run: g.to(1_000_000)},
			{Name: "growth_10m", Summary: "... 10,000,000", Nightly: true, Run: g.to(10_000_000)},
		},
	}
}

func length(lab *bench.Lab) time.Duration {
	if lab.Settings.Length > 0 {
		return lab.Settings.Length
	}
	return defaultLength
}
