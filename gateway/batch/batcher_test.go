package batch_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
	"github.com/cybermiles/cmt/gateway/store"
)

// deadline bounds every wait of these tests.
const deadline = 30 * time.Second

// scripted is a ledger in memory whose carrying can be held up and spoilt.
type scripted struct {
	*memledger.Ledger
	// carry stands before the real one when set.
	carry func(ctx context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error)

	carried, most, flying atomic.Int64
}

func (s *scripted) Carry(ctx context.Context, argument []byte, announce app.Announce) (app.Commit, error) {
	var b spec.Batch
	if err := proto.Unmarshal(argument, &b); err != nil {
		return app.Commit{}, err
	}
	s.carried.Add(1)
	if flying := s.flying.Add(1); flying > s.most.Load() {
		s.most.Store(flying)
	}
	defer s.flying.Add(-1)
	next := func() (app.Commit, error) { return s.Ledger.Carry(ctx, argument, announce) }
	if s.carry == nil {
		return next()
	}
	return s.carry(ctx, b.Intents, next)
}

// house is a batcher over a real read model and the real rules.
type house struct {
	*testing.T
	ctx     context.Context
	ledger  *scripted
	batcher *batch.Batcher
	params  batch.Parameters
	chain   *memledger.Chain
	// database is the read model.
	database *store.Store
}

func newHouse(t *testing.T, options batch.Options) *house {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	chain, err := memledger.New(ctx)
	if err != nil {
		t.Fatal(err)
	}
	database, err := store.Open(ctx, t.TempDir(), memledger.Members[0])
	if err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, ctx: ctx, ledger: &scripted{Ledger: chain.For(memledger.Members[0])}}
	index, err := app.MemberIndex(ctx, h.ledger, memledger.Members[0])
	if err != nil {
		t.Fatal(err)
	}
	witness := batch.NewWitness()
	witness.SetHome(index)
	if err := chain.Follow(ctx, watching{database, witness}); err != nil {
		t.Fatal(err)
	}
	if h.params, err = batch.ReadParameters(ctx, h.ledger); err != nil {
		t.Fatal(err)
	}
	options.Parameters = h.params
	options.Remedies = batch.Remedies{spec.LotEmpty: app.NewLots(memledger.Members[0], h.ledger, database, slog.New(slog.DiscardHandler))}
	h.chain, h.database = chain, database
	h.batcher = batch.New(options, h.ledger, database, witness)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- h.batcher.Run(running) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, database.Close()); err != nil {
			t.Error(err)
		}
		cancel()
	})
	return h
}

// watching gives blocks to the read model and to the witness, as the gateway does.
type watching struct {
	*store.Store
	witness *batch.Witness
}

func (w watching) Apply(ctx context.Context, block app.Block) error {
	w.witness.See(block)
	return w.Store.Apply(ctx, block)
}

type person struct {
	key     ed25519.PrivateKey
	address spec.Address
	nonce   uint64
}

// newPerson returns somebody with a key, and money unless it is 0.
func (h *house) newPerson(cmt uint32) *person {
	h.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.Fatal(err)
	}
	address, err := intent.Address(spec.Scheme_SCHEME_ED25519, public)
	if err != nil {
		h.Fatal(err)
	}
	if cmt > 0 {
		call := &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
			Reference: address.String()[:40], To: address.Bytes(), Amount: spec.CMT(cmt).Bytes(),
		}}
		if _, err := h.ledger.Submit(h.ctx, call, func(context.Context, app.Sent) error { return nil }); err != nil {
			h.Fatal(err)
		}
	}
	return &person{key: private, address: address}
}

func (h *house) pays(p *person, to spec.Address, cmt uint32) *spec.SignedIntent {
	h.Helper()
	return h.signs(p, "token:Transfer", &spec.Transfer{To: to.Bytes(), Amount: spec.CMT(cmt).Bytes()})
}

// paysOut pays one CMT to each.
func (h *house) paysOut(p *person, to ...*person) *spec.SignedIntent {
	h.Helper()
	command := &spec.Payout{}
	for _, receiver := range to {
		command.Payments = append(command.Payments, &spec.Payment{To: receiver.address.Bytes(), Amount: spec.CMT(1).Bytes()})
	}
	return h.signs(p, "token:Payout", command)
}

func (h *house) signs(p *person, function string, command proto.Message) *spec.SignedIntent {
	h.Helper()
	p.nonce++
	body, err := intent.Encode(p.nonce, time.Now().Add(time.Hour).Unix(), &spec.Call{Operation: spec.Find(function), Command: command})
	if err != nil {
		h.Fatal(err)
	}
	return &spec.SignedIntent{
		Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: p.key.Public().(ed25519.PublicKey),
		Signature: ed25519.Sign(p.key, intent.Message(h.params.LedgerID, body)),
	}
}

// has returns all that an account has, credits among it.
func (h *house) has(a spec.Address) spec.Amount {
	h.Helper()
	account, credits := h.balance(a)
	sum, _ := account.Add(credits)
	return sum
}

func (h *house) inAccount(a spec.Address) spec.Amount {
	h.Helper()
	account, _ := h.balance(a)
	return account
}

func (h *house) balance(a spec.Address) (account, credits spec.Amount) {
	h.Helper()
	result, err := h.ledger.Evaluate(h.ctx, &spec.Call{Operation: spec.Find("token:GetBalance"), Command: &spec.GetBalance{Address: a.Bytes()}})
	if err != nil {
		h.Fatal(err)
	}
	var view spec.Balance
	if err := spec.DecodeJSON(result, &view); err != nil {
		h.Fatal(err)
	}
	account, err1 := spec.AmountFromBytes(view.Account)
	credits, err2 := spec.AmountFromBytes(view.Credits)
	if err := errors.Join(err1, err2); err != nil {
		h.Fatal(err)
	}
	return account, credits
}

// all submits intents side by side and returns their errors in order.
func (h *house) all(intents []*spec.SignedIntent) []error {
	errs := make([]error, len(intents))
	var group sync.WaitGroup
	for i, signed := range intents {
		group.Go(func() { _, errs[i] = h.batcher.Submit(h.ctx, signed) })
	}
	group.Wait()
	return errs
}

func (h *house) noErrors(errs []error) {
	h.Helper()
	if err := errors.Join(errs...); err != nil {
		h.Fatal(err)
	}
}

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

// voids returns an intent that uses a nonce up.
func (h *house) voids(p *person, nonce uint64) *spec.SignedIntent {
	p.nonce, nonce = nonce-1, p.nonce
	defer func() { p.nonce = nonce }()
	return h.signs(p, "token:VoidNonce", &spec.VoidNonce{Nonce: p.nonce + 1})
}

// elsewhere carries an intent by another member's gateway.
func (h *house) elsewhere(signed *spec.SignedIntent) {
	h.Helper()
	argument, err := proto.Marshal(&spec.Batch{Intents: []*spec.SignedIntent{signed}})
	if err != nil {
		h.Fatal(err)
	}
	if _, err := h.chain.For(memledger.Members[1]).Carry(h.ctx, argument, func(context.Context, app.Sent) error { return nil }); err != nil {
		h.Fatal(err)
	}
}

// Somebody who acts through two gateways at once costs a batch of strangers one more try, once: from then on whatever it hands in is
// carried apart, and theirs is not held up.
func TestTroublemakerIsCarriedApart(t *testing.T) {
	h := newHouse(t, batch.Options{})
	troublemaker := h.newPerson(100)
	public := string(troublemaker.key.Public().(ed25519.PublicKey))
	shop := spec.OrganisationAddress("ShopMSP")
	var mu sync.Mutex
	var sizes []int
	carries, beside, nonce := false, 0, uint64(40)
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		mu.Lock()
		defer mu.Unlock()
		carries = false
		for _, signed := range intents {
			carries = carries || string(signed.PublicKey) == public
		}
		if carries && len(intents) > 1 {
			beside++
		}
		sizes = append(sizes, len(intents))
		return next()
	}
	h.ledger.Overtaken = func() bool {
		if carries {
			nonce--
			h.elsewhere(h.voids(troublemaker, nonce))
		}
		return carries && nonce > 36
	}
	for range 3 {
		intents := []*spec.SignedIntent{h.pays(troublemaker, shop, 1)}
		for range 30 {
			intents = append(intents, h.pays(h.newPerson(10), shop, 1))
		}
		for _, taken := range h.batcher.Take(intents, false) {
			if _, err := taken.Wait(h.ctx); err != nil {
				t.Error(err)
			}
		}
	}
	if got := h.has(shop); got != spec.CMT(93) {
		t.Errorf("the shop has %s", got)
	}
	if beside != 1 {
		t.Errorf("the troublemaker was in company %d times, want once; batches of %v", beside, sizes)
	}
}

// Who is seen to act elsewhere is carried apart before it costs anybody a batch.
func TestWhoActsElsewhereIsCarriedApart(t *testing.T) {
	h := newHouse(t, batch.Options{})
	p, neighbour := h.newPerson(10), h.newPerson(10)
	p.nonce = 5
	h.elsewhere(h.voids(p, 1))
	var together atomic.Bool
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		if len(intents) > 1 {
			together.Store(true)
		}
		return next()
	}
	for _, taken := range h.batcher.Take([]*spec.SignedIntent{h.pays(p, neighbour.address, 1), h.pays(neighbour, p.address, 1)}, false) {
		if _, err := taken.Wait(h.ctx); err != nil {
			t.Error(err)
		}
	}
	if together.Load() {
		t.Error("they were carried together")
	}
}

// While a merchant keeps every batch full, somebody else's payment leaves at once.
func TestQuietPayerDoesNotWaitBehindAMerchant(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 20, InFlight: 1})
	merchant, quiet, shop := h.newPerson(1000), h.newPerson(10), spec.OrganisationAddress("ShopMSP")
	entered, leave := make(chan struct{}), make(chan struct{})
	var hold atomic.Bool
	hold.Store(true)
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		if len(intents) > 1 && hold.CompareAndSwap(true, false) {
			close(entered)
			<-leave
		}
		return next()
	}
	var intents []*spec.SignedIntent
	for range 60 {
		intents = append(intents, h.pays(merchant, shop, 1))
	}
	busy := h.batcher.Take(intents, false)
	<-entered
	if _, err := h.batcher.Submit(h.ctx, h.pays(quiet, spec.OrganisationAddress("OtherMSP"), 1)); err != nil {
		t.Errorf("the quiet payer: %v", err)
	}
	close(leave)
	for _, taken := range busy {
		if _, err := taken.Wait(h.ctx); err != nil {
			t.Error(err)
		}
	}
	if got := h.has(shop); got != spec.CMT(60) {
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
	h := newHouse(t, batch.Options{})
	shop := spec.OrganisationAddress("ShopMSP")
	var mu sync.Mutex
	var sizes []int
	entered, leave := make(chan struct{}), make(chan struct{})
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		mu.Lock()
		sizes = append(sizes, len(intents))
		n := len(sizes)
		mu.Unlock()
		switch n {
		case 1:
			time.Sleep(350 * time.Millisecond) // is what a slow network does
		case 2:
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

// However many intents of a troublemaker wait, strangers' are not carried as those of quiet parties beside a busy one.
func TestTroublemakerMakesNobodyQuiet(t *testing.T) {
	h := newHouse(t, batch.Options{MaxIntents: 100, InFlight: 1})
	troublemaker, shop := h.newPerson(100), spec.OrganisationAddress("ShopMSP")
	public := string(troublemaker.key.Public().(ed25519.PublicKey))
	h.elsewhere(h.voids(troublemaker, 50)) // who is seen to act elsewhere is carried apart
	entered, leave := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var strangers []int
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		mu.Lock()
		honest := string(intents[0].PublicKey) != public
		if honest {
			strangers = append(strangers, len(intents))
		}
		first := honest && len(strangers) == 1
		mu.Unlock()
		if first {
			close(entered)
		}
		if first || !honest {
			<-leave
		}
		return next()
	}
	taken := h.batcher.Take([]*spec.SignedIntent{h.pays(h.newPerson(10), shop, 1)}, false)
	<-entered
	var attack []*spec.SignedIntent
	for range 40 {
		attack = append(attack, h.pays(troublemaker, spec.OrganisationAddress("FriendMSP"), 1))
	}
	troubles := h.batcher.Take(attack, false)
	payees := make([]spec.Address, 20)
	for i := range payees {
		payees[i] = h.newPerson(1).address
	}
	var honest []*spec.SignedIntent
	for i := range 100 {
		honest = append(honest, h.pays(h.newPerson(10), payees[i%len(payees)], 1))
	}
	taken = append(taken, h.batcher.Take(honest, false)...)
	close(leave)
	for _, one := range append(taken, troubles...) {
		if _, err := one.Wait(h.ctx); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(strangers, []int{1, 100}) {
		t.Errorf("strangers rode in batches of %v", strangers)
	}
}
