package batch_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
)

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

// Troublemakers that always come with another account cost smaller and smaller batches; when they stay away, batches grow again.
func TestTroublemakersSpoilSmallBatches(t *testing.T) {
	const most = 32
	h := newHouse(t, batch.Options{MaxIntents: most, InFlight: 1})
	shop := spec.OrganisationAddress("ShopMSP")
	var mu sync.Mutex
	troublemakers := map[string]*person{}
	var spoiler *person
	var spoiled, carried []int
	var entered, leave chan struct{} // of the one that the others gather behind
	h.ledger.carry = func(_ context.Context, intents []*spec.SignedIntent, next func() (app.Commit, error)) (app.Commit, error) {
		mu.Lock()
		defer mu.Unlock()
		if entered != nil {
			close(entered)
			entered = nil
			<-leave
			return next()
		}
		spoiler = nil
		for _, signed := range intents {
			if p := troublemakers[string(signed.PublicKey)]; p != nil {
				spoiler = p
			}
		}
		if spoiler != nil {
			delete(troublemakers, string(spoiler.key.Public().(ed25519.PublicKey)))
			spoiled = append(spoiled, len(intents))
		}
		carried = append(carried, len(intents))
		return next()
	}
	h.ledger.Overtaken = func() bool {
		if spoiler != nil {
			h.elsewhere(h.voids(spoiler, 50))
		}
		return spoiler != nil
	}
	strangersPay := func(intents []*spec.SignedIntent, count int) {
		for range count {
			intents = append(intents, h.pays(h.newPerson(10), shop, 1))
		}
		gathering := make(chan struct{})
		mu.Lock()
		entered, leave = gathering, make(chan struct{})
		mu.Unlock()
		taken := h.batcher.Take([]*spec.SignedIntent{h.pays(h.newPerson(10), shop, 1)}, false)
		<-gathering
		taken = append(taken, h.batcher.Take(intents, false)...)
		close(leave)
		for _, one := range taken {
			if _, err := one.Wait(h.ctx); err != nil {
				t.Error(err)
			}
		}
	}
	const attacks = 4
	for range attacks {
		troublemaker := h.newPerson(10)
		mu.Lock()
		troublemakers[string(troublemaker.key.Public().(ed25519.PublicKey))] = troublemaker
		mu.Unlock()
		strangersPay([]*spec.SignedIntent{h.pays(troublemaker, shop, 1)}, most)
	}
	if len(spoiled) != attacks || spoiled[0] != most || slices.Max(spoiled[1:]) >= most || spoiled[attacks-1] > most*3/4 {
		t.Errorf("batches of %v were spoiled; want %d, the first of %d, the others smaller, the last of three quarters at the most", spoiled, attacks, most)
	}
	for range 4 {
		strangersPay(nil, 4*most)
	}
	if last := carried[len(carried)-3:]; slices.Max(last) != most {
		t.Errorf("after a long calm batches have %v intents, want %d", last, most)
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
