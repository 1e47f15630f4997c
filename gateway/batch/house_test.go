package batch_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
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
