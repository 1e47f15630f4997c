package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
)

// Credits of the organisation and of its sub-accounts are folded before they pile up, over the real rules.
func TestSweep(t *testing.T) {
	chain := gatewaytest.Chain(t)
	shop := gatewaytest.New(t, chain, memledger.Members[1])
	if err := shop.Store.NoteLabel(t.Context(), "till"); err != nil {
		t.Fatal(err)
	}
	treasury := chain.For(memledger.Members[0])
	accounts := map[string]int{"": 130, "till": 64}
	for label, credits := range accounts {
		for i := range credits {
			call := &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
				Reference: fmt.Sprintf("r-%s-%d", label, i), To: spec.SubAccountAddress(shop.MSPID, label).Bytes(), Amount: spec.CMT(1).Bytes(),
			}}
			if _, err := treasury.Submit(t.Context(), call, func(context.Context, app.Sent) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	// The sweeps are of the blocks: when the last is there, the sweeper is told to stop.
	last := shop.Store.Taken() + 3
	done := make(chan error, 1)
	go func() { done <- shop.Service.Sweep(ctx, time.Millisecond) }()
	if err := shop.Store.AwaitBlock(ctx, last-1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for label, credits := range accounts {
		funds, err := shop.Store.Funds(t.Context(), spec.SubAccountAddress(shop.MSPID, label), 0)
		if err != nil || funds.Account != spec.CMT(uint32(credits/64*64)) || funds.CreditCount != credits%64 {
			t.Errorf("%q: %s CMT and %d credits, %v", label, funds.Account, funds.CreditCount, err)
		}
	}
}
