package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// atMilestones are the milestones' shares as a listing's version has them.
func atMilestones(shares []uint32) (out [MaxMilestones]uint32, err error) {
	var sum uint32
	for _, share := range shares {
		sum += share
	}
	if len(shares) > 0 && sum != 10_000 {
		return out, spec.FieldErrorf(spec.InvalidField, "milestones", "must be 10000 together, not %d", sum)
	}
	copy(out[:], shares)
	return out, nil
}

// putMilestones writes the milestones of an order of a service.
func (t *task) putMilestones(id spec.ID, order *Order, version Version) {
	var milestones Milestones
	for i, share := range version.Milestones {
		if milestones[i].ShareBps = share; share > 0 {
			order.Milestones++
		}
	}
	if order.Milestones > 0 {
		t.put(MilestonesKey(id), milestones)
	}
}

// openMilestone returns a milestone, by its place, that is not yet paid for.
func (t *task) openMilestone(id spec.ID, order Order, number uint32) (Milestones, int, error) {
	milestones, _ := get[Milestones](t, MilestonesKey(id))
	if number > order.Milestones {
		return milestones, 0, spec.FieldErrorf(spec.NotFound, "milestone", "there are %d", order.Milestones)
	}
	at := int(number) - 1
	if milestones[at].Released {
		return milestones, at, spec.FieldErrorf(spec.WrongState, "milestone", "was released")
	}
	return milestones, at, nil
}

// reportMilestone starts a milestone's release clock, once.
func reportMilestone(t *task, c *spec.ReportMilestone) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, seller, commissioned, working)
	if err != nil {
		return nil, err
	}
	milestones, at, err := t.openMilestone(id, order, c.Milestone)
	if err != nil {
		return nil, err
	}
	if milestones[at].Due > 0 {
		return nil, spec.FieldErrorf(spec.WrongState, "milestone", "was reported before")
	}
	if err := order.before(order.ProtectionDeadline, "protection"); err != nil {
		return nil, err
	}
	milestones[at].Due = order.UpdatedAt + int64(order.ReleaseSeconds)
	milestones[at].ProofHash = hash(c.ProofHash)
	t.put(MilestonesKey(id), milestones)
	t.move(id, order, working)
	return milestones.view(id, order), nil
}

// releaseMilestone pays the seller one milestone's share, or what is left when that is less; the last one takes all that is left.
func releaseMilestone(t *task, c *spec.ReleaseMilestone) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, 0, commissioned, working)
	if err != nil {
		return nil, err
	}
	milestones, at, err := t.openMilestone(id, order, c.Milestone)
	if err != nil {
		return nil, err
	}
	if t.actor != order.Buyer {
		if milestones[at].Due == 0 {
			return nil, spec.FieldErrorf(spec.NotDue, "milestone", "is not reported done")
		}
		if err := order.due(milestones[at].Due); err != nil {
			return nil, err
		}
	}
	part := order.share(milestones, at)
	milestones[at].Released = true
	t.put(MilestonesKey(id), milestones)
	if part == order.Held() {
		return t.release(id, order)
	}
	if order, err = t.payOut(id, order, part, spec.Amount{}); err != nil {
		return nil, err
	}
	return t.move(id, order, working), nil
}

// share returns what the seller gets for a milestone: its share of the total, rounded down; all that is left for the last.
func (o Order) share(milestones Milestones, at int) spec.Amount {
	last := true
	for i, m := range milestones[:o.Milestones] {
		last = last && (i == at || m.Released)
	}
	part := o.Total.Share(milestones[at].ShareBps)
	if held := o.Held(); last || held.Less(part) {
		return held
	}
	return part
}

// done returns what the seller gets for the milestones that were reported and not yet paid for.
func (o Order) done(milestones Milestones) (sum spec.Amount) {
	rest := o
	for i, m := range milestones[:o.Milestones] {
		if m.Released || m.Due == 0 {
			continue
		}
		part := rest.share(milestones, i)
		milestones[i].Released = true
		rest.Released = plus(rest.Released, part)
		sum = plus(sum, part)
	}
	return sum
}

// milestoneKeys names the order and its milestones.
func milestoneKeys[C orderCommand](_ *task, c C) []Key {
	id := identifier(c.GetOrder())
	return []Key{OrderKey(id), MilestonesKey(id)}
}

func getMilestones(t *task, c *spec.GetMilestones) (proto.Message, error) {
	id := identifier(c.Order)
	order, _ := get[Order](t, OrderKey(id))
	milestones, ok := get[Milestones](t, MilestonesKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "order", "there is no service %s", id.Text(spec.OrderType))
	}
	return milestones.view(id, order), nil
}

func (m Milestones) view(id spec.ID, order Order) *spec.MilestonesView {
	view := &spec.MilestonesView{Order: id[:]}
	for _, one := range m[:order.Milestones] {
		view.Milestones = append(view.Milestones, &spec.MilestoneView{
			ShareBps: one.ShareBps, Due: one.Due, Released: one.Released, ProofHash: optionalHash(one.ProofHash),
		})
	}
	return view
}
