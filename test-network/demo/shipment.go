package demo

import "github.com/cybermiles/cmt/chaincode/spec"

// shipment: a carrier delivers, the buyer never answers, and anyone pays the seller once the release is due.
func shipment(s *scene) {
	bob, shop := s.part("bob"), s.part("wheel shop")
	carrier, anyone := s.demo.house(Neighbour), s.demo.house(Operator)
	listing := s.lists(shop, "A tandem, red, for two", &spec.CreateListing{
		Price: cmt("60"), ShippingPrice: cmt("3.5"), Stock: 1, Category: "bikes",
	}, "the shop lists a tandem at 60 CMT")
	order, _ := s.buys(bob, listing, "bob signs an order; 63.5 CMT are held")
	s.step(shop, "market:ShipOrder", &spec.ShipOrder{Order: order, TrackingHash: salted("parcel 7")}, "the shop ships it, and no clock starts")
	s.step(carrier, "market:ReportDelivery", &spec.ReportDelivery{Order: order, ProofHash: salted("left at the door")}, "the carrier reports that it was delivered")
	due := s.order(bob, order).GetReleaseDue()
	s.refused(spec.NotDue, shop, "market:ReleaseOrder", &spec.ReleaseOrder{Order: order}, "the shop may not release it early")
	s.onceDue(due, anyone, "market:ReleaseOrder", &spec.ReleaseOrder{Order: order}, "bob is silent, and it is due: anyone releases it")
	s.settled(order, spec.OrderState_ORDER_STATE_RELEASED)
	s.sold(bob, shop, "63.5")
}
