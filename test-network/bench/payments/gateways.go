package payments

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

// sharedAccounts is how many people's intents go through both gateways.
const sharedAccounts = 2_000

// beside starts a gateway of the n-th peer's organisation beside the first one, and waits until it knows what that one knows.
func (c *consortium) beside(ctx context.Context, n int, folder string) (*crowd.Relay, error) {
	second, err := crowd.NewRelay(ctx, c.facts, n, folder)
	if err != nil {
		return nil, err
	}
	height, err := c.relay.Ledger.Height(ctx)
	if err == nil {
		err = second.Store.AwaitBlock(ctx, height-1)
	}
	if err != nil {
		return nil, errors.Join(err, second.Close(ctx))
	}
	return second, nil
}

// twoGateways sends the same people's intents through two gateways, which are neighbours, at random.
func (c *consortium) twoGateways(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	second, err := c.beside(ctx, 1, filepath.Join(lab.Folder, "relay-two"))
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, second.Close(ctx)) }()
	end, err := second.Knows(ctx, c.relay)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, end()) }()
	people := c.people[:min(sharedAccounts, len(c.people))]
	return c.measure(ctx, lab, load{limit: outstanding, carriers: []crowd.Carrier{c.relay, second}, accounts: len(people), plan: func(over bool) *crowd.Job {
		if over {
			return nil
		}
		from := people[rand.IntN(len(people))]
		return &crowd.Job{Actor: from, Call: payment(other(people, from), small), Operations: 1} // busy or not: that is what two gateways do to each other
	}})
}

const (
	// attackers is how many keys the attacker has, attackEvery how often it uses one at two gateways at once.
	attackers   = 16
	attackEvery = 10 * time.Millisecond
	// attackGoal is what the others keep of their throughput.
	attackGoal = 0.8
)

// attacker measures what strangers settle while somebody sends conflicting intents through their gateway and its neighbour.
func (c *consortium) attacker(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	return c.attacked(ctx, lab, filepath.Join(lab.Folder, "relay-attacked"), true)
}

// rogue is attacker where the other gateway is its member's own, which hands nothing over: no gateway can keep a member from that.
func (c *consortium) rogue(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	return c.attacked(ctx, lab, filepath.Join(lab.Folder, "relay-rogue"), false)
}

// attacked measures what strangers settle beside an attacker, as a share of what they settle without.
func (c *consortium) attacked(ctx context.Context, lab *bench.Lab, folder string, handsOver bool) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	second, err := c.beside(ctx, 1, folder)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, second.Close(ctx)) }()
	if handsOver {
		end, err := second.Knows(ctx, c.relay)
		if err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	hostile, honest := c.people[len(c.people)-attackers:], c.people[:len(c.people)-attackers]
	l := load{limit: outstanding, accounts: len(honest), plan: strangers(honest)}
	lab.Say("  without the attacker")
	before, err := c.measure(ctx, lab, l)
	if err != nil {
		return before, err
	}
	without := c.rate
	lab.Say("  with the attacker")
	attack := &attack{consortium: c, people: hostile, gateways: []crowd.Carrier{c.relay, second}}
	l.beside = attack.run
	result, err = c.measure(ctx, lab, l)
	result.Add("valid_per_second_without", without)
	if without > 0 {
		result.AddAtLeast("ratio", c.rate/without, attackGoal)
	}
	result.Add("attacks", attack.sent)
	result.Add("attacks_settled", attack.settled)
	return result, err
}

// attack sends intents of its people in pairs that cannot both be carried at once: each through another gateway, half of them with one
// nonce twice.
type attack struct {
	*consortium
	people   []*crowd.Person
	gateways []crowd.Carrier

	mu            sync.Mutex
	sent, settled int
}

func (a *attack) run(ctx context.Context) error {
	ticker := time.NewTicker(attackEvery)
	defer ticker.Stop()
	var landing sync.WaitGroup
	defer landing.Wait()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		p := a.people[n%len(a.people)]
		for i, gateway := range a.gateways {
			sign := p.Sign
			if i > 0 && n%2 == 0 {
				sign = p.SignAgain
			}
			signed, err := sign(a.relay.Parameters.LedgerID, payment(other(a.consortium.people, p), small))
			if err != nil {
				return err
			}
			outcome := gateway.Take(context.WithoutCancel(ctx), signed)
			landing.Go(func() {
				_, err := outcome()
				a.mu.Lock()
				defer a.mu.Unlock()
				a.sent++
				if err == nil {
					a.settled++
				}
			})
		}
	}
}

// quietGoal bounds a quiet payer's p95 beside a merchant, as a multiple of what it is alone.
const quietGoal = 3

// quiet measures somebody who pays now and then, alone and beside a merchant who keeps the gateway full: it pays many, and many pay it.
func (c *consortium) quiet(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	quiet, rest := c.people[:2], c.people[2:]
	lab.Say("  the quiet payer alone")
	alone := &now{consortium: c, from: quiet[0], to: quiet[1]}
	running, cancel := context.WithTimeout(ctx, length(lab))
	err = alone.run(running)
	cancel()
	if err != nil {
		return result, err
	}
	lab.Say("  beside a merchant")
	beside := &now{consortium: c, from: quiet[0], to: quiet[1]}
	// Half: the faucet's share of all of them would be more than one account may have waiting.
	result, err = c.measure(ctx, lab, load{limit: outstanding / 2, accounts: len(c.people), plan: c.saturating(rest), beside: beside.run})
	addQuiet(&result, "alone", alone.took)
	addQuiet(&result, "quiet", beside.took)
	lone, busy := bench.Milliseconds(alone.took.Percentile(95)), bench.Milliseconds(beside.took.Percentile(95))
	if lone > 0 {
		result.AddAtMost("ratio_p95", busy/lone, quietGoal)
	}
	return result, errors.Join(err, alone.failed, beside.failed)
}

func addQuiet(result *bench.Result, name string, took bench.Latencies) {
	result.Add(name+"_payments", len(took))
	result.Add(name+"_p50_ms", bench.Milliseconds(took.Percentile(50)))
	result.Add(name+"_p95_ms", bench.Milliseconds(took.Percentile(95)))
}

// saturating plans, in turn, a payment by the faucet to somebody and one by somebody to the merchant.
func (c *consortium) saturating(people []*crowd.Person) crowd.Plan {
	n := 0
	return func(over bool) *crowd.Job {
		if over {
			return nil
		}
		if !c.merchant.Busy && c.relay.Blocks.OpenOf(c.merchant.Address) >= crowdedMerchant {
			return sweep(c.merchant)
		}
		n++
		if from := free(people); n%2 == 0 && from != nil {
			return pay(from, c.merchant)
		}
		return &crowd.Job{Actor: c.faucet, Call: payment(people[n%len(people)], small), Operations: 1}
	}
}

// now is somebody who pays one at a time.
type now struct {
	*consortium
	from, to *crowd.Person
	took     bench.Latencies
	failed   error
}

func (q *now) run(ctx context.Context) error {
	for ctx.Err() == nil && q.failed == nil {
		signed, err := q.from.Sign(q.relay.Parameters.LedgerID, payment(q.to, small))
		if err != nil {
			return err
		}
		began := time.Now()
		if _, q.failed = q.relay.Take(context.WithoutCancel(ctx), signed)(); q.failed == nil {
			q.took = append(q.took, time.Since(began))
		}
	}
	return nil
}
