package payments

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	// sellerCount is how many people sell, one thing each.
	sellerCount = 64
	stock       = 1_000_000_000
	// firstVersion is the version that a new listing has.
	firstVersion = 1
	// crowdedSeller is how many open credits make a seller sweep, within a window.
	crowdedSeller = 32
)

// price is what each thing costs: small, so that nobody's money ends within a window.
var price = spec.Units(100_000_000_000_000_000)

// seller is a person with something to sell.
type seller struct {
	*person
	listing  spec.ID
	sweeping bool
}

// openShops has some people list something, once.
func (c *consortium) openShops(ctx context.Context) error {
	if c.sellers != nil {
		return nil
	}
	var sellers []*seller
	d := c.driver(outstanding, c.relay)
	err := d.run(ctx, 0, func(bool) *job {
		if len(sellers) == min(sellerCount, len(c.people)/2) {
			return nil
		}
		owner := c.people[len(sellers)]
		sellers = append(sellers, &seller{person: owner, listing: spec.NewID(spec.ListingType, owner.address, "shop")})
		return &job{actor: owner, call: &spec.Call{Operation: spec.Find("market:CreateListing"), Command: &spec.CreateListing{
			Reference: "shop", Price: price.Bytes(), Stock: stock, Category: "things", ContentHash: make([]byte, 32),
		}}}
	})
	if refused, text := d.refusals(); err == nil && refused > 0 {
		err = errors.New(text)
	}
	if err != nil {
		return fmt.Errorf("open shops: %w", err)
	}
	c.sellers = sellers
	return c.settle(ctx, d)
}

// market plans whole purchases: a buyer orders, the seller ships, the buyer confirms.
type market struct {
	c       *consortium
	buyers  []*person
	pending []*job // next steps, before anything new
	number  int
}

func (m *market) plan(over bool) *job {
	if len(m.pending) > 0 {
		next := m.pending[0]
		m.pending = m.pending[1:]
		return next
	}
	if over {
		return nil
	}
	from := m.c.sellers[rand.IntN(len(m.c.sellers))]
	if !from.sweeping && m.c.relay.blocks.openOf(from.address) >= crowdedSeller {
		from.sweeping = true
		fold := sweep(from.person)
		fold.then = func(error) { from.sweeping, from.busy = false, false }
		return fold
	}
	buyer := free(m.buyers)
	if buyer == nil {
		return nil
	}
	return m.order(buyer, from)
}

func (m *market) order(buyer *person, from *seller) *job {
	m.number++
	reference := fmt.Sprintf("%s-%d", from.listing.Text(spec.ListingType)[4:12], m.number)
	order := spec.NewID(spec.OrderType, buyer.address, reference)
	began := time.Now()
	buyer.busy = true
	confirm := &job{
		actor: buyer, call: step("market:ConfirmOrder", &spec.ConfirmOrder{Order: order[:]}),
		operations: 1, began: began, then: func(error) { buyer.busy = false },
	}
	ship := &job{actor: from.person, call: step("market:ShipOrder", &spec.ShipOrder{Order: order[:]}), then: m.goOn(buyer, confirm)}
	return &job{
		actor: buyer, call: step("market:PlaceOrder", &spec.PlaceOrder{
			Reference: reference, Listing: from.listing[:], Version: firstVersion, Quantity: 1, Total: price.Bytes(),
		}),
		then: m.goOn(buyer, ship),
	}
}

// goOn takes the next step unless the last was refused.
func (m *market) goOn(buyer *person, next *job) func(error) {
	return func(err error) {
		if err != nil {
			buyer.busy = false
			return
		}
		m.pending = append(m.pending, next)
	}
}

func step(name string, command proto.Message) *spec.Call {
	return &spec.Call{Operation: spec.Find(name), Command: command}
}

func (c *consortium) purchases(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	m, err := c.market(ctx, lab)
	if err != nil {
		return result, err
	}
	return c.measure(ctx, lab, load{limit: outstanding, accounts: len(c.people), goal: purchasesGoal, plan: m.plan})
}

func (c *consortium) market(ctx context.Context, lab *bench.Lab) (*market, error) {
	if err := c.up(ctx, lab); err != nil {
		return nil, err
	}
	if err := c.openShops(ctx); err != nil {
		return nil, err
	}
	return &market{c: c, buyers: c.people[len(c.sellers):], number: rand.IntN(1 << 30)}, nil
}

// The parts of a mixed load, in percent of what is begun; the rest is payments of strangers.
const (
	mixedMerchant  = 20
	mixedPurchases = 10
)

func (c *consortium) mixed(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	m, err := c.market(ctx, lab)
	if err != nil {
		return result, err
	}
	anybody := strangers(m.buyers)
	return c.measure(ctx, lab, load{limit: outstanding, accounts: len(c.people), plan: func(over bool) *job {
		part := rand.IntN(100)
		switch {
		case len(m.pending) > 0 || part < mixedPurchases:
			return m.plan(over)
		case part < mixedPurchases+mixedMerchant:
			return c.toMerchant(over)
		}
		return anybody(over)
	}})
}
