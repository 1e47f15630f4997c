package simulate

import (
	"math/big"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// orderBook is what the commands of a transaction made of an order.
type orderBook struct {
	// terms are the order's, which never change.
	terms              ledger.Order
	state              spec.OrderState
	released, refunded *big.Int
	// panel is what its arbiters were paid.
	panel *big.Int
	// split is what a side proposed that the seller should have, or nil.
	split      *big.Int
	splitBy    spec.Address
	shipped    uint32
	milestones []milestoneBook
	// lines are a cart's.
	lines []ledger.Line
}

type milestoneBook struct {
	share          int64
	reported, paid bool
}

// open reports whether an order in the state holds money.
func open(s spec.OrderState) bool {
	switch s {
	case spec.OrderState_ORDER_STATE_RELEASED, spec.OrderState_ORDER_STATE_CANCELLED, spec.OrderState_ORDER_STATE_REFUNDED,
		spec.OrderState_ORDER_STATE_EXPIRED, spec.OrderState_ORDER_STATE_SPLIT, spec.OrderState_ORDER_STATE_RULED:
		return false
	}
	return true
}

// book returns an order's book, begun with what there was before the transaction.
func (b *books) book(id spec.ID) *orderBook {
	if b.orders[id] == nil {
		before, _ := b.records[ledger.OrderKey(id)].(ledger.Order)
		book := &orderBook{terms: before, state: before.State, released: units(before.Released), refunded: units(before.Refunded), panel: units(before.PanelPaid), shipped: before.Shipped}
		switch before.SplitBy {
		case spec.Side_SIDE_BUYER:
			book.split, book.splitBy = units(before.SplitAmount), before.Buyer
		case spec.Side_SIDE_SELLER:
			book.split, book.splitBy = units(before.SplitAmount), before.Seller
		}
		milestones, _ := b.records[ledger.MilestonesKey(id)].(ledger.Milestones)
		for _, m := range milestones {
			book.milestones = append(book.milestones, milestoneBook{int64(m.ShareBps), m.Due > 0, m.Released})
		}
		lines, _ := b.records[ledger.LinesKey(id)].(ledger.Lines)
		if before.Lines > 0 {
			book.lines = lines[:before.Lines]
		}
		b.orders[id] = book
	}
	return b.orders[id]
}

// held is what an order still holds.
func (o *orderBook) held() *big.Int {
	held := new(big.Int).Sub(units(o.terms.Total), o.released)
	held.Sub(held, o.refunded)
	return held.Sub(held, o.panel)
}

// unsent are the units that the seller still has.
func (o *orderBook) unsent() int64 {
	switch o.state {
	case spec.OrderState_ORDER_STATE_PLACED, spec.OrderState_ORDER_STATE_ACCEPTED, spec.OrderState_ORDER_STATE_COMMISSIONED:
		return int64(o.terms.Quantity)
	case spec.OrderState_ORDER_STATE_PART_SHIPPED:
		return int64(o.terms.Quantity - o.shipped)
	}
	return 0
}

// step writes one command on an order down. Who may, and in which state, the rules' table says; here it is about money and goods:
// only the buyer, both, or time give the seller anything.
func (b *books) step(deed *act, id spec.ID) {
	o := b.book(id)
	if !open(o.state) {
		b.fault("order %x goes on after it was %s", id, o.state)
	}
	isBuyer, isSeller := deed.actor == o.terms.Buyer, deed.actor == o.terms.Seller
	var may bool
	switch c := deed.call.Command.(type) {
	case *spec.AcceptOrder:
		may = isSeller
		if o.state = spec.OrderState_ORDER_STATE_ACCEPTED; o.terms.Milestones > 0 {
			o.state = spec.OrderState_ORDER_STATE_COMMISSIONED
		}
	case *spec.ShipOrder:
		may = isSeller
		o.shipped += c.Quantity
		if o.state = spec.OrderState_ORDER_STATE_PART_SHIPPED; c.Quantity == 0 || o.shipped == o.terms.Quantity {
			o.state, o.shipped = spec.OrderState_ORDER_STATE_SHIPPED, 0
		}
	case *spec.HandOverOrder, *spec.ReportDelivery, *spec.DeclineReturn:
		may = !isBuyer || deed.call.Operation.Name == "HandOverOrder"
		if o.state != spec.OrderState_ORDER_STATE_DISPUTED && o.state != spec.OrderState_ORDER_STATE_RETURN_SHIPPED {
			o.state = spec.OrderState_ORDER_STATE_HANDED_OVER
		}
	case *spec.AskReturn:
		may, o.state = isBuyer, spec.OrderState_ORDER_STATE_RETURN_ASKED
	case *spec.AcceptReturn:
		may, o.state = isSeller, spec.OrderState_ORDER_STATE_RETURN_ACCEPTED
	case *spec.ShipReturn:
		may, o.state = isBuyer, spec.OrderState_ORDER_STATE_RETURN_SHIPPED
	case *spec.OpenDispute:
		may, o.state = isBuyer || isSeller, spec.OrderState_ORDER_STATE_DISPUTED
	case *spec.ReportMilestone:
		may, o.state = isSeller, spec.OrderState_ORDER_STATE_WORKING
		o.milestones[c.Milestone-1].reported = true
	case *spec.ProposeSplit:
		may = isBuyer || isSeller
		o.split, o.splitBy = new(big.Int).SetBytes(c.SellerAmount), deed.actor
	default:
		may = b.stepOfMoney(deed, id, o)
	}
	if !may {
		b.fault("order %x comes to %s by %s", id, o.state, deed.actor)
	}
}

// stepOfMoney writes a command down that pays, and reports whether the actor may give it.
func (b *books) stepOfMoney(deed *act, id spec.ID, o *orderBook) bool {
	isBuyer, isSeller := deed.actor == o.terms.Buyer, deed.actor == o.terms.Seller
	part := func(named []byte) *big.Int {
		if len(named) == 0 {
			return o.held()
		}
		return new(big.Int).SetBytes(named)
	}
	none := new(big.Int)
	switch c := deed.call.Command.(type) {
	case *spec.ConfirmOrder:
		b.payOut(id, o, part(c.Amount), none, spec.OrderState_ORDER_STATE_RELEASED, o.state)
		return isBuyer
	case *spec.ReleaseOrder:
		b.payOut(id, o, o.held(), none, spec.OrderState_ORDER_STATE_RELEASED, o.state)
	case *spec.ReleaseMilestone:
		worth := o.worth(int(c.Milestone)-1, none)
		reported := o.milestones[c.Milestone-1].reported
		o.milestones[c.Milestone-1].paid = true
		b.payOut(id, o, worth, none, spec.OrderState_ORDER_STATE_RELEASED, spec.OrderState_ORDER_STATE_WORKING)
		return isBuyer || reported
	case *spec.CancelOrder:
		b.payOut(id, o, none, o.held(), spec.OrderState_ORDER_STATE_CANCELLED, o.state)
		return isBuyer || isSeller
	case *spec.RefundOrder:
		b.payOut(id, o, none, part(c.Amount), spec.OrderState_ORDER_STATE_REFUNDED, o.state)
		return isSeller
	case *spec.AgreeSplit:
		agreed := o.split != nil && deed.actor != o.splitBy && o.split.Cmp(new(big.Int).SetBytes(c.SellerAmount)) == 0
		toSeller := new(big.Int).SetBytes(c.SellerAmount)
		b.payOut(id, o, toSeller, new(big.Int).Sub(o.held(), toSeller), spec.OrderState_ORDER_STATE_SPLIT, o.state)
		return agreed && (isBuyer || isSeller)
	case *spec.ExpireOrder:
		b.expire(id, o)
	case *spec.RuleDispute:
		b.rule(id, o)
	}
	return true
}

// expire: a service that was done in part is paid for so far; of goods that went in part, the others are refunded; else all is.
func (b *books) expire(id spec.ID, o *orderBook) {
	toSeller, toBuyer, rest := new(big.Int), o.held(), o.state
	switch o.state {
	case spec.OrderState_ORDER_STATE_WORKING:
		for i := range o.milestones {
			if m := &o.milestones[i]; m.reported && !m.paid {
				toSeller.Add(toSeller, o.worth(i, toSeller))
				m.paid = true
				// The record keeps what was released by itself.
				defer func() { m.paid = false }()
			}
		}
		toBuyer.Sub(toBuyer, toSeller)
	case spec.OrderState_ORDER_STATE_PART_SHIPPED:
		sent := o.worthSent()
		unsent := sent.Sub(units(o.terms.Total), sent)
		unsent.Sub(unsent, o.refunded)
		if unsent.Sign() < 0 {
			unsent.SetInt64(0)
		}
		if unsent.Cmp(toBuyer) < 0 {
			toBuyer = unsent
		}
		b.comeBack(id, o, o.unsent())
		o.shipped, rest = 0, spec.OrderState_ORDER_STATE_SHIPPED
		o.state = rest
	}
	b.payOut(id, o, toSeller, toBuyer, spec.OrderState_ORDER_STATE_EXPIRED, rest)
}

// worth is what a milestone is paid when so much of what is held is spoken for: its share, and all that is left for the last.
func (o *orderBook) worth(at int, spoken *big.Int) *big.Int {
	left := new(big.Int).Sub(o.held(), spoken)
	share := new(big.Int).Mul(units(o.terms.Total), big.NewInt(o.milestones[at].share))
	share.Quo(share, big.NewInt(10_000))
	last := true
	for i, m := range o.milestones {
		last = last && (i == at || m.paid || m.share == 0)
	}
	if last || share.Cmp(left) > 0 {
		return left
	}
	return share
}

// payOut writes down what leaves an order's hold: to the seller less the fee, which is ⌊released so far × bps / 10,000⌋ over all
// steps. An order of which nothing is held is final, another in the state rest.
func (b *books) payOut(id spec.ID, o *orderBook, toSeller, toBuyer *big.Int, final, rest spec.OrderState) {
	paid := o.fee()
	held := o.held()
	o.released.Add(o.released, toSeller)
	o.refunded.Add(o.refunded, toBuyer)
	o.split = nil
	fee := new(big.Int).Sub(o.fee(), paid)
	params, _ := b.records[ledger.ParametersKey()].(ledger.Parameters)
	b.give(o.terms.Seller.Bytes(), spec.CreditKind_CREDIT_KIND_RELEASE, new(big.Int).Sub(toSeller, fee))
	b.give(params.FeeAccount.Bytes(), spec.CreditKind_CREDIT_KIND_FEE, fee)
	b.give(o.terms.Buyer.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, toBuyer)
	if toSeller.Cmp(held) > 0 || toBuyer.Cmp(held) > 0 || o.held().Sign() < 0 {
		b.fault("order %x pays %s and %s base units of %s", id, toSeller, toBuyer, held)
	}
	if o.held().Sign() > 0 {
		o.state = rest
		return
	}
	if final != spec.OrderState_ORDER_STATE_RELEASED {
		b.comeBack(id, o, o.unsent())
	}
	o.state = final
}

// comeBack: units that never left the seller are for sale again.
func (b *books) comeBack(id spec.ID, o *orderBook, units int64) {
	for i, came := range o.lastUnits(units) {
		b.stock[came.listing] += came.units
		b.returned[returnedLine{id, i}] += came.units
	}
}

func (o *orderBook) fee() *big.Int {
	fee := new(big.Int).Mul(o.released, big.NewInt(int64(o.terms.FeeBps)))
	return fee.Div(fee, big.NewInt(10_000))
}

// checkOrders: an order takes only steps that commands ask for; its hold begins and ends with it.
func (b *books) checkOrders() {
	for _, c := range b.changes {
		switch c.key.Kind {
		case ledger.OrderKind:
			b.checkOrder(spec.ID([]byte(c.key.ID)), c)
		case ledger.HoldKind:
			id := spec.ID([]byte(c.key.ID))
			if find(b.changes, ledger.OrderKey(id)) == nil && find(b.changes, ledger.TokenHoldKey(id)) == nil && !b.bids[id] && offerOf(b.changes, c.key) == nil {
				b.fault("%s changes without its order, offer, token hold or bid", state.FormatKey(c.key))
			}
		case ledger.LinesKind:
			b.checkLines(spec.ID([]byte(c.key.ID)), c)
		case ledger.MilestonesKind:
			b.checkMilestones(spec.ID([]byte(c.key.ID)), c)
		}
	}
	for id := range b.orders {
		if find(b.changes, ledger.OrderKey(id)) == nil {
			b.fault("a command changes the order %x and nothing is written of it", id)
		}
	}
}

func (b *books) checkOrder(id spec.ID, c change) {
	after, _ := c.after.(ledger.Order)
	before, existed := c.before.(ledger.Order)
	o := b.orders[id]
	if o == nil {
		b.fault("order %x changes and nobody asked", id)
		return
	}
	if o.state != after.State || o.shipped != after.Shipped || (o.split != nil) != (after.SplitBy != 0) {
		b.fault("order %x is %s with %d shipped, what was asked makes it %s with %d", id, after.State, after.Shipped, o.state, o.shipped)
	}
	if units(after.Released).Cmp(o.released) != 0 || units(after.Refunded).Cmp(o.refunded) != 0 || units(after.PanelPaid).Cmp(o.panel) != 0 {
		b.fault("order %x records %s released and %s refunded, not %s and %s base units", id, after.Released, after.Refunded, o.released, o.refunded)
	}
	if existed && after.UpdatedAt < before.UpdatedAt {
		b.fault("order %x goes back in time", id)
	}
	if existed && termsOf(before) != termsOf(after) {
		b.fault("order %x: the terms it was funded with change", id)
	}
	key := ledger.HoldKey(after.Buyer, id)
	_, haggled := b.records[ledger.OfferKey(after.Listing, id)].(ledger.Offer)
	if !existed && b.records[key] != nil && !b.won[id] && !haggled {
		b.fault("order %x begins with a hold that was there before", id)
	}
	hold, held := b.after(key).(ledger.Hold)
	if held != open(after.State) || units(hold.Amount).Cmp(o.held()) != 0 {
		b.fault("order %x is %s and holds %v, not %s base units", id, after.State, b.after(key), o.held())
	}
}

func (b *books) checkMilestones(id spec.ID, c change) {
	after, _ := c.after.(ledger.Milestones)
	o := b.orders[id]
	if o == nil {
		b.fault("the milestones of %x change and nobody asked", id)
		return
	}
	for i, m := range after {
		if want := o.milestones[i]; (milestoneBook{int64(m.ShareBps), m.Due > 0, m.Released}) != want {
			b.fault("milestone %d of %x is %v, want %v", i+1, id, m, want)
		}
	}
}

// termsOf is what never changes in an order.
func termsOf(o ledger.Order) ledger.Order {
	o.State, o.UpdatedAt, o.ReleaseDue, o.ReturnDue, o.Shipped = 0, 0, 0, 0, 0
	o.Released, o.Refunded, o.PanelPaid, o.SplitAmount, o.SplitBy = spec.Amount{}, spec.Amount{}, spec.Amount{}, spec.Amount{}, 0
	o.TrackingHash, o.ProofHash, o.ReturnHash, o.ReturnTrackingHash, o.ReturnProofHash = [32]byte{}, [32]byte{}, [32]byte{}, [32]byte{}, [32]byte{}
	o.ReturnSent, o.ReturnProven = false, false
	return o
}
