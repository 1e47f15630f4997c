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
func (b *Batcher) land(ctx context.Context, l *landing, f *flight, commit app.Commit, err error) {
	if err != nil {
		b.landLost(ctx, l, f, err)
		return
	}
	good := f.intents
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
			// The block tells the submitter from when on the read model knows why.
			l.outcomes = append(l.outcomes, outcome{entry: e, receipt: Receipt{ID: e.id, Transaction: commit.Transaction, Block: commit.Block}, err: r.Refusal})
		}
	}
}

// maxContests bounds how often an intent loses at a shared key. Whoever was first there got something done, so that all come
// to an end sooner or later; the bound is for who loses time and again.
const maxContests = 64

// witnessLimit bounds the wait for the block that shows why a batch was invalid.
const witnessLimit = 3 * time.Second

// mismatchBlocks is how many of the last blocks may have made endorsers disagree: one of them may be so far behind.
const mismatchBlocks = 2

// mismatchPause is what a batch waits whose endorsers disagreed while nothing of it changed: one of them is behind.
const mismatchPause = 25 * time.Millisecond

// landLost deals with a batch of which nothing happened. After a conflict the guilty are told from the others by what others changed
// under them since the batch began: their accounts are carried apart from now on, the others go on as before. Who lost at a key
// that strangers share is not guilty: they are carried again at once, all together and apart from others, for each of them alone
// would stand in the next one's way.
func (b *Batcher) landLost(ctx context.Context, l *landing, f *flight, err error) {
	code := spec.ErrorCode(err)
	if code != spec.Conflict && code != spec.Fenced {
		for _, e := range f.intents {
			l.end(e, err)
		}
		return
	}
	blamed := make([]blame, len(f.intents))
	if code == spec.Conflict {
		blamed = b.blame(ctx, f)
	}
	now, backOff := time.Now(), time.Duration(0)
	for i, e := range f.intents {
		backOff = 0
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
			l.guilty = append(l.guilty, e.intent.Actor)
			backOff = min(longestBackOff, firstBackOff<<min(e.attempts+1, 10))
		case possible:
			if f.seen == nil {
				backOff = 2 * mismatchPause
				break
			}
			// Nobody was seen: halves find the one.
			e.suspect, e.limit = len(f.intents) > 1 || e.suspect, max(1, len(f.intents)/2)
		case none:
		}
		if e.attempts++; e.attempts >= b.options.Attempts {
			l.end(e, err)
			continue
		}
		if len(f.intents) == 1 {
			backOff = min(longestBackOff, firstBackOff<<min(e.attempts, 10))
		}
		if backOff > 0 {
			e.notBefore = now.Add(backOff/2 + rand.N(backOff/2))
		}
		l.carryAgain(e, code)
	}
	b.options.Log.Warn("a batch came to nothing", "code", code, "intents", len(f.intents), "guilty", len(l.guilty))
}

// blame says what an intent has to do with the conflict that its batch was lost in.
type blame int

const (
	none blame = iota
	// possible: nobody was seen at any key of the batch.
	possible
	// paying: it paid a guest directly whom others changed, and pays blindly from now on.
	paying
	// sharing: it met strangers at a key where carriers make them meet.
	sharing
	// proven: somebody else changed a key of its own.
	proven
)

// blame finds who is to blame for a conflict, by what blocks showed since the batch began, its own among them. When they showed
// nothing, it is put on shared keys, if there are any: strangers meet there most.
func (b *Batcher) blame(ctx context.Context, f *flight) []blame {
	since := f.since
	if f.seen == nil {
		since -= min(since, mismatchBlocks)
	} else {
		awaitSeen(ctx, f.seen, witnessLimit)
	}
	found := make([]blame, len(f.intents))
	seen, shares := false, false
	for i, e := range f.intents {
		found[i] = b.touched(e, since)
		seen = seen || found[i] != none
		shares = shares || b.sharedKey(e)
		if found[i] == paying {
			e.payBlindly()
		}
	}
	for i, e := range f.intents {
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
func (b *Batcher) touched(e *entry, since uint64) blame {
	found := none
	for _, key := range e.keys {
		switch {
		case !b.witness.ChangedByOthers(key, since):
		case e.receivers[key]:
			found = max(found, paying)
		case b.options.Remedies.shared(key):
			found = sharing
		default:
			return proven
		}
	}
	return found
}

func (b *Batcher) sharedKey(e *entry) bool {
	return slices.ContainsFunc(e.keys, b.options.Remedies.shared)
}
