package payments

import (
	"context"
	"math/rand/v2"
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
)

// growth measures payments of strangers as the state grows, on a network of its own whose people only ever become more.
type growth struct {
	consortium
	others *consortium
	size   int     // how many people have an account
	first  float64 // valid_per_second of the first size
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
	if failed != nil {
		return failed
	}
	return err
}

// person returns the n-th of the crowd, from 1, whose key is kept from now on.
func (g *growth) person(n int) (*crowd.Person, error) {
	fresh, err := crowd.NewPerson(g.relay.Parameters.LedgerID, n)
	if err != nil {
		return nil, err
	}
	if known := g.byOwner[fresh.Address]; known != nil {
		return known, nil
	}
	g.byOwner[fresh.Address] = fresh
	return fresh, nil
}

// strangers plans a payment of anybody to anybody.
func (g *growth) strangers(over bool) *crowd.Job {
	for !over {
		from, err1 := g.person(1 + rand.IntN(g.size))
		to, err2 := g.person(1 + rand.IntN(g.size))
		if err1 != nil || err2 != nil {
			return nil
		}
		if !from.Busy && from != to {
			return pay(from, to)
		}
	}
	return nil
}
