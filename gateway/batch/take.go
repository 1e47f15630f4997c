package batch

import (
	"bytes"
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

var _ app.Carrier = (*Batcher)(nil)

// Take takes intents in, in their order, so that those of one account that come together happen in that order. Those of accounts
// that are at home elsewhere are handed over to that member's gateway, unless they were handed over already.
func (b *Batcher) Take(signed []*spec.SignedIntent, handed bool) []app.TakenIntent {
	taken := make([]app.TakenIntent, len(signed))
	for i, one := range signed {
		e, err := b.enter(one, handed)
		if err != nil {
			taken[i] = app.TakenIntent{ID: b.idOf(one), Err: err}
			continue
		}
		taken[i] = app.TakenIntent{ID: e.id, Wait: func(ctx context.Context) (Receipt, error) { return b.await(ctx, e, one, handed) }}
	}
	// All together, so that they leave together.
	b.nudge()
	return taken
}

// await waits for an intent's outcome. The identifier does not tell who really signed: when somebody else's forged copy came
// first and was turned away, the honest one is taken in after it.
func (b *Batcher) await(ctx context.Context, e *entry, signed *spec.SignedIntent, handed bool) (Receipt, error) {
	for {
		receipt, err := e.wait(ctx)
		if spec.ErrorCode(err) != spec.BadSignature || bytes.Equal(e.signed.GetSignature(), signed.GetSignature()) {
			return receipt, err
		}
		if e, err = b.enter(signed, handed); err != nil {
			return receipt, err
		}
		b.nudge()
	}
}

// idOf returns the identifier of an intent that was not taken in; none when its form is wrong.
func (b *Batcher) idOf(signed *spec.SignedIntent) spec.ID {
	e, err := newEntry(b.options.Parameters.LedgerID, signed)
	if err != nil {
		return spec.ID{}
	}
	return e.id
}

func (e *entry) wait(ctx context.Context) (Receipt, error) {
	select {
	case <-e.done:
		return e.receipt, e.err
	case <-ctx.Done():
		return Receipt{ID: e.id}, ctx.Err()
	}
}

// Waiting reports whether an intent was taken in and has no outcome yet.
func (b *Batcher) Waiting(id spec.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.waiting[id]
	return ok
}

// Waits returns how many intents wait to be carried.
func (b *Batcher) Waits() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	waits := b.queue.size
	for _, p := range b.posts {
		waits += p.queue.size
	}
	return waits
}
