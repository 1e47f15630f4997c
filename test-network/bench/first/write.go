package first

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	warmUpWrites = 12 // of connections, discovery and caches; 4 through each gateway
	writes       = 150

	writeGoalP50 = 400 * time.Millisecond
	writeGoalP99 = 900 * time.Millisecond

	// fundCMT is what an organisation without money gets from one that has some.
	fundCMT = 1000
	// fundLimit bounds the wait until a fresh network carries a payment and its receiver can spend it.
	fundLimit = 30 * time.Second
)

// writeAmount is one payment's.
var writeAmount = spec.CMT(1)

func write(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	network, err := lab.Network(ctx)
	if err != nil {
		return result, err
	}
	payers, to, err := payersOf(ctx, network)
	if err != nil {
		return result, err
	}
	if _, err := payInTurn(ctx, payers, to, warmUpWrites); err != nil {
		return result, err
	}
	lab.Say("%d payments, one at a time, through %d gateways in turn", writes, len(payers))
	took, err := payInTurn(ctx, payers, to, writes)
	if err != nil {
		return result, err
	}
	result.Add("count", len(took))
	result.AddAtMost("p50_ms", bench.Milliseconds(took.Percentile(50)), bench.Milliseconds(writeGoalP50))
	result.Add("p95_ms", bench.Milliseconds(took.Percentile(95)))
	result.AddAtMost("p99_ms", bench.Milliseconds(took.Percentile(99)), bench.Milliseconds(writeGoalP99))
	return result, nil
}

func payInTurn(ctx context.Context, payers []*bench.Payer, to spec.Address, count int) (bench.Latencies, error) {
	took := make(bench.Latencies, 0, count)
	for i := range count {
		began := time.Now()
		if _, err := payers[i%len(payers)].Pay(ctx, to, writeAmount); err != nil {
			return took, fmt.Errorf("payment %d of %d: %w", i+1, count, err)
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// payersOf are the organisations with a gateway, each with money, and whom they pay: an account that nobody looks after,
// so that no folding of its credits is measured with the payments.
func payersOf(ctx context.Context, network *bench.Network) (payers []*bench.Payer, to spec.Address, err error) {
	facts, err := network.Facts()
	if err != nil {
		return nil, to, err
	}
	if to, err = receiver(facts); err != nil {
		return nil, to, err
	}
	if payers, err = network.Payers(ctx); err != nil {
		return nil, to, err
	}
	return payers, to, fund(ctx, payers)
}

// receiver is a sub-account of an organisation without a gateway.
func receiver(facts *topology.Facts) (spec.Address, error) {
	served := map[string]bool{}
	for _, gateway := range facts.Gateways {
		served[gateway.MSPID] = true
	}
	for _, organisation := range facts.Organisations {
		if !served[organisation.MSPID] {
			return spec.SubAccountAddress(organisation.MSPID, "bench"), nil
		}
	}
	return spec.Address{}, errors.New("every organisation has a gateway, which would fold the credits of what is measured")
}

// fund gives money to those who have none, and waits until their gateways know of it.
func fund(ctx context.Context, payers []*bench.Payer) error {
	enough := spec.CMT(fundCMT)
	var rich *bench.Payer
	var poor []*bench.Payer
	for _, payer := range payers {
		free, err := payer.Free(ctx)
		if err != nil {
			return err
		}
		if free.Less(enough) {
			poor = append(poor, payer)
		} else if rich == nil {
			rich = payer
		}
	}
	if rich == nil {
		return fmt.Errorf("no organisation with a gateway has %d CMT to begin with", fundCMT)
	}
	for _, payer := range poor {
		if _, err := rich.Pay(ctx, payer.Address, enough); err != nil {
			return err
		}
		err := bench.Await(ctx, fundLimit, "money for "+payer.Organisation, func(ctx context.Context) error {
			_, err := payer.Pay(ctx, rich.Address, writeAmount)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
