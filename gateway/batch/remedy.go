package batch

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// Remedies are what may help refused intents, by the code of the refusal.
type Remedies map[spec.Code]app.Remedy

// with returns the remedies and one more.
func (r Remedies) with(code spec.Code, remedy app.Remedy) Remedies {
	all := Remedies{code: remedy}
	for known, one := range r {
		all[known] = one
	}
	return all
}

// hint has each remedy name what an intent is first tried with.
func (r Remedies) hint(ctx context.Context, e *entry) {
	for _, remedy := range r {
		remedy.Hint(ctx, e.intent.Call, e.signed.Hints)
	}
}

// shared reports whether strangers meet at a key by what carriers name.
func (r Remedies) shared(key ledger.Key) bool {
	for _, remedy := range r {
		if remedy.Shared(key) {
			return true
		}
	}
	return false
}

// try asks the remedies about the refused intents of a batch, by their places in it, and returns what they say of all of them.
func (r Remedies) try(ctx context.Context, block uint64, good []*entry, refusals map[int]*spec.Error) map[int]*app.RefusedIntent {
	said := make(map[int]*app.RefusedIntent, len(refusals))
	byCode := map[spec.Code][]*app.RefusedIntent{}
	for i, e := range good {
		refusal := refusals[i]
		if refusal == nil {
			continue
		}
		said[i] = &app.RefusedIntent{
			Actor: e.intent.Actor, Call: e.intent.Call, Hints: e.signed.Hints, First: e.first, Tries: e.tries[refusal.Code], Refusal: refusal,
		}
		byCode[refusal.Code] = append(byCode[refusal.Code], said[i])
	}
	for code, refused := range byCode {
		if remedy := r[code]; remedy != nil {
			remedy.Again(ctx, block, refused)
		}
	}
	return said
}

// tryAgain takes over what a remedy did for an intent.
func (e *entry) tryAgain(r *app.RefusedIntent, most int) {
	if e.tries == nil {
		e.tries = map[spec.Code]int{}
	}
	e.tries[r.Refusal.Code] = r.Tries
	if r.Apart {
		e.suspect, e.limit = true, most
	}
}
