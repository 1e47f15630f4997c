package simulate_test

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// story is what a shopkeeper and a customer do with each other at the end of a history, while nothing goes wrong and all that was kept back
// still comes. Chance comes seldom to what needs several steps of two persons in their order; a story always does.
type story struct {
	*history
	shopkeeper, customer *person
	listing              spec.ID
}

// stories are all of them: a history ends with one.
var stories = []func(*story){
	(*story).sendsBack, (*story).isRefusedAReturn, (*story).orders, (*story).orderedService, (*story).haggles, (*story).bids, (*story).contests, (*story).setsAside,
}

// tell plays a history's story.
func (h *history) tell(n uint64) {
	h.t.Helper()
	h.SetFaults(simulate.Faults{})
	h.settle()
	s := &story{history: h, shopkeeper: newPerson("shopkeeper", spec.Scheme_SCHEME_ED25519), customer: newPerson("customer", spec.Scheme_SCHEME_P256)}
	for _, p := range []*person{s.shopkeeper, s.customer} {
		payment := s.by(treasurer, "token:Transfer", &spec.Transfer{Reference: "story-" + p.address.String(), To: p.address.Bytes(), Amount: spec.CMT(50).Bytes()})
		s.hints(p, "token:Sweep", &spec.Sweep{}, &spec.Hints{Credits: [][]byte{spec.CreditName{Tx: [20]byte(payment.Proposal.ID[:20])}.Bytes()}})
	}
	stories[n%uint64(len(stories))](s)
}

// settle cuts blocks until nothing waits.
func (h *history) settle() {
	h.t.Helper()
	for _, block := range h.CutAll() {
		h.observe(block)
		h.blocks = append(h.blocks, block)
		for _, tx := range block.Transactions {
			if tx.Proposal.Function == spec.BatchFunction && tx.Code == simulate.Valid {
				h.count(tx.Envelope)
			}
		}
	}
}

// by has an organisation do something.
func (s *story) by(mspID, function string, command proto.Message) *simulate.Envelope {
	s.t.Helper()
	envelope := s.mustEndorse(mspID, "", function, command, nil)
	s.Submit(envelope)
	s.settle()
	s.expect(function, envelope, simulate.Valid)
	return envelope
}

// does has a person sign something, which the operator carries; hints has it carried with hints, and
// perhaps refused.
func (s *story) does(p *person, function string, command proto.Message) {
	s.t.Helper()
	s.hints(p, function, command, nil)
}

func (s *story) hints(p *person, function string, command proto.Message, hints *spec.Hints, refusals ...spec.Code) {
	s.t.Helper()
	p.nonce++
	signed := p.signs(p.nonce, s.Now()+3600, function, command)
	signed.Hints = hints
	envelope := s.carry(operator, signed)
	s.Submit(envelope)
	s.settle()
	s.expect(function, envelope, simulate.Valid)
	s.answers(envelope, refusals...)
}

// sells has the shopkeeper list something for 2 CMT.
func (s *story) sells(reference string, acceptRequired bool, milestones ...uint32) {
	s.t.Helper()
	s.does(s.shopkeeper, "market:CreateListing", &spec.CreateListing{
		Reference: reference, Price: spec.CMT(2).Bytes(), Stock: 9, Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: acceptRequired, Milestones: milestones,
	})
	s.listing = spec.NewID(spec.ListingType, s.shopkeeper.address, reference)
}

// buys has the customer order one.
func (s *story) buys(reference string) []byte {
	s.t.Helper()
	id := spec.NewID(spec.OrderType, s.customer.address, reference)
	s.does(s.customer, "market:PlaceOrder", &spec.PlaceOrder{
		Reference: reference, Listing: s.listing[:], Version: 1, Quantity: 1, Total: spec.CMT(2).Bytes(), HandOverHash: spec.HandOverHash(id, code),
	})
	return id[:]
}

// receives has the customer order one, the shopkeeper ship it, and its hand-over proven.
func (s *story) receives(reference string) []byte {
	s.t.Helper()
	o := s.buys(reference)
	s.does(s.shopkeeper, "market:ShipOrder", &spec.ShipOrder{Order: o})
	s.does(s.shopkeeper, "market:HandOverOrder", &spec.HandOverOrder{Order: o, Code: code})
	return o
}

func (s *story) sendsBack() {
	s.sells("returned", false)
	o := s.receives("returned")
	s.does(s.customer, "market:AskReturn", &spec.AskReturn{Order: o})
	s.does(s.shopkeeper, "market:AcceptReturn", &spec.AcceptReturn{Order: o})
	s.does(s.customer, "market:ShipReturn", &spec.ShipReturn{Order: o})
	s.by(carrier, "market:ReportDelivery", &spec.ReportDelivery{Order: o})
	s.does(s.shopkeeper, "market:RefundOrder", &spec.RefundOrder{Order: o})
	s.does(s.customer, "market:GiveReview", &spec.GiveReview{Order: o, Rating: 4, ContentHash: make([]byte, 32)})
}

func (s *story) isRefusedAReturn() {
	s.sells("kept", false)
	o := s.receives("kept")
	s.does(s.customer, "market:AskReturn", &spec.AskReturn{Order: o})
	s.does(s.shopkeeper, "market:DeclineReturn", &spec.DeclineReturn{Order: o})
	s.does(s.customer, "market:ConfirmOrder", &spec.ConfirmOrder{Order: o})
	o = s.receives("forgotten")
	s.Advance(releaseSeconds)
	s.does(s.shopkeeper, "market:ReleaseOrder", &spec.ReleaseOrder{Order: o})
}

func (s *story) orders() {
	s.sells("shelf", true)
	s.does(s.shopkeeper, "market:AcceptOrder", &spec.AcceptOrder{Order: s.buys("accepted")})
	s.does(s.customer, "market:CancelOrder", &spec.CancelOrder{Order: s.buys("cancelled")})
	forgotten := s.buys("forgotten")
	s.Advance(shipSeconds)
	s.does(s.customer, "market:ExpireOrder", &spec.ExpireOrder{Order: forgotten})
	terms := &spec.OfferDiscount{Reference: "regular", Buyer: s.customer.address.Bytes(), Bps: 5000, ValidUntil: s.Now() + 60}
	s.does(s.shopkeeper, "market:OfferDiscount", terms)
	discount := spec.DiscountID(s.shopkeeper.address, s.customer.address, terms.Reference)
	s.does(s.customer, "market:PlaceCart", &spec.PlaceCart{
		Reference: "cart", Total: spec.CMT(2).Bytes(), DiscountId: discount[:],
		Lines: []*spec.CartLine{{Listing: s.listing[:], Version: 1, Quantity: 1}, {Listing: s.listing[:], Version: 1, Quantity: 1}},
	})
	s.by(operator, "market:SuspendListing", &spec.SuspendListing{Listing: s.listing[:], Reason: "a story"})
	s.by(operator, "market:ResumeListing", &spec.ResumeListing{Listing: s.listing[:]})
	s.does(s.shopkeeper, "market:EditListing", &spec.EditListing{Listing: s.listing[:], Version: 2, Price: spec.CMT(3).Bytes(), Category: "lamps", ContentHash: make([]byte, 32)})
	s.does(s.shopkeeper, "market:CloseListing", &spec.CloseListing{Listing: s.listing[:]})
}

func (s *story) orderedService() {
	s.sells("repairs", false, 3333, 6667)
	o := s.buys("repair")
	s.does(s.shopkeeper, "market:ReportMilestone", &spec.ReportMilestone{Order: o, Milestone: 1})
	s.does(s.customer, "market:ReleaseMilestone", &spec.ReleaseMilestone{Order: o, Milestone: 1})
	s.does(s.customer, "market:ProposeSplit", &spec.ProposeSplit{Order: o, SellerAmount: spec.CMT(1).Bytes()})
	s.does(s.shopkeeper, "market:AgreeSplit", &spec.AgreeSplit{Order: o, SellerAmount: spec.CMT(1).Bytes()})
}

func (s *story) haggles() {
	s.sells("haggled", false)
	l := s.listing[:]
	offers := func(reference string) []byte {
		id := spec.OfferID(s.customer.address, s.listing, reference)
		s.does(s.customer, "market:MakeOffer", &spec.MakeOffer{Reference: reference, Listing: l, Version: 1, Quantity: 1, Total: spec.CMT(1).Bytes(), ExpiresAt: s.Now() + offerSeconds})
		return id[:]
	}
	s.does(s.customer, "market:WithdrawOffer", &spec.WithdrawOffer{Listing: l, Offer: offers("withdrawn")})
	s.does(s.shopkeeper, "market:DeclineOffer", &spec.DeclineOffer{Listing: l, Offer: offers("declined")})
	s.does(s.shopkeeper, "market:AcceptOffer", &spec.AcceptOffer{Listing: l, Offer: offers("accepted")})
	countered := offers("countered")
	asked := spec.Units(1_500_000_000_000_000_001).Bytes()
	s.does(s.shopkeeper, "market:CounterOffer", &spec.CounterOffer{Listing: l, Offer: countered, Total: asked})
	s.does(s.customer, "market:AcceptCounter", &spec.AcceptCounter{Listing: l, Offer: countered, Total: asked})
	forgotten := offers("forgotten")
	s.Advance(offerSeconds)
	s.does(s.shopkeeper, "market:ExpireOffer", &spec.ExpireOffer{Listing: l, Offer: forgotten})
}

func (s *story) bids() {
	s.sells("auctioned", false)
	opens := func(reference string) []byte {
		id := spec.NewID(spec.AuctionType, s.shopkeeper.address, reference)
		s.does(s.shopkeeper, "market:OpenAuction", &spec.OpenAuction{
			Reference: reference, Listing: s.listing[:], Version: 1, Quantity: 1, StartPrice: spec.CMT(1).Bytes(), Step: spec.CMT(1).Bytes(), EndsAt: s.Now() + auctionSeconds,
		})
		return id[:]
	}
	s.does(s.shopkeeper, "market:CancelAuction", &spec.CancelAuction{Auction: opens("cancelled")})
	auction := opens("held")
	s.does(s.customer, "market:PlaceBid", &spec.PlaceBid{Auction: auction, Amount: spec.CMT(1).Bytes()})
	s.does(s.customer, "market:PlaceBid", &spec.PlaceBid{Auction: auction, Beats: 1, Amount: spec.CMT(2).Bytes()})
	s.Advance(auctionSeconds)
	s.does(s.shopkeeper, "market:CloseAuction", &spec.CloseAuction{Auction: auction, Bids: 2})
}

func (s *story) contests() {
	s.sells("contested", false)
	o := s.buys("contested")
	s.does(s.shopkeeper, "market:ShipOrder", &spec.ShipOrder{Order: o})
	s.does(s.customer, "market:OpenDispute", &spec.OpenDispute{Order: o, ReasonHash: make([]byte, 32)})
	s.does(s.shopkeeper, "market:AnswerDispute", &spec.AnswerDispute{Order: o, AnswerHash: make([]byte, 32)})
	s.does(s.customer, "market:SubmitEvidence", &spec.SubmitEvidence{Order: o, Number: 1, ContentHash: make([]byte, 32)})
	dispute, _ := s.auditor.Record(ledger.DisputeKey(spec.ID(o))).(ledger.Dispute)
	for _, mspID := range strings.Split(dispute.Panel, ",")[:2] {
		s.by(mspID, "market:VoteDispute", &spec.VoteDispute{Order: o, BuyerBps: 3350})
	}
	s.does(s.customer, "market:RuleDispute", &spec.RuleDispute{Order: o})
}

func (s *story) setsAside() {
	to := s.shopkeeper.address.Bytes()
	s.does(s.customer, "token:Transfer", &spec.Transfer{To: to, Amount: spec.CMT(1).Bytes()})
	s.hints(s.customer, "token:Transfer", &spec.Transfer{To: to, Amount: spec.CMT(1000).Bytes()}, nil, spec.InsufficientFunds)
	s.does(s.customer, "token:Payout", &spec.Payout{Payments: []*spec.Payment{{To: to, Amount: spec.CMT(1).Bytes()}}})
	s.does(s.customer, "token:Approve", &spec.Approve{Spender: to, Amount: spec.CMT(1).Bytes()})
	s.does(s.shopkeeper, "token:TransferFrom", &spec.TransferFrom{Owner: s.customer.address.Bytes(), To: to, Amount: spec.CMT(1).Bytes()})
	holds := func(reference string) []byte {
		id := spec.NewID(spec.HoldType, s.customer.address, reference)
		s.does(s.customer, "token:PlaceHold", &spec.PlaceHold{Reference: reference, Payee: to, Amount: spec.CMT(1).Bytes(), ExpiresAt: s.Now() + holdSeconds})
		return id[:]
	}
	captured := holds("captured")
	s.hints(s.customer, "token:PlaceHold", &spec.PlaceHold{Reference: "captured", Payee: to, Amount: spec.CMT(1).Bytes(), ExpiresAt: s.Now() + holdSeconds}, nil, spec.ReferenceUsed)
	s.does(s.shopkeeper, "token:CaptureHold", &spec.CaptureHold{Hold: captured, Amount: spec.CMT(1).Bytes()})
	s.does(s.shopkeeper, "token:VoidHold", &spec.VoidHold{Hold: holds("voided")})
	forgotten := holds("forgotten")
	s.Advance(holdSeconds)
	s.does(s.shopkeeper, "token:ExpireHold", &spec.ExpireHold{Hold: forgotten})
	s.does(s.customer, "token:VoidNonce", &spec.VoidNonce{Nonce: s.customer.nonce + 9})
	s.does(s.customer, "token:MoveHome", &spec.MoveHome{MspId: merchant})
}
