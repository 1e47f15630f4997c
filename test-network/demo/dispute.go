package demo

import (
	"slices"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The buyer's shares that the three arbiters vote for, in hundredths of a percent: their median rules.
var votes = map[string]uint32{Neighbour: 5000, Buyers: 3350, Chamber: 1000}

// dispute: the phone has a scratch. A panel of the arbiters that stand behind neither side rules, and all of the money goes somewhere.
func dispute(s *scene) {
	judy, store, anyone := s.part("judy"), s.part("phone store"), s.demo.house(Operator)
	listing := s.lists(store, "A phone, as new", &spec.CreateListing{
		Price: cmt("50"), Stock: 2, Category: "phones",
	}, "the store lists phones at 50 CMT")
	order, code := s.buys(judy, listing, "judy signs an order; 50 CMT are held")
	s.step(store, "market:ShipOrder", &spec.ShipOrder{Order: order}, "the store ships it")
	s.step(store, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: code}, "judy's code proves the hand-over")

	s.step(judy, "market:OpenDispute", &spec.OpenDispute{Order: order, ReasonHash: salted("There is a scratch")}, "there is a scratch: judy contests it")
	s.step(judy, "market:SubmitEvidence", &spec.SubmitEvidence{Order: order, Number: 1, ContentHash: salted("a photograph")}, "judy names a photograph by its hash")
	s.refused(spec.NotDue, s.demo.house(Neighbour), "market:VoteDispute", &spec.VoteDispute{Order: order, BuyerBps: 10000}, "nobody votes before the store was heard")
	s.step(store, "market:AnswerDispute", &spec.AnswerDispute{Order: order, AnswerHash: salted("It left us without one")}, "the store answers")

	var view spec.DisputeView
	s.look(judy, "market:GetDispute", &spec.GetDispute{Order: order}, &view)
	for _, mspID := range slices.Sorted(slices.Values(view.GetPanel())) {
		arbiter := s.demo.houseOf(mspID)
		s.vote(arbiter, order, votes[arbiter.organisation])
	}
	s.step(anyone, "market:RuleDispute", &spec.RuleDispute{Order: order}, "anyone asks for the ruling: 33.5 % to judy")
	s.settled(order, spec.OrderState_ORDER_STATE_RULED)

	// The panel shares 2 % of 50 CMT in equal parts, rounded down. Of the rest judy's part is rounded down as well: hand-over is proven, so
	// that the store has what is left, less the marketplace's fee.
	fee := amount("50").Share(s.demo.parameters.GetPanelFeeBps()).Quo(uint32(len(votes)))
	rest := amount("50")
	for organisation := range votes {
		s.gains(s.demo.house(organisation), fee)
		rest, _ = rest.Sub(fee)
	}
	back := rest.Share(3350)
	paid, _ := rest.Sub(back)
	s.loses(judy, amount("50"))
	s.gains(judy, back)
	s.earns(store, paid)
	s.say("    judy has %s CMT back, the store is paid %s less the fee", back, paid)
}
