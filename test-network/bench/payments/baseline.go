package payments

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/baseline"
	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

const (
	plainAccounts = 10_000
	plainFunds    = 1_000_000
	// plainMerchant is who all pay in baseline_hot.
	plainMerchant = 0
)

// inFlight are the numbers of transactions on their way that are tried; the best counts.
var inFlight = []int{64, 128, 256, 512}

// plain is the network of the plain token, which both of its scenarios share.
type plain struct {
	network  *bench.Network
	facts    *topology.Facts
	client   *fabricClient
	contract *client.Contract
	// best is what baseline_spread reached; 0 before.
	best float64
}

// up brings the network up: the demo's topology with another chaincode, neither genesis nor gateways.
func (p *plain) up(ctx context.Context, lab *bench.Lab) error {
	if p.network != nil {
		return nil
	}
	program := filepath.Join(lab.Folder, "baseline-chaincode")
	build := bench.Command{Dir: lab.Repository, Args: []string{"go", "build", "-trimpath", "-o", program, "./test-network/baseline/cmd/baseline-chaincode"}}
	if err := build.Run(ctx); err != nil {
		return err
	}
	file, err := plainTopology(lab, program)
	if err != nil {
		return err
	}
	network, err := lab.OwnNetwork(ctx, "baseline", "--topology", file, "--without-gateways")
	if err != nil {
		return err
	}
	if p.facts, err = network.Facts(); err != nil {
		return err
	}
	if p.client, err = dial(p.facts, 0); err != nil {
		return err
	}
	p.network, p.contract = network, p.client.contract(p.facts)
	lab.Say("  seeding %d accounts", plainAccounts)
	for first := 0; first < plainAccounts; first += baseline.MaxSeed {
		arguments := client.WithArguments(strconv.Itoa(first), strconv.Itoa(baseline.MaxSeed), strconv.Itoa(plainFunds))
		if _, err := p.contract.SubmitWithContext(ctx, "token:Seed", arguments); err != nil {
			return fmt.Errorf("seed: %w", describe(err))
		}
	}
	return nil
}

func plainTopology(lab *bench.Lab, program string) (string, error) {
	document, err := os.ReadFile(filepath.Join(lab.Repository, "test-network", "topology", "local.yaml"))
	if err != nil {
		return "", err
	}
	t, err := topology.Parse(document)
	if err != nil {
		return "", err
	}
	t.Programs.Chaincode, t.Chaincode.Genesis = program, nil
	if document, err = t.Marshal(); err != nil {
		return "", err
	}
	file := filepath.Join(lab.Folder, "baseline.yaml")
	return file, os.WriteFile(file, document, 0o600)
}

func (p *plain) spread(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	result, best, err := p.run(ctx, lab, func() (from, to int) {
		from = rand.IntN(plainAccounts)
		return from, (from + 1 + rand.IntN(plainAccounts-1)) % plainAccounts
	})
	p.best = best
	return result, err
}

func (p *plain) hot(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	result, _, err := p.run(ctx, lab, func() (from, to int) { return 1 + rand.IntN(plainAccounts-1), plainMerchant })
	return result, err
}

// run tries each number in flight and returns the figures of the best.
func (p *plain) run(ctx context.Context, lab *bench.Lab, choose func() (from, to int)) (result bench.Result, best float64, err error) {
	if err := p.up(ctx, lab); err != nil {
		return result, 0, err
	}
	var chosen *plainWindow
	for _, workers := range inFlight {
		window, err := p.window(ctx, workers, max(length(lab)/2, time.Second), choose)
		if err != nil {
			return result, 0, err
		}
		lab.Say("  %d in flight: %.1f valid/s, %d conflicts, %d refused", workers, window.rate(), window.conflicts.Load(), window.refused.Load())
		if chosen == nil || window.rate() > chosen.rate() {
			chosen = window
		}
	}
	if err := p.audit(ctx); err != nil {
		return result, 0, err
	}
	chosen.report(&result)
	return result, chosen.rate(), nil
}

// plainWindow is one time of measuring.
type plainWindow struct {
	workers            int
	conflicts, refused atomic.Int64
	measured           measured

	mu   sync.Mutex
	took bench.Latencies
}

func (w *plainWindow) rate() float64 { return float64(len(w.took)) / w.measured.length.Seconds() }

func (w *plainWindow) report(result *bench.Result) {
	result.Add("valid_per_second", w.rate())
	result.Add("conflicts", int(w.conflicts.Load()))
	result.Add("refused", int(w.refused.Load()))
	addLatencies(result, w.took)
	w.measured.add(result, len(w.took))
	result.Add("accounts", plainAccounts)
	result.Add("in_flight", w.workers)
}

func (p *plain) window(ctx context.Context, workers int, length time.Duration, choose func() (from, to int)) (*plainWindow, error) {
	w := &plainWindow{workers: workers}
	meter, err := begin(ctx, p.network, p.facts)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(length)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				w.pay(ctx, p.contract, choose)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w.measured, err = meter.end()
	return w, err
}

func (w *plainWindow) pay(ctx context.Context, contract *client.Contract, choose func() (from, to int)) {
	from, to := choose()
	began := time.Now()
	_, err := contract.SubmitWithContext(ctx, "token:Transfer", client.WithArguments(baseline.Account(from), baseline.Account(to), "1"))
	took := time.Since(began)
	var lost *client.CommitError
	switch {
	case err == nil:
		w.mu.Lock()
		w.took = append(w.took, took)
		w.mu.Unlock()
	case errors.As(err, &lost) && lost.Code == peer.TxValidationCode_MVCC_READ_CONFLICT:
		w.conflicts.Add(1)
	default:
		w.refused.Add(1)
	}
}

// audit adds up all balances and compares the peers.
func (p *plain) audit(ctx context.Context) error {
	sum := new(big.Int)
	for first := 0; first < plainAccounts; first += baseline.MaxSeed {
		text, err := p.contract.EvaluateWithContext(ctx, "token:Sum", client.WithArguments(strconv.Itoa(first), strconv.Itoa(baseline.MaxSeed)))
		if err != nil {
			return fmt.Errorf("audit: %w", describe(err))
		}
		part, ok := new(big.Int).SetString(string(text), 10)
		if !ok {
			return fmt.Errorf("audit: the chaincode adds up to %q", text)
		}
		sum.Add(sum, part)
	}
	if want := big.NewInt(plainAccounts * plainFunds); sum.Cmp(want) != 0 {
		return fmt.Errorf("audit: the balances are %s together, not %s", sum, want)
	}
	_, err := crowd.Agreed(ctx, p.facts)
	return err
}
