//go:build network

package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// One proposal, endorsed by every organisation's own peer and chaincode service, gives the same payload, octet by octet: the
// read-write set, the result, the hashes. Every kind of write is asked once and then made.
func TestEndorsersAgreeOnEveryWrite(t *testing.T) {
	treasurer := open(t, "fivemiles", "")
	shop, buyer, carrier := open(t, "merchant1", "same"), open(t, "buyers", "same"), open(t, "merchant2", "")
	fund(t, "100", buyer)
	content := sha256.Sum256([]byte("same"))

	seen := map[string]bool{"consortium:Genesis": true} // happens once, before the tests
	agree := func(by account, operation string, command, result proto.Message, credits ...[]byte) receipt {
		t.Helper()
		seen[operation] = true
		checkAgreement(t, by, by.call(operation, command, credits...))
		return by.do(t, operation, command, result, credits...)
	}
	treasury.Lock()
	minted := agree(treasurer, "token:Mint", &spec.Mint{Reference: reference(), To: buyer.address().Bytes(), Amount: cmt("7")}, nil)
	agree(treasurer, "token:Burn", &spec.Burn{Reference: reference(), Amount: cmt("7")}, nil)
	treasury.Unlock()
	paid := agree(buyer, "token:Transfer", &spec.Transfer{Reference: reference(), To: shop.address().Bytes(), Amount: cmt("1"), Memo: "s\u00e9same"}, nil,
		creditOf(minted.transaction, 0))
	agree(shop, "token:Sweep", &spec.Sweep{}, nil, creditOf(paid.transaction, 0), creditOf(minted.transaction, 0))

	agree(shop, "token:VoidNonce", &spec.VoidNonce{Nonce: 7}, nil)
	agree(shop, "token:MoveHome", &spec.MoveHome{MspId: "MerchantOneMSP"}, nil)

	terms := spec.CreateListing{Reference: reference(), Price: cmt("1"), ShippingPrice: cmt("0.5"), Stock: 57, Lots: 5, Category: "x", ContentHash: content[:], AcceptRequired: true}
	var listing spec.ListingView
	agree(shop, "market:CreateListing", &terms, &listing)
	order := func() []byte {
		t.Helper()
		place := buyer.orderOf(spec.ID(listing.Listing), "1.5")
		agree(buyer, "market:PlaceOrder", place, nil)
		id := spec.NewID(spec.OrderType, buyer.address(), place.Reference)
		agree(shop, "market:AcceptOrder", &spec.AcceptOrder{Order: id[:]}, nil)
		return id[:]
	}
	first, second, third, fourth := order(), order(), order(), order()
	agree(buyer, "market:CancelOrder", &spec.CancelOrder{Order: fourth}, nil)
	agree(shop, "market:RefundOrder", &spec.RefundOrder{Order: third}, nil)
	agree(shop, "market:ShipOrder", &spec.ShipOrder{Order: second, TrackingHash: content[:]}, nil)
	agree(carrier, "market:ReportDelivery", &spec.ReportDelivery{Order: second, ProofHash: content[:]}, nil)
	agree(buyer, "market:ConfirmOrder", &spec.ConfirmOrder{Order: second}, nil)
	agree(buyer, "market:GiveReview", &spec.GiveReview{Order: second, Rating: 5, ContentHash: content[:]}, nil)
	contested := order()
	agree(shop, "market:ShipOrder", &spec.ShipOrder{Order: contested}, nil)
	agree(buyer, "market:OpenDispute", &spec.OpenDispute{Order: contested, ReasonHash: content[:]}, nil)
	agree(shop, "market:AnswerDispute", &spec.AnswerDispute{Order: contested, AnswerHash: content[:]}, nil)
	agree(shop, "market:SubmitEvidence", &spec.SubmitEvidence{Order: contested, Number: 1, ContentHash: content[:]}, nil)
	// Neither side's organisation judges, so that the other merchant is the whole panel.
	agree(carrier, "market:VoteDispute", &spec.VoteDispute{Order: contested, BuyerBps: 3350}, nil)
	agree(treasurer, "market:RuleDispute", &spec.RuleDispute{Order: contested}, nil)
	var handed spec.OrderView
	agree(shop, "market:HandOverOrder", &spec.HandOverOrder{Order: first, Code: handOverCode}, &handed)

	late := buyer.orderOf(spec.ID(listing.Listing), "1.5")
	var expiring spec.OrderView
	agree(buyer, "market:PlaceOrder", late, &expiring)
	bid := func() []byte {
		t.Helper()
		name := reference()
		agree(buyer, "market:MakeOffer", &spec.MakeOffer{
			Reference: name, Listing: listing.Listing, Version: 1, Quantity: 1, Total: cmt("1"), ExpiresAt: now().Unix() + 50, DeliveryHash: content[:],
		}, nil)
		id := spec.OfferID(buyer.address(), spec.ID(listing.Listing), name)
		return id[:]
	}
	taken, countered, declined, withdrawn, overdue := bid(), bid(), bid(), bid(), bid()
	agree(shop, "market:AcceptOffer", &spec.AcceptOffer{Listing: listing.Listing, Offer: taken}, nil)
	agree(shop, "market:CounterOffer", &spec.CounterOffer{Listing: listing.Listing, Offer: countered, Total: cmt("1.25")}, nil)
	agree(buyer, "market:AcceptCounter", &spec.AcceptCounter{Listing: listing.Listing, Offer: countered, Total: cmt("1.25")}, nil)
	agree(shop, "market:DeclineOffer", &spec.DeclineOffer{Listing: listing.Listing, Offer: declined}, nil)
	agree(buyer, "market:WithdrawOffer", &spec.WithdrawOffer{Listing: listing.Listing, Offer: withdrawn}, nil)

	agree(shop, "market:EditListing", &spec.EditListing{Listing: listing.Listing, Version: 1, Price: cmt("2"), AddStock: 3, Category: "y", ContentHash: content[:]}, nil)
	agree(shop, "market:CloseListing", &spec.CloseListing{Listing: listing.Listing}, nil)

	// What must wait for its time is asked, and made, with a clock that runs ahead.
	ahead := func(at int64, name string, command proto.Message) {
		t.Helper()
		call := carrier.call(name, command)
		checkAgreementAt(t, carrier, call, time.Unix(at, 0))
		transaction, err := carrier.endorseAt(short(t), time.Unix(at, 0), call)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := finish(short(t), transaction); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seen[name] = true
	}
	agree(carrier, "consortium:Fence", &spec.Fence{Epoch: uint64(now().Unix())/fenceEpochSeconds - 3}, nil)
	ahead(handed.ReleaseDue, "market:ReleaseOrder", &spec.ReleaseOrder{Order: first})
	ahead(expiring.ShipDeadline, "market:ExpireOrder", &spec.ExpireOrder{Order: expiring.Order})
	ahead(now().Unix()+55, "market:ExpireOffer", &spec.ExpireOffer{Listing: listing.Listing, Offer: overdue})

	every := everyWrite{agree, ahead}
	every.setsApart(buyer, shop, carrier)
	every.fills(buyer, shop)
	every.serves(buyer, shop, treasurer)
	every.sendsBack(buyer, shop)
	every.auctions(buyer, shop)

	for i := range spec.Operations {
		if op := &spec.Operations[i]; op.Kind == spec.Write && !seen[op.FullName()] {
			t.Errorf("%s is a write of the operation table and no part of this test", op.FullName())
		}
	}
}

func checkAgreement(t *testing.T, by account, call *spec.Call) {
	t.Helper()
	checkAgreementAt(t, by, call, now())
}

func checkAgreementAt(t *testing.T, by account, call *spec.Call, at time.Time) {
	t.Helper()
	argument, err := call.Encode()
	if err != nil {
		t.Fatal(err)
	}
	checkPayloads(t, by.member, call.Operation.FullName(), argument, at)
}

// checkPayloads asks every peer to endorse one and the same proposal.
func checkPayloads(t *testing.T, by *member, function string, argument []byte, at time.Time) {
	t.Helper()
	proposed := by.proposal(by.n.facts.Chaincode, at, []byte(function), argument)
	var first []byte
	for _, fact := range by.n.facts.Peers {
		asked, err := by.n.member(clientIdentity(by.n.organisationOf(by.mspID)), fact)
		if err != nil {
			t.Fatal(err)
		}
		response, err := asked.endorseAlone(short(t), proposed)
		if err != nil {
			t.Fatalf("%s at %s: %v", function, fact.Name, err)
		}
		if first == nil {
			first = response.GetPayload()
		}
		if !bytes.Equal(first, response.GetPayload()) {
			t.Errorf("%s: %s and %s endorse different payloads:\n%x\n%x", function, by.n.facts.Peers[0].Name, fact.Name, first, response.GetPayload())
		}
	}
}

// The second door as well: a batch of signed intents, one of them forged, is the same at every endorser.
func TestEndorsersAgreeOnBatches(t *testing.T) {
	relay, payer := open(t, "merchant2", ""), open(t, "buyers", "batch")
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	person := spec.KeyAddress("ed25519", public)
	fund(t, "10", payer)
	paid := payer.do(t, "token:Transfer", &spec.Transfer{Reference: reference(), To: person.Bytes(), Amount: cmt("10")}, nil)
	var parameters spec.Parameters
	relay.ask(t, "consortium:GetParameters", &spec.GetParameters{}, &parameters)

	var batch spec.Batch
	for nonce := range uint64(4) {
		command := &spec.Transfer{Reference: reference(), To: payer.address().Bytes(), Amount: cmt("1")}
		body, err := intent.Encode(nonce+1, now().Unix()+60, &spec.Call{Operation: spec.Find("token:Transfer"), Command: command})
		if err != nil {
			t.Fatal(err)
		}
		signature := ed25519.Sign(private, intent.Message([16]byte(parameters.LedgerId), body))
		if nonce == 2 {
			signature[0] ^= 1
		}
		batch.Intents = append(batch.Intents, &spec.SignedIntent{
			Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: public, Signature: signature,
			Hints: &spec.Hints{Credits: [][]byte{creditOf(paid.transaction, 0)}},
		})
	}
	argument := encode(&batch)
	checkPayloads(t, relay.member, spec.BatchFunction, argument, now())
	proposal, err := relay.contract.NewProposal(spec.BatchFunction, client.WithBytesArguments(argument))
	if err != nil {
		t.Fatal(err)
	}
	transaction, err := proposal.EndorseWithContext(short(t))
	if err != nil {
		t.Fatal(refused(err))
	}
	var result spec.BatchResult
	if err := spec.DecodeJSON(transaction.Result(), &result); err != nil || len(result.Refusals) != 1 || result.Refusals[0].Index != 2 {
		t.Errorf("the batch comes to %v, %v; want the forged one refused", &result, err)
	}
	done, err := finish(short(t), transaction)
	if err != nil {
		t.Fatal(err)
	}
	relay.n.await(t, done.block)
	if got := decimal(relay.balance(t, person).Account); got != "7" {
		t.Errorf("the person has %s, want 7", got)
	}
}
