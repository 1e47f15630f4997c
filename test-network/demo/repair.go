package demo

import "github.com/cybermiles/cmt/chaincode/spec"

// repair: a service that the seller accepts first; each of its milestones is reported and paid by itself.
func repair(s *scene) {
	erin, workshop := s.part("erin"), s.part("workshop")
	listing := s.lists(workshop, "A bike is looked through, then repaired", &spec.CreateListing{
		Price: cmt("80"), Stock: 5, Category: "repairs", AcceptRequired: true, Milestones: []uint32{2500, 7500},
	}, "the workshop lists a repair: 25 %, then 75 % of 80 CMT")
	order, _ := s.buys(erin, listing, "erin signs an order; 80 CMT are held")
	s.step(workshop, "market:AcceptOrder", &spec.AcceptOrder{Order: order}, "the workshop accepts it")
	s.step(workshop, "market:ReportMilestone", &spec.ReportMilestone{Order: order, Milestone: 1, ProofHash: salted("what is broken")}, "the workshop reports that it was looked through")
	s.step(erin, "market:ReleaseMilestone", &spec.ReleaseMilestone{Order: order, Milestone: 1}, "erin signs: 20 CMT are paid, 60 stay held")
	s.holds(erin, order, "60")
	s.step(workshop, "market:ReportMilestone", &spec.ReportMilestone{Order: order, Milestone: 2, ProofHash: salted("what was mended")}, "the workshop reports that it is mended")
	s.step(erin, "market:ReleaseMilestone", &spec.ReleaseMilestone{Order: order, Milestone: 2}, "erin signs: the other 60 CMT are paid")
	s.settled(order, spec.OrderState_ORDER_STATE_RELEASED)
	s.sold(erin, workshop, "80")
}
