package demo

import "github.com/cybermiles/cmt/chaincode/spec"

// handOff: two people meet, each at home with another gateway; nothing is shipped, the code is all the proof. Then they review each other.
func handOff(s *scene) {
	carol, dave := s.part("carol"), s.part("dave")
	listing := s.lists(dave, "A sofa, brown, to be fetched", &spec.CreateListing{
		Price: cmt("25"), Stock: 1, Category: "furniture", Region: "us-ca",
	}, "dave signs a listing: a sofa at 25 CMT")
	order, code := s.buys(carol, listing, "carol signs an order; 25 CMT are held")
	s.refused(spec.WrongCode, dave, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: randomBytes(codeBytes)}, "dave cannot guess her code")
	// They meet; carol shows the code on her phone.
	s.step(dave, "market:HandOverOrder", &spec.HandOverOrder{Order: order, Code: code}, "carol fetches it; dave signs her code")
	s.step(carol, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order}, "carol signs that she has it; dave is paid")
	s.step(carol, "market:GiveReview", &spec.GiveReview{Order: order, Rating: 5, ContentHash: salted("As described")}, "carol gives dave 5 of 5")
	s.step(dave, "market:GiveReview", &spec.GiveReview{Order: order, Rating: 4, ContentHash: salted("Came an hour late")}, "dave gives carol 4 of 5")
	s.settled(order, spec.OrderState_ORDER_STATE_RELEASED)
	s.sold(carol, dave, "25")
}
