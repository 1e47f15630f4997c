package app

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// Remedy is what may help intents that a rule refused with one code: with other hints they may happen. A carrier asks it about
// all of one batch together, so that it can deal out what there is.
type Remedy interface {
	// Hint names what an intent is first tried with; what its submitter named stays.
	Hint(ctx context.Context, call *spec.Call, hints *spec.Hints)
	// Again decides about the intents that one batch was refused, as of the block that bore it.
	Again(ctx context.Context, block uint64, refused []*RefusedIntent)
	// Shared reports whether strangers meet at a key because carriers name it: who loses there is not to blame.
	Shared(key ledger.Key) bool
}

// RefusedIntent is an intent that a rule refused, and what a remedy says of it.
type RefusedIntent struct {
	Actor spec.Address
	Call  *spec.Call
	// Hints are those that it was carried with; a remedy changes them for the next time.
	Hints *spec.Hints
	// First: it was its account's first in the batch.
	First bool
	// Tries counts the tries that the remedy gave it; the remedy counts.
	Tries int
	// Refusal is the rule's word. A remedy that knows better says so here.
	Refusal *spec.Error
	// Again: it is to be carried again. Else the refusal is final.
	Again bool
	// Apart: strangers may be at what the hints name now, so that it is better kept away from others in a batch.
	Apart bool
}
