package batch

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// Ledger is where batches go. Its errors are those of app.Ledger: after *app.UnknownOutcome nobody knows yet; after any other
// nothing of the batch happened nor ever will.
type Ledger interface {
	app.Ledger
	// Carry endorses a batch, announces it, sends it and waits for its commit.
	Carry(ctx context.Context, batch []byte, announce app.Announce) (app.Commit, error)
}

// Neighbours are the gateways of other members, which are named by their index on the ledger.
type Neighbours interface {
	// Answers reports whether a member's gateway is known and answered when it was last asked, or is due to be tried again.
	Answers(member uint32) bool
	// Hand hands intents over, in their order, and waits a short while for what becomes of each; an outcome of OutcomeUnknown says that
	// one is on its way there. The error is the catalogue's when nothing was taken in; after any other nobody knows.
	Hand(ctx context.Context, member uint32, intents []*spec.SignedIntent) ([]app.IntentOutcome, error)
	// Ask asks what became of an intent.
	Ask(ctx context.Context, member uint32, id spec.ID) (app.IntentRecord, error)
}

// Model is what the batcher asks of the read model: funds and open credits as hints, and what blocks said of
// transactions, intents and homes.
type Model interface {
	Funds(ctx context.Context, address spec.Address, credits int) (app.Funds, error)
	// CreditCount returns how many open credits an account has. It is asked for every payment.
	CreditCount(address spec.Address) int
	// Crowded returns the accounts, anybody's, that have at least so many open credits.
	Crowded(ctx context.Context, credits int) ([]spec.Address, error)
	Transaction(ctx context.Context, id string) (app.TransactionRecord, error)
	Intent(ctx context.Context, id spec.ID) (app.IntentRecord, error)
	// Home returns the member with which an account is at home, 0 when there is none.
	Home(ctx context.Context, address spec.Address) (uint32, error)
	// Guest reports whether a person is at home with the own member. It is asked for every payment.
	Guest(address spec.Address) bool
	AwaitBlock(ctx context.Context, number uint64) error
}
