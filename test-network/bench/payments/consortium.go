package payments

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

const (
	// defaultAccounts is how many people there are when --accounts does not say.
	defaultAccounts = 100_000
	fewestAccounts  = 2 * circles
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
	relay    *crowd.Relay
	people   []*crowd.Person
	byOwner  map[spec.Address]*crowd.Person
	// faucet pays each person its first money, merchant is paid by all in hot.
	faucet, merchant *crowd.Person
	sellers          []*seller
	rate             float64 // valid_per_second of the last scenario
	warm             bool    // a load has run on the network
}

// up brings the network up, starts a gateway in this process and gives people money.
func (c *consortium) up(ctx context.Context, lab *bench.Lab) error {
	if c.network != nil {
		return nil
	}
	if accounts := lab.Settings.Accounts; accounts != 0 && accounts < fewestAccounts {
		return fmt.Errorf("--accounts %d: give at least %d, so that each of the circles of local has two", accounts, fewestAccounts)
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
	if c.relay, err = crowd.NewRelay(ctx, c.facts, 0, filepath.Join(lab.Folder, "relay-"+name)); err != nil {
		return nil, err
	}
	lab.OnClose(c.relay.Close)
	return network, nil
}

func (c *consortium) populate(ctx context.Context, lab *bench.Lab) error {
	accounts := lab.Settings.Accounts
	if accounts == 0 {
		accounts = defaultAccounts
	}
	c.byOwner = make(map[spec.Address]*crowd.Person, accounts)
	c.people = nil
	for n := range accounts + 2 {
		p, err := crowd.NewPerson(c.relay.Parameters.LedgerID, n)
		if err != nil {
			return err
		}
		c.byOwner[p.Address] = p
		c.people = append(c.people, p)
	}
	c.faucet, c.merchant, c.people = c.people[0], c.people[1], c.people[2:]
	if err := c.relay.FillFaucet(ctx, c.faucet, crowd.Funds(accounts, 1, 5*fundCMT)); err != nil {
		return err
	}
	lab.Say("  %d people get money", accounts)
	began := time.Now()
	rest := c.people
	err := c.relay.Welcome(ctx, c.faucet, accounts, spec.CMT(fundCMT), func() []*crowd.Person {
		n := min(crowd.Welcomed, len(rest))
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

func (c *consortium) driver(limit int, carriers ...crowd.Carrier) *crowd.Driver {
	return crowd.NewDriver(c.relay.Parameters.LedgerID, limit, carriers...)
}

// payment is a call that pays.
func payment(to *crowd.Person, amount spec.Amount) *spec.Call {
	return &spec.Call{Operation: transferOperation, Command: &spec.Transfer{To: to.Address.Bytes(), Amount: amount.Bytes()}}
}

var (
	transferOperation = spec.Find("token:Transfer")
	sweepOperation    = spec.Find("token:Sweep")
)
