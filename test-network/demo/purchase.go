package demo

import "github.com/cybermiles/cmt/chaincode/spec"

// purchase: a bike is shipped; the buyer's code proves the hand-over, and the buyer pays at once.
func purchase(s *scene) {
	alice, store := s.part("alice"), s.part("bike store")
	listing := s.lists(store, "A city bike, blue, seven gears", &spec.CreateListing{
		Price: cmt("40"), ShippingPrice: cmt("2"), Stock: 6, Lots: 3, Category: "bikes",
	}, "the store lists 6 bikes at 40 CMT")
	order, code := s.buys(alice, listing, "alice signs an order; 42 CMT are held")
	s.step(store, "market:ShipOrder", &spec.ShipOrder{Order: order}, "the store ships it")
	// Alice shows her code at the door, and the store reveals it.
	s.step(store, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: code}, "alice's code proves the hand-over")
	s.step(alice, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order}, "alice signs that she has it; the store is paid")
	s.settled(order, spec.OrderState_ORDER_STATE_RELEASED)
	s.sold(alice, store, "42")
}
