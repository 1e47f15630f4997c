package payments

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// audit waits until all peers agree on height and hash, and the read model has every block; then all money adds up to what
// was minted and not burnt.
func (c *consortium) audit(ctx context.Context) error {
	height, err := agreed(ctx, c.facts)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	if err := c.relay.store.AwaitBlock(waiting, height-1); err != nil {
		return fmt.Errorf("audit: the read model lacks block %d: %w", height-1, err)
	}
	if err := addsUp(ctx, filepath.Join(c.relay.folder, "gateway.db")); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// addsUp reads every record and every credit of a read model.
func addsUp(ctx context.Context, database string) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: database}).EscapedPath()+"?mode=ro")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var b books
	if err := b.read(ctx, db, "SELECT key, value FROM state", b.record); err != nil {
		return err
	}
	if err := b.read(ctx, db, "SELECT '', amount FROM credits", b.credit); err != nil {
		return err
	}
	if b.sum != b.supply {
		return fmt.Errorf("accounts, credits and holds are %s CMT together; %s were minted and not burnt", b.sum, b.supply)
	}
	return nil
}

// books adds up what a read model has.
type books struct{ sum, supply spec.Amount }

func (b *books) read(ctx context.Context, db *sql.DB, query string, take func(key string, value []byte) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		if err := take(key, value); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (b *books) record(name string, value []byte) error {
	key, err := state.ParseKey(name)
	if err != nil {
		return err
	}
	record, err := state.DecodeRecord(key.Kind, value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch r := record.(type) {
	case ledger.Account:
		return b.add(r.Balance)
	case ledger.Hold:
		return b.add(r.Amount)
	case ledger.Supply:
		b.supply = r.Total()
	}
	return nil
}

// credit takes an amount as the read model keeps it: 16 bytes, big-endian.
func (b *books) credit(_ string, value []byte) error {
	amount, err := spec.AmountFromBytes(bytes.TrimLeft(value, "\x00"))
	if err != nil {
		return err
	}
	return b.add(amount)
}

func (b *books) add(part spec.Amount) (err error) {
	var ok bool
	if b.sum, ok = b.sum.Add(part); !ok {
		return errors.New("accounts, credits and holds exceed all CMT there can be")
	}
	return nil
}
