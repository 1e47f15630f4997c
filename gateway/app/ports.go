package app

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Announce is told of a transaction after it was endorsed and before it leaves. When it returns an error, nothing is sent.
type Announce func(ctx context.Context, sent Sent) error

// Ledger carries calls to the ledger. Its errors are *spec.Error with the catalogue's codes, or *UnknownOutcome; every
// other refusal than UnknownOutcome means that no effect happened nor ever will. A code of Conflict or Fenced: built anew,
// the transaction may succeed.
type Ledger interface {
	// Submit endorses the call, announces it, sends it and waits for its commit.
	Submit(ctx context.Context, call *spec.Call, announce Announce) (Commit, error)
	// Resume sends the very same transaction again and waits for its commit.
	Resume(ctx context.Context, sent Sent) (Commit, error)
	// Evaluate asks one peer; nothing is written.
	Evaluate(ctx context.Context, call *spec.Call) ([]byte, error)
	// Outcome asks a peer what became of a transaction, without waiting for it. Result and operation are not known here.
	Outcome(ctx context.Context, transaction string) (TransactionRecord, error)
}

// Credit is an open credit of an account.
type Credit struct {
	Name   spec.CreditName
	Amount spec.Amount
}

// Funds is what the read model knows of an account.
type Funds struct {
	// Account is what lies in the account itself.
	Account spec.Amount
	// Credits are its open credits, the biggest first, at most as many as were asked for.
	Credits []Credit
	// CreditCount counts all.
	CreditCount int
}

// Lot is a lot of a listing's stock.
type Lot struct {
	ID             spec.ID
	Stock, Variant uint32
}

// Model is the read model, built from blocks. It may lag; what it says is a hint, never an authority.
type Model interface {
	Funds(ctx context.Context, address spec.Address, credits int) (Funds, error)
	// Crowded returns the accounts, anybody's, that have at least so many open credits.
	Crowded(ctx context.Context, credits int) ([]spec.Address, error)
	LotModel
	// Transaction returns what the blocks said of a transaction; its state is TransactionUnknown when they said nothing.
	Transaction(ctx context.Context, id string) (TransactionRecord, error)
	// NoteLabel remembers that a sub-account of the own organisation is in use.
	NoteLabel(ctx context.Context, label string) error
	// Labels returns the sub-accounts in use.
	Labels(ctx context.Context) ([]string, error)
}

// JournalEntry is what is remembered under an idempotency key.
type JournalEntry struct {
	// Fingerprint is the digest of the request that the key was first used for.
	Fingerprint [32]byte
	// Sent is the last transaction that was announced under the key; empty when none was.
	Sent Sent
	// Done: the answer is known.
	Done   bool
	Answer Commit
}

// Journal remembers what was asked under which idempotency key. It survives a crash: what Announce wrote is there.
type Journal interface {
	// Begin returns the key's entry; a new one is written when there is none.
	Begin(ctx context.Context, account spec.Address, key string, fingerprint [32]byte) (JournalEntry, error)
	// Announce notes the transaction that is about to be sent.
	Announce(ctx context.Context, account spec.Address, key string, sent Sent) error
	// Finish notes the answer.
	Finish(ctx context.Context, account spec.Address, key string, answer Commit) error
	// Forget removes the entry: nothing happened under the key.
	Forget(ctx context.Context, account spec.Address, key string) error
	// NoteUnsettled notes a transaction that was sent without a key and whose outcome is unknown.
	NoteUnsettled(ctx context.Context, transaction string) error
	// Pending reports whether a transaction was announced under some key and has no answer yet, or was noted as unsettled.
	Pending(ctx context.Context, transaction string) (bool, error)
}

// Meter counts what happens, for the metrics.
type Meter interface {
	// Submitted: a transaction of the operation came to an outcome: "committed" or a code of the catalogue.
	Submitted(operation, outcome string)
	// Retried: the operation is tried again because of the code.
	Retried(operation, code string)
}

// NoMeter counts nothing.
type NoMeter struct{}

// Submitted does nothing.
func (NoMeter) Submitted(string, string) {}

// Retried does nothing.
func (NoMeter) Retried(string, string) {}
