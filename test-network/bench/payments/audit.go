package payments

import (
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

// addsUp reads every key of a read model.
func addsUp(ctx context.Context, database string) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: database}).EscapedPath()+"?mode=ro")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, "SELECT key, value FROM state")
	if err != nil {
		return err
	}
	defer rows.Close()
	var sum, supply spec.Amount
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		key, err := state.ParseKey(name)
		if err != nil {
			return err
		}
		record, err := state.DecodeRecord(key.Kind, value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var part spec.Amount
		switch r := record.(type) {
		case ledger.Account:
			part = r.Balance
		case ledger.Credit:
			part = r.Amount
		case ledger.Hold:
			part = r.Amount
		case ledger.Supply:
			supply = r.Total()
		}
		var ok bool
		if sum, ok = sum.Add(part); !ok {
			return errors.New("accounts, credits and holds exceed all CMT there can be")
		}
	}
	if sum != supply {
		return fmt.Errorf("accounts, credits and holds are %s CMT together; %s were minted and not burnt", sum, supply)
	}
	return rows.Err()
}
