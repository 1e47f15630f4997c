package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// positionBits leaves room for the transactions of one block.
const positionBits = 24

// Next returns the number of the block that is wanted next.
func (s *Store) Next(ctx context.Context) (uint64, error) {
	var next uint64
	err := s.blocks.QueryRowContext(ctx, "SELECT coalesce(max(number) + 1, 0) FROM blocks").Scan(&next)
	return next, wrap(err, "read the checkpoint")
}

// Taken returns how many blocks the read model has taken.
func (s *Store) Taken() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// HashOf returns the header hash of a block that was taken.
func (s *Store) HashOf(ctx context.Context, number uint64) ([]byte, error) {
	var hash []byte
	err := s.blocks.QueryRowContext(ctx, "SELECT hash FROM blocks WHERE number = ?", number).Scan(&hash)
	return hash, wrap(err, "read a block's hash")
}

// Apply takes the next block, whole or not at all. A block that was taken before changes nothing.
func (s *Store) Apply(ctx context.Context, block app.Block) error {
	applied := false
	err := s.within(ctx, s.blocks, func(tx *sql.Tx) error {
		var next uint64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(number) + 1, 0) FROM blocks").Scan(&next); err != nil {
			return err
		}
		if block.Number < next {
			return nil
		}
		if block.Number > next {
			return fmt.Errorf("block %d came when %d was wanted", block.Number, next)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO blocks (number, hash) VALUES (?, ?)", block.Number, block.Hash); err != nil {
			return err
		}
		for i, transaction := range block.Transactions {
			if err := applyTransaction(ctx, tx, block.Number, i, transaction); err != nil {
				return fmt.Errorf("transaction %s: %w", transaction.ID, err)
			}
		}
		applied = true
		return nil
	})
	if err != nil {
		return wrap(err, fmt.Sprintf("take block %d", block.Number))
	}
	if applied {
		s.advance(block.Number + 1)
	}
	return nil
}

// advance wakes those that wait for a block.
func (s *Store) advance(taken uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = taken
	close(s.grown)
	s.grown = make(chan struct{})
}

// AwaitBlock returns when the block was taken, or with ctx's error.
func (s *Store) AwaitBlock(ctx context.Context, number uint64) error {
	for {
		s.mu.Lock()
		taken, grown := s.taken, s.grown
		s.mu.Unlock()
		if taken > number {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Reset forgets everything that came from a ledger, answers under idempotency keys among it. API keys and labels stay.
func (s *Store) Reset(ctx context.Context) error {
	err := s.within(ctx, s.durable, func(tx *sql.Tx) error {
		for _, table := range []string{"blocks", "transactions", "state", "credits", "credit_counts", "listings", "orders", "transfers", "journal", "unsettled"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap(err, "forget another ledger")
	}
	s.advance(0)
	return nil
}

func applyTransaction(ctx context.Context, tx *sql.Tx, block uint64, number int, t app.BlockTransaction) error {
	// The same envelope may be in a later block again; what the first one came to stands.
	_, err := tx.ExecContext(ctx, "INSERT INTO transactions (id, block, code, operation, creator, time, result) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
		t.ID, block, t.Code, t.Function, t.Creator, t.Time.Unix(), t.Result)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM unsettled WHERE "transaction" = ?`, t.ID); err != nil {
		return err
	}
	for _, write := range t.Writes {
		if err := applyWrite(ctx, tx, block<<positionBits|uint64(number), write); err != nil {
			return fmt.Errorf("key %q: %w", write.Key, err)
		}
	}
	return nil
}

func applyWrite(ctx context.Context, tx *sql.Tx, position uint64, write app.Write) error {
	key, err := state.ParseKey(write.Key)
	if err != nil {
		return err
	}
	if write.Delete {
		if _, err := tx.ExecContext(ctx, "DELETE FROM state WHERE key = ?", write.Key); err != nil {
			return err
		}
		if key.Kind == ledger.CreditKind {
			_, err = tx.ExecContext(ctx, "DELETE FROM credits WHERE address = ? AND name = ?", []byte(key.Parent), []byte(key.ID))
		}
		return err
	}
	record, err := state.DecodeRecord(key.Kind, write.Value)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", write.Key, write.Value); err != nil {
		return err
	}
	return applyIndex(ctx, tx, position, key, record)
}

// applyIndex keeps the indexes; records that no list asks for have none.
func applyIndex(ctx context.Context, tx *sql.Tx, position uint64, key ledger.Key, record ledger.Record) error {
	id, parent := []byte(key.ID), []byte(key.Parent)
	var err error
	switch r := record.(type) {
	case ledger.Credit:
		_, err = tx.ExecContext(ctx, "INSERT INTO credits (address, name, amount) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET amount = excluded.amount",
			parent, id, sortable(r.Amount))
	case ledger.Listing:
		listingState := spec.ListingState_LISTING_STATE_OPEN
		if r.Closed {
			listingState = spec.ListingState_LISTING_STATE_CLOSED
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO listings (id, seller, version, state, category, position) VALUES (?, ?, ?, ?, '', ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state",
			id, r.Seller.Bytes(), r.Version, int32(listingState), position)
	case ledger.Version:
		// A listing's head sorts before its versions in a write set, so the row is there.
		_, err = tx.ExecContext(ctx, "UPDATE listings SET category = ? WHERE id = ?", r.Category, parent)
	case ledger.Order:
		_, err = tx.ExecContext(ctx, "INSERT INTO orders (id, buyer, seller, state, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			id, r.Buyer.Bytes(), r.Seller.Bytes(), int32(r.State), position)
	case ledger.Transfer:
		_, err = tx.ExecContext(ctx, "INSERT INTO transfers (id, sender, receiver, position) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			id, r.From.Bytes(), r.To.Bytes(), position)
	}
	return err
}

// sortable returns an amount's 16 bytes.
func sortable(amount spec.Amount) []byte {
	b := amount.Bytes()
	return append(make([]byte, 16-len(b), 16), b...)
}

// unsortable is the inverse of sortable.
func unsortable(b []byte) (spec.Amount, error) {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return spec.AmountFromBytes(b)
}

// wrap says what was being done; a row that is not there is an error too.
func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }
