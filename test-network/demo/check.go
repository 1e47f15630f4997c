package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// check prints the books and compares them with what the rules say they must be.
func (d *Demo) check(ctx context.Context) error {
	d.say("")
	d.say("  %-12s %26s %26s", "CMT", "before the purchase", "after it")
	for _, p := range d.people() {
		d.say("  %-12s %26s %26s", p.name, d.before[p], d.after[p])
	}
	d.say("  %-12s %26s %26s", "held", d.heldBefore, d.heldAfter)
	before, err1 := sum(d.before, d.heldBefore)
	after, err2 := sum(d.after, d.heldAfter)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	d.say("  %-12s %26s %26s", "together", before, after)
	d.say("")

	total := spec.CMT(bikePrice + shippingPrice)
	fee := total.Share(d.order.FeeBps)
	payout, _ := total.Sub(fee)
	paid, _ := d.before[d.alice].Sub(d.after[d.alice])
	earned, _ := d.after[d.store].Sub(d.before[d.store])
	kept, _ := d.after[d.treasury].Sub(d.before[d.treasury])
	wrong := errors.Join(
		same("what all have together", after, before),
		same("what alice paid", paid, total),
		same("what the store earned", earned, payout),
		same("5miles' fee", kept, fee),
		same("what orders hold", d.heldAfter, d.heldBefore),
		d.checkOrder(fee),
		d.checkSupply(),
		d.checkPeers(ctx),
	)
	if wrong == nil {
		d.say("  It adds up: alice paid %s, the store earned %s, 5miles' fee is %s, the supply is unchanged.", paid, earned, kept)
	}
	return wrong
}

func sum(parts map[*person]spec.Amount, rest spec.Amount) (spec.Amount, error) {
	total := rest
	for _, part := range parts {
		var ok bool
		if total, ok = total.Add(part); !ok {
			return total, errors.New("the balances exceed the cap")
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

func (d *Demo) checkOrder(fee spec.Amount) error {
	if d.order.State != spec.OrderState_ORDER_STATE_RELEASED || len(d.order.Held) > 0 {
		return fmt.Errorf("the order is %v and holds %x", d.order.State, d.order.Held)
	}
	paid, err := spec.AmountFromBytes(d.order.Fee)
	return errors.Join(err, same("the order's fee", paid, fee))
}

func (d *Demo) checkSupply() error {
	before, err1 := spec.AmountFromBytes(d.supplyBefore.Supply)
	after, err2 := spec.AmountFromBytes(d.supplyAfter.Supply)
	return errors.Join(err1, err2, same("the supply", after, before))
}

// agreeSeconds bounds how long a peer may lag behind the one that answered the last write.
const agreeSeconds = 10

// checkPeers asks every organisation's own peer for the order: all must come to tell the same.
func (d *Demo) checkPeers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, agreeSeconds*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, gateway := range d.Facts.Gateways {
		p, err := d.person(gateway.Organisation, gateway.Organisation, "")
		if err != nil {
			return err
		}
		for {
			var seen spec.OrderView
			_, err := p.do(ctx, "market:GetOrder", &spec.GetOrder{Order: d.order.Order}, &seen)
			if err == nil && proto.Equal(&seen, &d.order) {
				break
			}
			select {
			case <-ctx.Done():
				return errors.Join(fmt.Errorf("%s's peer does not have the order as it was answered, but as %v: see `cmt-network status`", gateway.Organisation, &seen), err)
			case <-tick.C:
			}
		}
	}
	return nil
}
