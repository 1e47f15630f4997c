package app

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// HistoryQuery asks what happened to an object, the oldest step first.
type HistoryQuery struct {
	// Object is the key of its record on the ledger.
	Object ledger.Key
	Cursor string
	Limit  int
}

// StatementQuery asks what an account's money did, the newest movement first.
type StatementQuery struct {
	Account spec.Address
	Cursor  string
	Limit   int
}

// Histories are the read model's histories. A cursor that no page gave is refused as InvalidField, an object that there is not, or an
// account whose statement is not kept here, as NotFound.
type Histories interface {
	// History gives the JSON forms of spec.HistoryEntry.
	History(ctx context.Context, query HistoryQuery) (Page, error)
	// Statement gives those of spec.StatementEntry.
	Statement(ctx context.Context, query StatementQuery) (Page, error)
}
