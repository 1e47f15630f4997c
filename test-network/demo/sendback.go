package demo

import "github.com/cybermiles/cmt/chaincode/spec"

// sendBack: a return. The clock of the release stands while it is on its way, and nobody pays a fee on what is given back.
func sendBack(s *scene) {
	karl, tailor := s.part("karl"), s.part("tailor")
	listing := s.lists(tailor, "A rain jacket, size M", &spec.CreateListing{
		Price: cmt("30"), ShippingPrice: cmt("1.25"), Stock: 4, Category: "clothes",
	}, "the tailor lists jackets at 30 CMT")
	order, code := s.buys(karl, listing, "karl signs an order; 31.25 CMT are held")
	s.step(tailor, "market:ShipOrder", &spec.ShipOrder{Order: order}, "the tailor ships it")
	s.step(tailor, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: code}, "karl's code proves the hand-over")
	s.step(karl, "market:AskReturn", &spec.AskReturn{Order: order, ReasonHash: salted("It is too small")}, "it is too small: karl asks to send it back")
	s.step(tailor, "market:AcceptReturn", &spec.AcceptReturn{Order: order}, "the tailor takes it back")
	s.step(karl, "market:ShipReturn", &spec.ShipReturn{Order: order, TrackingHash: salted("parcel 8")}, "karl sends it back")
	s.step(tailor, "market:RefundOrder", &spec.RefundOrder{Order: order}, "the tailor has it and refunds all of it")
	s.settled(order, spec.OrderState_ORDER_STATE_REFUNDED)
}
