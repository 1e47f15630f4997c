package store_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// tables is the read model as it was before decision 18, with all in SQLite, for the benchmark to compare with: the statements that a
// payment took, and no others.
type tables struct {
	db   *sql.DB
	open map[spec.Address]int
}

const tableSchema = `
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE transactions (id TEXT PRIMARY KEY, block INTEGER NOT NULL, code TEXT NOT NULL, operation TEXT NOT NULL, creator TEXT NOT NULL,
	time INTEGER NOT NULL, result BLOB) STRICT;
CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE credits (address BLOB NOT NULL, name BLOB NOT NULL, amount BLOB NOT NULL, PRIMARY KEY (address, name)) STRICT, WITHOUT ROWID;
CREATE TABLE intents (id BLOB PRIMARY KEY, "transaction" BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL, code TEXT NOT NULL,
	field TEXT NOT NULL, detail TEXT NOT NULL) STRICT, WITHOUT ROWID;`

func openTables(folder string) (*tables, error) {
	db, err := sql.Open("sqlite", filepath.Join(folder, "old.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-32768)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(tableSchema)
	return &tables{db, map[spec.Address]int{}}, err
}

func (o *tables) Close() error { return o.db.Close() }

func (o *tables) Apply(ctx context.Context, block app.Block) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	statements := map[string]*sql.Stmt{}
	exec := func(query string, arguments ...any) {
		statement, ok := statements[query]
		if !ok {
			var failed error
			if statement, failed = tx.PrepareContext(ctx, query); failed != nil {
				err = errors.Join(err, failed)
				return
			}
			statements[query] = statement
		}
		_, failed := statement.ExecContext(ctx, arguments...)
		err = errors.Join(err, failed)
	}
	exec("INSERT INTO blocks (number, hash) VALUES (?, ?)", block.Number, block.Hash)
	for _, t := range block.Transactions {
		exec("INSERT INTO transactions (id, block, code, operation, creator, time, result) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
			t.ID, block.Number, t.Code, t.Function, t.Creator, t.Time.Unix(), t.Result)
		for _, write := range t.Writes {
			err = errors.Join(err, o.write(exec, write))
		}
		if t.Function == spec.BatchFunction {
			err = errors.Join(err, o.intents(exec, block.Number, t))
		}
	}
	for _, statement := range statements {
		err = errors.Join(err, statement.Close())
	}
	return errors.Join(err, tx.Commit())
}

func (o *tables) write(exec func(string, ...any), write app.Write) error {
	key, err := state.ParseKey(write.Key)
	if err != nil {
		return err
	}
	if key.Kind != ledger.CreditKind {
		_, err := state.DecodeRecord(key.Kind, write.Value)
		exec("INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", write.Key, write.Value)
		return err
	}
	owner, err := spec.AddressFromBytes([]byte(key.Parent))
	if err != nil {
		return err
	}
	if write.Delete {
		o.open[owner]--
		exec("DELETE FROM credits WHERE address = ? AND name = ?", []byte(key.Parent), []byte(key.ID))
		return nil
	}
	record, err := state.DecodeRecord(key.Kind, write.Value)
	if err != nil {
		return err
	}
	o.open[owner]++
	amount := record.(ledger.Credit).Amount.Bytes()
	exec("INSERT INTO credits (address, name, amount) VALUES (?, ?, ?)", []byte(key.Parent), []byte(key.ID), append(make([]byte, 16-len(amount), 16), amount...))
	return nil
}

func (o *tables) intents(exec func(string, ...any), block uint64, t app.BlockTransaction) error {
	const rows = 16
	var batch spec.Batch
	if err := proto.Unmarshal(t.Args[0], &batch); err != nil {
		return err
	}
	transaction, err := hex.DecodeString(t.ID)
	if err != nil {
		return err
	}
	var arguments []any
	for i, signed := range batch.GetIntents() {
		actor, err := intent.Address(signed.GetScheme(), signed.GetPublicKey())
		if err != nil {
			return err
		}
		id := spec.IntentID(actor, intent.Message([16]byte{}, signed.GetIntent()))
		arguments = append(arguments, id[:], transaction, block, i, "", "", "")
		if len(arguments) == 7*rows || i == len(batch.GetIntents())-1 {
			exec(`INSERT INTO intents (id, "transaction", block, position, code, field, detail) VALUES `+
				strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", len(arguments)/7), ", ")+
				` ON CONFLICT (id) DO UPDATE SET "transaction" = excluded."transaction" WHERE code <> ''`, arguments...)
			arguments = nil
		}
	}
	return nil
}

func (o *tables) Funds(ctx context.Context, address spec.Address, credits int) (app.Funds, error) {
	var value []byte
	err := o.db.QueryRowContext(ctx, "SELECT value FROM state WHERE key = ?", state.FormatKey(ledger.AccountKey(address))).Scan(&value)
	if err != nil || o.open[address] == 0 {
		return app.Funds{}, err
	}
	rows, err := o.db.QueryContext(ctx, "SELECT name, amount FROM credits WHERE address = ? ORDER BY amount DESC LIMIT ?", address.Bytes(), credits)
	if err != nil {
		return app.Funds{}, err
	}
	defer rows.Close()
	var funds app.Funds
	for rows.Next() {
		var name, amount []byte
		if err := rows.Scan(&name, &amount); err != nil {
			return funds, err
		}
		funds.CreditCount++
	}
	return funds, rows.Err()
}
