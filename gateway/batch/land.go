package batch

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// The back-off of an intent that lost alone: doubled each time, with jitter, up to the longest.
const (
	firstBackOff   = 50 * time.Millisecond
	longestBackOff = 3 * time.Second
)

// screen checks the signatures together and ends what is forged, so that no endorser has to look for it.
func screen(taken []*entry, l *landing) []*entry {
	decoded := make([]*intent.Intent, len(taken))
	for i, e := range taken {
		decoded[i] = e.intent
	}
	good := make([]*entry, 0, len(taken))
	for i, refusal := range intent.Check(decoded) {
		if refusal != nil {
			l.end(taken[i], refusal)
			continue
		}
		good = append(good, taken[i])
	}
	return good
}

// nameKeys asks the rules which keys the intent may collide over.
func (e *entry) nameKeys() { e.keys = ledger.Contended(e.ledgerIntent()) }

// maxHints is how many credits one intent may name.
const maxHints = spec.MaxHintedCredits

// foldEvery is how many of an account's open credits are folded at least with each of its intents that debit: more than
// one payment brings, so that credits do not pile up.
const foldEvery = 4

// maxBatchCredits bounds the credits of one batch: the chaincode reads at most 8,000 keys a round, and the intents' own are
// some thousands of them. Whom the rest would have served lacks funds for now and comes again. maxBatchKeys bounds those, with
// every receiver of a payout, read or not; what is written once is not counted and has the rest.
const (
	maxBatchCredits = 4_000
	maxBatchKeys    = 3_000
)

// nameCredits names, for the first intent of each account that debits, open credits to fold.
func (b *Batcher) nameCredits(ctx context.Context, good []*entry) error {
	named, left := map[spec.Address]bool{}, maxBatchCredits
	for _, e := range good {
		e.signed.Hints.Credits, e.named = nil, false
		if named[e.intent.Actor] || !app.Debits(e.intent.Call.Operation) {
			continue
		}
		named[e.intent.Actor], e.named = true, true
		needed, bounded := app.DebitOf(e.intent.Call.Command)
		wanted := foldEvery
		if e.refills > 0 || !bounded { // a sweep asks for all it can get
			wanted = maxHints
		}
		funds, err := b.model.Funds(ctx, e.intent.Actor, maxHints)
		if err != nil {
			return err
		}
		have := funds.Account
		for n, credit := range funds.Credits {
			if left == 0 || n >= wanted && !have.Less(needed) {
				break
			}
			left--
			have, _ = have.Add(credit.Amount)
			e.signed.Hints.Credits = append(e.signed.Hints.Credits, credit.Name.Bytes())
		}
	}
	return nil
}

func encode(good []*entry) ([]byte, error) {
	batch := &spec.Batch{Intents: make([]*spec.SignedIntent, len(good))}
	for i, e := range good {
		batch.Intents[i] = e.signed
	}
	return proto.Marshal(batch)
}

// land decides what becomes of each intent of a batch that came back.
func (b *Batcher) land(l *landing, good []*entry, commit app.Commit, err error) {
	if err != nil {
		b.landLost(l, good, err)
		return
	}
	var result spec.BatchResult
	if err := spec.DecodeJSON(commit.Result, &result); err != nil {
		for _, e := range good {
			l.end(e, &app.UnknownOutcome{Transaction: commit.Transaction, Cause: err})
		}
		return
	}
	refusals := map[int]*spec.Error{}
	for _, r := range result.Refusals {
		refusals[int(r.Index)] = &spec.Error{Code: spec.Code(r.Code), Field: r.Field, Detail: r.Detail}
	}
	for i, e := range good {
		refusal := refusals[i]
		switch {
		case refusal == nil:
			l.outcomes = append(l.outcomes, outcome{entry: e, receipt: Receipt{ID: e.id, Transaction: commit.Transaction, Block: commit.Block}})
		case refusal.Code == spec.InsufficientFunds && e.refills < maxRefills && b.hasMore(e):
			// One behind another of its account had no credits named: that was no try of its own.
			if e.named {
				e.refills++
			}
			l.again = append(l.again, e)
		default:
			l.end(e, refusal)
		}
	}
}

// hasMore reports whether the account has open credits that the intent did not name.
func (b *Batcher) hasMore(e *entry) bool {
	funds, err := b.model.Funds(context.Background(), e.intent.Actor, maxHints)
	return err == nil && funds.CreditCount > 0
}

// landLost deals with a batch of which nothing happened. After a conflict the guilty are told from the others by what changed
// under them: those go on as before, these are carried apart.
func (b *Batcher) landLost(l *landing, good []*entry, err error) {
	code := spec.ErrorCode(err)
	if code != spec.Conflict && code != spec.Fenced {
		for _, e := range good {
			l.end(e, err)
		}
		return
	}
	guilty := 0
	if code == spec.Conflict {
		for _, e := range good {
			if b.touched(e) {
				e.suspect, e.limit = true, 1
				guilty++
			}
		}
	}
	for _, e := range good {
		if code == spec.Conflict && guilty == 0 {
			// Nobody was seen: halves find the one.
			e.suspect, e.limit = len(good) > 1 || e.suspect, max(1, len(good)/2)
		}
		if e.attempts++; e.attempts >= b.options.Attempts {
			l.end(e, err)
			continue
		}
		if len(good) == 1 || guilty > 0 && e.suspect {
			wait := min(longestBackOff, firstBackOff<<min(e.attempts, 10))
			e.notBefore = time.Now().Add(wait/2 + rand.N(wait/2))
		}
		l.again = append(l.again, e)
	}
	b.options.Log.Warn("a batch came to nothing", "code", code, "intents", len(good), "guilty", guilty)
}

func (b *Batcher) touched(e *entry) bool {
	for _, key := range e.keys {
		if b.witness.ChangedByOthers(key) {
			return true
		}
	}
	return false
}
