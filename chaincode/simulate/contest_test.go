package simulate_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// arbiter is a player for an arbiter organisation.
func (h *history) arbiter(mspID string) player {
	return player{mspID: mspID, client: h.Client(mspID, int64(h.rand.IntN(121)-60)), address: spec.OrganisationAddress(mspID)}
}

// drawContested goes on with a contested order or a return, contests or sends back what may be, or brings an order to where it may be.
func (h *history) drawContested(who *player) (string, proto.Message, *spec.Hints) {
	found := map[spec.OrderState][]spec.ID{}
	for _, id := range h.auditor.Orders() {
		state := h.orderState(id)
		found[state] = append(found[state], id)
	}
	for _, state := range []spec.OrderState{
		spec.OrderState_ORDER_STATE_RETURN_ASKED, spec.OrderState_ORDER_STATE_RETURN_ACCEPTED, spec.OrderState_ORDER_STATE_DISPUTED,
		spec.OrderState_ORDER_STATE_RETURN_SHIPPED, spec.OrderState_ORDER_STATE_WORKING,
		spec.OrderState_ORDER_STATE_HANDED_OVER, spec.OrderState_ORDER_STATE_SHIPPED, spec.OrderState_ORDER_STATE_ACCEPTED,
	} {
		if len(found[state]) == 0 || h.oneIn(4) {
			continue
		}
		id := found[state][h.rand.IntN(len(found[state]))]
		order := h.auditor.Record(ledger.OrderKey(id)).(ledger.Order)
		switch state {
		case spec.OrderState_ORDER_STATE_DISPUTED:
			return h.drawContest(who, id, order)
		case spec.OrderState_ORDER_STATE_RETURN_ASKED, spec.OrderState_ORDER_STATE_RETURN_ACCEPTED:
			return h.drawOrderStep(who, id)
		case spec.OrderState_ORDER_STATE_RETURN_SHIPPED:
			if !order.ReturnProven && h.oneIn(2) {
				h.become(who, spec.OrganisationAddress(carrier))
				return "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]}, nil
			}
		case spec.OrderState_ORDER_STATE_WORKING:
			if h.oneIn(2) {
				continue // it goes on with its milestones
			}
		case spec.OrderState_ORDER_STATE_ACCEPTED:
			h.become(who, order.Seller)
			return "market:ShipOrder", &spec.ShipOrder{Order: id[:]}, nil
		case spec.OrderState_ORDER_STATE_SHIPPED:
			if !h.oneIn(3) {
				h.become(who, spec.OrganisationAddress(carrier))
				return "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]}, nil
			}
		case spec.OrderState_ORDER_STATE_HANDED_OVER:
			if h.Now() >= order.ReleaseDue {
				*who = h.players[len(h.players)-1-h.rand.IntN(len(h.persons))]
				return "market:ReleaseOrder", &spec.ReleaseOrder{Order: id[:]}, nil
			}
			if order.ReturnDue == 0 && !h.oneIn(3) {
				h.become(who, order.Buyer)
				return "market:AskReturn", &spec.AskReturn{Order: id[:]}, nil
			}
		}
		if state == spec.OrderState_ORDER_STATE_HANDED_OVER && h.oneIn(2) {
			break // the release comes due
		}
		h.become(who, []spec.Address{order.Seller, order.Buyer}[h.rand.IntN(2)])
		return "market:OpenDispute", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)}, nil
	}
	if listings := h.auditor.Listings(); len(listings) > 0 {
		return h.drawPurchase(who, listings[h.rand.IntN(len(listings))])
	}
	return h.drawListing(who)
}

// drawContest is a step of an order's dispute.
func (h *history) drawContest(who *player, id spec.ID, order ledger.Order) (string, proto.Message, *spec.Hints) {
	o := id[:]
	dispute, contested := h.auditor.Record(ledger.DisputeKey(id)).(ledger.Dispute)
	respondent := order.Buyer
	if dispute.OpenedBy == spec.Side_SIDE_BUYER {
		respondent = order.Seller
	}
	as := func(address spec.Address) {
		if !h.oneIn(8) {
			h.become(who, address)
		}
	}
	step := h.rand.IntN(15)
	if contested && dispute.AnsweredAt == 0 && !h.oneIn(3) {
		step = 0
	}
	switch {
	case step < 2:
		as(respondent)
		return "market:AnswerDispute", &spec.AnswerDispute{Order: o, AnswerHash: make([]byte, 32)}, nil
	case step < 5:
		as([]spec.Address{order.Seller, order.Buyer}[h.rand.IntN(2)])
		return "market:SubmitEvidence", &spec.SubmitEvidence{Order: o, Number: 1 + uint32(h.rand.IntN(3)), ContentHash: make([]byte, 32)}, nil
	case step < 9:
		judges := arbiters
		if contested && !h.oneIn(5) {
			judges = strings.Split(dispute.Panel, ",")
		}
		*who = h.arbiter(judges[h.rand.IntN(len(judges))])
		if h.oneIn(20) {
			*who = h.players[0]
		}
		return "market:VoteDispute", &spec.VoteDispute{Order: o, BuyerBps: uint32(h.rand.IntN(10_001))}, nil
	}
	return "market:RuleDispute", &spec.RuleDispute{Order: o}, nil
}

// contested is a bazaar with an order of anna's that she contests and the seller has answered.
func contested(t *testing.T) (b *bazaar, order []byte, panel []string) {
	t.Helper()
	b = openBazaar(t, simulate.Config{})
	b.fund(buyers, "anna", spec.CMT(2))
	listing := b.list("lamp", spec.CMT(2), 3, 1, false)
	b.must(buyers, "anna", "market:PlaceOrder", b.order("o", listing, 1, spec.CMT(2)), nil)
	id := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, "anna"), "o")
	b.must(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: id[:]}, nil)
	b.must(buyers, "anna", "market:OpenDispute", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)}, nil)
	b.must(merchant, "", "market:AnswerDispute", &spec.AnswerDispute{Order: id[:], AnswerHash: make([]byte, 32)}, nil)
	return b, id[:], strings.Split(b.auditor.Record(ledger.DisputeKey(id)).(ledger.Dispute).Panel, ",")
}

// The arbiters vote side by side while both sides name evidence: nobody waits for anybody.
func TestArbitersVoteAtOnce(t *testing.T) {
	b, order, panel := contested(t)
	for i, mspID := range panel {
		b.Submit(b.mustEndorse(mspID, "", "market:VoteDispute", &spec.VoteDispute{Order: order, BuyerBps: uint32(i) * 1000}, nil))
	}
	for number := range uint32(8) {
		b.Submit(b.mustEndorse(buyers, "anna", "market:SubmitEvidence", &spec.SubmitEvidence{Order: order, Number: number + 1, ContentHash: make([]byte, 32)}, nil))
		b.Submit(b.mustEndorse(merchant, "", "market:SubmitEvidence", &spec.SubmitEvidence{Order: order, Number: number + 1, ContentHash: make([]byte, 32)}, nil))
	}
	if block := b.cut(); block.Count(simulate.Valid) != 3+16 {
		t.Errorf("%d of 19 are valid in one block", block.Count(simulate.Valid))
	}
	b.must(carrier, "", "market:RuleDispute", &spec.RuleDispute{Order: order}, nil)
	if got := b.auditor.Record(ledger.DisputeKey(spec.ID(order))).(ledger.Dispute).BuyerBps; got != 1000 {
		t.Errorf("the ruling is %d, want the median of 0, 1000 and 2000", got)
	}
}

// A vote and the ruling race: whichever comes first is in, and the other learns of it.
func TestAVoteAndTheRulingRace(t *testing.T) {
	for _, voteFirst := range []bool{true, false} {
		b, order, panel := contested(t)
		for _, mspID := range panel[:2] {
			b.must(mspID, "", "market:VoteDispute", &spec.VoteDispute{Order: order, BuyerBps: 5000}, nil)
		}
		winner := b.mustEndorse(panel[2], "", "market:VoteDispute", &spec.VoteDispute{Order: order, BuyerBps: 0}, nil)
		loser := b.mustEndorse(carrier, "", "market:RuleDispute", &spec.RuleDispute{Order: order}, nil)
		if !voteFirst {
			winner, loser = loser, winner
		}
		b.Submit(winner)
		b.Submit(loser)
		b.cut()
		b.expect("the first", winner, simulate.Valid)
		b.expect("the second", loser, simulate.MVCCReadConflict)
	}
}

// At the deadline a release and a dispute race for the order; before it the dispute is alone, from it on the release wins.
func TestADisputeAndTheReleaseRace(t *testing.T) {
	for _, disputeFirst := range []bool{true, false} {
		b := openBazaar(t, simulate.Config{})
		b.fund(buyers, "anna", spec.CMT(2))
		listing := b.list("lamp", spec.CMT(2), 3, 1, false)
		b.must(buyers, "anna", "market:PlaceOrder", b.order("o", listing, 1, spec.CMT(2)), nil)
		id := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, "anna"), "o")
		b.must(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: id[:]}, nil)
		b.must(carrier, "", "market:ReportDelivery", &spec.ReportDelivery{Order: id[:]}, nil)
		b.Advance(releaseSeconds)
		// The buyer's clock is a second behind, which is before the deadline.
		proposal := b.Client(buyers, -1).Propose(newCall("market:OpenDispute", "anna", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)}, nil))
		dispute, err := b.Endorse(proposal)
		if err != nil {
			t.Fatal(err)
		}
		release := b.mustEndorse(merchant, "", "market:ReleaseOrder", &spec.ReleaseOrder{Order: id[:]}, nil)
		winner, loser, state := dispute, release, spec.OrderState_ORDER_STATE_DISPUTED
		if !disputeFirst {
			winner, loser, state = release, dispute, spec.OrderState_ORDER_STATE_RELEASED
			b.refused(spec.DeadlinePassed, buyers, "anna", "market:OpenDispute", &spec.OpenDispute{Order: id[:], ReasonHash: make([]byte, 32)}, nil)
		}
		b.Submit(winner)
		b.Submit(loser)
		b.cut()
		b.expect("the first", winner, simulate.Valid)
		b.expect("the second", loser, simulate.MVCCReadConflict)
		if got := b.orderState(id); got != state {
			t.Errorf("the order is %s, want %s", got, state)
		}
	}
}
