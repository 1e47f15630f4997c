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
	"github.com/cybermiles/cmt/test-network/bench/crowd"
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
	*crowd.Person
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
	err := d.Run(ctx, 0, func(bool) *crowd.Job {
		if len(sellers) == min(sellerCount, len(c.people)/2) {
			return nil
		}
		owner := c.people[len(sellers)]
		sellers = append(sellers, &seller{Person: owner, listing: spec.NewID(spec.ListingType, owner.Address, "shop")})
		return &crowd.Job{Actor: owner, Call: &spec.Call{Operation: spec.Find("market:CreateListing"), Command: &spec.CreateListing{
			Reference: "shop", Price: price.Bytes(), Stock: stock, Category: "things", ContentHash: make([]byte, 32),
		}}}
	})
	if refused, text := d.Refusals(); err == nil && refused > 0 {
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
	buyers  []*crowd.Person
	pending []*crowd.Job // next steps, before anything new
	number  int
}

func (m *market) plan(over bool) *crowd.Job {
	if len(m.pending) > 0 {
		next := m.pending[0]
		m.pending = m.pending[1:]
		return next
	}
	if over {
		return nil
	}
	from := m.c.sellers[rand.IntN(len(m.c.sellers))]
	if !from.sweeping && m.c.relay.Blocks.OpenOf(from.Address) >= crowdedSeller {
		from.sweeping = true
		fold := sweep(from.Person)
		fold.Then = func(error) { from.sweeping, from.Busy = false, false }
		return fold
	}
	buyer := free(m.buyers)
	if buyer == nil {
		return nil
	}
	return m.order(buyer, from)
}

func (m *market) order(buyer *crowd.Person, from *seller) *crowd.Job {
	m.number++
	reference := fmt.Sprintf("%s-%d", from.listing.Text(spec.ListingType)[4:12], m.number)
	order := spec.NewID(spec.OrderType, buyer.Address, reference)
	began := time.Now()
	buyer.Busy = true
	confirm := &crowd.Job{
		Actor: buyer, Call: step("market:ConfirmOrder", &spec.ConfirmOrder{Order: order[:]}),
		Operations: 1, Began: began, Then: func(error) { buyer.Busy = false },
	}
	ship := &crowd.Job{Actor: from.Person, Call: step("market:ShipOrder", &spec.ShipOrder{Order: order[:]}), Then: m.goOn(buyer, confirm)}
	return &crowd.Job{
		Actor: buyer, Call: step("market:PlaceOrder", &spec.PlaceOrder{
			Reference: reference, Listing: from.listing[:], Version: firstVersion, Quantity: 1, Total: price.Bytes(),
		}),
		Then: m.goOn(buyer, ship),
	}
}

// goOn takes the next step unless the last was refused.
func (m *market) goOn(buyer *crowd.Person, next *crowd.Job) func(error) {
	return func(err error) {
		if err != nil {
			buyer.Busy = false
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
	return c.measure(ctx, lab, load{limit: outstandingPurchases, accounts: len(c.people), goal: purchasesGoal, plan: m.plan})
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
	return c.measure(ctx, lab, load{limit: outstandingPurchases, accounts: len(c.people), plan: func(over bool) *crowd.Job {
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
