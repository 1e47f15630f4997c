package store_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
	"github.com/cybermiles/cmt/gateway/store"
	"github.com/cybermiles/cmt/gateway/wallet"
)

// story is a ledger on which two persons, at home with the first member, and the members trade in every way there is.
type story struct {
	t          *testing.T
	chain      *memledger.Chain
	store      *store.Store
	blocks     blocks
	clock      time.Time
	alice, bob *wallet.Key
	nonces     map[*wallet.Key]uint64
}

const (
	treasuryMSP = "FiveMilesMSP"
	shopMSP     = "MerchantOneMSP"
	arbiterMSP  = "BuyersMSP"
)

var treasuryAddress = spec.OrganisationAddress(treasuryMSP)

func newStory(t *testing.T) *story {
	t.Helper()
	chain, err := memledger.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, chain: chain, store: open(t, t.TempDir()), clock: time.Now(), nonces: map[*wallet.Key]uint64{}}
	chain.Now = func() time.Time { return s.clock }
	for _, consumer := range []memledger.Consumer{&s.blocks, s.store} {
		if err := chain.Follow(t.Context(), consumer); err != nil {
			t.Fatal(err)
		}
	}
	for i, person := range []**wallet.Key{&s.alice, &s.bob} {
		secret := sha256.Sum256([]byte{byte(i)})
		if *person, err = wallet.FromSecret(spec.Scheme_SCHEME_ED25519, secret[:]); err != nil {
			t.Fatal(err)
		}
		s.call(treasuryMSP, "token:Transfer", &spec.Transfer{Reference: string(rune('a' + i)), To: (*person).Address().Bytes(), Amount: cmt(1000)})
	}
	return s
}

func cmt(n uint32) []byte { return spec.CMT(n).Bytes() }

// call makes a call for an organisation.
func (s *story) call(mspID, function string, command proto.Message) {
	s.t.Helper()
	call := &spec.Call{Operation: spec.Find(function), Hints: &spec.Hints{}, Command: command}
	funds, err := s.store.Funds(s.t.Context(), spec.OrganisationAddress(mspID), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	if app.Debits(call.Operation) {
		call.Hints.Credits = names(funds)
	}
	if _, err := s.chain.For(mspID).Submit(s.t.Context(), call, func(context.Context, app.Sent) error { return nil }); err != nil {
		s.t.Fatalf("%s: %v", function, err)
	}
	s.clock = s.clock.Add(time.Second)
}

func names(funds app.Funds) (list [][]byte) {
	for _, credit := range funds.Credits {
		list = append(list, credit.Name.Bytes())
	}
	return list
}

// sign signs a command with a person's key, and names all of the person's credits.
func (s *story) sign(who *wallet.Key, function string, command proto.Message) *spec.SignedIntent {
	s.t.Helper()
	s.nonces[who]++
	signed, err := who.Sign([16]byte{}, s.nonces[who], s.clock.Add(time.Hour).Unix(), &spec.Call{Operation: spec.Find(function), Command: command})
	if err != nil {
		s.t.Fatal(err)
	}
	funds, err := s.store.Funds(s.t.Context(), who.Address(), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	signed.Hints = &spec.Hints{Credits: names(funds), Direct: true}
	return signed
}

// carry has the first member carry intents in one batch; all of them happen.
func (s *story) carry(intents ...*spec.SignedIntent) {
	s.t.Helper()
	commit := carry(s.t, s.chain, intents...)
	var result spec.BatchResult
	if err := spec.DecodeJSON(commit.Result, &result); err != nil || len(result.Refusals) > 0 {
		s.t.Fatalf("refused: %v %v", result.Refusals, err)
	}
	s.clock = s.clock.Add(time.Second)
}

func (s *story) act(who *wallet.Key, function string, command proto.Message) {
	s.t.Helper()
	s.carry(s.sign(who, function, command))
}

func (s *story) in(span time.Duration) int64 { return s.clock.Add(span).Unix() }

// objects are what the story is about.
type objects struct {
	listing, order, cancelled, contested, conceded, haggled, declined, auction, unsold, hold, payout, transfer spec.ID
}

var (
	hash32 = make([]byte, 32)
	aHash  = append([]byte{1}, make([]byte, 31)...)
)

// tell goes through all of it.
func (s *story) tell() objects {
	s.t.Helper()
	alice, bob := s.alice.Address(), s.bob.Address()
	o := objects{
		listing: spec.NewID(spec.ListingType, shopAddress, "l"), order: spec.NewID(spec.OrderType, alice, "o1"), cancelled: spec.NewID(spec.OrderType, alice, "o2"),
		contested: spec.NewID(spec.OrderType, alice, "o3"), conceded: spec.NewID(spec.OrderType, alice, "o4"), auction: spec.NewID(spec.AuctionType, shopAddress, "au"), unsold: spec.NewID(spec.AuctionType, shopAddress, "un"),
		hold: spec.NewID(spec.HoldType, alice, "h"), payout: spec.NewID(spec.PayoutType, treasuryAddress, "p"), transfer: spec.NewID(spec.TransferType, alice, "t"),
	}
	o.haggled, o.declined = spec.OfferID(bob, o.listing, "f1"), spec.OfferID(bob, o.listing, "f2")
	s.money(o)
	s.purchases(o)
	s.haggling(o)
	s.auctions(o)
	s.contest(o)
	return o
}

func (s *story) money(o objects) {
	alice, bob := s.alice.Address().Bytes(), s.bob.Address().Bytes()
	// Two payments of one batch, each way; then one with a record.
	s.carry(
		s.sign(s.alice, "token:Transfer", &spec.Transfer{To: bob, Amount: cmt(3)}),
		s.sign(s.bob, "token:Transfer", &spec.Transfer{To: alice, Amount: cmt(2)}),
	)
	s.act(s.alice, "token:Transfer", &spec.Transfer{Reference: "t", To: shopAddress.Bytes(), Amount: cmt(4)})
	s.act(s.bob, "token:Payout", &spec.Payout{Payments: []*spec.Payment{{To: alice, Amount: cmt(1)}, {To: shopAddress.Bytes(), Amount: cmt(2)}}})
	s.call(treasuryMSP, "token:Payout", &spec.Payout{Reference: "p", Payments: []*spec.Payment{{To: alice, Amount: cmt(5)}, {To: bob, Amount: cmt(6)}}})
	s.call(treasuryMSP, "token:Mint", &spec.Mint{Reference: "m", To: bob, Amount: cmt(7)})
	s.call(treasuryMSP, "token:Burn", &spec.Burn{Reference: "b", Amount: cmt(8)})
	s.act(s.alice, "token:Approve", &spec.Approve{Spender: bob, Expected: nil, Amount: cmt(10)})
	s.act(s.bob, "token:TransferFrom", &spec.TransferFrom{Owner: alice, To: shopAddress.Bytes(), Amount: cmt(4)})
	s.act(s.alice, "token:Approve", &spec.Approve{Spender: bob, Expected: cmt(6), Amount: cmt(1)})
	s.act(s.alice, "token:PlaceHold", &spec.PlaceHold{Reference: "h", Payee: shopAddress.Bytes(), Amount: cmt(20), ExpiresAt: s.in(time.Minute)})
	s.call(shopMSP, "token:CaptureHold", &spec.CaptureHold{Hold: o.hold[:], Amount: cmt(5)})
	s.call(shopMSP, "token:VoidHold", &spec.VoidHold{Hold: o.hold[:]})
	s.act(s.alice, "token:Sweep", &spec.Sweep{})
}

func (s *story) purchases(o objects) {
	s.call(shopMSP, "market:CreateListing", &spec.CreateListing{Reference: "l", Price: cmt(10), Stock: 20, Category: "bikes", ContentHash: hash32})
	s.act(s.alice, "market:PlaceOrder", &spec.PlaceOrder{Reference: "o1", Listing: o.listing[:], Version: 1, Quantity: 2, Total: cmt(20)})
	s.call(shopMSP, "market:ShipOrder", &spec.ShipOrder{Order: o.order[:]})
	s.act(s.alice, "market:ConfirmOrder", &spec.ConfirmOrder{Order: o.order[:], Amount: cmt(8)})
	s.act(s.alice, "market:ConfirmOrder", &spec.ConfirmOrder{Order: o.order[:]})
	s.act(s.alice, "market:GiveReview", &spec.GiveReview{Order: o.order[:], Rating: 5, ContentHash: aHash})
	s.call(shopMSP, "market:GiveReview", &spec.GiveReview{Order: o.order[:], Rating: 4, ContentHash: aHash})
	discount := spec.DiscountID(shopAddress, s.bob.Address(), "d")
	s.call(shopMSP, "market:OfferDiscount", &spec.OfferDiscount{Reference: "d", Buyer: s.bob.Address().Bytes(), Amount: cmt(3), ValidUntil: s.in(time.Minute)})
	s.act(s.bob, "market:PlaceCart", &spec.PlaceCart{
		Reference: "cart", Lines: []*spec.CartLine{{Listing: o.listing[:], Version: 1, Quantity: 2}}, Total: cmt(17), DiscountId: discount[:],
	})
	// Placed and called off within one transaction, beside somebody's payment.
	s.carry(
		s.sign(s.alice, "market:PlaceOrder", &spec.PlaceOrder{Reference: "o2", Listing: o.listing[:], Version: 1, Quantity: 1, Total: cmt(10)}),
		s.sign(s.bob, "token:Transfer", &spec.Transfer{To: s.alice.Address().Bytes(), Amount: cmt(1)}),
		s.sign(s.alice, "market:CancelOrder", &spec.CancelOrder{Order: o.cancelled[:]}),
	)
}

func (s *story) haggling(o objects) {
	offer := &spec.MakeOffer{Reference: "f1", Listing: o.listing[:], Version: 1, Quantity: 1, Total: cmt(6), ExpiresAt: s.in(time.Minute)}
	s.act(s.bob, "market:MakeOffer", offer)
	s.call(shopMSP, "market:CounterOffer", &spec.CounterOffer{Listing: o.listing[:], Offer: o.haggled[:], Total: cmt(9)})
	s.act(s.bob, "market:AcceptCounter", &spec.AcceptCounter{Listing: o.listing[:], Offer: o.haggled[:], Total: cmt(9)})
	s.call(shopMSP, "market:ShipOrder", &spec.ShipOrder{Order: o.haggled[:]})
	s.call(shopMSP, "market:RefundOrder", &spec.RefundOrder{Order: o.haggled[:]})
	offer.Reference, offer.ExpiresAt = "f2", s.in(time.Minute)
	s.act(s.bob, "market:MakeOffer", offer)
	s.call(shopMSP, "market:DeclineOffer", &spec.DeclineOffer{Listing: o.listing[:], Offer: o.declined[:]})
}

func (s *story) auctions(o objects) {
	for _, reference := range []string{"au", "un"} {
		s.call(shopMSP, "market:OpenAuction", &spec.OpenAuction{
			Reference: reference, Listing: o.listing[:], Version: 1, Quantity: 1, StartPrice: cmt(5), Reserve: cmt(8), Step: cmt(1), EndsAt: s.in(time.Minute),
		})
	}
	s.act(s.alice, "market:PlaceBid", &spec.PlaceBid{Auction: o.auction[:], Amount: cmt(5)})
	s.act(s.bob, "market:PlaceBid", &spec.PlaceBid{Auction: o.auction[:], Beats: 1, Amount: cmt(7)})
	// The same bidder twice in one transaction.
	s.carry(
		s.sign(s.alice, "market:PlaceBid", &spec.PlaceBid{Auction: o.auction[:], Beats: 2, Amount: cmt(8)}),
		s.sign(s.alice, "market:PlaceBid", &spec.PlaceBid{Auction: o.auction[:], Beats: 3, Amount: cmt(9)}),
	)
	s.act(s.bob, "market:PlaceBid", &spec.PlaceBid{Auction: o.unsold[:], Amount: cmt(5)})
	s.clock = s.clock.Add(5 * time.Minute)
	s.act(s.bob, "market:CloseAuction", &spec.CloseAuction{Auction: o.auction[:], Bids: 4})
	s.call(shopMSP, "market:CloseAuction", &spec.CloseAuction{Auction: o.unsold[:], Bids: 1})
}

func (s *story) contest(o objects) {
	s.act(s.alice, "market:PlaceOrder", &spec.PlaceOrder{Reference: "o3", Listing: o.listing[:], Version: 1, Quantity: 1, Total: cmt(10)})
	s.call(shopMSP, "market:ShipOrder", &spec.ShipOrder{Order: o.contested[:]})
	s.act(s.alice, "market:OpenDispute", &spec.OpenDispute{Order: o.contested[:], ReasonHash: aHash})
	s.call(shopMSP, "market:AnswerDispute", &spec.AnswerDispute{Order: o.contested[:], AnswerHash: aHash})
	s.act(s.alice, "market:SubmitEvidence", &spec.SubmitEvidence{Order: o.contested[:], Number: 1, ContentHash: aHash})
	s.call(arbiterMSP, "market:VoteDispute", &spec.VoteDispute{Order: o.contested[:], BuyerBps: 3350})
	s.act(s.bob, "market:RuleDispute", &spec.RuleDispute{Order: o.contested[:]})
	// Another one ends by the seller's own word.
	s.act(s.alice, "market:PlaceOrder", &spec.PlaceOrder{Reference: "o4", Listing: o.listing[:], Version: 1, Quantity: 1, Total: cmt(10)})
	s.call(shopMSP, "market:ShipOrder", &spec.ShipOrder{Order: o.conceded[:]})
	s.act(s.alice, "market:OpenDispute", &spec.OpenDispute{Order: o.conceded[:], ReasonHash: aHash})
	s.call(shopMSP, "market:RefundOrder", &spec.RefundOrder{Order: o.conceded[:]})
	// And one in the transaction that opened it, by the buyer's.
	forgiven := spec.NewID(spec.OrderType, s.alice.Address(), "o5")
	s.act(s.alice, "market:PlaceOrder", &spec.PlaceOrder{Reference: "o5", Listing: o.listing[:], Version: 1, Quantity: 1, Total: cmt(10)})
	s.call(shopMSP, "market:ShipOrder", &spec.ShipOrder{Order: forgiven[:]})
	s.carry(
		s.sign(s.alice, "market:OpenDispute", &spec.OpenDispute{Order: forgiven[:], ReasonHash: aHash}),
		s.sign(s.alice, "market:ConfirmOrder", &spec.ConfirmOrder{Order: forgiven[:]}),
	)
	s.call(shopMSP, "market:EditListing", &spec.EditListing{Listing: o.listing[:], Version: 1, Price: cmt(11), Category: "cars", ContentHash: hash32})
	s.call(treasuryMSP, "market:SuspendListing", &spec.SuspendListing{Listing: o.listing[:], Reason: "stolen"})
	s.call(shopMSP, "market:CloseListing", &spec.CloseListing{Listing: o.listing[:]})
}
