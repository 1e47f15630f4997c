package ledger_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// modelDispute is a dispute as the model knows it.
type modelDispute struct {
	state                        spec.DisputeState
	byBuyer                      bool
	opened, updated, answered    int64
	panel                        []string
	votes                        map[string]uint32
	evidence                     map[string]int64 // by "side number"
	bps                          uint32
	toBuyer, toSeller, panelPaid *big.Int
}

func (m *model) dispute(c modelCall, command proto.Message) spec.Code {
	id := orderOf(command)
	o, d := m.orders[id], m.disputes[id]
	if o == nil {
		return spec.NotFound
	}
	if open, ok := command.(*spec.OpenDispute); ok {
		return m.openDispute(c, id, o, open)
	}
	isBuyer, isSeller := c.actor == o.buyer, c.actor == o.seller
	party := true
	switch command.(type) {
	case *spec.AnswerDispute:
		party = isBuyer || isSeller
		if d != nil {
			party = d.byBuyer && isSeller || !d.byBuyer && isBuyer
		}
	case *spec.SubmitEvidence:
		party = isBuyer || isSeller
	case *spec.VoteDispute:
		party = d == nil || slices.Contains(d.panel, c.msp)
	}
	if !party {
		return spec.NotAParty
	}
	if o.state != disputed {
		return spec.WrongState
	}
	now := max(c.time, d.updated)
	switch command := command.(type) {
	case *spec.AnswerDispute:
		if d.answered != 0 {
			return spec.WrongState
		}
		if now >= d.opened+answerSeconds {
			return spec.DeadlinePassed
		}
		d.answered, d.updated = now, now
	case *spec.SubmitEvidence:
		key := fmt.Sprint(map[bool]int{true: 1, false: 2}[isBuyer], " ", command.Number)
		if d.evidence[key] != 0 {
			return spec.WrongState
		}
		if now >= d.opened+disputeSeconds {
			return spec.DeadlinePassed
		}
		d.evidence[key] = now
	case *spec.VoteDispute:
		if _, voted := d.votes[c.msp]; voted {
			return spec.WrongState
		}
		if now >= d.opened+disputeSeconds {
			return spec.DeadlinePassed
		}
		if d.answered == 0 && now < d.opened+answerSeconds {
			return spec.NotDue
		}
		d.votes[c.msp] = command.BuyerBps
	case *spec.RuleDispute:
		return m.rule(c, o, d, now)
	}
	return ""
}

func (m *model) openDispute(c modelCall, id spec.ID, o *modelOrder, _ *spec.OpenDispute) spec.Code {
	if c.actor != o.buyer && c.actor != o.seller {
		return spec.NotAParty
	}
	var end int64
	switch {
	case o.in(shipped):
		end = o.placedAt + protectionSeconds
	case o.in(handedOver):
		end = o.releaseDue
	case o.in(returnAsked) && c.actor == o.buyer:
		end = o.returnDue + returnSeconds
	case o.in(returnAccepted) && c.actor == o.buyer, o.in(returnShipped):
		end = o.returnDue
	case o.in(working):
		for _, one := range o.milestones {
			if one.due > 0 && !one.released && (end == 0 || one.due < end) {
				end = one.due
			}
		}
	}
	now := max(c.time, o.updated)
	if end == 0 {
		return spec.WrongState
	}
	if now >= end {
		return spec.DeadlinePassed
	}
	var able []string
	for msp, has := range roles {
		if slices.Contains(has, spec.Role_ROLE_ARBITER) && msp != o.buyerMSP && msp != o.sellerMSP {
			able = append(able, msp)
		}
	}
	slices.SortFunc(able, func(a, b string) int {
		x, y := spec.PanelRank(id, a), spec.PanelRank(id, b)
		return slices.Compare(x[:], y[:])
	})
	m.disputes[id] = &modelDispute{
		state: spec.DisputeState_DISPUTE_STATE_OPEN, byBuyer: c.actor == o.buyer, opened: now, updated: now, panel: able[:3],
		votes: map[string]uint32{}, evidence: map[string]int64{}, toBuyer: new(big.Int), toSeller: new(big.Int), panelPaid: new(big.Int),
	}
	o.state, o.updated = disputed, now
	return ""
}

func (m *model) rule(c modelCall, o *modelOrder, d *modelDispute, now int64) spec.Code {
	proven := o.releaseDue != 0
	if o.sentBack {
		proven = !o.isBack && (!d.byBuyer || d.answered != 0)
	}
	var votes []int
	var gifts []modelCredit
	for _, share := range d.votes {
		votes = append(votes, int(share))
	}
	slices.Sort(votes)
	held := o.held()
	switch {
	case len(votes) >= 2:
		d.state = spec.DisputeState_DISPUTE_STATE_RULED
		middle := votes[1] // of three
		if len(votes) == 2 {
			middle = (votes[0] + votes[1]) / 2
			if !proven {
				middle = (votes[0] + votes[1] + 1) / 2
			}
		}
		d.bps = uint32(middle)
		fee := share(held, panelFeeBps)
		if limit := number(panelFeeCap.Bytes()); fee.Cmp(limit) > 0 {
			fee = limit
		}
		part := fee.Quo(fee, big.NewInt(int64(len(votes))))
		for _, msp := range d.panel {
			if _, voted := d.votes[msp]; voted {
				gifts = append(gifts, modelCredit{spec.OrganisationAddress(msp), part, spec.CreditKind_CREDIT_KIND_PANEL})
				d.panelPaid.Add(d.panelPaid, part)
			}
		}
	case now >= d.opened+disputeSeconds:
		d.state = spec.DisputeState_DISPUTE_STATE_DEFAULTED
		d.bps = map[bool]uint32{true: 0, false: 10_000}[proven]
	default:
		return spec.NotDue
	}
	held.Sub(held, d.panelPaid)
	if proven {
		d.toBuyer = share(held, d.bps)
		d.toSeller.Sub(held, d.toBuyer)
	} else {
		d.toSeller = share(held, 10_000-d.bps)
		d.toBuyer.Sub(held, d.toSeller)
	}
	m.give(c, gifts...)
	o.panel.Set(d.panelPaid)
	m.payOut(c, o, outcome{toSeller: d.toSeller, toBuyer: d.toBuyer})
	o.state, o.updated, d.updated = ruled, max(now, o.updated), now
	return ""
}

// share is so many hundredths of a percent, rounded down.
func share(units *big.Int, bps uint32) *big.Int {
	part := new(big.Int).Mul(units, big.NewInt(int64(bps)))
	return part.Quo(part, big.NewInt(10_000))
}

func (m *model) describeDisputes(d map[string]string) {
	for id, x := range m.disputes {
		name := id.Text(spec.OrderType)
		by := map[bool]spec.Side{true: spec.Side_SIDE_BUYER, false: spec.Side_SIDE_SELLER}[x.byBuyer]
		d["dispute "+name] = fmt.Sprintf("%s by %s at %d %d %d, panel %s, %d: %s %s %s", x.state, by, x.opened, x.updated, x.answered,
			strings.Join(x.panel, ","), x.bps, x.toBuyer, x.toSeller, x.panelPaid)
		for msp, share := range x.votes {
			d["vote "+name+" "+msp] = fmt.Sprint(share)
		}
		for key, time := range x.evidence {
			d["evidence "+name+" "+key] = fmt.Sprint(time)
		}
	}
}

// contest takes a dispute a step further, mostly by who may; without an open one it makes one.
func (m *machine) contest(t *rapid.T) {
	var open []spec.ID
	for _, id := range slices.SortedFunc(maps.Keys(m.model.disputes), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) }) {
		if m.model.orders[id].state == disputed || drawEvenly(t, "an old one", 10) == 9 {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		m.ship(t)
		return
	}
	id := rapid.SampledFrom(open).Draw(t, "dispute")
	order, dispute := m.model.orders[id], m.model.disputes[id]
	respondent := order.buyer
	if dispute.byBuyer {
		respondent = order.seller
	}
	o := id[:]
	switch drawEvenly(t, "what", 8) {
	case 0, 1:
		m.perform(m.mostly(t, respondent), drawSkew(t), "market:AnswerDispute", &spec.AnswerDispute{Order: o, AnswerHash: make([]byte, 32)}, nil)
	case 2:
		side := drawOf(t, "side", []spec.Address{order.buyer, order.seller})
		number := rapid.Uint32Range(1, 2).Draw(t, "number")
		m.perform(m.mostly(t, side), drawSkew(t), "market:SubmitEvidence", &spec.SubmitEvidence{Order: o, Number: number, ContentHash: make([]byte, 32)}, nil)
	case 3, 4, 5:
		s := seat{drawOf(t, "arbiter", []string{"PanelAMSP", "PanelBMSP", "PanelCMSP", "PanelDMSP"}), ""}
		share := drawOf(t, "share", []uint32{0, 1, 3350, 5000, 5001, 10_000})
		m.perform(s, drawSkew(t), "market:VoteDispute", &spec.VoteDispute{Order: o, BuyerBps: share}, nil)
	case 6:
		m.perform(drawSeat(t), drawSkew(t), "market:RuleDispute", &spec.RuleDispute{Order: o}, nil)
	case 7:
		m.perform(drawSeat(t), drawSkew(t), "market:VoteDispute", &spec.VoteDispute{Order: o}, nil)
	}
}

// ship makes an order, ships it or reports its first milestone, perhaps proves its hand-over, perhaps has it sent back, and has a side
// contest it.
func (m *machine) ship(t *rapid.T) {
	id := m.progress(t)
	order := m.model.orders[id]
	if order == nil {
		return
	}
	if order.state == handedOver && rapid.Bool().Draw(t, "sent back") {
		m.returnOrder(t, id, order)
	}
	side := drawOf(t, "side", []spec.Address{order.buyer, order.seller})
	m.perform(m.seatOf(side), 0, "market:OpenDispute", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)}, nil)
}

// progress makes an order and has the seller do its part: ship it, perhaps with a proof of hand-over, or report its first milestone.
func (m *machine) progress(t *rapid.T) spec.ID {
	id := m.sale(t)
	order := m.model.orders[id]
	if order == nil {
		return id
	}
	o := id[:]
	if order.state == placed {
		m.perform(seat{merchant, ""}, 0, "market:AcceptOrder", &spec.AcceptOrder{Order: o}, nil)
	}
	if len(order.milestones) > 0 {
		m.perform(seat{merchant, ""}, 0, "market:ReportMilestone", &spec.ReportMilestone{Order: o, Milestone: 1}, nil)
		return id
	}
	m.perform(seat{merchant, ""}, 0, "market:ShipOrder", &spec.ShipOrder{Order: o}, nil)
	if drawEvenly(t, "proven", 3) > 0 {
		m.perform(seat{carrier, ""}, 0, "market:ReportDelivery", &spec.ReportDelivery{Order: o}, nil)
	}
	return id
}

// returnOrder has a return asked, perhaps accepted, and perhaps sent.
func (m *machine) returnOrder(t *rapid.T, id spec.ID, order *modelOrder) {
	o := id[:]
	m.perform(m.seatOf(order.buyer), 0, "market:AskReturn", &spec.AskReturn{Order: o}, nil)
	steps := drawEvenly(t, "steps back", 5)
	if steps == 4 {
		m.perform(m.seatOf(order.seller), 0, "market:DeclineReturn", &spec.DeclineReturn{Order: o}, nil)
		return
	}
	if steps > 0 {
		m.perform(m.seatOf(order.seller), 0, "market:AcceptReturn", &spec.AcceptReturn{Order: o}, nil)
	}
	if steps > 1 {
		m.perform(m.seatOf(order.buyer), 0, "market:ShipReturn", &spec.ShipReturn{Order: o}, nil)
	}
	if steps > 2 {
		m.perform(seat{carrier, ""}, 0, "market:ReportDelivery", &spec.ReportDelivery{Order: o}, nil)
	}
}

// sendBack makes an order whose hand-over is proven, mostly, and begins its return.
func (m *machine) sendBack(t *rapid.T) {
	id := m.progress(t)
	if order := m.model.orders[id]; order != nil && order.state == handedOver {
		m.returnOrder(t, id, order)
	}
}

// report makes an order that has come so far.
func (m *machine) report(t *rapid.T) { m.progress(t) }
