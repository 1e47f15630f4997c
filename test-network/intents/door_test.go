//go:build network

package intents

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// The two members whose relays carry.
func relays() (a, b *member) { return testnet.members["merchant1"], testnet.members["merchant2"] }

// bothSchemes runs a test for each kind of key.
func bothSchemes(t *testing.T, test func(t *testing.T, scheme spec.Scheme)) {
	for _, scheme := range []spec.Scheme{spec.Scheme_SCHEME_ED25519, spec.Scheme_SCHEME_P256} {
		t.Run(scheme.String(), func(t *testing.T) { test(t, scheme) })
	}
}

// Nonces come out of order and by any relay, within 64 of the highest, and none twice.
func TestNonceWindowAcrossRelays(t *testing.T) {
	bothSchemes(t, func(t *testing.T, scheme spec.Scheme) {
		a, b := relays()
		p, to := rich(t, scheme, 20), shop(t)
		pay := func(nonce uint64) *spec.SignedIntent { return p.signs(nonce, "token:Transfer", payment(to, 1)) }
		five := pay(5)
		a.carries(t, five).happen()
		b.carries(t, five, pay(4), pay(3), pay(5)).happen(spec.NonceUsed, "", "", spec.NonceUsed)
		a.carries(t, pay(100), pay(4)).happen("", spec.NonceUsed)
		b.carries(t, pay(37), pay(36), pay(2), pay(37)).happen("", spec.NonceUsed, spec.NonceUsed, spec.NonceUsed)
		a.carries(t, pay(37), pay(99), pay(1<<53-1), pay(100)).happen(spec.NonceUsed, "", "", spec.NonceUsed)
		wantHas(t, "the shop", to, spec.CMT(7))
		wantHas(t, "the payer", p.address, spec.CMT(13))
	})
}

// A refusal uses nothing up, whoever carries; the same signature happens once the reason is gone.
func TestRefusalUsesNothingUp(t *testing.T) {
	bothSchemes(t, func(t *testing.T, scheme spec.Scheme) {
		a, b := relays()
		p, to := rich(t, scheme, 1), shop(t)
		tooMuch, neighbour := p.pays(to, 3), p.pays(to, 1)
		a.carries(t, tooMuch, neighbour).happen(spec.InsufficientFunds)
		wantHas(t, "the shop", to, spec.CMT(1))
		paid := testnet.members["fivemiles"].call(t, "token:Transfer", "", &spec.Transfer{Reference: reference(), To: p.address.Bytes(), Amount: spec.CMT(3).Bytes()})
		b.carries(t, tooMuch).happen(spec.InsufficientFunds) // the credit was not named
		a.carries(t, withCredit(tooMuch, paid)).happen()
		b.carries(t, tooMuch).happen(spec.NonceUsed)
		wantHas(t, "the shop", to, spec.CMT(4))
	})
}

// What nobody signed, or somebody signed for another ledger, another key or another time, does not happen.
func TestForgedIntentsAreRefused(t *testing.T) {
	bothSchemes(t, func(t *testing.T, scheme spec.Scheme) {
		a, _ := relays()
		p, to := rich(t, scheme, 10), shop(t)
		other := newPerson(t, scheme)
		good := p.pays(to, 1)
		change := func(do func(*spec.SignedIntent)) *spec.SignedIntent {
			forged := proto.CloneOf(good)
			do(forged)
			return forged
		}
		elsewhere := testnet.ledgerID
		elsewhere[0] ^= 1
		now := time.Now()
		rows := []struct {
			in   *spec.SignedIntent
			code spec.Code
		}{
			{change(func(f *spec.SignedIntent) { f.Signature[40] ^= 1 }), spec.BadSignature},
			{change(func(f *spec.SignedIntent) { f.Signature = make([]byte, 64) }), spec.BadSignature},
			{change(func(f *spec.SignedIntent) { f.Signature = f.Signature[:63] }), spec.BadIntent},
			{change(func(f *spec.SignedIntent) { f.PublicKey = other.public }), spec.BadSignature},
			{change(func(f *spec.SignedIntent) { f.PublicKey = f.PublicKey[1:] }), spec.BadIntent},
			{change(func(f *spec.SignedIntent) { f.Scheme = spec.Scheme_SCHEME_WEBAUTHN }), spec.BadIntent},
			{change(func(f *spec.SignedIntent) { f.Intent = append(f.Intent, 0x28, 1) }), spec.BadIntent},
			// Another nonce, another receiver, another amount under the same signature.
			{change(func(f *spec.SignedIntent) { f.Intent = p.signs(p.nonce+7, "token:Transfer", payment(to, 1)).Intent }), spec.BadSignature},
			{change(func(f *spec.SignedIntent) {
				f.Intent = p.signs(p.nonce, "token:Transfer", payment(other.address, 1)).Intent
			}), spec.BadSignature},
			{change(func(f *spec.SignedIntent) { f.Intent = p.signs(p.nonce, "token:Transfer", payment(to, 2)).Intent }), spec.BadSignature},
			{p.signsFor(elsewhere, 50, now.Add(time.Hour), "token:Transfer", payment(to, 1)), spec.BadSignature},
			{p.signsFor(testnet.ledgerID, 51, now.Add(-5*time.Second), "token:Transfer", payment(to, 1)), spec.IntentExpired},
			{&spec.SignedIntent{}, spec.BadIntent},
		}
		if scheme == spec.Scheme_SCHEME_P256 {
			// The signature's twin, with the upper s.
			rows = append(rows, struct {
				in   *spec.SignedIntent
				code spec.Code
			}{change(func(f *spec.SignedIntent) { f.Signature = twin(f.Signature) }), spec.BadSignature})
		}
		var intents []*spec.SignedIntent
		var want []spec.Code
		for _, row := range rows {
			intents, want = append(intents, row.in), append(want, row.code)
		}
		a.carries(t, append(intents, good)...).happen(append(want, "")...)
		wantHas(t, "the shop", to, spec.CMT(1))
		wantHas(t, "the payer", p.address, spec.CMT(9))
	})
}

// An intent ends with its validity and is of one ledger, whoever carries it, and uses nothing up by that.
func TestValidityAndLedgerAcrossRelays(t *testing.T) {
	bothSchemes(t, func(t *testing.T, scheme spec.Scheme) {
		a, b := relays()
		p, to := rich(t, scheme, 5), shop(t)
		end, second := time.Now().Add(5*time.Second), p.nonce+2
		inTime := p.signsFor(testnet.ledgerID, second-1, end, "token:Transfer", payment(to, 1))
		tooLate := p.signsFor(testnet.ledgerID, second, end, "token:Transfer", payment(to, 1))
		elsewhere := testnet.ledgerID
		elsewhere[15] ^= 1
		foreign := p.signsFor(elsewhere, second, time.Now().Add(time.Hour), "token:Transfer", payment(to, 1))
		a.carries(t, inTime, foreign).happen("", spec.BadSignature)
		wait(t, end.Add(time.Second))
		b.carries(t, tooLate, foreign).happen(spec.IntentExpired, spec.BadSignature)
		a.carries(t, tooLate).happen(spec.IntentExpired)
		b.carries(t, p.signsFor(testnet.ledgerID, second, time.Now().Add(time.Hour), "token:Transfer", payment(to, 2))).happen()
		wantHas(t, "the shop", to, spec.CMT(3))
	})
}

// A voided nonce never happens, even if it was endorsed before.
func TestVoid(t *testing.T) {
	bothSchemes(t, func(t *testing.T, scheme spec.Scheme) {
		a, b := relays()
		p, to := rich(t, scheme, 5), shop(t)
		keptBack := p.pays(to, 1)
		endorsed := a.endorses(t, keptBack)
		endorsed.happen()
		b.carries(t, p.next("token:VoidNonce", &spec.VoidNonce{Nonce: p.nonce})).happen()
		endorsed.sent(peer.TxValidationCode_MVCC_READ_CONFLICT)
		a.carries(t, keptBack).happen(spec.NonceUsed)
		b.carries(t, keptBack, p.pays(to, 2)).happen(spec.NonceUsed)
		wantHas(t, "the shop", to, spec.CMT(2))
	})
}

// What a person signs bounds what it pays: version, total.
func TestLimitsAreInTheCommand(t *testing.T) {
	a, b := relays()
	seller, buyer := newPerson(t, spec.Scheme_SCHEME_ED25519), rich(t, spec.Scheme_SCHEME_P256, 20)
	lamp := reference()
	listing := spec.NewID(spec.ListingType, seller.address, lamp)
	a.carries(t, seller.next("market:CreateListing", &spec.CreateListing{Reference: lamp, Price: spec.CMT(3).Bytes(), Stock: 5, Category: "tests", ContentHash: make([]byte, 32)})).happen()
	order := func(version, cmt uint32) *spec.PlaceOrder {
		return &spec.PlaceOrder{Reference: lamp, Listing: listing[:], Version: version, Quantity: 1, Total: spec.CMT(cmt).Bytes()}
	}
	buyer.nonce++
	cheap, dear := buyer.signs(buyer.nonce, "market:PlaceOrder", order(1, 2)), buyer.signs(buyer.nonce, "market:PlaceOrder", order(1, 4))
	b.carries(t, cheap, dear).happen(spec.TotalMismatch, spec.TotalMismatch)
	atOldPrice := buyer.signs(buyer.nonce, "market:PlaceOrder", order(1, 3))
	raised := seller.next("market:EditListing", &spec.EditListing{Listing: listing[:], Version: 1, Price: spec.CMT(4).Bytes(), AddStock: 1, Category: "tests", ContentHash: make([]byte, 32)})
	a.carries(t, raised).happen()
	b.carries(t, atOldPrice).happen(spec.VersionStale)
	wantHas(t, "the buyer", buyer.address, spec.CMT(20))
	lot := spec.StockLot(listing, 2, 0)
	atNewPrice := buyer.signs(buyer.nonce, "market:PlaceOrder", order(2, 4))
	atNewPrice.Hints = &spec.Hints{Lot: lot[:]}
	id := spec.NewID(spec.OrderType, buyer.address, lamp)
	b.carries(t, atNewPrice, buyer.next("market:ConfirmOrder", &spec.ConfirmOrder{Order: id[:]})).happen()
	wantHas(t, "the buyer", buyer.address, spec.CMT(16))
	if got := has(t, seller.address); got.IsZero() {
		t.Error("the seller was not paid")
	}
}

// Two relays carry the same intents at once: one batch is valid, the other one has no effect.
func TestTheSameIntentsByTwoRelays(t *testing.T) {
	a, b := relays()
	to := shop(t)
	var intents []*spec.SignedIntent
	for range 3 {
		for _, scheme := range []spec.Scheme{spec.Scheme_SCHEME_ED25519, spec.Scheme_SCHEME_P256} {
			intents = append(intents, rich(t, scheme, 3).pays(to, 2))
		}
	}
	reversed := slices.Clone(intents)
	slices.Reverse(reversed)
	one, two := a.endorses(t, intents...), b.endorses(t, reversed...)
	one.sent(peer.TxValidationCode_VALID).happen()
	two.sent(peer.TxValidationCode_MVCC_READ_CONFLICT)
	var used []spec.Code
	for range intents {
		used = append(used, spec.NonceUsed)
	}
	b.carries(t, reversed...).happen(used...)
	wantHas(t, "the shop", to, spec.CMT(12))
}

// A batch that was endorsed before its epoch's fence dies with it; what it carried may be carried again.
func TestABatchDiesWithItsFence(t *testing.T) {
	a, b := relays()
	p, to := rich(t, spec.Scheme_SCHEME_P256, 5), shop(t)
	payment := p.pays(to, 1)
	first := uint64(time.Now().Unix()) / fenceEpochSeconds
	withheld := a.endorses(t, payment)
	last := uint64(time.Now().Unix()) / fenceEpochSeconds
	wait(t, time.Unix(int64((last+1)*fenceEpochSeconds+fenceGraceSeconds)+1, 0))
	for epoch := first; epoch <= last; epoch++ {
		testnet.members["fivemiles"].call(t, "consortium:Fence", "", &spec.Fence{Epoch: epoch})
	}
	withheld.sent(peer.TxValidationCode_MVCC_READ_CONFLICT)
	wantHas(t, "the shop", to, spec.Amount{})
	b.carries(t, payment).happen()
	wantHas(t, "the shop", to, spec.CMT(1))
}

// Batches of two relays and contract calls that pay one merchant at once cost each other nothing.
func TestBatchesBesideContractCalls(t *testing.T) {
	a, b := relays()
	to := shop(t)
	persons := crowd(t, 32, 2)
	var folds, pays [2][]*spec.SignedIntent
	for i, p := range persons {
		credit := creditsOf(t, p.address)
		fold := p.next("token:Sweep", &spec.Sweep{})
		fold.Hints = &spec.Hints{Credits: credit}
		folds[i%2] = append(folds[i%2], fold)
		pays[i%2] = append(pays[i%2], p.pays(to, 1))
	}
	a.carries(t, folds[0]...).happen()
	b.carries(t, folds[1]...).happen()
	var all []*client.Transaction
	for _, m := range []*member{a, b} {
		paid := testnet.members["fivemiles"].call(t, "token:Transfer", "", &spec.Transfer{Reference: reference(), To: spec.OrganisationAddress(m.mspID).Bytes(), Amount: spec.CMT(1).Bytes()})
		argument, err := (&spec.Call{
			Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{Credits: [][]byte{creditOf(paid)}},
			Command: &spec.Transfer{Reference: reference(), To: to.Bytes(), Amount: spec.CMT(1).Bytes()},
		}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		call, err := m.endorse(short(t), "token:Transfer", argument)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, call)
	}
	batches := []*carriage{a.endorses(t, pays[0]...), b.endorses(t, pays[1]...)}
	// All are endorsed before any is sent, so that they meet in the same blocks.
	all = append(all, batches[0].transaction, batches[1].transaction)
	errs := make([]error, len(all))
	var sending sync.WaitGroup
	for i, transaction := range all {
		sending.Go(func() {
			code, err := []*member{a, b}[i%2].commit(short(t), transaction)
			if err == nil && code != peer.TxValidationCode_VALID {
				err = errors.New(code.String())
			}
			errs[i] = err
		})
	}
	sending.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	batches[0].happen()
	batches[1].happen()
	wantHas(t, "the shop", to, spec.CMT(34))
}

// creditsOf names an account's open credits.
func creditsOf(t *testing.T, of spec.Address) [][]byte {
	t.Helper()
	var page spec.CreditPage
	if err := testnet.members["fivemiles"].ask(short(t), "token:ListCredits", &spec.ListCredits{Address: of.Bytes()}, &page); err != nil {
		t.Fatal(err)
	}
	var names [][]byte
	for _, credit := range page.Credits {
		names = append(names, credit.Credit)
	}
	return names
}

// twin is the other signature that the same key's equation has, which only a rule refuses.
func twin(signature []byte) []byte {
	other := append(slices.Clone(signature[:32]), upper(signature[32:])...)
	if slices.Equal(intent.NormaliseP256(other), other) {
		panic("the twin is not the upper one")
	}
	return other
}
