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

// Model is what the batcher asks of the read model: funds and open credits as hints, and what blocks said of transactions.
type Model interface {
	Funds(ctx context.Context, address spec.Address, credits int) (app.Funds, error)
	Transaction(ctx context.Context, id string) (app.TransactionRecord, error)
	AwaitBlock(ctx context.Context, number uint64) error
}
