package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/spec"
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
	var taken *applier
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
		a := newApplier(ctx, tx, block.Number)
		for i, transaction := range block.Transactions {
			if err := a.transaction(i, transaction); err != nil {
				return errors.Join(fmt.Errorf("transaction %s: %w", transaction.ID, err), a.close())
			}
		}
		taken = a
		return a.close()
	})
	if err != nil {
		return wrap(err, fmt.Sprintf("take block %d", block.Number))
	}
	if taken != nil {
		s.counts.add(taken.credits)
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
		for _, table := range []string{"blocks", "transactions", "state", "credits", "listings", "orders", "transfers", "journal", "unsettled", "intents"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap(err, "forget another ledger")
	}
	s.counts.clear()
	s.advance(0)
	return nil
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
