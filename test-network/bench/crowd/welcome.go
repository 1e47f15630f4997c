package crowd

import (
	"context"
	"fmt"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	// Welcomed is how many people one payout welcomes: as many as it may.
	Welcomed = 500
	// seeding is how many payouts are on their way while people get their first money.
	seeding = 16
	// ready bounds the wait for something that a network that has just come up must do.
	ready = 30 * time.Second
)

// FillFaucet has the treasury pay the faucet, and waits until the gateway knows of it.
func (g *Relay) FillFaucet(ctx context.Context, faucet *Person, amount spec.Amount) error {
	call := &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
		Reference: fmt.Sprintf("bench-faucet-%s", amount), To: faucet.Address.Bytes(), Amount: amount.Bytes(),
	}}
	return bench.Await(ctx, ready, "money for the faucet", func(ctx context.Context) error {
		commit, err := g.Ledger.Submit(ctx, call, AnnounceNobody)
		if err != nil {
			return err
		}
		return g.Store.AwaitBlock(ctx, commit.Block)
	})
}

// Welcome opens accounts for those who come, until nobody does, and gives each the amount.
func (g *Relay) Welcome(ctx context.Context, faucet *Person, amount spec.Amount, next func() []*Person) error {
	d := NewDriver(g.Parameters.LedgerID, seeding, g)
	err := d.Run(ctx, 0, func(bool) *Job {
		come := next()
		if len(come) == 0 {
			return nil
		}
		welcome := &Job{Actor: faucet, Call: Payout(come, amount)}
		welcome.Call.Hints = &spec.Hints{Open: true} // as a gateway welcomes those who come to it
		return welcome
	})
	if refused, text := d.Refusals(); err == nil && refused > 0 {
		err = fmt.Errorf("%d were refused: %s", refused, text)
	}
	if err != nil {
		return fmt.Errorf("give people money: %w", err)
	}
	return g.Store.AwaitBlock(ctx, d.Last)
}

// Payout is a call that pays all of them the same.
func Payout(to []*Person, amount spec.Amount) *spec.Call {
	command := &spec.Payout{}
	for _, receiver := range to {
		command.Payments = append(command.Payments, &spec.Payment{To: receiver.Address.Bytes(), Amount: amount.Bytes()})
	}
	return &spec.Call{Operation: spec.Find("token:Payout"), Command: command}
}

// AnnounceNobody is for calls that nobody asks for by their transactions.
func AnnounceNobody(context.Context, app.Sent) error { return nil }
