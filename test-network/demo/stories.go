package demo

// story is one of the demo's: who plays in it, and what happens.
type story struct {
	title string
	cast  []part
	play  func(*scene)
}

// part is somebody of a story's own, so that the books tell what the story did: a person with a key, or a label's sub-account of an
// organisation. Both go through the organisation's gateway.
type part struct{ name, organisation, label string }

// The stories, in the order in which they are told. They happen side by side; Document takes listing and order of the first.
var stories = []story{
	{"The purchase", []part{{"alice", Operator, ""}, {"bike store", Store, "bikes"}}, purchase},
	{"A bike by shipment", []part{{"bob", Operator, ""}, {"wheel shop", Store, "wheels"}}, shipment},
	{"A sofa from hand to hand", []part{{"carol", Neighbour, ""}, {"dave", Operator, ""}}, handOff},
	{"A repair in two milestones", []part{{"erin", Operator, ""}, {"workshop", Neighbour, "workshop"}}, repair},
	{"A haggled camera", []part{{"frank", Operator, ""}, {"grace", Store, ""}}, haggle},
	{"A clock at auction", []part{{"heidi", Operator, ""}, {"ivan", Store, ""}, {"antiques", Neighbour, "antiques"}}, auction},
	{"A phone in dispute", []part{{"judy", Operator, ""}, {"phone store", Store, "phones"}}, dispute},
	{"A jacket sent back", []part{{"karl", Neighbour, ""}, {"tailor", Store, "clothes"}}, sendBack},
}
