//go:build network

package intents

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/config"
	"github.com/cybermiles/cmt/gateway/fabric"
	"github.com/cybermiles/cmt/gateway/store"
)

// watched is a read model with the batcher's witness before it, as the gateway has it.
type watched struct {
	*store.Store
	witness *batch.Witness
}

func (w watched) Apply(ctx context.Context, block app.Block) error {
	w.witness.See(block)
	return w.Store.Apply(ctx, block)
}

// newBatcher runs a member's batcher in this process, over its own peer, until the test ends.
func newBatcher(t *testing.T, organisation string) *batch.Batcher {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	ledger, err := fabric.NewLedger(ledgerOptions(organisation, logger))
	if err != nil {
		t.Fatal(err)
	}
	database, err := store.Open(short(t), t.TempDir(), testnet.members[organisation].mspID)
	if err != nil {
		t.Fatal(err)
	}
	params, err := batch.ReadParameters(short(t), ledger)
	if err != nil {
		t.Fatal(err)
	}
	witness := batch.NewWitness()
	batcher := batch.New(batch.Options{
		Parameters: params, MaxIntents: 20, Attempts: 50, Log: logger,
		Remedies: batch.Remedies{spec.LotEmpty: app.NewLots(testnet.members[organisation].mspID, ledger, database, logger)},
	}, ledger, database, witness)
	running, cancel := context.WithCancel(context.Background())
	work, running := errgroup.WithContext(running)
	work.Go(func() error {
		return fabric.NewFollower(ledger, watched{database, witness}, testnet.facts.Chaincode, logger).Run(running)
	})
	work.Go(func() error { return batcher.Run(running) })
	t.Cleanup(func() {
		cancel()
		if err := work.Wait(); err != nil {
			t.Error(err)
		}
		ledger.Close()
		if err := database.Close(); err != nil {
			t.Error(err)
		}
	})
	info, err := testnet.members[organisation].chain(short(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := database.AwaitBlock(short(t), info.Height-1); err != nil {
		t.Fatal(err)
	}
	return batcher
}

func ledgerOptions(organisation string, logger *slog.Logger) fabric.Options {
	facts, standard := testnet.facts, config.Default()
	options := fabric.Options{
		Channel: facts.Channel, Chaincode: facts.Chaincode, Endorsements: standard.Endorsements, Probe: "consortium:GetParameters", Log: logger,
		Timeouts: fabric.Timeouts{
			EndorseAttempt: standard.Timeouts.EndorseAttempt, Endorse: standard.Timeouts.Endorse, Submit: standard.Timeouts.Submit,
			CommitStatus: standard.Timeouts.CommitStatus, Evaluate: standard.Timeouts.Evaluate, Outcome: standard.Timeouts.Outcome,
		},
		Breaker: breaker.Options{First: standard.Breaker.First, Longest: standard.Breaker.Longest},
	}
	for _, org := range facts.Organisations {
		if org.Name == organisation {
			options.MSPID, options.Certificate, options.Key = org.MSPID, org.ClientCertificate, org.ClientKey
		}
	}
	for _, at := range facts.Peers {
		peer := fabric.Peer{MSPID: at.MSPID, Address: at.Address, TLSCA: at.TLSCA, TLSServerName: at.TLSServerName}
		if at.Organisation == organisation {
			options.Peers = append([]fabric.Peer{peer}, options.Peers...)
		} else {
			options.Peers = append(options.Peers, peer)
		}
		options.Endorsers = append(options.Endorsers, at.MSPID)
	}
	return options
}

// Two organisations' batchers are given the same people's intents at once: each intent happens once, one batcher says so, and
// the other one says that its nonce was used.
func TestTwoBatchersCarryTheSamePeople(t *testing.T) {
	const people, each = 24, 3
	persons, to := crowd(t, people, each), shop(t)
	batchers := []*batch.Batcher{newBatcher(t, "merchant1"), newBatcher(t, "merchant2")}
	var intents []*spec.SignedIntent
	for range each {
		for _, p := range persons {
			intents = append(intents, p.pays(to, 1))
		}
	}
	errs := make([][2]error, len(intents))
	var carrying sync.WaitGroup
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	for n := range intents {
		// From both ends, so that each batcher is first with some of them.
		for b, i := range []int{n, len(intents) - 1 - n} {
			own := proto.CloneOf(intents[i]) // a batcher writes its hints into it
			carrying.Go(func() { _, errs[i][b] = batchers[b].Submit(ctx, own) })
		}
	}
	carrying.Wait()
	won := [2]int{}
	for i, pair := range errs {
		happened := 0
		for b, err := range pair {
			if err == nil {
				happened++
				won[b]++
			} else if spec.ErrorCode(err) != spec.NonceUsed {
				t.Errorf("intent %d by batcher %d: %v", i, b, err)
			}
		}
		if happened != 1 {
			t.Errorf("intent %d: %d batchers say that it happened (%v)", i, happened, pair)
		}
	}
	t.Logf("the batchers settled %d and %d of %d", won[0], won[1], len(intents))
	wantHas(t, "the shop", to, spec.CMT(people*each))
	for _, p := range persons {
		wantHas(t, "a payer", p.address, spec.Amount{})
	}
}
