package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/mirror"
)

// row is a record that some list has.
type row struct {
	// position is that of the transaction that wrote it: block << 24 | number in block.
	position uint64
	key      ledger.Key
	record   ledger.Record
}

// isListed says of which kinds there are lists. Of all others only the mirror keeps something, which does not decode them.
func isListed(kind ledger.Kind) bool {
	switch kind {
	case ledger.ListingKind, ledger.VersionKind, ledger.OrderKind, ledger.TransferKind:
		return true
	default:
		return false
	}
}

// read takes a block apart: what the mirror takes, and the rows of the lists. Nothing is changed.
func (s *Store) read(block app.Block) (changes mirror.Changes, rows []row, err error) {
	changes = mirror.Changes{Number: block.Number, Hash: block.Hash}
	// What the mirror has taken already is told already, and from an earlier state.
	untold := block.Number == s.mirror.Next()
	for number, t := range block.Transactions {
		changes.Writes = append(changes.Writes, t.Writes...)
		listed, err := listedRows(t, block.Number<<positionBits|uint64(number))
		if err != nil {
			return changes, nil, fmt.Errorf("transaction %s: %w", t.ID, err)
		}
		rows = append(rows, listed...)
		if !untold || t.Code != app.Valid || t.Function == "" {
			continue
		}
		told, err := s.tell(block, number)
		if err != nil {
			return changes, nil, fmt.Errorf("transaction %s: %w", t.ID, err)
		}
		if len(told.Intents)+len(told.Rows) > 0 {
			changes.Transactions = append(changes.Transactions, told)
		}
	}
	return changes, rows, nil
}

// listedRows returns what a transaction wrote of which there are lists.
func listedRows(t app.BlockTransaction, position uint64) (rows []row, err error) {
	for _, write := range t.Writes {
		kind, err := state.KindOf(write.Key)
		if err != nil {
			return nil, err
		}
		if write.Delete || !isListed(kind) {
			continue
		}
		r := row{position: position}
		if r.key, err = state.ParseKey(write.Key); err == nil {
			r.record, err = state.DecodeRecord(kind, write.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", write.Key, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// applier takes one block within one database transaction. Statements are prepared when first used and live as long: a block
// may hold many of the same.
type applier struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
}

func newApplier(ctx context.Context, tx *sql.Tx) *applier {
	return &applier{ctx: ctx, tx: tx, statements: map[string]*sql.Stmt{}}
}

func (a *applier) close() error {
	var err error
	for _, statement := range a.statements {
		err = errors.Join(err, statement.Close())
	}
	return err
}

func (a *applier) exec(query string, arguments ...any) error {
	statement, ok := a.statements[query]
	if !ok {
		var err error
		if statement, err = a.tx.PrepareContext(a.ctx, query); err != nil {
			return err
		}
		a.statements[query] = statement
	}
	_, err := statement.ExecContext(a.ctx, arguments...)
	return err
}

func (a *applier) block(block app.Block, rows []row) error {
	if err := a.exec("INSERT INTO blocks (number, hash) VALUES (?, ?)", block.Number, block.Hash); err != nil {
		return err
	}
	for _, t := range block.Transactions {
		if err := a.transaction(block.Number, t); err != nil {
			return fmt.Errorf("transaction %s: %w", t.ID, err)
		}
	}
	for _, r := range rows {
		if err := a.index(r); err != nil {
			return fmt.Errorf("key %q: %w", state.FormatKey(r.key), err)
		}
	}
	return nil
}

func (a *applier) transaction(block uint64, t app.BlockTransaction) error {
	// The same envelope may be in a later block again; what the first one came to stands.
	err := a.exec("INSERT INTO transactions (id, block, code, operation, creator, time, result) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
		t.ID, block, t.Code, t.Function, t.Creator, t.Time.Unix(), t.Result)
	if err != nil {
		return err
	}
	return a.exec(`DELETE FROM unsettled WHERE "transaction" = ?`, t.ID)
}

// index keeps the lists' rows.
func (a *applier) index(row row) error {
	id, parent := []byte(row.key.ID), []byte(row.key.Parent)
	switch r := row.record.(type) {
	case ledger.Listing:
		return a.exec("INSERT INTO listings (id, seller, version, state, category, position) VALUES (?, ?, ?, ?, '', ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state",
			id, r.Seller.Bytes(), r.Version, int32(r.State()), row.position)
	case ledger.Version:
		// A listing's head sorts before its versions in a write set, so the row is there.
		return a.exec("UPDATE listings SET category = ? WHERE id = ?", r.Category, parent)
	case ledger.Order:
		return a.exec("INSERT INTO orders (id, buyer, seller, state, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			id, r.Buyer.Bytes(), r.Seller.Bytes(), int32(r.State), row.position)
	case ledger.Transfer:
		return a.exec("INSERT INTO transfers (id, sender, receiver, position) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			id, r.From.Bytes(), r.To.Bytes(), row.position)
	}
	return nil
}
