package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// applier takes one block within one database transaction. Statements are prepared when first used and live as long: a block
// may hold thousands of the same.
type applier struct {
	ctx        context.Context
	tx         *sql.Tx
	block      uint64
	statements map[string]*sql.Stmt
	// credits is how many open credits each account gained or lost.
	credits map[spec.Address]int
}

func newApplier(ctx context.Context, tx *sql.Tx, block uint64) *applier {
	return &applier{ctx: ctx, tx: tx, block: block, statements: map[string]*sql.Stmt{}, credits: map[spec.Address]int{}}
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

func (a *applier) transaction(number int, t app.BlockTransaction) error {
	// The same envelope may be in a later block again; what the first one came to stands.
	err := a.exec("INSERT INTO transactions (id, block, code, operation, creator, time, result) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
		t.ID, a.block, t.Code, t.Function, t.Creator, t.Time.Unix(), t.Result)
	if err != nil {
		return err
	}
	if err := a.exec(`DELETE FROM unsettled WHERE "transaction" = ?`, t.ID); err != nil {
		return err
	}
	for _, write := range t.Writes {
		if err := a.write(a.block<<positionBits|uint64(number), write); err != nil {
			return fmt.Errorf("key %q: %w", write.Key, err)
		}
	}
	if t.Function == spec.BatchFunction && t.Code == app.Valid {
		return a.intents(t)
	}
	return nil
}

func (a *applier) write(position uint64, write app.Write) error {
	key, err := state.ParseKey(write.Key)
	if err != nil {
		return err
	}
	if key.Kind == ledger.CreditKind {
		return a.credit(key, write)
	}
	if write.Delete {
		return a.exec("DELETE FROM state WHERE key = ?", write.Key)
	}
	record, err := state.DecodeRecord(key.Kind, write.Value)
	if err != nil {
		return err
	}
	if err := a.exec("INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", write.Key, write.Value); err != nil {
		return err
	}
	return a.index(position, key, record)
}

// credit keeps the credits, which lie in a table of their own and not in the state: nobody asks for one by its key.
func (a *applier) credit(key ledger.Key, write app.Write) error {
	owner, err := spec.AddressFromBytes([]byte(key.Parent))
	if err != nil {
		return err
	}
	if write.Delete {
		a.credits[owner]--
		return a.exec("DELETE FROM credits WHERE address = ? AND name = ?", []byte(key.Parent), []byte(key.ID))
	}
	record, err := state.DecodeRecord(key.Kind, write.Value)
	if err != nil {
		return err
	}
	a.credits[owner]++
	// A credit's name is its transaction's own: it comes once.
	return a.exec("INSERT INTO credits (address, name, amount) VALUES (?, ?, ?)",
		[]byte(key.Parent), []byte(key.ID), sortable(record.(ledger.Credit).Amount))
}

// index keeps the indexes; records that no list asks for have none.
func (a *applier) index(position uint64, key ledger.Key, record ledger.Record) error {
	id, parent := []byte(key.ID), []byte(key.Parent)
	switch r := record.(type) {
	case ledger.Listing:
		listingState := spec.ListingState_LISTING_STATE_OPEN
		if r.Closed {
			listingState = spec.ListingState_LISTING_STATE_CLOSED
		}
		return a.exec("INSERT INTO listings (id, seller, version, state, category, position) VALUES (?, ?, ?, ?, '', ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state",
			id, r.Seller.Bytes(), r.Version, int32(listingState), position)
	case ledger.Version:
		// A listing's head sorts before its versions in a write set, so the row is there.
		return a.exec("UPDATE listings SET category = ? WHERE id = ?", r.Category, parent)
	case ledger.Order:
		return a.exec("INSERT INTO orders (id, buyer, seller, state, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			id, r.Buyer.Bytes(), r.Seller.Bytes(), int32(r.State), position)
	case ledger.Transfer:
		return a.exec("INSERT INTO transfers (id, sender, receiver, position) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			id, r.From.Bytes(), r.To.Bytes(), position)
	}
	return nil
}

// rowsPerInsert is how many intents one statement writes: more save nothing, as the index's random keys cost most.
const rowsPerInsert = 16

// intents notes what became of a batch's intents.
func (a *applier) intents(t app.BlockTransaction) error {
	ledgerID, err := a.ledgerID()
	if err != nil {
		return err
	}
	transaction, err := hex.DecodeString(t.ID)
	if err != nil {
		return fmt.Errorf("a transaction's identifier is no hex: %w", err)
	}
	rows, err := intentRows(ledgerID, t)
	if err != nil {
		return err
	}
	var arguments []any
	for i, row := range rows {
		if row != nil {
			arguments = append(arguments, row.id[:], transaction, a.block, i, string(row.refusal.Code), row.refusal.Field, row.refusal.Detail)
		}
		if len(arguments) == rowsPerInsert*intentColumns || i == len(rows)-1 && len(arguments) > 0 {
			if err := a.exec(insertIntents(len(arguments)/intentColumns), arguments...); err != nil {
				return err
			}
			arguments = arguments[:0]
		}
	}
	return nil
}

const intentColumns = 7

// insertIntents writes rows of intents; what happened stays, whatever is said of the intent later.
func insertIntents(rows int) string {
	return `INSERT INTO intents (id, "transaction", block, position, code, field, detail) VALUES ` +
		strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", rows), ", ") +
		` ON CONFLICT (id) DO UPDATE SET "transaction" = excluded."transaction", block = excluded.block, position = excluded.position,
			code = excluded.code, field = excluded.field, detail = excluded.detail WHERE code <> ''`
}

// ledgerID reads the ledger's identifier, which intents are signed with, from the mirrored parameters.
func (a *applier) ledgerID() ([16]byte, error) {
	var value []byte
	err := a.tx.QueryRowContext(a.ctx, "SELECT value FROM state WHERE key = ?", state.FormatKey(ledger.ParametersKey())).Scan(&value)
	if err != nil {
		return [16]byte{}, fmt.Errorf("read the ledger's parameters: %w", err)
	}
	record, err := state.DecodeRecord(ledger.ParametersKind, value)
	if err != nil {
		return [16]byte{}, err
	}
	return record.(ledger.Parameters).LedgerID, nil
}
