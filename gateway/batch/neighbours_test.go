package batch_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/batch"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
)

// neighbour is another member's gateway whose answers are scripted.
type neighbour struct {
	h *house
	// answer stands before the real carriage when set.
	answer func(intents []*spec.SignedIntent) ([]app.IntentOutcome, error)

	mu     sync.Mutex
	down   bool
	handed [][]*spec.SignedIntent
}

func (n *neighbour) Answers(uint32) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.down
}

func (n *neighbour) Hand(ctx context.Context, _ uint32, intents []*spec.SignedIntent) ([]app.IntentOutcome, error) {
	n.mu.Lock()
	n.handed = append(n.handed, intents)
	n.mu.Unlock()
	if n.answer != nil {
		if outcomes, err := n.answer(intents); outcomes != nil || err != nil {
			return outcomes, err
		}
	}
	argument, err := proto.Marshal(&spec.Batch{Intents: intents})
	if err != nil {
		return nil, err
	}
	commit, err := n.h.chain.For(memledger.Members[1]).Carry(ctx, argument, func(context.Context, app.Sent) error { return nil })
	if err != nil {
		return nil, err
	}
	outcomes := make([]app.IntentOutcome, len(intents))
	for i := range outcomes {
		outcomes[i].Transaction, outcomes[i].Block = commit.Transaction, commit.Block
	}
	return outcomes, nil
}

func (n *neighbour) Ask(context.Context, uint32, spec.ID) (app.IntentRecord, error) {
	return app.IntentRecord{}, spec.Errorf(spec.Unavailable, "nobody answers")
}

// requests returns how many intents each request bore.
func (n *neighbour) requests() (sizes []int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, intents := range n.handed {
		sizes = append(sizes, len(intents))
	}
	return sizes
}

// newStreet returns a house with a neighbour, and somebody at home there with money in the account.
func newStreet(t *testing.T) (*house, *neighbour, *person) {
	n := &neighbour{}
	h := newHouse(t, batch.Options{Neighbours: n})
	n.h = h
	p := h.newPerson(100)
	funds, err := h.database.Funds(h.ctx, p.address, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.nonce++
	sweep := h.signs(p, "token:Sweep", &spec.Sweep{})
	sweep.Hints = &spec.Hints{Credits: [][]byte{funds.Credits[0].Name.Bytes()}}
	h.elsewhere(sweep)
	return h, n, p
}

// Intents of somebody at home elsewhere go there, in their order, one request at a time.
func TestNeighboursAreHandedTheirOwn(t *testing.T) {
	h, n, p := newStreet(t)
	shop := spec.OrganisationAddress("ShopMSP")
	var intents []*spec.SignedIntent
	for range 5 {
		intents = append(intents, h.pays(p, shop, 1))
	}
	intents = append(intents, h.pays(h.newPerson(10), shop, 1))
	h.noErrors(h.all(intents))
	if got := h.has(shop); got != spec.CMT(6) {
		t.Errorf("the shop has %s", got)
	}
	sum := 0
	for _, size := range n.requests() {
		sum += size
	}
	if sum != 5 || h.ledger.carried.Load() != 1 {
		t.Errorf("%v were handed over, %d batches carried here", n.requests(), h.ledger.carried.Load())
	}
}

// What is handed over already stays.
func TestHandedOverIsNotHandedOn(t *testing.T) {
	h, n, p := newStreet(t)
	taken := h.batcher.Take([]*spec.SignedIntent{h.pays(p, spec.OrganisationAddress("ShopMSP"), 1)}, true)
	if _, err := taken[0].Wait(h.ctx); err != nil || len(n.requests()) != 0 {
		t.Errorf("%v, handed over %v", err, n.requests())
	}
}

func TestNeighboursAnswers(t *testing.T) {
	unknown := spec.Errorf(spec.OutcomeUnknown, "still on its way")
	each := func(err error) func([]*spec.SignedIntent) ([]app.IntentOutcome, error) {
		return func(intents []*spec.SignedIntent) ([]app.IntentOutcome, error) {
			outcomes := make([]app.IntentOutcome, len(intents))
			for i := range outcomes {
				outcomes[i].Err = err
			}
			return outcomes, nil
		}
	}
	whole := func(err error) func([]*spec.SignedIntent) ([]app.IntentOutcome, error) {
		return func([]*spec.SignedIntent) ([]app.IntentOutcome, error) { return nil, err }
	}
	for name, row := range map[string]struct {
		answer func([]*spec.SignedIntent) ([]app.IntentOutcome, error)
		want   spec.Code
		// here: it is carried here in the end.
		here bool
	}{
		"a refusal is passed on":        {each(spec.Errorf(spec.SameAccount, "no")), spec.SameAccount, false},
		"it is full":                    {whole(spec.Errorf(spec.RateLimited, "later")), spec.RateLimited, false},
		"it does not carry":             {whole(spec.Errorf(spec.Unavailable, "not now")), "", true},
		"one of its intents is not":     {each(spec.Errorf(spec.Unavailable, "the gateway stops")), "", true},
		"the connection breaks":         {whole(errors.New("connection reset")), "", true},
		"it never comes to an end":      {each(unknown), "", true},
		"its key is of no use any more": {whole(spec.Errorf(spec.Unauthenticated, "who?")), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			h, n, p := newStreet(t)
			n.answer = row.answer
			_, err := h.batcher.Submit(h.ctx, h.pays(p, spec.OrganisationAddress("ShopMSP"), 1))
			if got := spec.ErrorCode(err); (err == nil) != (row.want == "") || err != nil && got != row.want {
				t.Errorf("got %v", err)
			}
			if carried := h.ledger.carried.Load() > 0; carried != row.here {
				t.Errorf("carried here: %v, want %v", carried, row.here)
			}
		})
	}
}

// An intent that takes its time there is asked for again, and its outcome is the one that it has then.
func TestNeighbourTakesItsTime(t *testing.T) {
	h, n, p := newStreet(t)
	asked := 0
	n.answer = func(intents []*spec.SignedIntent) ([]app.IntentOutcome, error) {
		if asked++; asked < 3 {
			return []app.IntentOutcome{{Err: spec.Errorf(spec.OutcomeUnknown, "still on its way")}}, nil
		}
		return nil, nil
	}
	receipt, err := h.batcher.Submit(h.ctx, h.pays(p, spec.OrganisationAddress("ShopMSP"), 1))
	if err != nil || receipt.Transaction == "" || h.ledger.carried.Load() != 0 {
		t.Errorf("%+v, %v, %d batches here", receipt, err, h.ledger.carried.Load())
	}
}

// Two gateways that each hold the other for an intent's home do not wait for each other: what comes back is carried.
func TestHandedOverBothWays(t *testing.T) {
	h, n, p := newStreet(t)
	signed := h.pays(p, spec.OrganisationAddress("ShopMSP"), 1)
	back := make(chan app.TakenIntent, 1)
	n.answer = func(intents []*spec.SignedIntent) ([]app.IntentOutcome, error) {
		back <- h.batcher.Take([]*spec.SignedIntent{signed}, true)[0]
		return []app.IntentOutcome{{Err: spec.Errorf(spec.OutcomeUnknown, "still on its way")}}, nil
	}
	if _, err := h.batcher.Submit(h.ctx, signed); err != nil || len(n.requests()) != 1 {
		t.Errorf("%v, handed over %v", err, n.requests())
	}
	taken := <-back
	if _, err := taken.Wait(h.ctx); err != nil {
		t.Errorf("what came back: %v", err)
	}
}

// When the request happened and its answer was lost, what became of it is found in the blocks.
func TestLostAnswerOfANeighbour(t *testing.T) {
	h, n, p := newStreet(t)
	n.answer = func(intents []*spec.SignedIntent) ([]app.IntentOutcome, error) {
		h.elsewhere(intents[0])
		return nil, errors.New("connection reset")
	}
	receipt, err := h.batcher.Submit(h.ctx, h.pays(p, spec.OrganisationAddress("ShopMSP"), 1))
	if err != nil || receipt.Transaction == "" || h.ledger.carried.Load() != 0 {
		t.Errorf("%+v, %v, %d batches here", receipt, err, h.ledger.carried.Load())
	}
}

// Credits of people at home here are folded when they pile up, those of others never.
func TestGuestsAreSwept(t *testing.T) {
	h, _, stranger := newStreet(t)
	guest, shop := h.newPerson(10), spec.OrganisationAddress("ShopMSP")
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(guest, shop, 1)}))
	for i := range 70 {
		for _, to := range []*person{guest, stranger} {
			call := &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
				Reference: fmt.Sprintf("%s-%d", to.address.String()[:30], i), To: to.address.Bytes(), Amount: spec.CMT(1).Bytes(),
			}}
			if _, err := h.ledger.Submit(h.ctx, call, func(context.Context, app.Sent) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- h.batcher.SweepGuests(ctx, time.Millisecond, 64) }()
	for h.inAccount(guest.address) != spec.CMT(9+64) {
		if h.ctx.Err() != nil {
			t.Fatalf("the guest has %s in the account", h.inAccount(guest.address))
		}
	}
	h.noErrors(h.all([]*spec.SignedIntent{h.pays(guest, shop, 1)}))
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := h.inAccount(stranger.address); got != spec.CMT(100) {
		t.Errorf("the stranger has %s in the account", got)
	}
}
