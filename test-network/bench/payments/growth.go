package payments

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

const (
	// growthCMT is what each person of a crowd gets: enough for thousands of payments.
	growthCMT = 10
	// growthGoal is what growth_10m reaches at the least of growth_10k.
	growthGoal = 0.8
	// sayEvery is how often long seeding says how far it is.
	sayEvery = 15 * time.Second
	// drawnPerSecond is how many people a second of load needs at the most: two a payment, and those of few who are passed over.
	drawnPerSecond = 15_000
	// restingPercent of a core is what all processes of an idle network, this one among them, take at the most.
	restingPercent = 15
	// restingFor is how long they must take no more, restAtLast bounds the wait for it.
	restingFor = 3 * time.Second
	restAtLast = 10 * time.Minute
)

// growth measures payments of strangers as the state grows, on a network of its own whose people only ever become more.
type growth struct {
	consortium
	others *consortium
	size   int             // how many people have an account
	drawn  []*crowd.Person // who pay and are paid, in this order
	at     int             // how many of them have
	first  float64         // valid_per_second of the first size
}

// to returns the scenario in which the crowd has grown to a size.
func (g *growth) to(size int) func(context.Context, *bench.Lab) (bench.Result, error) {
	return func(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
		if err := g.up(ctx, lab); err != nil {
			return result, err
		}
		if err := g.grow(ctx, lab, size); err != nil {
			return result, err
		}
		if err := g.draw(warmUp + length(lab)); err != nil {
			return result, err
		}
		result, err = g.measure(ctx, lab, load{limit: outstanding, accounts: g.size, plan: g.strangers})
		if err != nil {
			return result, err
		}
		if g.first == 0 {
			g.first = g.rate
			return result, nil
		}
		result.AddAtLeast("ratio_to_first", g.rate/g.first, growthGoal)
		return result, nil
	}
}

func (g *growth) up(ctx context.Context, lab *bench.Lab) error {
	if g.network != nil {
		return nil
	}
	for _, idle := range []*bench.Network{g.others.baseline.network, g.others.network} {
		if idle != nil {
			if err := idle.Remove(ctx); err != nil {
				return err
			}
		}
	}
	g.baseline = g.others.baseline
	network, err := g.start(ctx, lab, "growth")
	if err != nil {
		return err
	}
	g.byOwner = map[spec.Address]*crowd.Person{}
	if g.faucet, err = crowd.NewPerson(g.relay.Parameters.LedgerID, 0); err != nil {
		return err
	}
	g.byOwner[g.faucet.Address] = g.faucet
	g.network = network
	return nil
}

// grow welcomes people until there are so many. The keys of those who wait are not kept: they follow from their numbers.
func (g *growth) grow(ctx context.Context, lab *bench.Lab, size int) error {
	if size <= g.size {
		return nil
	}
	if err := g.relay.FillFaucet(ctx, g.faucet, crowd.Funds(size-g.size, 1, growthCMT)); err != nil {
		return err
	}
	lab.Say("  %d people join %d", size-g.size, g.size)
	began, said, already := time.Now(), time.Now(), g.size
	var failed error
	err := g.relay.Welcome(ctx, g.faucet, size-g.size, spec.CMT(growthCMT), func() []*crowd.Person {
		var come []*crowd.Person
		for len(come) < crowd.Welcomed && g.size < size {
			g.size++
			one, err := crowd.NewPerson(g.relay.Parameters.LedgerID, g.size)
			if err != nil {
				failed = err
				return nil
			}
			come = append(come, one)
		}
		if time.Since(said) > sayEvery {
			said = time.Now()
			lab.Say("  ... %d, %.0f a second", g.size, float64(g.size-already)/time.Since(began).Seconds())
		}
		return come
	})
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	return g.awaitRest(ctx, lab)
}

// awaitRest waits until the network does no more than an idle one: what seeding left to the engines to merge is no part of a load's work.
func (g *growth) awaitRest(ctx context.Context, lab *bench.Lab) error {
	ctx, cancel := context.WithTimeoutCause(ctx, restAtLast, fmt.Errorf(
		"%v after its people got money the network still takes more than %d %% of a core: with --keep it stays, and its logs and processes tell with what", restAtLast, restingPercent))
	defer cancel()
	processes, err := g.network.Processes(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for {
		before := crowd.Usage(syscall.RUSAGE_SELF)
		load, err := bench.Measure(ctx, processes, restingFor)
		if err != nil {
			return err
		}
		own := crowd.Usage(syscall.RUSAGE_SELF) - before
		if load.PercentOfCore()+100*float64(own)/float64(load.Length) <= restingPercent {
			lab.Say("  ... at rest after %.0f s", time.Since(began).Seconds())
			return nil
		}
	}
}

// draw draws people at random for a time's payments and makes their keys, which else would be made, or looked up, in the window.
func (g *growth) draw(length time.Duration) error {
	g.people = append(g.people, make([]*crowd.Person, g.size-len(g.people))...) // nobody yet who was not drawn before
	g.drawn = make([]*crowd.Person, int(length.Seconds())*drawnPerSecond)
	fresh := make([]crowd.Person, 0, min(len(g.drawn), g.size)) // one piece of memory, for the collector of garbage
	for i := range g.drawn {
		n := rand.IntN(g.size)
		if g.people[n] == nil {
			one, err := crowd.NewPerson(g.relay.Parameters.LedgerID, n+1)
			if err != nil {
				return err
			}
			fresh = append(fresh, *one)
			g.people[n] = &fresh[len(fresh)-1]
			g.byOwner[one.Address] = g.people[n]
		}
		g.drawn[i] = g.people[n]
	}
	return nil
}

// strangers plans a payment of anybody to anybody, who are the next two drawn: the first again after the last.
func (g *growth) strangers(over bool) *crowd.Job {
	for !over {
		from, to := g.drawn[g.at%len(g.drawn)], g.drawn[(g.at+1)%len(g.drawn)]
		g.at++
		if from.Busy || from == to {
			continue
		}
		g.at++ // who is paid is not who pays next
		return pay(from, to)
	}
	return nil
}
