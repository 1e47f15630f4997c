package payments

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	// defaultAccounts is how many people there are when --accounts does not say.
	defaultAccounts = 100_000
	// welcomed is how many people one payout welcomes: as many as it may.
	welcomed = 500
	// seeding is how many payouts are on their way while people get their first money.
	seeding = 16
	// fundCMT is what each person gets to begin with.
	fundCMT = 100
	// ownOrganisation is whose gateway this process stands in for: the first with a peer.
	ownOrganisation = "fivemiles"
	// ready bounds the wait for something that a network that has just come up must do.
	ready = 30 * time.Second
)

// consortium is the network of the ledger itself, which its scenarios share, with its people and a gateway.
type consortium struct {
	baseline *plain
	network  *bench.Network
	facts    *topology.Facts
	relay    *relay
	people   []*person
	byOwner  map[spec.Address]*person
	// faucet pays each person its first money, merchant is paid by all in hot.
	faucet, merchant *person
	sellers          []*seller
	rate             float64 // valid_per_second of the last scenario
}

// up brings the network up, starts a gateway in this process and gives people money.
func (c *consortium) up(ctx context.Context, lab *bench.Lab) error {
	if c.network != nil {
		return nil
	}
	// Idle, the plain token's network would still take its share of the machine.
	if c.baseline.network != nil {
		if err := c.baseline.network.Remove(ctx); err != nil {
			return err
		}
	}
	network, err := c.start(ctx, lab, "cmt")
	if err != nil {
		return err
	}
	if err := c.populate(ctx, lab); err != nil {
		return err
	}
	c.network = network
	return nil
}

// start brings a network up and starts a gateway in this process.
func (c *consortium) start(ctx context.Context, lab *bench.Lab, name string) (*bench.Network, error) {
	network, err := lab.OwnNetwork(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := network.Stop(ctx, "gateway."+ownOrganisation); err != nil { // this process takes its place
		return nil, err
	}
	if c.facts, err = network.Facts(); err != nil {
		return nil, err
	}
	if c.relay, err = newRelay(ctx, c.facts, 0, filepath.Join(lab.Folder, "relay-"+name)); err != nil {
		return nil, err
	}
	lab.OnClose(c.relay.close)
	return network, nil
}

func (c *consortium) populate(ctx context.Context, lab *bench.Lab) error {
	accounts := lab.Settings.Accounts
	if accounts == 0 {
		accounts = defaultAccounts
	}
	c.byOwner = make(map[spec.Address]*person, accounts)
	c.people = nil
	for n := range accounts + 2 {
		p, err := newPerson(c.relay.parameters.LedgerID, n)
		if err != nil {
			return err
		}
		c.byOwner[p.address] = p
		c.people = append(c.people, p)
	}
	c.faucet, c.merchant, c.people = c.people[0], c.people[1], c.people[2:]
	if err := c.fillFaucet(ctx, spec.CMT(uint32(5*fundCMT*accounts))); err != nil {
		return err
	}
	lab.Say("  %d people get money", accounts)
	began := time.Now()
	rest := c.people
	err := c.welcome(ctx, spec.CMT(fundCMT), func() []*person {
		n := min(welcomed, len(rest))
		come := rest[:n]
		rest = rest[n:]
		return come
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	lab.Say("  ... in %.1f s: %.0f a second", took.Seconds(), float64(accounts)/took.Seconds())
	return nil
}

// welcome opens accounts for those who come, until nobody does, and gives each the amount.
func (c *consortium) welcome(ctx context.Context, amount spec.Amount, next func() []*person) error {
	d := c.driver(seeding, c.relay)
	err := d.run(ctx, 0, func(bool) *job {
		come := next()
		if len(come) == 0 {
			return nil
		}
		welcome := &job{actor: c.faucet, call: payout(come, amount)}
		welcome.call.Hints = &spec.Hints{Open: true} // as a gateway welcomes those who come to it
		return welcome
	})
	if refused, text := d.refusals(); err == nil && refused > 0 {
		err = fmt.Errorf("%d were refused: %s", refused, text)
	}
	if err != nil {
		return fmt.Errorf("give people money: %w", err)
	}
	return c.relay.store.AwaitBlock(ctx, d.last)
}

func (c *consortium) driver(limit int, carriers ...carrier) *driver {
	return newDriver(c.relay.parameters.LedgerID, limit, carriers...)
}

// fillFaucet has the treasury pay the faucet, and waits until the gateway knows of it.
func (c *consortium) fillFaucet(ctx context.Context, amount spec.Amount) error {
	call := &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
		Reference: fmt.Sprintf("bench-faucet-%s", amount), To: c.faucet.address.Bytes(), Amount: amount.Bytes(),
	}}
	return bench.Await(ctx, ready, "money for the faucet", func(ctx context.Context) error {
		commit, err := c.relay.ledger.Submit(ctx, call, announceNobody)
		if err != nil {
			return err
		}
		return c.relay.store.AwaitBlock(ctx, commit.Block)
	})
}

func announceNobody(context.Context, app.Sent) error { return nil }

// payment is a call that pays.
func payment(to *person, amount spec.Amount) *spec.Call {
	return &spec.Call{Operation: transferOperation, Command: &spec.Transfer{To: to.address.Bytes(), Amount: amount.Bytes()}}
}

// payout is a call that pays all of them the same.
func payout(to []*person, amount spec.Amount) *spec.Call {
	command := &spec.Payout{}
	for _, receiver := range to {
		command.Payments = append(command.Payments, &spec.Payment{To: receiver.address.Bytes(), Amount: amount.Bytes()})
	}
	return &spec.Call{Operation: payoutOperation, Command: command}
}

var (
	payoutOperation   = spec.Find("token:Payout")
	transferOperation = spec.Find("token:Transfer")
	sweepOperation    = spec.Find("token:Sweep")
)
