package batch

import (
	"context"
	"errors"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// Parameters are what carrying needs of the ledger's parameters.
type Parameters struct {
	LedgerID [16]byte
	// FenceEpochSeconds is an epoch's length, FenceGraceSeconds the time after its end from which its fence may be written.
	FenceEpochSeconds, FenceGraceSeconds uint32
}

// ReadParameters asks the ledger.
func ReadParameters(ctx context.Context, ledger app.Ledger) (Parameters, error) {
	result, err := ledger.Evaluate(ctx, &spec.Call{Operation: spec.Find("consortium:GetParameters"), Command: &spec.GetParameters{}})
	if err != nil {
		return Parameters{}, err
	}
	var view spec.Parameters
	if err := spec.DecodeJSON(result, &view); err != nil {
		return Parameters{}, err
	}
	return Parameters{
		LedgerID:          [16]byte(view.GetLedgerId()),
		FenceEpochSeconds: view.GetFenceEpochSeconds(), FenceGraceSeconds: view.GetFenceGraceSeconds(),
	}, nil
}

func (p Parameters) epoch(t time.Time) uint64 {
	return uint64(max(t.Unix(), 0)) / uint64(max(p.FenceEpochSeconds, 1))
}

// due is when an epoch's fence may be written; a second more, as the ledger's rule counts whole ones.
func (p Parameters) due(epoch uint64) time.Time {
	return time.Unix(int64((epoch+1)*uint64(p.FenceEpochSeconds))+int64(p.FenceGraceSeconds)+1, 0)
}

// askEvery is how often the outcome of a transaction is asked for while its fence is waited for.
const askEvery = time.Second

// resolve waits until an unknown outcome is known. A transaction that does not turn up is dead only when the fence of the
// epoch that it was made in stands; then it is Fenced, and what it bore may be carried again. The transaction was made
// between start and now.
func (b *Batcher) resolve(ctx context.Context, unknown *app.UnknownOutcome, start time.Time, intents int) (app.Commit, error) {
	b.options.Log.Warn("a batch's outcome is unknown", "transaction", unknown.Transaction, "intents", intents, "cause", unknown.Cause)
	first, last := b.options.Parameters.epoch(start), b.options.Parameters.epoch(time.Now())
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		commit, found, err := b.ask(ctx, unknown.Transaction)
		if found {
			return commit, err
		}
		if time.Now().After(b.options.Parameters.due(last)) && b.fence(ctx, first, last) {
			commit, found, err := b.ask(ctx, unknown.Transaction)
			if found {
				return commit, err
			}
			return app.Commit{}, spec.Errorf(spec.Fenced, "transaction %s was lost", unknown.Transaction)
		}
		select {
		case <-ctx.Done():
			return app.Commit{}, unknown
		case <-ticker.C:
		}
	}
}

// ask asks a peer for a transaction, and the read model for its result.
func (b *Batcher) ask(ctx context.Context, transaction string) (commit app.Commit, found bool, err error) {
	record, err := b.ledger.Outcome(ctx, transaction)
	if err != nil || record.State == app.TransactionUnknown {
		return app.Commit{}, false, err
	}
	if record.State != app.TransactionCommitted {
		return app.Commit{}, true, spec.Errorf(spec.Conflict, "the peers judged the transaction %s", record.Code)
	}
	if err := b.model.AwaitBlock(ctx, record.Block); err != nil {
		return app.Commit{}, false, err
	}
	known, err := b.model.Transaction(ctx, transaction)
	if err != nil {
		return app.Commit{}, false, err
	}
	return app.Commit{Transaction: transaction, Block: record.Block, Result: known.Result}, true, nil
}

// fence writes the fences of the epochs and reports whether all stand and the read model has seen them.
func (b *Batcher) fence(ctx context.Context, first, last uint64) bool {
	for epoch := first; epoch <= last; epoch++ {
		call := &spec.Call{Operation: spec.Find("consortium:Fence"), Hints: &spec.Hints{}, Command: &spec.Fence{Epoch: epoch}}
		commit, err := b.ledger.Submit(ctx, call, func(context.Context, app.Sent) error { return nil })
		switch {
		case errors.Is(err, &spec.Error{Code: spec.WrongState}):
			// It stands already.
		case err != nil:
			b.options.Log.Warn("could not write a fence", "epoch", epoch, "error", err)
			return false
		case b.model.AwaitBlock(ctx, commit.Block) != nil:
			return false
		}
	}
	return true
}
