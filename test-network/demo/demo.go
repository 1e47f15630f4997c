package demo

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/wallet"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/neighbours"
)

// The consortium's organisations: 5miles, which keeps the treasury and is paid the fees, two merchants, the second of which carries
// parcels as well, and two arbiters that have no gateway.
const (
	Operator  = "fivemiles"
	Store     = "merchant1"
	Neighbour = "merchant2"
	Buyers    = "buyers"
	Chamber   = "chamber"
)

// pocketMoney is what everyone with a key begins with.
const pocketMoney = "100"

// Demo is the stories on one network.
type Demo struct {
	Facts *topology.Facts
	// GatewayProgram is cmt-gateway, which makes the API keys; NetworkProgram is cmt-network, which tells Fabric's own peer command
	// where the network is.
	GatewayProgram, NetworkProgram string
	Out                            io.Writer

	keys       map[string]string
	parameters spec.Parameters
	// houses are the organisations' own accounts, in the order of the facts.
	houses        []*person
	scenes        []*scene
	before, after *books
}

// Run plays the stories and checks what must hold afterwards.
func (d *Demo) Run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.meet, d.fund, d.openBooks, d.play, d.closeBooks, d.check} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *Demo) say(format string, args ...any) { fmt.Fprintf(d.Out, format+"\n", args...) }

// toldLine is what happened and the block that it is in.
func toldLine(block uint64, line string) string { return fmt.Sprintf("  %-56s block %d", line, block) }

// meet gives everyone an account and a gateway.
func (d *Demo) meet(ctx context.Context) (err error) {
	if err := neighbours.Introduce(ctx, d.Facts, d.GatewayProgram); err != nil {
		return err
	}
	if d.keys, err = apiKeys(ctx, d.Facts, d.GatewayProgram); err != nil {
		return err
	}
	for _, organisation := range d.Facts.Organisations {
		d.houses = append(d.houses, d.person(part{name: houseName(organisation.Name), organisation: organisation.Name}))
	}
	d.say("The people make keys, which no gateway ever sees")
	for i := range stories {
		s := &scene{demo: d, story: &stories[i], lines: make(chan string, maxLines), cast: map[string]*person{}}
		d.scenes = append(d.scenes, s)
		for _, part := range s.story.cast {
			p := d.person(part)
			if part.label == "" {
				if p.key, err = wallet.New(spec.Scheme_SCHEME_ED25519); err != nil {
					return err
				}
				p.address = p.key.Address()
				d.say("  %-8s %s", p.name, p.address)
			}
			s.cast[p.name] = p
		}
	}
	_, err = d.treasury().do(ctx, "consortium:GetParameters", &spec.GetParameters{}, &d.parameters)
	return err
}

// houseName is what the books call an organisation; 5miles' own account is the treasury.
func houseName(organisation string) string {
	if organisation == Operator {
		return "treasury"
	}
	return organisation
}

// person returns somebody who goes through an organisation's gateway, which there need not be.
func (d *Demo) person(who part) *person {
	p := &person{name: who.name, organisation: who.organisation, label: who.label}
	for _, organisation := range d.Facts.Organisations {
		if organisation.Name == who.organisation {
			p.mspID = organisation.MSPID
			p.address = spec.SubAccountAddress(organisation.MSPID, who.label)
		}
	}
	for _, gateway := range d.Facts.Gateways {
		if gateway.Organisation == who.organisation {
			p.gateway = client.New(gateway.URL, d.keys[who.organisation])
		}
	}
	return p
}

// house returns an organisation's own account.
func (d *Demo) house(organisation string) *person {
	for _, p := range d.houses {
		if p.organisation == organisation {
			return p
		}
	}
	return d.person(part{name: organisation, organisation: organisation})
}

// houseOf returns the own account of the organisation with the MSP identifier.
func (d *Demo) houseOf(mspID string) *person {
	for _, p := range d.houses {
		if p.mspID == mspID {
			return p
		}
	}
	return &person{name: mspID, mspID: mspID}
}

func (d *Demo) treasury() *person { return d.house(Operator) }

// people returns everyone in the stories, each once: those of the stories in their order, then the organisations.
func (d *Demo) people() []*person {
	var all []*person
	for _, s := range d.scenes {
		for _, part := range s.story.cast {
			all = append(all, s.cast[part.name])
		}
	}
	return append(all, d.houses...)
}

// fund gives everyone with a key pocket money from the treasury, in one payout.
func (d *Demo) fund(ctx context.Context) error {
	payout := &spec.Payout{Reference: reference(), Memo: "pocket money"}
	for _, p := range d.people() {
		if p.key != nil {
			payout.Payments = append(payout.Payments, &spec.Payment{To: p.address.Bytes(), Amount: cmt(pocketMoney)})
		}
	}
	receipt, err := d.treasury().do(ctx, "token:Payout", payout, &spec.PayoutView{})
	if err != nil {
		return err
	}
	d.say("%s", toldLine(receipt.Block, "the treasury pays each "+pocketMoney+" CMT, all in one payout"))
	for _, s := range d.scenes {
		s.last = sighting{receipt.Transaction, d.treasury().gateway}
	}
	return nil
}

// play has the stories happen side by side and tells them one after the other.
func (d *Demo) play(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range d.scenes {
		group.Go(func() error { return s.run(ctx) })
	}
	for _, s := range d.scenes {
		d.say("\n%s", s.story.title)
		for line := range s.lines {
			d.say("%s", line)
		}
	}
	return group.Wait()
}
