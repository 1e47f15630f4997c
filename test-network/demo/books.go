package demo

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// books are what everyone has at a moment, and all CMT there is.
type books struct {
	free, held map[*person]spec.Amount
	supply     spec.Amount
}

// move is what a story says that somebody gained or lost by it.
type move struct {
	who    *person
	gain   bool
	amount spec.Amount
}

func (s *scene) gains(who *person, a spec.Amount) { s.moves = append(s.moves, move{who, true, a}) }
func (s *scene) loses(who *person, a spec.Amount) { s.moves = append(s.moves, move{who, false, a}) }

// earns says that a seller is paid, less the marketplace's fee.
func (s *scene) earns(seller *person, paid spec.Amount) {
	fee := paid.Share(s.demo.parameters.GetFeeBps())
	rest, _ := paid.Sub(fee)
	s.gains(seller, rest)
	s.gains(s.demo.house(Operator), fee)
}

// sold says that a buyer paid a total to a seller.
func (s *scene) sold(buyer, seller *person, total string) {
	s.loses(buyer, amount(total))
	s.earns(seller, amount(total))
}

func (d *Demo) openBooks(ctx context.Context) (err error) {
	d.before, err = d.count(ctx)
	return err
}

func (d *Demo) closeBooks(ctx context.Context) (err error) {
	for _, s := range d.scenes {
		if err := d.treasury().sees(ctx, s.last.transaction); err != nil {
			return err
		}
	}
	d.after, err = d.count(ctx)
	return err
}

// count asks 5miles' gateway what everyone has.
func (d *Demo) count(ctx context.Context) (*books, error) {
	b := &books{free: map[*person]spec.Amount{}, held: map[*person]spec.Amount{}}
	for _, p := range d.people() {
		var view spec.Balance
		if _, err := d.treasury().do(ctx, "token:GetBalance", &spec.GetBalance{Address: p.address.Bytes()}, &view); err != nil {
			return nil, err
		}
		if !view.GetComplete() {
			return nil, fmt.Errorf("%s has more credits than one answer counts", p.name)
		}
		account, err1 := spec.AmountFromBytes(view.GetAccount())
		credits, err2 := spec.AmountFromBytes(view.GetCredits())
		held, err3 := spec.AmountFromBytes(view.GetHeld())
		free, ok := account.Add(credits)
		if err := errors.Join(err1, err2, err3); err != nil || !ok {
			return nil, fmt.Errorf("%s's balance exceeds the cap or cannot be read: %w", p.name, err)
		}
		b.free[p], b.held[p] = free, held
	}
	var supply spec.Supply
	if _, err := d.treasury().do(ctx, "token:GetSupply", &spec.GetSupply{}, &supply); err != nil {
		return nil, err
	}
	var err error
	b.supply, err = spec.AmountFromBytes(supply.GetSupply())
	return b, err
}

// check prints the books and compares them, to the unit, with what the stories say that they did.
func (d *Demo) check(ctx context.Context) error {
	d.say("\nThe books, in CMT")
	d.say("  %-12s %30s %30s", "", "before the stories", "after them")
	var moves []move
	for _, s := range d.scenes {
		moves = append(moves, s.moves...)
	}
	var wrong []error
	for _, p := range d.people() {
		d.say("  %-12s %30s %30s", p.name, d.before.free[p], d.after.free[p])
		wrong = append(wrong,
			same("what "+p.name+" has", d.after.free[p], expected(d.before.free[p], p, moves)),
			same("what is held of "+p.name, d.after.held[p], d.before.held[p]))
	}
	before, err1 := d.before.sum(d.people())
	after, err2 := d.after.sum(d.people())
	d.say("  %-12s %30s %30s", "together", before, after)
	d.say("  %-12s %30s %30s", "supply", d.before.supply, d.after.supply)
	d.say("")
	wrong = append(wrong, err1, err2, same("what all have together", after, before), same("the supply", d.after.supply, d.before.supply), d.checkPeers(ctx))
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	d.say("  It adds up: to the unit everyone has what the stories say, nothing is held, and the supply is unchanged.")
	return nil
}

// expected is what somebody must have after the moves: gains first, so that it never falls below nothing in between.
func expected(before spec.Amount, who *person, moves []move) spec.Amount {
	for _, gain := range []bool{true, false} {
		for _, m := range moves {
			switch {
			case m.who != who || m.gain != gain:
			case gain:
				before, _ = before.Add(m.amount)
			default:
				before, _ = before.Sub(m.amount)
			}
		}
	}
	return before
}

// sum is all that people have, held or not.
func (b *books) sum(people []*person) (total spec.Amount, err error) {
	for _, p := range people {
		for _, part := range []spec.Amount{b.free[p], b.held[p]} {
			var ok bool
			if total, ok = total.Add(part); !ok {
				return total, errors.New("the balances exceed the cap")
			}
		}
	}
	return total, nil
}

func same(what string, got, want spec.Amount) error {
	if got != want {
		return fmt.Errorf("%s is %s CMT and must be %s", what, got, want)
	}
	return nil
}

// checkPeers asks every organisation's own peer for the orders: all must come to tell the same.
func (d *Demo) checkPeers(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, house := range d.houses {
		if house.gateway == nil {
			continue
		}
		group.Go(func() error {
			for _, s := range d.scenes {
				for _, order := range s.orders {
					if err := house.tells(ctx, order); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// tells waits until somebody's gateway tells an order as another did.
func (p *person) tells(ctx context.Context, order *spec.OrderView) error {
	var seen spec.OrderView
	err := poll(ctx, func() (bool, error) {
		_, err := p.do(ctx, "market:GetOrder", &spec.GetOrder{Order: order.GetOrder()}, &seen)
		return err == nil && proto.Equal(&seen, order), err
	})
	if err != nil {
		return fmt.Errorf("%s's peer does not have the order as it was answered, but as %v: see `cmt-network status`: %w", p.organisation, &seen, err)
	}
	return nil
}
