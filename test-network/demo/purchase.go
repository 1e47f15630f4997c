package demo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/wallet"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/neighbours"
)

// The demo's two sides: 5miles, which keeps alice's account and the treasury, and the store's organisation.
const (
	Operator = "fivemiles"
	Store    = "merchant1"
)

// The demo's figures, in CMT.
const (
	pocketMoney   = 100
	bikePrice     = 40
	shippingPrice = 2
)

// Demo is one purchase: alice, a customer with a key of her own, buys a bike of merchant1's store through 5miles' gateway.
type Demo struct {
	Facts *topology.Facts
	// GatewayProgram is cmt-gateway, which makes the API keys.
	GatewayProgram string
	Out            io.Writer

	keys                      map[string]string
	treasury, alice, store    *person
	listing                   spec.ListingView
	order                     spec.OrderView
	code                      []byte
	supplyBefore, supplyAfter spec.Supply
	before, after             map[*person]spec.Amount
	heldBefore, heldAfter     spec.Amount
}

// Run carries the purchase out, step by step, and checks what must hold afterwards.
func (d *Demo) Run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.meet, d.fund, d.list, d.openBooks, d.buy, d.ship, d.handOver, d.confirm, d.closeBooks, d.check,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *Demo) say(format string, args ...any) { fmt.Fprintf(d.Out, format+"\n", args...) }

// told prints what happened and the block that it is in.
func (d *Demo) told(receipt client.Receipt, format string, args ...any) {
	d.say("  %-48s block %d", fmt.Sprintf(format, args...), receipt.Block)
}

// meet gives everyone an account and a gateway.
func (d *Demo) meet(ctx context.Context) (err error) {
	if err := neighbours.Introduce(ctx, d.Facts, d.GatewayProgram); err != nil {
		return err
	}
	if d.keys, err = apiKeys(ctx, d.Facts, d.GatewayProgram); err != nil {
		return err
	}
	if d.treasury, err = d.person("treasury", Operator, ""); err != nil {
		return err
	}
	if d.alice, err = d.person("alice", Operator, ""); err != nil {
		return err
	}
	if d.alice.key, err = wallet.New(spec.Scheme_SCHEME_ED25519); err != nil {
		return err
	}
	d.alice.address = d.alice.key.Address()
	d.say("  alice makes a key, which no gateway ever sees")
	d.say("    %s", d.alice.address)
	d.store, err = d.person("bike store", Store, "bikes")
	return err
}

func (d *Demo) person(name, organisation, label string) (*person, error) {
	for _, gateway := range d.Facts.Gateways {
		if gateway.Organisation == organisation {
			return &person{
				name:    name,
				label:   label,
				address: spec.SubAccountAddress(gateway.MSPID, label),
				gateway: client.New(gateway.URL, d.keys[organisation]),
			}, nil
		}
	}
	return nil, fmt.Errorf("%s has no gateway in this network", organisation)
}

// fund gives alice pocket money from the treasury.
func (d *Demo) fund(ctx context.Context) error {
	reference, err := randomHex(8)
	if err != nil {
		return err
	}
	var view spec.TransferView
	receipt, err := d.treasury.do(ctx, "token:Transfer", &spec.Transfer{
		Reference: "demo-" + reference, To: d.alice.address.Bytes(), Amount: spec.CMT(pocketMoney).Bytes(), Memo: "pocket money",
	}, &view)
	if err != nil {
		return err
	}
	d.told(receipt, "the treasury pays alice %d CMT", pocketMoney)
	return nil
}

func (d *Demo) list(ctx context.Context) error {
	reference, err := randomHex(8)
	if err != nil {
		return err
	}
	// The description stays off the ledger; its hash is salted so that nobody can guess it.
	salt, err := randomBytes(16)
	if err != nil {
		return err
	}
	content := sha256.Sum256(append(salt, "A city bike, blue, seven gears"...))
	receipt, err := d.store.do(ctx, "market:CreateListing", &spec.CreateListing{
		Reference: "bike-" + reference, Price: spec.CMT(bikePrice).Bytes(), ShippingPrice: spec.CMT(shippingPrice).Bytes(),
		Stock: 6, Lots: 3, Category: "bikes", ContentHash: content[:],
	}, &d.listing)
	if err != nil {
		return err
	}
	d.told(receipt, "the store lists 6 bikes at %d CMT", bikePrice)
	d.say("    %s", spec.ID(d.listing.Listing).Text(spec.ListingType))
	return nil
}

func (d *Demo) people() []*person { return []*person{d.treasury, d.alice, d.store} }

// count returns everyone's free money and what orders hold of it.
func (d *Demo) count(ctx context.Context) (free map[*person]spec.Amount, held spec.Amount, err error) {
	free = map[*person]spec.Amount{}
	for _, p := range d.people() {
		own, inOrders, err := p.balance(ctx)
		if err != nil {
			return nil, held, err
		}
		free[p] = own
		held, _ = held.Add(inOrders)
	}
	return free, held, nil
}

func (d *Demo) openBooks(ctx context.Context) (err error) {
	if _, err = d.alice.do(ctx, "token:GetSupply", &spec.GetSupply{}, &d.supplyBefore); err != nil {
		return err
	}
	d.before, d.heldBefore, err = d.count(ctx)
	return err
}

// buy looks the listing up, as a stranger would, and places the order with a commitment to a hand-over code.
func (d *Demo) buy(ctx context.Context) error {
	var listing spec.ListingView
	if _, err := d.alice.do(ctx, "market:GetListing", &spec.GetListing{Listing: d.listing.Listing}, &listing); err != nil {
		return err
	}
	reference, err := randomHex(8)
	if err != nil {
		return err
	}
	if d.code, err = randomBytes(16); err != nil {
		return err
	}
	// The commitment is bound to the order, whose identifier follows from the reference.
	id := spec.NewID(spec.OrderType, d.alice.address, reference)
	total := spec.CMT(bikePrice + shippingPrice)
	receipt, err := d.alice.sign(ctx, "market:PlaceOrder", &spec.PlaceOrder{
		Reference: reference, Listing: listing.Listing, Version: listing.Version, Quantity: 1,
		Total: total.Bytes(), HandOverHash: spec.HandOverHash(id, d.code),
	})
	if err != nil {
		return err
	}
	if _, err := d.alice.do(ctx, "market:GetOrder", &spec.GetOrder{Order: id[:]}, &d.order); err != nil {
		return err
	}
	if spec.ID(d.order.Order) != id {
		return fmt.Errorf("the order is %s, not the %s that its reference makes", spec.ID(d.order.Order).Text(spec.OrderType), id.Text(spec.OrderType))
	}
	d.told(receipt, "alice signs an order; %s CMT are held", total)
	d.say("    %s", id.Text(spec.OrderType))
	return nil
}

func (d *Demo) ship(ctx context.Context) error {
	receipt, err := d.store.do(ctx, "market:ShipOrder", &spec.ShipOrder{Order: d.order.Order}, &d.order)
	if err != nil {
		return err
	}
	d.told(receipt, "the store ships it")
	return nil
}

// handOver: alice shows her code at the door, and the store reveals it.
func (d *Demo) handOver(ctx context.Context) error {
	receipt, err := d.store.do(ctx, "market:HandOverOrder", &spec.HandOverOrder{Order: d.order.Order, Code: d.code}, &d.order)
	if err != nil {
		return err
	}
	d.told(receipt, "alice's code proves the hand-over")
	return nil
}

func (d *Demo) confirm(ctx context.Context) error {
	receipt, err := d.alice.sign(ctx, "market:ConfirmOrder", &spec.ConfirmOrder{Order: d.order.Order})
	if err != nil {
		return err
	}
	if _, err := d.alice.do(ctx, "market:GetOrder", &spec.GetOrder{Order: d.order.Order}, &d.order); err != nil {
		return err
	}
	d.told(receipt, "alice signs that she has it; the store is paid")
	d.say("    transaction %s", receipt.Transaction)
	return nil
}

func (d *Demo) closeBooks(ctx context.Context) (err error) {
	if d.after, d.heldAfter, err = d.count(ctx); err != nil {
		return err
	}
	_, err = d.store.do(ctx, "token:GetSupply", &spec.GetSupply{}, &d.supplyAfter)
	return err
}

func randomBytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := rand.Read(b)
	return b, err
}

func randomHex(n int) (string, error) {
	b, err := randomBytes(n)
	return hex.EncodeToString(b), err
}
