package batch

import (
	"context"
	"errors"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

const (
	// maxHandover is how many intents one request to a neighbour bears; its API takes no more.
	maxHandover = 500
	// handoversInFlight is how many requests to one neighbour are on their way at a time. One leaves as soon as there is an intent; they
	// fill while others are on their way.
	handoversInFlight = 8
	// maxHandovers is how often a neighbour is asked for an intent that it has taken and that does not come to an end. Then it is
	// carried here: its nonce happens once, whoever is first.
	maxHandovers = 8
)

// post has the intents that are to be handed over to one member's gateway. An account's intents are in one request at a time, so
// that they arrive in their order.
type post struct {
	member uint32
	queue  *queue
	flying int
}

// post returns a member's post. The caller holds the lock.
func (b *Batcher) post(member uint32) *post {
	p, ok := b.posts[member]
	if !ok {
		p = &post{member: member, queue: newQueue(func(spec.Address) bool { return false }, b.options.MaxIntents)}
		b.posts[member] = p
	}
	return p
}

// nextHandover takes intents for a request to a neighbour that has room for one.
func (b *Batcher) nextHandover(now time.Time) (*post, *flight) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.posts {
		if p.flying >= handoversInFlight {
			continue
		}
		if taken, _ := p.queue.take(now, false, maxHandover, b.options.MaxBytes); len(taken) > 0 {
			p.flying++
			return p, &flight{intents: taken, keys: p.queue.hold(taken)}
		}
	}
	return nil, nil
}

// handOver hands intents over to their home's gateway and lands each: at its submitter, in the post again, or in the own queue.
func (b *Batcher) handOver(ctx context.Context, p *post, f *flight) {
	signed := make([]*spec.SignedIntent, len(f.intents))
	for i, e := range f.intents {
		e.handed++
		signed[i] = e.signed
	}
	l := &landing{}
	outcomes, err := b.options.Neighbours.Hand(ctx, p.member, signed)
	var here []*entry
	switch {
	case err == nil:
		b.options.Meter.Handed(len(signed), "answered")
		here = landHanded(l, f.intents, outcomes)
	case ctx.Err() != nil:
		for _, e := range f.intents {
			l.end(e, spec.Errorf(spec.OutcomeUnknown, "the gateway stops; ask for the intent under its identifier"))
		}
	default:
		b.options.Meter.Handed(len(signed), string(spec.ErrorCode(err)))
		b.options.Log.Warn("could not hand intents over", "member", p.member, "intents", len(signed), "error", err)
		here = b.landUnanswered(ctx, l, p, f.intents, err)
	}
	b.mu.Lock()
	p.queue.release(f.keys)
	p.queue.pushBack(l.again)
	for _, e := range here {
		b.carryHere(e)
	}
	b.queue.pushBack(here)
	p.flying--
	b.finish(l)
}

// landHanded reads what a neighbour says of each intent and returns those to be carried here.
func landHanded(l *landing, intents []*entry, outcomes []app.IntentOutcome) (here []*entry) {
	for i, e := range intents {
		switch said := outcomes[i]; {
		case said.Err == nil:
			l.outcomes = append(l.outcomes, outcome{entry: e, receipt: Receipt{ID: e.id, Transaction: said.Transaction, Block: said.Block}})
		case spec.ErrorCode(said.Err) == spec.OutcomeUnknown && e.handed < maxHandovers && !e.stays.Load():
			// It is asked for again among its like: handed in again, it joins itself.
			e.suspect, e.limit = true, maxHandover
			l.again = append(l.again, e)
		case toBeCarriedHere(said.Err):
			here = append(here, e)
		default:
			l.end(e, said.Err)
		}
	}
	return here
}

// toBeCarriedHere reports whether a neighbour's refusal is about the neighbour and not about the intent.
func toBeCarriedHere(err error) bool {
	switch spec.ErrorCode(err) {
	case spec.OutcomeUnknown, spec.Unavailable, spec.Internal, spec.NotAMember, spec.NotInitialised:
		return true
	}
	return false
}

// landUnanswered deals with intents that a neighbour did not answer for, and returns those to be carried here. One that has too much to
// do says so for all who have their home there. Of a request that may have arrived it is asked first what became of each.
func (b *Batcher) landUnanswered(ctx context.Context, l *landing, p *post, intents []*entry, err error) (here []*entry) {
	var refusal *spec.Error
	if errors.As(err, &refusal) {
		if refusal.Code != spec.RateLimited {
			return intents
		}
		for _, e := range intents {
			l.end(e, refusal)
		}
		return nil
	}
	answers := true
	for _, e := range intents {
		record, err := b.model.Intent(ctx, e.id)
		if answers && (err != nil || record.State != app.IntentCommitted) {
			record, err = b.options.Neighbours.Ask(ctx, p.member, e.id)
			answers = err == nil || spec.ErrorCode(err) == spec.NotFound
		}
		switch {
		case err == nil && record.State == app.IntentCommitted:
			l.outcomes = append(l.outcomes, outcome{entry: e, receipt: Receipt{ID: e.id, Transaction: record.Transaction, Block: record.Block}})
		case err == nil && record.State == app.IntentPending && e.handed < maxHandovers && !e.stays.Load():
			e.suspect, e.limit = true, maxHandover
			l.again = append(l.again, e)
		default:
			here = append(here, e)
		}
	}
	return here
}
