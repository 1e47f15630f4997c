package simulate

import (
	"math/big"
	"slices"
	"strings"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// dispute is an order's dispute as the transaction leaves it.
func (b *books) dispute(id spec.ID) ledger.Dispute {
	dispute, ok := b.after(ledger.DisputeKey(id)).(ledger.Dispute)
	if !ok {
		b.fault("there is no dispute of order %x", id)
	}
	return dispute
}

// sideOf is the side that an address is of an order.
func sideOf(order ledger.Order, address spec.Address) spec.Side {
	switch address {
	case order.Buyer:
		return spec.Side_SIDE_BUYER
	case order.Seller:
		return spec.Side_SIDE_SELLER
	}
	return spec.Side_SIDE_UNSPECIFIED
}

// openDispute: the panel has the arbiters that the order's identifier ranks first, none of them behind a side.
func (b *books) openDispute(deed *act, c *spec.OpenDispute) {
	id := spec.ID(c.Order)
	b.step(deed, id)
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	dispute := b.dispute(id)
	if side := sideOf(order, deed.actor); side == 0 || dispute.OpenedBy != side {
		b.fault("the dispute of order %x is opened by %s for the %s", id, deed.actor, dispute.OpenedBy)
	}
	var able []string
	for key, record := range b.records {
		member, ok := record.(ledger.Member)
		if ok && member.Has(spec.Role_ROLE_ARBITER) && member.Index != order.BuyerMember && member.Index != order.SellerMember {
			able = append(able, key.ID)
		}
	}
	slices.SortFunc(able, func(x, y string) int {
		rankX, rankY := spec.PanelRank(id, x), spec.PanelRank(id, y)
		return slices.Compare(rankX[:], rankY[:])
	})
	params, _ := b.records[ledger.ParametersKey()].(ledger.Parameters)
	if want := strings.Join(able[:min(len(able), int(params.PanelSize))], ","); dispute.Panel != want {
		b.fault("the panel of order %x is %s, not %s", id, dispute.Panel, want)
	}
}

// answer: the side that did not open the dispute answers it once.
func (b *books) answer(deed *act, c *spec.AnswerDispute) {
	id := spec.ID(c.Order)
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	dispute := b.dispute(id)
	before, _ := b.records[ledger.DisputeKey(id)].(ledger.Dispute)
	if side := sideOf(order, deed.actor); side == 0 || side == dispute.OpenedBy || before.AnsweredAt > 0 || dispute.AnsweredAt == 0 {
		b.fault("%s answers the dispute of order %x: %+v", deed.actor, id, dispute)
	}
}

// evidence: a side of a contested order names a new piece.
func (b *books) evidence(deed *act, c *spec.SubmitEvidence) {
	id := spec.ID(c.Order)
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	side := sideOf(order, deed.actor)
	if written := find(b.changes, ledger.EvidenceKey(id, side, c.Number)); side == 0 || written == nil || written.before != nil {
		b.fault("%s names the piece %d about order %x, and it is not written", deed.actor, c.Number, id)
	}
}

// vote: a member of the panel votes once, while the order is contested.
func (b *books) vote(envelope *Envelope, c *spec.VoteDispute) {
	id, mspID := spec.ID(c.Order), envelope.Proposal.MSPID
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	written := find(b.changes, ledger.VoteKey(id, mspID))
	if order.State != spec.OrderState_ORDER_STATE_DISPUTED || !slices.Contains(strings.Split(b.dispute(id).Panel, ","), mspID) || written == nil {
		b.fault("%s votes on order %x, which is %s", mspID, id, order.State)
		return
	}
	if vote, _ := written.after.(ledger.Vote); written.before != nil || vote.BuyerBps != c.BuyerBps {
		b.fault("%s votes %d on order %x, and %+v is written", mspID, c.BuyerBps, id, vote)
	}
}

// rule: what an order held goes to who voted, within their fee, and to its two sides; the side that the default does not favour has
// its part rounded down.
func (b *books) rule(id spec.ID, o *orderBook) {
	dispute := b.dispute(id)
	panel := strings.Split(dispute.Panel, ",")
	var voters []string
	var votes []int
	for _, mspID := range panel {
		if vote, voted := b.after(ledger.VoteKey(id, mspID)).(ledger.Vote); voted {
			voters, votes = append(voters, mspID), append(votes, int(vote.BuyerBps))
		}
	}
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	// proven: who must prove that the goods went has done so, in the seller's favour.
	proven := order.ReleaseDue > 0
	if order.ReturnSent {
		proven = !order.ReturnProven && (dispute.OpenedBy == spec.Side_SIDE_SELLER || dispute.AnsweredAt > 0)
	}
	held, paid, buyerBps := o.held(), new(big.Int), 0
	switch {
	case 2*len(votes) > len(panel):
		slices.Sort(votes)
		// Twice the median; the half that is over goes to the favoured side.
		twice := votes[(len(votes)-1)/2] + votes[len(votes)/2]
		if buyerBps = twice / 2; !proven {
			buyerBps = (twice + 1) / 2
		}
		fee := bpsOf(held, int64(dispute.FeeBps))
		if limit := units(dispute.FeeCap); limit.Cmp(fee) < 0 {
			fee = limit
		}
		part := new(big.Int).Div(fee, big.NewInt(int64(len(voters))))
		for _, mspID := range voters {
			b.give(spec.OrganisationAddress(mspID).Bytes(), spec.CreditKind_CREDIT_KIND_PANEL, part)
			paid.Add(paid, part)
		}
	case dispute.UpdatedAt < dispute.Deadline:
		b.fault("order %x is ruled on by %d of %d votes before its time", id, len(votes), len(panel))
	case !proven:
		buyerBps = 10_000
	}
	held.Sub(held, paid)
	toBuyer := bpsOf(held, int64(buyerBps))
	if !proven {
		toBuyer.Sub(held, bpsOf(held, int64(10_000-buyerBps)))
	}
	toSeller := new(big.Int).Sub(held, toBuyer)
	o.panel.Add(o.panel, paid)
	b.payOut(id, o, toSeller, toBuyer, spec.OrderState_ORDER_STATE_RULED, o.state)
	if int(dispute.BuyerBps) != buyerBps || units(dispute.ToBuyer).Cmp(toBuyer) != 0 || units(dispute.ToSeller).Cmp(toSeller) != 0 || units(dispute.PanelFee).Cmp(paid) != 0 {
		b.fault("the dispute of order %x says %+v, the votes make it %d bps, %s, %s and %s", id, dispute, buyerBps, toBuyer, toSeller, paid)
	}
}

// bpsOf is so many hundredths of a percent, rounded down.
func bpsOf(amount *big.Int, bps int64) *big.Int {
	part := new(big.Int).Mul(amount, big.NewInt(bps))
	return part.Div(part, big.NewInt(10_000))
}
