package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
)

// deadline bounds every wait of these tests.
const deadline = 30 * time.Second

func TestPaymentsOfManySettle(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 50})
	shop := spec.OrganisationAddress("ShopMSP")
	var intents []*spec.SignedIntent
	for range 100 {
		p := h.newPerson(10)
		intents = append(intents, h.pays(p, shop, 1), h.pays(p, shop, 2))
	}
	h.noErrors(h.all(intents))
	if got := h.has(shop); got != spec.CMT(300) {
		t.Errorf("the shop has %s", got)
	}
	if batches := h.ledger.carried.Load(); batches < 4 || batches > 150 {
		t.Errorf("200 intents went in %d batches of at most 50", batches)
	}
}

// The same intent submitted again has the same outcome and no second effect.
func TestSameIntentHappensOnce(t *testing.T) {
	h := newHouse(t, batch.Options{})
	p := h.newPerson(10)
	signed := h.pays(p, spec.OrganisationAddress("ShopMSP"), 1)
	// Taken in together, so that none lands before the next one comes.
	for _, taken := range h.batcher.Take([]*spec.SignedIntent{signed, signed, signed}, false) {
		if taken.Err != nil {
			t.Fatal(taken.Err)
		}
		if _, err := taken.Wait(h.ctx); err != nil {
			t.Error(err)
		}
	}
	if got := h.has(p.address); got != spec.CMT(9) {
		t.Errorf("the payer has %s left", got)
	}
	if _, err := h.batcher.Submit(h.ctx, signed); spec.ErrorCode(err) != spec.NonceUsed {
		t.Errorf("later again: %v", err)
	}
}

// Who has acted here before is at home here, and is paid without a credit; one whom many pay at once gets credits.
func TestGuestsArePaidDirectly(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 10, InFlight: 3})
	guest := h.newPerson(10)
	shop := spec.OrganisationAddress("ShopMSP")
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(guest, shop, 1)}))
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(h.newPerson(10), guest.address, 2)}))
	if got := h.inAccount(guest.address); got != spec.CMT(11) {
		t.Errorf("the guest has %s in the account, want 11 without a credit", got)
	}
	var intents []*spec.SignedIntent
	for range 60 {
		intents = append(intents, h.pays(h.newPerson(10), guest.address, 1))
	}
	h.noErrors(h.all(intents))
	if got := h.has(guest.address); got != spec.CMT(71) {
		t.Errorf("the guest has %s", got)
	}
}

// After a restart no block has shown anybody; the read model has who is at home here.
func TestGuestsAreKnownAfterARestart(t *testing.T) {
	h := newHouse(t, batch.Options{})
	guest := h.newPerson(10)
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(guest, spec.OrganisationAddress("ShopMSP"), 1)}))
	index, err := app.MemberIndex(h.ctx, h.ledger, memledger.Members[0])
	if err != nil {
		t.Fatal(err)
	}
	witness := batch.NewWitness()
	witness.SetHome(index)
	restarted := batch.New(batch.Options{Parameters: h.params}, h.ledger, h.database, witness)
	running, stop := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- restarted.Run(running) }()
	if _, err := restarted.Submit(h.ctx, h.pays(h.newPerson(10), guest.address, 2)); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := h.inAccount(guest.address); got != spec.CMT(11) {
		t.Errorf("the guest has %s in the account, want 11 without a credit", got)
	}
}

// A payout reads its receivers' accounts when one of them is at home here; strangers get credits, and newcomers accounts if its
// submitter says so.
func TestPayoutsArePaidDirectly(t *testing.T) {
	h := newHouse(t, batch.Options{})
	guest, newcomer, payer := h.newPerson(10), h.newPerson(0), h.newPerson(100)
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(guest, spec.OrganisationAddress("ShopMSP"), 1)}))
	h.noErrors(h.all([]*spec.SignedIntent{h.paysOut(payer, newcomer, guest)}))
	if got := h.inAccount(guest.address); got != spec.CMT(10) {
		t.Errorf("the guest has %s in the account, want 10 without a credit", got)
	}
	if got := h.inAccount(newcomer.address); !got.IsZero() || h.has(newcomer.address) != spec.CMT(1) {
		t.Errorf("the newcomer has %s in the account before it has one", got)
	}
	opening := h.paysOut(payer, newcomer)
	opening.Hints = &spec.Hints{Open: true}
	h.noErrors(h.all([]*spec.SignedIntent{opening}))
	if got := h.inAccount(newcomer.address); got != spec.CMT(1) {
		t.Errorf("the newcomer has %s in the account that was opened", got)
	}
}

// Payouts of many with many receivers go in batches that the chaincode takes.
func TestPayoutsFitIntoBatches(t *testing.T) {
	h := newHouse(t, batch.Options{MaxBytes: 1 << 20, InFlight: 3})
	receivers := make([]*person, 500)
	for i := range receivers {
		receivers[i] = h.newPerson(0)
	}
	var intents []*spec.SignedIntent
	for range 20 {
		intents = append(intents, h.paysOut(h.newPerson(500), receivers...))
	}
	h.noErrors(h.all(intents))
	if got := h.has(receivers[499].address); got != spec.CMT(20) {
		t.Errorf("the last receiver has %s", got)
	}
}

func TestForgedIntentsStayHome(t *testing.T) {
	h := newHouse(t, batch.Options{})
	p, q := h.newPerson(10), h.newPerson(10)
	forged := h.pays(p, q.address, 1)
	forged.Signature[5] ^= 1
	errs := h.all([]*spec.SignedIntent{forged, h.pays(q, p.address, 1)})
	if spec.ErrorCode(errs[0]) != spec.BadSignature || errs[1] != nil {
		t.Errorf("forged: %v, beside it: %v", errs[0], errs[1])
	}
}

// A forged copy that comes first costs the honest intent nothing.
func TestForgedCopyDoesNotHarm(t *testing.T) {
	h := newHouse(t, batch.Options{})
	p := h.newPerson(10)
	honest := h.pays(p, spec.OrganisationAddress("ShopMSP"), 1)
	forged := proto.CloneOf(honest)
	forged.Signature[7] ^= 1
	taken := h.batcher.Take([]*spec.SignedIntent{forged, honest}, false)
	if _, err := taken[1].Wait(h.ctx); err != nil {
		t.Errorf("the honest one: %v", err)
	}
	if _, err := taken[0].Wait(h.ctx); spec.ErrorCode(err) != spec.BadSignature {
		t.Errorf("the forged one: %v", err)
	}
}

// No two batches in flight share an account.
func TestOneAccountIsInOneBatchAtATime(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 4, InFlight: 3})
	var mu sync.Mutex
	inFlight := map[string]bool{}
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		accounts := map[string]bool{}
		for _, signed := range intents {
			accounts[string(signed.PublicKey)] = true
		}
		mu.Lock()
		for account := range accounts {
			if inFlight[account] {
				t.Error("an account is in two batches in flight")
			}
			inFlight[account] = true
		}
		mu.Unlock()
		commit, err := next()
		mu.Lock()
		defer mu.Unlock()
		for account := range accounts {
			delete(inFlight, account)
		}
		return commit, err
	}
	var intents []*spec.SignedIntent
	for range 6 {
		p := h.newPerson(100)
		for range 10 {
			intents = append(intents, h.pays(p, spec.OrganisationAddress("ShopMSP"), 1))
		}
	}
	h.noErrors(h.all(intents))
}

// A batch that loses to a stranger costs its neighbours one more try, and the guilty are carried apart.
func TestConflictIsPutOnTheGuilty(t *testing.T) {
	h := newHouse(t, batch.Options{Attempts: 20})
	guilty := h.newPerson(10)
	losses := map[string]int{}
	var mu sync.Mutex
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		mu.Lock()
		defer mu.Unlock()
		for _, signed := range intents {
			if string(signed.PublicKey) == string(guilty.key.Public().(ed25519.PublicKey)) && losses[string(signed.PublicKey)] < 6 {
				for _, other := range intents {
					losses[string(other.PublicKey)]++
				}
				return app.Commit{}, spec.Errorf(spec.Conflict, "others changed the same objects first")
			}
		}
		return next()
	}
	shop := spec.OrganisationAddress("ShopMSP")
	intents := []*spec.SignedIntent{h.pays(guilty, shop, 1)}
	for range 40 {
		intents = append(intents, h.pays(h.newPerson(10), shop, 1))
	}
	h.noErrors(h.all(intents))
	if got := h.has(shop); got != spec.CMT(41) {
		t.Errorf("the shop has %s", got)
	}
}

func TestHopelessConflictEnds(t *testing.T) {
	h := newHouse(t, batch.Options{Attempts: 3})
	h.ledger.carry = func(context.Context, []*spec.SignedIntent, func() (app.Commit, error)) (app.Commit, error) {
		return app.Commit{}, spec.Errorf(spec.Conflict, "others changed the same objects first")
	}
	p := h.newPerson(10)
	if _, err := h.batcher.Submit(h.ctx, h.pays(p, spec.OrganisationAddress("ShopMSP"), 1)); spec.ErrorCode(err) != spec.Conflict {
		t.Errorf("got %v", err)
	}
	if got := h.ledger.carried.Load(); got != 3 {
		t.Errorf("it was carried %d times, want 3", got)
	}
}

// When the answer to a commit is lost, the outcome is asked for, and nothing happens twice.
func TestLostAnswerIsAskedFor(t *testing.T) {
	h := newHouse(t, batch.Options{})
	var lost atomic.Bool
	h.ledger.carry = func(_ context.Context, _ []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		commit, err := next()
		if err == nil && lost.CompareAndSwap(false, true) {
			return app.Commit{}, &app.UnknownOutcome{Transaction: commit.Transaction, Cause: errors.New("the peer went away")}
		}
		return commit, err
	}
	p := h.newPerson(10)
	receipt, err := h.batcher.Submit(h.ctx, h.pays(p, spec.OrganisationAddress("ShopMSP"), 1))
	if err != nil || receipt.Transaction == "" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	if got := h.has(p.address); got != spec.CMT(9) {
		t.Errorf("the payer has %s left", got)
	}
}

func TestQueueIsBounded(t *testing.T) {
	h := newHouse(t, batch.Options{LaneIntents: 2, InFlight: 1})
	entered, leave := make(chan struct{}), make(chan struct{})
	h.ledger.carry = func(_ context.Context, _ []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		entered <- struct{}{}
		<-leave
		return next()
	}
	p := h.newPerson(100)
	shop := spec.OrganisationAddress("ShopMSP")
	results := make(chan error, 4)
	submit := func() {
		signed := h.pays(p, shop, 1)
		go func() {
			_, err := h.batcher.Submit(h.ctx, signed)
			results <- err
		}()
	}
	submit()
	<-entered
	// The first is in flight; two may wait behind it, and one of four is turned away.
	for range 3 {
		submit()
	}
	if err := <-results; spec.ErrorCode(err) != spec.RateLimited {
		t.Errorf("beyond the bound: %v", err)
	}
	close(leave)
	<-entered
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// A payer whose money lies in more credits than one intent may name gets its payment through.
func TestCreditsAreNamed(t *testing.T) {
	h := newHouse(t, batch.Options{})
	p := h.newPerson(0)
	for i := range 100 {
		call := &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
			Reference: fmt.Sprintf("gift-%d", i), To: p.address.Bytes(), Amount: spec.CMT(1).Bytes(),
		}}
		if _, err := h.ledger.Submit(h.ctx, call, func(context.Context, app.Sent) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	shop := spec.OrganisationAddress("ShopMSP")
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(p, shop, 50)}))
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(p, shop, 50)}))
	if _, err := h.batcher.Submit(h.ctx, h.pays(p, shop, 1)); spec.ErrorCode(err) != spec.InsufficientFunds {
		t.Errorf("beyond its funds: %v", err)
	}
}

// On a slow network a half-empty batch does not follow another that is on its way: what comes meanwhile leaves together, when that one is back.
func TestBatchesFillWhileTheNetworkIsSlow(t *testing.T) {
	h := newHouse(t, batch.Options{Slow: time.Nanosecond})
	shop := spec.OrganisationAddress("ShopMSP")
	var mu sync.Mutex
	var sizes []int
	entered, leave := make(chan struct{}), make(chan struct{})
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		mu.Lock()
		sizes = append(sizes, len(intents))
		n := len(sizes)
		mu.Unlock()
		if n == 2 {
			close(entered)
			<-leave
		}
		return next()
	}
	if _, err := h.batcher.Submit(h.ctx, h.pays(h.newPerson(10), shop, 1)); err != nil {
		t.Fatal(err)
	}
	taken := h.batcher.Take([]*spec.SignedIntent{h.pays(h.newPerson(10), shop, 1)}, false)
	<-entered
	for range 5 {
		taken = append(taken, h.batcher.Take([]*spec.SignedIntent{h.pays(h.newPerson(10), shop, 1)}, false)...)
	}
	close(leave)
	for _, one := range taken {
		if _, err := one.Wait(h.ctx); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(sizes, []int{1, 1, 5}) {
		t.Errorf("batches of %v", sizes)
	}
}
