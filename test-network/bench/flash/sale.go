package flash

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

const (
	defaultUnits  = 10_000
	defaultBuyers = 20_000
	// outstanding is how many intents are on their way at each gateway.
	outstanding = 2000
	// price is what a unit costs, pocket what each buyer has, in CMT.
	price, pocket = 1, 2
	// maxAsks is how often a buyer asks who is told that the gateway cannot serve just now.
	maxAsks = 20
	// saleLimit is when a sale that does not end has failed.
	saleLimit = 20 * time.Minute
	// ready bounds the wait for what a network that has just come up must do.
	ready = 30 * time.Second
	// reference is the seller's for the listing, and each buyer's for the order.
	reference = "flash"
)

// sale is one listing on a network of its own.
type sale struct {
	units, buyers int
	facts         *topology.Facts
	relays        []*crowd.Relay
	faucet        *crowd.Person
	people        [][]*crowd.Person // by gateway
	listing       spec.ID

	mu   sync.Mutex
	told map[string]int
	// askedAgain counts how often buyers were told to come again, and did.
	askedAgain int
}

// ordered is what buyers are told of an order that happened, among the codes of refusals.
const ordered = "ordered"

func run(ctx context.Context, lab *bench.Lab) (result bench.Result, err error) {
	s := &sale{units: lab.Settings.Units, buyers: lab.Settings.Buyers, told: map[string]int{}}
	if s.units == 0 {
		s.units = defaultUnits
	}
	if s.buyers == 0 {
		s.buyers = defaultBuyers
	}
	if err := s.open(ctx, lab); err != nil {
		return result, err
	}
	from, err := s.relays[0].Ledger.Height(ctx)
	if err != nil {
		return result, err
	}
	lab.Say("  %d buyers come for %d units", s.buyers, s.units)
	began := time.Now()
	if err := s.sell(ctx); err != nil {
		return result, err
	}
	took := time.Since(began)
	height, err := s.audit(ctx)
	if err != nil {
		return result, err
	}
	counted, err := count(ctx, s.facts, s.listing, from, height)
	if err != nil {
		return result, err
	}
	result.Add("units", s.units)
	result.Add("buyers", s.buyers)
	result.Add("orders", counted.orders())
	result.Add("refused", s.told[string(spec.SoldOut)])
	result.Add("conflicts", counted.invalid)
	result.Add("conflicts_before_a_lot_was_empty", counted.early)
	result.Add("transactions", counted.transactions)
	result.Add("asked_again", s.askedAgain)
	result.Add("seconds", took.Seconds())
	return result, s.check(counted)
}

// open brings a network up, takes the place of its gateways, gives people money and lists the units, in a lot a gateway.
func (s *sale) open(ctx context.Context, lab *bench.Lab) error {
	network, err := lab.OwnNetwork(ctx, "flash")
	if err != nil {
		return err
	}
	if s.facts, err = network.Facts(); err != nil {
		return err
	}
	for _, gateway := range s.facts.Gateways {
		if err := network.Stop(ctx, "gateway."+gateway.Organisation); err != nil {
			return err
		}
	}
	for n := range s.facts.Peers {
		relay, err := crowd.NewRelay(ctx, s.facts, n, filepath.Join(lab.Folder, fmt.Sprintf("relay-%d", n)))
		if err != nil {
			return err
		}
		lab.OnClose(relay.Close)
		s.relays = append(s.relays, relay)
	}
	if err := s.populate(ctx, lab); err != nil {
		return err
	}
	return s.list(ctx)
}

// populate has each gateway welcome its part of the buyers.
func (s *sale) populate(ctx context.Context, lab *bench.Lab) (err error) {
	ledgerID := s.relays[0].Parameters.LedgerID
	if s.faucet, err = crowd.NewPerson(ledgerID, 0); err != nil {
		return err
	}
	s.people = make([][]*crowd.Person, len(s.relays))
	for n := range s.buyers {
		p, err := crowd.NewPerson(ledgerID, n+1)
		if err != nil {
			return err
		}
		at := n % len(s.relays)
		s.people[at] = append(s.people[at], p)
	}
	lab.Say("  %d people get money", s.buyers)
	if err := s.relays[0].FillFaucet(ctx, s.faucet, crowd.Funds(s.buyers, len(s.relays), pocket)); err != nil {
		return err
	}
	for n, relay := range s.relays {
		// What the one before paid out, this one must know.
		if err := s.await(ctx); err != nil {
			return err
		}
		rest := s.people[n]
		err := relay.Welcome(ctx, s.faucet, len(rest), spec.CMT(pocket), func() []*crowd.Person {
			come := rest[:min(crowd.Welcomed, len(rest))]
			rest = rest[len(come):]
			return come
		})
		if err != nil {
			return err
		}
	}
	return s.await(ctx)
}

// list has the second organisation, a merchant, list the units.
func (s *sale) list(ctx context.Context) error {
	seller := s.relays[1]
	call := &spec.Call{Operation: spec.Find("market:CreateListing"), Hints: &spec.Hints{}, Command: &spec.CreateListing{
		Reference: reference, Price: spec.CMT(price).Bytes(), Stock: uint32(s.units), Lots: uint32(len(s.relays)), Category: "flash", ContentHash: make([]byte, 32),
	}}
	s.listing = spec.NewID(spec.ListingType, spec.OrganisationAddress(seller.MSPID), reference)
	if _, err := seller.Ledger.Submit(ctx, call, crowd.AnnounceNobody); err != nil {
		return fmt.Errorf("list the units: %w", err)
	}
	return s.await(ctx)
}

// await waits until each gateway's read model has every block that any peer has.
func (s *sale) await(ctx context.Context) error {
	height, err := crowd.Agreed(ctx, s.facts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	for _, relay := range s.relays {
		if err := relay.Store.AwaitBlock(ctx, height-1); err != nil {
			return fmt.Errorf("%s's read model lacks block %d: %w", relay.MSPID, height-1, err)
		}
	}
	return nil
}

// sell has all buyers order one unit each, at every gateway at once.
func (s *sale) sell(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, saleLimit, errors.New("the sale did not come to its end"))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for n, relay := range s.relays {
		q := &queue{sale: s}
		for _, buyer := range s.people[n] {
			q.buyers = append(q.buyers, visit{buyer, 1})
		}
		driver := crowd.NewDriver(relay.Parameters.LedgerID, outstanding, relay)
		group.Go(func() error { return driver.Run(ctx, 0, q.next) })
	}
	return group.Wait()
}

// queue is who waits before one gateway; its driver's lock guards it.
type queue struct {
	sale   *sale
	buyers []visit
}

// visit is a buyer who asks for the n-th time.
type visit struct {
	buyer *crowd.Person
	asks  int
}

// next lets the next buyer order. One who is told to come again does: nothing happened, and the order's reference is the same.
func (q *queue) next(bool) *crowd.Job {
	if len(q.buyers) == 0 {
		return nil
	}
	one := q.buyers[0]
	q.buyers = q.buyers[1:]
	return &crowd.Job{Actor: one.buyer, Call: q.sale.order(), Operations: 1, Then: func(err error) {
		code := spec.ErrorCode(err)
		if err != nil && (code == spec.Unavailable || code == spec.RateLimited) && one.asks < maxAsks {
			q.sale.again()
			q.buyers = append(q.buyers, visit{one.buyer, one.asks + 1})
			return
		}
		q.sale.tell(err)
	}}
}

func (s *sale) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.askedAgain++
}

func (s *sale) order() *spec.Call {
	return &spec.Call{Operation: spec.Find("market:PlaceOrder"), Command: &spec.PlaceOrder{
		Reference: reference, Listing: s.listing[:], Version: 1, Quantity: 1, Total: spec.CMT(price).Bytes(),
	}}
}

// tell counts what a buyer is told.
func (s *sale) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.told[ordered]++
		return
	}
	s.told[string(spec.ErrorCode(err))]++
}

// audit compares the peers and adds up each gateway's books. It returns the height.
func (s *sale) audit(ctx context.Context) (height uint64, err error) {
	for _, relay := range s.relays {
		if err := relay.Audit(ctx, s.facts); err != nil {
			return 0, fmt.Errorf("%s: %w", relay.MSPID, err)
		}
	}
	return crowd.Agreed(ctx, s.facts)
}

// check compares what the blocks show with what there was to sell, and with what buyers were told.
func (s *sale) check(counted *census) error {
	sold := min(s.units, s.buyers)
	var broken []error
	expect := func(what string, got, want int) {
		if got != want {
			broken = append(broken, fmt.Errorf("%s: %d, want %d", what, got, want))
		}
	}
	expect("orders on the ledger", counted.orders(), sold)
	expect("units in them", counted.units(), sold)
	expect("buyers with an order", counted.buyers(), sold)
	expect("units left in lots", counted.left(), s.units-sold)
	expect("told that they have an order", s.told[ordered], sold)
	expect("told that nothing is left", s.told[string(spec.SoldOut)], s.buyers-sold)
	if broken != nil {
		broken = append(broken, fmt.Errorf("told: %v", s.told))
	}
	return errors.Join(broken...)
}
