//go:build network

package ledger

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

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

	terms := spec.CreateListing{Reference: reference(), Price: cmt("1"), ShippingPrice: cmt("0.5"), Stock: 27, Lots: 5, Category: "x", ContentHash: content[:], AcceptRequired: true}
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
	var handed spec.OrderView
	agree(shop, "market:HandOverOrder", &spec.HandOverOrder{Order: first, Code: handOverCode}, &handed)

	late := buyer.orderOf(spec.ID(listing.Listing), "1.5")
	var expiring spec.OrderView
	agree(buyer, "market:PlaceOrder", late, &expiring)
	agree(shop, "market:EditListing", &spec.EditListing{Listing: listing.Listing, Version: 1, Price: cmt("2"), AddStock: 3, Category: "y", ContentHash: content[:]}, nil)
	agree(shop, "market:CloseListing", &spec.CloseListing{Listing: listing.Listing}, nil)

	// What must wait for its time is asked with a clock that runs ahead, and then made when it has come.
	epoch := uint64(now().Unix())/fenceEpochSeconds - 3
	agree(carrier, "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
	release, expire := &spec.ReleaseOrder{Order: first}, &spec.ExpireOrder{Order: expiring.Order}
	checkAgreementAt(t, carrier, carrier.call("market:ReleaseOrder", release), time.Unix(handed.ReleaseDue, 0))
	checkAgreementAt(t, carrier, carrier.call("market:ExpireOrder", expire), time.Unix(expiring.ShipDeadline, 0))
	whenDue(t, carrier, "market:ReleaseOrder", release, handed.ReleaseDue)
	whenDue(t, carrier, "market:ExpireOrder", expire, expiring.ShipDeadline)
	seen["market:ReleaseOrder"], seen["market:ExpireOrder"] = true, true

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

// checkAgreementAt asks every peer to endorse one and the same proposal.
func checkAgreementAt(t *testing.T, by account, call *spec.Call, at time.Time) {
	t.Helper()
	argument, err := call.Encode()
	if err != nil {
		t.Fatal(err)
	}
	proposed := by.proposal(by.n.facts.Chaincode, at, []byte(call.Operation.FullName()), argument)
	var first []byte
	for _, fact := range by.n.facts.Peers {
		asked, err := by.n.member(clientIdentity(by.n.organisationOf(by.mspID)), fact)
		if err != nil {
			t.Fatal(err)
		}
		response, err := asked.endorseAlone(short(t), proposed)
		if err != nil {
			t.Fatalf("%s at %s: %v", call.Operation.FullName(), fact.Name, err)
		}
		if first == nil {
			first = response.GetPayload()
		}
		if !bytes.Equal(first, response.GetPayload()) {
			t.Errorf("%s: %s and %s endorse different payloads:\n%x\n%x", call.Operation.FullName(), by.n.facts.Peers[0].Name, fact.Name, first, response.GetPayload())
		}
	}
}
