package batch

import (
	"context"
	"math/rand/v2"
	"slices"
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

func encode(good []*entry) ([]byte, error) {
	batch := &spec.Batch{Intents: make([]*spec.SignedIntent, len(good))}
	for i, e := range good {
		batch.Intents[i] = e.signed
	}
	return proto.Marshal(batch)
}

// land decides what becomes of each intent of a batch that came back.
func (b *Batcher) land(ctx context.Context, l *landing, good []*entry, commit app.Commit, err error) {
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
	said := b.options.Remedies.try(ctx, commit.Block, good, refusals)
	for i, e := range good {
		switch r := said[i]; {
		case r == nil:
			l.outcomes = append(l.outcomes, outcome{entry: e, receipt: Receipt{ID: e.id, Transaction: commit.Transaction, Block: commit.Block}})
		case r.Again:
			e.tryAgain(r, b.options.MaxIntents)
			l.carryAgain(e, r.Refusal.Code)
		default:
			l.end(e, r.Refusal)
		}
	}
}

// maxContests bounds how often an intent loses at a shared key. Whoever was first there got something done, so that all come
// to an end sooner or later; the bound is for who loses time and again.
const maxContests = 64

// landLost deals with a batch of which nothing happened. After a conflict the guilty are told from the others by what changed
// under them: those go on as before, these are carried apart. Who lost at a key that strangers share is not guilty: they are
// carried again at once, all together and apart from others, for each of them alone would stand in the next one's way.
func (b *Batcher) landLost(l *landing, good []*entry, err error) {
	code := spec.ErrorCode(err)
	if code != spec.Conflict && code != spec.Fenced {
		for _, e := range good {
			l.end(e, err)
		}
		return
	}
	blamed := make([]blame, len(good))
	if code == spec.Conflict {
		blamed = b.blame(good)
	}
	guilty := 0
	for i, e := range good {
		switch blamed[i] {
		case sharing:
			e.suspect, e.limit = true, b.options.MaxIntents
			if e.contests++; e.contests >= maxContests {
				l.end(e, err)
				continue
			}
			l.carryAgain(e, code)
			continue
		case proven:
			e.suspect, e.limit = true, 1
			guilty++
		case possible:
			// Nobody was seen: halves find the one.
			e.suspect, e.limit = len(good) > 1 || e.suspect, max(1, len(good)/2)
		case none:
		}
		if e.attempts++; e.attempts >= b.options.Attempts {
			l.end(e, err)
			continue
		}
		if len(good) == 1 || blamed[i] == proven {
			wait := min(longestBackOff, firstBackOff<<min(e.attempts, 10))
			e.notBefore = time.Now().Add(wait/2 + rand.N(wait/2))
		}
		l.carryAgain(e, code)
	}
	b.options.Log.Warn("a batch came to nothing", "code", code, "intents", len(good), "guilty", guilty)
}

// blame says what an intent has to do with the conflict that its batch was lost in.
type blame int

const (
	none blame = iota
	// possible: nobody was seen at any key of the batch.
	possible
	// sharing: it met strangers at a key where carriers make them meet.
	sharing
	// proven: somebody else changed a key of its own.
	proven
)

// blame finds who is to blame for a conflict, by what blocks showed. When they showed nothing, it is put on shared keys, if
// there are any: strangers meet there most.
func (b *Batcher) blame(good []*entry) []blame {
	found := make([]blame, len(good))
	seen, shares := false, false
	for i, e := range good {
		found[i] = b.touched(e)
		seen = seen || found[i] != none
		shares = shares || b.sharedKey(e)
	}
	for i, e := range good {
		switch {
		case seen:
		case !shares:
			found[i] = possible
		case b.sharedKey(e):
			found[i] = sharing
		}
	}
	return found
}

// touched tells what others changed under an intent.
func (b *Batcher) touched(e *entry) blame {
	found := none
	for _, key := range e.keys {
		// A credit comes from others, and goes with its owner's account.
		if key.Kind == ledger.CreditKind || !b.witness.ChangedByOthers(key) {
			continue
		}
		if !b.options.Remedies.shared(key) {
			return proven
		}
		found = sharing
	}
	return found
}

func (b *Batcher) sharedKey(e *entry) bool {
	return slices.ContainsFunc(e.keys, b.options.Remedies.shared)
}
