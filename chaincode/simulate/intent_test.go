package simulate_test

import (
	"slices"
	"testing"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// The relays of these scenarios.
const (
	relayA = merchant
	relayB = carrier
)

// Whoever gives the same intents to two relays has them settled once, whichever comes first, in one block or in two.
func TestTheSameIntentsThroughTwoRelaysSettleOnce(t *testing.T) {
	for _, sameBlock := range []bool{true, false} {
		b := openBazaar(t, simulate.Config{})
		shop := spec.OrganisationAddress(merchant)
		var intents []*spec.SignedIntent
		persons := crowdOf(6)
		for _, p := range persons {
			b.fundPerson(p, 10)
			intents = append(intents, b.pays(p, shop, 2), b.pays(p, shop, 3))
		}
		reversed := slices.Clone(intents)
		slices.Reverse(reversed)
		first, second := b.carry(relayA, intents...), b.carry(relayB, reversed...)
		b.Submit(first)
		if !sameBlock {
			b.cut()
		}
		b.Submit(second)
		b.cut()
		b.expect("the first relay's batch", first, simulate.Valid)
		b.expect("the second relay's batch", second, simulate.MVCCReadConflict)
		// The loser carries them again and is told of each that it happened.
		third := b.carry(relayB, reversed...)
		for i, code := range refusalsOf(third) {
			if code != spec.NonceUsed {
				t.Errorf("intent %d of those that happened: %q, want %s", i, code, spec.NonceUsed)
			}
		}
		b.Submit(third)
		b.cut()
		if got, count := b.openCredits(shop); got != spec.CMT(30) || count != 1 {
			t.Errorf("the shop has %s in %d credits, want 30 in 1", got, count)
		}
		for _, p := range persons {
			if got := b.account(p).Balance; got != spec.CMT(5) {
				t.Errorf("a payer has %s, want 5", got)
			}
		}
	}
}

// Strangers who pay one merchant in two batches of two relays share no key.
func TestManyPersonsPayOneMerchantInTwoBatches(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	shop := spec.OrganisationAddress(merchant)
	persons := crowdOf(crowd)
	var halves [2][]*spec.SignedIntent
	for i, p := range persons {
		b.fundPerson(p, 2)
		halves[i%2] = append(halves[i%2], b.pays(p, shop, 1))
	}
	one, two := b.carry(relayA, halves[0]...), b.carry(relayB, halves[1]...)
	b.Submit(one)
	b.Submit(two)
	if block := b.cut(); block.Count(simulate.Valid) != 2 || len(block.Transactions) != 2 {
		t.Errorf("%d of %d batches are valid, want both in one block", block.Count(simulate.Valid), len(block.Transactions))
	}
	b.answers(one)
	b.answers(two)
	if got, count := b.openCredits(shop); got != spec.CMT(crowd) || count != 2 {
		t.Errorf("the shop has %s in %d credits, want %d in one a batch", got, count, crowd)
	}
	if conflicts := b.codes[simulate.MVCCReadConflict]; conflicts != 0 {
		t.Errorf("%d transactions conflicted", conflicts)
	}
}

// A refused intent leaves its neighbours alone and uses nothing up: the same one happens later.
func TestARefusedIntentBesideAcceptedOnes(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	shop := spec.OrganisationAddress(merchant)
	poor, rich := newPerson("poor", spec.Scheme_SCHEME_P256), newPerson("rich", spec.Scheme_SCHEME_ED25519)
	b.fundPerson(rich, 10)
	tooMuch, forged := b.pays(poor, shop, 3), b.pays(rich, shop, 1)
	forged.Signature = slices.Clone(forged.Signature)
	forged.Signature[3] ^= 1
	expired := rich.signs(77, b.Now()-1, "token:Transfer", &spec.Transfer{To: shop.Bytes(), Amount: spec.CMT(1).Bytes()})
	batch := b.carry(relayA, tooMuch, b.pays(rich, shop, 1), forged, expired, b.pays(rich, shop, 2))
	b.Submit(batch)
	b.cut()
	b.expect("the batch", batch, simulate.Valid)
	b.answers(batch, spec.InsufficientFunds, "", spec.BadSignature, spec.IntentExpired, "")
	if got := b.account(rich).Balance; got != spec.CMT(7) {
		t.Errorf("the payer beside refused ones has %s, want 7", got)
	}
	if got := b.account(poor); got != (ledger.Account{}) {
		t.Errorf("who was refused has the account %+v, want none", got)
	}
	// Money comes in the same batch as the intent that lacked it, and before it.
	later := b.carry(relayB, b.pays(rich, poor.address, 3), tooMuch)
	b.Submit(later)
	b.cut()
	b.answers(later)
	if got := b.account(poor); !got.Balance.IsZero() || got.Nonces.Top != 1 {
		t.Errorf("who paid in the end has %+v", got)
	}
}

// What is wrong with an intent's form is told before what is wrong with its signature, and that before its time and its nonce.
func TestTheFirstFaultOfASignedIntentIsTold(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	p := newPerson("p", spec.Scheme_SCHEME_ED25519)
	b.fundPerson(p, 10)
	// Expired, under a nonce that was used, for more than there is.
	signed := func(change func(*spec.SignedIntent)) *spec.SignedIntent {
		intent := p.signs(1, b.Now()-1, "token:Transfer", &spec.Transfer{To: spec.OrganisationAddress(merchant).Bytes(), Amount: spec.CMT(11).Bytes()})
		change(intent)
		return intent
	}
	forge := func(s *spec.SignedIntent) { s.Signature = slices.Repeat([]byte{1}, 64) }
	b.answers(b.carry(relayA,
		signed(func(s *spec.SignedIntent) { forge(s); s.Intent = append(s.Intent, 0x28, 1) }), signed(forge), signed(func(*spec.SignedIntent) {}),
	), spec.BadIntent, spec.BadSignature, spec.IntentExpired)
}

// A batch that was endorsed before its epoch's fence and is sent after it comes to nothing, and what it carried may be carried
// again under the same nonces.
func TestABatchDiesWithItsFenceAndItsIntentsDoNot(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	shop := spec.OrganisationAddress(merchant)
	p, q := newPerson("p", spec.Scheme_SCHEME_ED25519), newPerson("q", spec.Scheme_SCHEME_P256)
	b.fundPerson(p, 10)
	b.fundPerson(q, 10)
	epoch := uint64(b.Now()) / epochSeconds
	intents := []*spec.SignedIntent{b.pays(p, shop, 1), b.pays(q, shop, 2)}
	withheld := b.carry(relayA, intents...)
	b.Advance(int64(epoch+1)*epochSeconds + graceSeconds - b.Now())
	b.must(operator, "", "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
	b.Submit(withheld)
	b.cut()
	b.expect("the withheld batch", withheld, simulate.MVCCReadConflict)
	if got := b.account(p).Balance; got != spec.CMT(10) {
		t.Errorf("the payer of a dead batch has %s, want 10", got)
	}
	again := b.carry(relayB, intents...)
	b.Submit(again)
	b.Submit(withheld)
	b.cut()
	b.expect("the second carriage", again, simulate.Valid)
	b.answers(again)
	if got, _ := b.openCredits(shop); got != spec.CMT(3) {
		t.Errorf("the shop has %s, want 3", got)
	}
}

// What was signed and voided before it was carried never happens, by whichever relay and however often.
func TestAVoidedNonceNeverHappens(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	shop := spec.OrganisationAddress(merchant)
	p := newPerson("p", spec.Scheme_SCHEME_P256)
	b.fundPerson(p, 10)
	payment := b.pays(p, shop, 1)
	inFlight := b.carry(relayA, payment)
	p.nonce++
	void := b.carry(relayB, p.signs(p.nonce, b.Now()+60, "token:VoidNonce", &spec.VoidNonce{Nonce: p.nonce - 1}))
	b.Submit(void)
	b.Submit(inFlight)
	b.cut()
	b.expect("the void", void, simulate.Valid)
	b.answers(void)
	b.expect("the batch that the void overtook", inFlight, simulate.MVCCReadConflict)
	for _, relay := range []string{relayA, relayB} {
		late := b.carry(relay, payment)
		b.answers(late, spec.NonceUsed)
		b.Submit(late)
		b.cut()
	}
	if got := b.account(p).Balance; got != spec.CMT(10) {
		t.Errorf("who voided the payment has %s, want 10", got)
	}
}

// A whole purchase among persons fits into one batch; each step sees those before it.
func TestAPurchaseInOneBatch(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	seller, buyer := newPerson("seller", spec.Scheme_SCHEME_ED25519), newPerson("buyer", spec.Scheme_SCHEME_P256)
	b.fundPerson(buyer, 10)
	listing := spec.NewID(spec.ListingType, seller.address, "lamp")
	order := spec.NewID(spec.OrderType, buyer.address, "o")
	until := b.Now() + 60
	batch := b.carry(relayA,
		seller.signs(1, until, "market:CreateListing", &spec.CreateListing{Reference: "lamp", Price: spec.CMT(3).Bytes(), Stock: 1, Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: true}),
		buyer.signs(11, until, "market:PlaceOrder", &spec.PlaceOrder{Reference: "o", Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(3).Bytes(), HandOverHash: spec.HandOverHash(order, code)}),
		buyer.signs(12, until, "market:PlaceOrder", &spec.PlaceOrder{Reference: "p", Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(3).Bytes()}),
		seller.signs(2, until, "market:AcceptOrder", &spec.AcceptOrder{Order: order[:]}),
		seller.signs(3, until, "market:HandOverOrder", &spec.HandOverOrder{Order: order[:], Code: code}),
		buyer.signs(13, until, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order[:]}),
		seller.signs(4, until, "market:RefundOrder", &spec.RefundOrder{Order: order[:]}),
	)
	b.Submit(batch)
	b.cut()
	b.expect("the batch", batch, simulate.Valid)
	b.answers(batch, "", "", spec.LotEmpty, "", "", "", spec.WrongState)
	if got := b.orderState(order); got != spec.OrderState_ORDER_STATE_RELEASED {
		t.Errorf("the order is %s", got)
	}
	fee := spec.CMT(3).Share(feeBps)
	if want, _ := spec.CMT(3).Sub(fee); b.account(seller).Balance != want || b.account(buyer).Balance != spec.CMT(7) {
		t.Errorf("the seller has %s, the buyer %s; want %s and 7", b.account(seller).Balance, b.account(buyer).Balance, want)
	}
}

// Homes: who carried a key's first intent pays it directly and sweeps for it; nobody else does, and nobody's key makes a batch
// read a stranger's account.
func TestOnlyAHomePaysDirectlyAndSweeps(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	guest, payer := newPerson("guest", spec.Scheme_SCHEME_ED25519), newPerson("payer", spec.Scheme_SCHEME_P256)
	b.fundPerson(guest, 1) // by the operator, whose guest it is from now on
	b.fundPerson(payer, 10)
	direct := func(relay string) *simulate.Envelope {
		payment := b.pays(payer, guest.address, 1)
		payment.Hints = &spec.Hints{Direct: true}
		envelope := b.carry(relay, payment)
		b.Submit(envelope)
		b.cut()
		b.answers(envelope)
		return envelope
	}
	direct(operator)
	credited := direct(relayA)
	if _, count := b.openCredits(guest.address); b.account(guest).Balance != spec.CMT(2) || count != 1 {
		t.Errorf("the guest has %s and %d credits, want 2 and 1", b.account(guest).Balance, count)
	}

	hints := &spec.Hints{Credits: [][]byte{spec.CreditName{Tx: [20]byte(credited.Proposal.ID[:20])}.Bytes()}}
	b.refused(spec.NotAParty, relayA, "", "token:Sweep", &spec.Sweep{Account: guest.address.Bytes()}, hints)
	stranger := payer.signs(payer.nonce+1, b.Now()+60, "token:Sweep", &spec.Sweep{Account: guest.address.Bytes()})
	stranger.Hints = hints
	batch := b.carry(operator, stranger)
	b.answers(batch, spec.NotAParty)
	if err := simulate.CheckReads(batch, ledgerID); err != nil {
		t.Errorf("a refused sweep: %v", err)
	}
	b.must(operator, "", "token:Sweep", &spec.Sweep{Account: guest.address.Bytes()}, hints)
	if got := b.account(guest).Balance; got != spec.CMT(3) {
		t.Errorf("swept by its home the guest has %s, want 3", got)
	}

	guest.nonce++
	moving := b.carry(operator, guest.signs(guest.nonce, b.Now()+60, "token:MoveHome", &spec.MoveHome{MspId: relayA}))
	b.Submit(moving)
	b.cut()
	direct(relayA)
	if got := b.account(guest).Balance; got != spec.CMT(4) {
		t.Errorf("paid by its new home the guest has %s, want 4", got)
	}
}

// A refused order had taken goods and folded credits before its money did not suffice: what comes behind it in the batch finds
// both as they were, and so does the next batch.
func TestARefusedOrderLeavesNothingBehind(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	price := spec.CMT(3)
	listing := b.list("lamp", price, 10, 1, false)
	rich, poor := newPerson("rich", spec.Scheme_SCHEME_ED25519), newPerson("poor", spec.Scheme_SCHEME_P256)
	b.fundPerson(rich, 20)
	credit := b.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: "gift", To: poor.address.Bytes(), Amount: spec.CMT(2).Bytes()}, nil)
	name := spec.CreditName{Tx: [20]byte(credit.Proposal.ID[:20])}
	hinted := func(in *spec.SignedIntent) *spec.SignedIntent {
		in.Hints = &spec.Hints{Credits: [][]byte{name.Bytes()}}
		return in
	}
	buys := func(p *person, reference string) *spec.SignedIntent {
		p.nonce++
		return hinted(p.signs(p.nonce, b.Now()+60, "market:PlaceOrder", b.order(reference, listing, 1, price)))
	}
	batch := b.carry(relayA, buys(poor, "a"), buys(rich, "a"), buys(poor, "b"), buys(rich, "b"), buys(poor, "c"), hinted(b.pays(poor, rich.address, 2)), buys(poor, "d"))
	b.Submit(batch)
	b.cut()
	b.expect("the batch", batch, simulate.Valid)
	b.answers(batch, spec.InsufficientFunds, "", spec.InsufficientFunds, "", spec.InsufficientFunds, "", spec.InsufficientFunds)
	if lot := b.auditor.Record(ledger.LotKey(listing, spec.StockLot(listing, 1, 0))); lot != (ledger.Lot{Stock: 8}) {
		t.Errorf("the lot is %v, want 8 units", lot)
	}
	if got := b.account(rich).Balance; got != spec.CMT(16) {
		t.Errorf("who bought twice and was paid 2 has %s, want 16", got)
	}
}
