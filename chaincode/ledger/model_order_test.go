package ledger_test

import (
	"bytes"
	"math/big"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

type modelOrder struct {
	state             spec.OrderState
	buyer, seller     spec.Address
	buyerMSP          string
	sellerMSP         string
	listing           spec.ID
	version, quantity uint32
	variant           uint32
	total             *big.Int
	// off is what a discount took off.
	off *big.Int
	// released and refunded are what left the hold, each step by itself.
	released, refunded *big.Int
	// panel is what the arbiters were paid.
	panel             *big.Int
	placedAt, updated int64
	releaseDue        int64
	handOver          []byte
	shipped           uint32
	splitBy           spec.Address
	splitAmount       *big.Int
	returnDue         int64
	sentBack, isBack  bool
	milestones        []modelMilestone
	// lines are a cart's.
	lines []modelLine
}

type modelMilestone struct {
	share    int64
	due      int64
	released bool
}

func (m *model) placeOrder(c modelCall, command *spec.PlaceOrder) spec.Code {
	line := &spec.CartLine{Listing: command.Listing, Version: command.Version, Variant: command.Variant, Quantity: command.Quantity}
	return m.checkOut(c, modelCart{
		reference: command.Reference, lines: []*spec.CartLine{line}, lots: [][]byte{c.hints.GetLot()}, total: number(command.Total), handOver: command.HandOverHash,
		discountID: command.DiscountId, signed: command.Discount != nil,
	})
}

// orderOf returns the order that a command is about.
func orderOf(command proto.Message) spec.ID {
	return spec.ID(command.(interface{ GetOrder() []byte }).GetOrder())
}

// begin makes an order of a version begin.
func (v modelVersion) begin(o modelOrder) *modelOrder {
	o.state, o.updated, o.released, o.refunded, o.panel = accepted, o.placedAt, new(big.Int), new(big.Int), new(big.Int)
	if o.off == nil {
		o.off = new(big.Int)
	}
	for _, share := range v.milestones {
		o.milestones = append(o.milestones, modelMilestone{share: int64(share)})
		o.state = commissioned
	}
	if v.acceptRequired {
		o.state = placed
	}
	return &o
}

// held is what an order still holds.
func (o *modelOrder) held() *big.Int {
	h := new(big.Int).Sub(o.total, o.released)
	h.Sub(h, o.refunded)
	return h.Sub(h, o.panel)
}

// fee is that on all that was released, rounded down.
func (o *modelOrder) fee() *big.Int {
	fee := new(big.Int).Mul(o.released, big.NewInt(feeBps))
	return fee.Quo(fee, big.NewInt(10_000))
}

func (o *modelOrder) in(states ...spec.OrderState) bool { return slices.Contains(states, o.state) }

// unproven: it is on its way, contested or not, and no hand-over is proven.
func (o *modelOrder) unproven() bool { return o.in(shipped) || o.in(disputed) && o.releaseDue == 0 }

// open: the order holds money.
func (o *modelOrder) open() bool { return !o.in(released, cancelled, refunded, expired, split, ruled) }

// outcome is what a step does: the state that follows, and what the two sides get.
type outcome struct {
	to                spec.OrderState
	toSeller, toBuyer *big.Int
	// back are the units that come back.
	back uint32
}

func (m *model) stepOrder(c modelCall, command proto.Message) spec.Code {
	id := orderOf(command)
	o := m.orders[id]
	if o == nil {
		return spec.NotFound
	}
	// An order's time never goes back.
	now := max(c.time, o.updated)
	before := o.updated
	o.updated = now
	got, code := m.outcomeOf(c, o, command)
	if code != "" {
		o.updated = before
		return code
	}
	if got.toSeller != nil || got.toBuyer != nil {
		m.payOut(c, o, got)
	}
	if got.back > 0 {
		m.comeBack(id, o, got.back)
	}
	if got.to == handedOver && o.state != handedOver && o.state != returnAsked {
		o.releaseDue = now + releaseSeconds
		if o.in(disputed) {
			got.to = disputed
		}
	}
	o.state = got.to
	return ""
}

func (m *model) payOut(c modelCall, o *modelOrder, got outcome) {
	paid := o.fee()
	toSeller, toBuyer := new(big.Int), new(big.Int)
	if got.toSeller != nil {
		toSeller.Set(got.toSeller)
	}
	if got.toBuyer != nil {
		toBuyer.Set(got.toBuyer)
	}
	o.released.Add(o.released, toSeller)
	o.refunded.Add(o.refunded, toBuyer)
	o.splitBy, o.splitAmount = spec.Address{}, nil
	fee := paid.Sub(o.fee(), paid)
	m.give(c,
		modelCredit{o.seller, new(big.Int).Sub(toSeller, fee), spec.CreditKind_CREDIT_KIND_RELEASE},
		modelCredit{spec.OrganisationAddress(operator), fee, spec.CreditKind_CREDIT_KIND_FEE},
		modelCredit{o.buyer, toBuyer, spec.CreditKind_CREDIT_KIND_REFUND})
}

// unsent are the units that the seller still has.
func (o *modelOrder) unsent() uint32 {
	switch {
	case o.in(placed, accepted, commissioned):
		return o.quantity
	case o.in(partShipped):
		return o.quantity - o.shipped
	}
	return 0
}

// check is in the order of the catalogue: party, state, then time.
func check(party, state bool, late bool) spec.Code {
	switch {
	case !party:
		return spec.NotAParty
	case !state:
		return spec.WrongState
	case late:
		return spec.DeadlinePassed
	}
	return ""
}

func (m *model) outcomeOf(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	isBuyer, isSeller := c.actor == o.buyer, c.actor == o.seller
	now := o.updated
	shipLate, protectionLate := now >= o.placedAt+shipSeconds, now >= o.placedAt+protectionSeconds
	got.to = o.state
	switch command := command.(type) {
	case *spec.AcceptOrder:
		if got.to = accepted; len(o.milestones) > 0 {
			got.to = commissioned
		}
		return got, check(isSeller, o.in(placed), shipLate)
	case *spec.ShipOrder:
		code = check(isSeller, o.in(accepted, partShipped), shipLate)
		if left := o.quantity - o.shipped; code == "" && command.Quantity > left {
			return got, spec.NotEnoughHeld
		}
		if code != "" {
			return got, code
		}
		o.shipped += command.Quantity
		if got.to = partShipped; command.Quantity == 0 || o.shipped == o.quantity {
			got.to, o.shipped = shipped, 0
		}
		return got, ""
	case *spec.HandOverOrder:
		late := shipLate && o.state == accepted || protectionLate && o.state != accepted
		code = check(isBuyer || isSeller, o.in(accepted) || o.unproven(), late)
		if code == "" && !bytes.Equal(o.handOver, spec.HandOverHash(orderOf(command), command.Code)) {
			code = spec.WrongCode
		}
		got.to = handedOver
		return got, code
	case *spec.ReportDelivery:
		foreign := c.msp != o.buyerMSP && c.msp != o.sellerMSP
		if o.sentBack {
			code = check(foreign, o.in(returnShipped, disputed) && !o.isBack, o.in(returnShipped) && now >= o.returnDue)
			o.isBack = o.isBack || code == ""
			return got, code
		}
		got.to = handedOver
		return got, check(foreign, o.unproven() && len(o.milestones) == 0, protectionLate)
	case *spec.ReportMilestone, *spec.ReleaseMilestone:
		return m.milestoneOutcome(c, o, command)
	case *spec.AskReturn, *spec.AcceptReturn, *spec.DeclineReturn, *spec.ShipReturn:
		return m.returnOutcome(c, o, command)
	}
	return m.moneyOutcome(c, o, command)
}

// moneyOutcome: of the steps that are about money alone.
func (m *model) moneyOutcome(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	isBuyer, isSeller := c.actor == o.buyer, c.actor == o.seller
	now := o.updated
	got.to = o.state
	switch command := command.(type) {
	case *spec.ConfirmOrder:
		part, code := o.part(check(isBuyer, o.open() && !o.in(placed), false), command.Amount)
		if got.toSeller = part; part != nil && part.Cmp(o.held()) == 0 {
			got.to = released
		}
		return got, code
	case *spec.RefundOrder:
		part, code := o.part(check(isSeller, o.open(), false), command.Amount)
		if got.toBuyer = part; part != nil && part.Cmp(o.held()) == 0 {
			got.to, got.back = refunded, o.unsent()
		}
		return got, code
	case *spec.CancelOrder:
		return outcome{cancelled, nil, o.held(), o.unsent()}, check(isBuyer || isSeller, o.in(placed, accepted, commissioned), false)
	case *spec.ProposeSplit:
		code = check(isBuyer || isSeller, o.open(), false)
		if code == "" && number(command.SellerAmount).Cmp(o.held()) > 0 {
			code = spec.NotEnoughHeld
		}
		if code == "" {
			o.splitBy, o.splitAmount = c.actor, number(command.SellerAmount)
		}
		return got, code
	case *spec.AgreeSplit:
		code = check(isBuyer || isSeller, o.open(), false)
		if code == "" && (o.splitAmount == nil || o.splitBy == c.actor || o.splitAmount.Cmp(number(command.SellerAmount)) != 0) {
			code = spec.SplitMismatch
		}
		if code != "" {
			return got, code
		}
		return outcome{split, o.splitAmount, new(big.Int).Sub(o.held(), o.splitAmount), o.unsent()}, ""
	case *spec.ReleaseOrder:
		due := map[spec.OrderState]int64{handedOver: o.releaseDue, returnAsked: o.returnDue + returnSeconds, returnAccepted: o.returnDue}
		if !o.in(handedOver, returnAsked, returnAccepted) {
			return got, spec.WrongState
		}
		if now < due[o.state] {
			return got, spec.NotDue
		}
		return outcome{released, o.held(), nil, 0}, ""
	}
	return m.expiryOutcome(o)
}

// part is the part of what is held that a command names, or all.
func (o *modelOrder) part(code spec.Code, named []byte) (*big.Int, spec.Code) {
	if code != "" {
		return nil, code
	}
	if len(named) == 0 {
		return o.held(), ""
	}
	if number(named).Cmp(big.NewInt(10)) < 0 {
		return nil, spec.BelowMinimum
	}
	if number(named).Cmp(o.held()) > 0 {
		return nil, spec.NotEnoughHeld
	}
	return number(named), ""
}

func (m *model) expiryOutcome(o *modelOrder) (got outcome, code spec.Code) {
	end := o.placedAt + protectionSeconds
	switch o.state {
	case placed, accepted, partShipped:
		end = o.placedAt + shipSeconds
	case working:
		for _, one := range o.milestones {
			end = max(end, one.due)
		}
	case returnShipped:
		end = o.returnDue
	case commissioned, shipped:
	default:
		return got, spec.WrongState
	}
	if o.updated < end {
		return got, spec.NotDue
	}
	got = outcome{expired, nil, o.held(), o.unsent()}
	switch o.state {
	case partShipped:
		// What went is worth its share, rounded down; the rest is the buyer's, and a part of it may be back already.
		sent := o.worthSent()
		back := new(big.Int).Sub(o.total, sent)
		back.Sub(back, o.refunded)
		if back.Sign() < 0 {
			back.SetInt64(0)
		}
		if back.Cmp(o.held()) > 0 {
			back = o.held()
		}
		got.toBuyer, o.shipped = back, 0
		if back.Cmp(o.held()) < 0 {
			got.to = shipped
		}
	case working:
		done, copied := new(big.Int), *o
		copied.milestones = slices.Clone(o.milestones)
		for at, one := range copied.milestones {
			if one.due > 0 && !one.released {
				done.Add(done, copied.worth(at, done))
				copied.milestones[at].released = true
			}
		}
		got.toSeller, got.toBuyer = done, new(big.Int).Sub(o.held(), done)
	}
	return got, ""
}

// worth is what a milestone is paid, when so much of what is held is spoken for.
func (o *modelOrder) worth(at int, spoken *big.Int) *big.Int {
	left := new(big.Int).Sub(o.held(), spoken)
	others := 0
	for i, one := range o.milestones {
		if i != at && !one.released {
			others++
		}
	}
	share := new(big.Int).Mul(o.total, big.NewInt(o.milestones[at].share))
	share.Quo(share, big.NewInt(10_000))
	if others == 0 || share.Cmp(left) > 0 {
		return left
	}
	return share
}

func (m *model) milestoneOutcome(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	at := int(command.(interface{ GetMilestone() uint32 }).GetMilestone()) - 1
	got.to = working
	report, isReport := command.(*spec.ReportMilestone)
	if code = check(!isReport || c.actor == o.seller, o.in(commissioned, working), false); code != "" {
		return got, code
	}
	if at >= len(o.milestones) {
		return got, spec.NotFound
	}
	one := &o.milestones[at]
	if one.released || report != nil && one.due > 0 {
		return got, spec.WrongState
	}
	if isReport {
		code = check(true, true, o.updated >= o.placedAt+protectionSeconds)
		if code == "" {
			one.due = o.updated + releaseSeconds
		}
		return got, code
	}
	if c.actor != o.buyer && (one.due == 0 || o.updated < one.due) {
		return got, spec.NotDue
	}
	if got.toSeller = o.worth(at, new(big.Int)); got.toSeller.Cmp(o.held()) == 0 {
		got.to = released
	}
	one.released = true
	return got, ""
}

func (m *model) returnOutcome(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	isBuyer, isSeller, now := c.actor == o.buyer, c.actor == o.seller, o.updated
	switch command.(type) {
	case *spec.AskReturn:
		code = check(isBuyer, o.in(handedOver) && o.returnDue == 0, now >= o.releaseDue)
		got.to = returnAsked
	case *spec.AcceptReturn:
		code = check(isSeller, o.in(returnAsked), now >= o.returnDue)
		got.to = returnAccepted
	case *spec.DeclineReturn:
		code = check(isSeller, o.in(returnAsked), now >= o.returnDue)
		if got.to = handedOver; code == "" {
			o.releaseDue = max(o.releaseDue, now+returnSeconds)
		}
	case *spec.ShipReturn:
		end := o.returnDue
		if o.in(returnAsked) {
			end += returnSeconds
		}
		code = check(isBuyer, o.in(returnAsked, returnAccepted), now >= end)
		if code == "" && o.in(returnAsked) && now < o.returnDue {
			code = spec.NotDue
		}
		got.to, o.sentBack = returnShipped, o.sentBack || code == ""
	}
	if code == "" {
		o.returnDue = now + returnSeconds
	}
	return got, code
}
