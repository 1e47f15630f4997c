package crowd

import (
	"context"
	"crypto/sha256"
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
	seeding = 24
	// hands is how many give it out: one account's payouts are in one batch in flight only.
	hands = 4
	// slack is for how many people more than its part each hand has money.
	slack = 2 * Welcomed
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

// Funds is what a faucet must have so that gateways can welcome so many people together, with so many CMT for each.
func Funds(people, gateways int, cmt uint32) spec.Amount {
	return spec.CMT(cmt * uint32(people+gateways*hands*slack))
}

// Welcome opens accounts for those who come, at most so many people, until nobody does, and gives each the amount.
func (g *Relay) Welcome(ctx context.Context, faucet *Person, people int, amount spec.Amount, next func() []*Person) error {
	if err := g.fillHands(ctx, faucet, people, amount); err != nil {
		return err
	}
	turn := 0
	return g.open(ctx, func() *Job {
		come := next()
		if len(come) == 0 {
			return nil
		}
		turn++
		return &Job{Actor: g.hands[turn%hands], Call: Payout(come, amount)}
	})
}

// fillHands gives each hand its part of what people get, and a payout more.
func (g *Relay) fillHands(ctx context.Context, faucet *Person, people int, amount spec.Amount) error {
	// Each gateway has hands of its own, whose nonces it knows.
	seed := sha256.Sum256(append([]byte(g.MSPID), faucet.Address.Bytes()...))
	for len(g.hands) < hands {
		hand, err := NewPerson([16]byte(seed[:16]), len(g.hands))
		if err != nil {
			return err
		}
		g.hands = append(g.hands, hand)
	}
	part, possible := amount.Mul(uint64(people/hands + slack))
	if !possible {
		return fmt.Errorf("%d people are too many for %s CMT each", people, amount)
	}
	filled := false
	return g.open(ctx, func() *Job {
		if filled {
			return nil
		}
		filled = true
		return &Job{Actor: faucet, Call: Payout(g.hands, part)}
	})
}

// open carries payouts to people who get their accounts by them, as a gateway welcomes those who come to it.
func (g *Relay) open(ctx context.Context, next func() *Job) error {
	d := NewDriver(g.Parameters.LedgerID, seeding, g)
	err := d.Run(ctx, 0, func(bool) *Job {
		job := next()
		if job != nil {
			job.Call.Hints = &spec.Hints{Open: true}
		}
		return job
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
