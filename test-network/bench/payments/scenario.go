package payments

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

// What the issue aims at, as multiples of baseline_spread and in milliseconds.
const (
	spreadGoal    = 30
	localGoal     = 50
	purchasesGoal = 5
	loneGoal      = 300
)

// outstanding is how many intents are on their way at a time: two batches in flight and one that fills.
const outstanding = 6000

// outstandingPurchases are as many whole purchases, each of which has one intent at a time on its way: with twice as many everybody only
// waits twice as long.
const outstandingPurchases = 3000

// small is one payment's amount: somewhat more than the ledger's least.
var small = spec.Units(2_000_000_000_000_000)

// load is what a scenario asks of the driver.
type load struct {
	limit    int
	carriers []crowd.Carrier
	accounts int
	goal     float64 // multiples of the baseline; 0: none
	// beside runs during the window, until its context ends. May be nil.
	beside func(ctx context.Context) error
	plan   crowd.Plan
}

// warmUp is how long a network's first load runs before its window: until heaps have their size and caches their keys.
const warmUp = 45 * time.Second

// measure runs a load: a while to warm up, a short one but on a fresh network, then the window, to whose time the folding of its
// credits belongs.
func (c *consortium) measure(ctx context.Context, lab *bench.Lab, l load) (result bench.Result, err error) {
	if l.carriers == nil {
		l.carriers = []crowd.Carrier{c.relay}
	}
	warm := c.driver(l.limit, l.carriers...)
	warming := length(lab) / 8
	if !c.warm {
		lab.Say("  warming up")
		warming, c.warm = warmUp, true
	}
	if err := warm.Run(ctx, warming, l.plan); err != nil {
		return result, err
	}
	if err := c.settle(ctx, warm); err != nil {
		return result, err
	}
	before := c.relay.Blocks.Tally()
	meter, err := begin(ctx, c.network, c.facts)
	if err != nil {
		return result, err
	}
	d := c.driver(l.limit, l.carriers...)
	resting, err := c.window(ctx, lab, d, l)
	if err != nil {
		return result, err
	}
	lab.Say("  folding")
	openEnd, err := c.fold(ctx, d, before.Open)
	if err != nil {
		return result, err
	}
	found, err := meter.end()
	if err != nil {
		return result, err
	}
	found.length -= resting
	after := c.relay.Blocks.Tally()
	refused, text := d.Refusals()
	if refused > 0 {
		lab.Say("  refused: %s", text)
	}
	found.cpu["client"] = d.Signing
	found.cpu["bench"] -= d.Signing
	c.report(&result, d, found, l)
	result.Add("conflicts", after.Invalid-before.Invalid)
	result.Add("refused", refused)
	result.Add("accounts", l.accounts)
	result.Add("transactions", after.Batches-before.Batches)
	result.Add("credits_open_start", before.Open)
	result.Add("credits_open_end", openEnd)
	return result, c.relay.Audit(ctx, c.facts)
}

// window drives the load for its length, while the operator's gateway folds fees and whatever runs beside. It returns how long what ran
// beside took to come to rest after the last of the load's own operations, which nobody of those waited for.
func (c *consortium) window(ctx context.Context, lab *bench.Lab, d *crowd.Driver, l load) (resting time.Duration, err error) {
	running, cancel := context.WithCancel(ctx)
	group, running := errgroup.WithContext(running)
	group.Go(func() error { return c.foldFees(running, time.Second) })
	if l.beside != nil {
		group.Go(func() error { return l.beside(running) })
	}
	err = d.Run(running, length(lab), l.plan)
	ended := time.Now()
	cancel()
	err = errors.Join(err, group.Wait())
	return time.Since(ended), err
}

func (c *consortium) report(result *bench.Result, d *crowd.Driver, found measured, l load) {
	c.rate = float64(d.Ended) / found.length.Seconds()
	result.Add("valid_per_second", c.rate)
	if c.baseline.best > 0 {
		if l.goal > 0 {
			result.AddAtLeast("ratio_to_baseline", c.rate/c.baseline.best, l.goal)
		} else {
			result.Add("ratio_to_baseline", c.rate/c.baseline.best)
		}
	}
	addLatencies(result, d.Took)
	found.add(result, d.Ended)
}

// free returns somebody at random with nothing on the way, nil when there is nobody.
func free(people []*crowd.Person) *crowd.Person {
	start := rand.IntN(len(people))
	for n := range people {
		if p := people[(start+n)%len(people)]; !p.Busy {
			return p
		}
	}
	return nil
}

// other returns somebody else at random.
func other(people []*crowd.Person, than *crowd.Person) *crowd.Person {
	for {
		if p := people[rand.IntN(len(people))]; p != than {
			return p
		}
	}
}

// pay is a job of somebody who has nothing else on the way.
func pay(from, to *crowd.Person) *crowd.Job {
	from.Busy = true
	return &crowd.Job{Actor: from, Call: payment(to, small), Operations: 1, Then: func(error) { from.Busy = false }}
}

// strangers plans payments of anybody to anybody.
func strangers(people []*crowd.Person) crowd.Plan {
	return func(over bool) *crowd.Job {
		if over {
			return nil
		}
		from := free(people)
		if from == nil {
			return nil
		}
		return pay(from, other(people, from))
	}
}

func (c *consortium) spread(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	return c.measure(ctx, lab, load{limit: outstanding, accounts: len(c.people), goal: spreadGoal, plan: strangers(c.people)})
}

// Accounts that act together: circles whose people pay each other, many times in a short while, and then those of the next.
const (
	circles       = 10
	circleSize    = 300
	circlePays    = 1_000
	circleTurns   = circles * circlePays
	localAccounts = circles * circleSize
)

func (c *consortium) local(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	people := c.people[:min(localAccounts, len(c.people))]
	size, at := len(people)/circles, 0
	return c.measure(ctx, lab, load{limit: outstanding, accounts: size * circles, goal: localGoal, plan: func(over bool) *crowd.Job {
		if over {
			return nil
		}
		first := at % circleTurns / circlePays * size
		at++
		circle := people[first : first+size]
		from := circle[rand.IntN(size)]
		return &crowd.Job{Actor: from, Call: payment(other(circle, from), small), Operations: 1}
	}})
}

// crowdedMerchant is how many open credits make the merchant sweep, within a window.
const crowdedMerchant = 32

func (c *consortium) hot(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	return c.measure(ctx, lab, load{limit: outstanding, accounts: len(c.people), goal: spreadGoal, plan: c.toMerchant})
}

// toMerchant plans payments of all to the merchant, who folds its credits before they pile up.
func (c *consortium) toMerchant(over bool) *crowd.Job {
	if over {
		return nil
	}
	if !c.merchant.Busy && c.relay.Blocks.OpenOf(c.merchant.Address) >= crowdedMerchant {
		return sweep(c.merchant)
	}
	from := free(c.people)
	if from == nil {
		return nil
	}
	return pay(from, c.merchant)
}

const (
	// payees is how many people the faucet pays in turn.
	payees = 5_000
	// payoutSize is how many of them one payout pays, of at most 500: enough that its own cost does not show.
	payoutSize = 100
)

func (c *consortium) payouts(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	people := c.people[:min(payees, len(c.people))]
	at := 0
	return c.measure(ctx, lab, load{limit: outstanding / payoutSize, accounts: len(people), goal: spreadGoal, plan: func(over bool) *crowd.Job {
		if over {
			return nil
		}
		receivers := make([]*crowd.Person, payoutSize)
		for i := range receivers {
			at++
			receivers[i] = people[at%len(people)]
		}
		return &crowd.Job{Actor: c.faucet, Call: crowd.Payout(receivers, small), Operations: len(receivers)}
	}})
}

func (c *consortium) lone(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	result, err = c.measure(ctx, lab, load{limit: 1, accounts: len(c.people), plan: strangers(c.people)})
	for i, figure := range result.Figures {
		if figure.Name == "p50_ms" {
			result.Figures[i].Goal = &bench.Goal{Value: loneGoal}
		}
	}
	return result, err
}
