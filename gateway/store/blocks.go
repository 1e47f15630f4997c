package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/history"
)

// positionBits leaves room for the transactions of one block.
const positionBits = 24

// Next returns the number of the block that is wanted next: after a crash one engine may be behind the other, and takes again what the
// other passes over.
func (s *Store) Next(ctx context.Context) (uint64, error) {
	next, err := s.nextListed(ctx)
	return min(next, s.mirror.Next()), err
}

// nextListed is the database's checkpoint.
func (s *Store) nextListed(ctx context.Context) (uint64, error) {
	var next uint64
	err := s.blocks.QueryRowContext(ctx, nextQuery).Scan(&next)
	return next, wrap(err, "read the checkpoint")
}

const nextQuery = "SELECT coalesce(max(number) + 1, 0) FROM blocks"

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

// Apply takes the next block, whole or not at all in each engine. A block that was taken before changes nothing.
func (s *Store) Apply(ctx context.Context, block app.Block) error {
	changes, rows, err := s.read(block)
	if err != nil {
		return wrap(err, fmt.Sprintf("read block %d", block.Number))
	}
	// The mirror takes it last: what the database refuses the mirror has not.
	if err := s.list(ctx, block, rows); err != nil {
		return wrap(err, fmt.Sprintf("list block %d", block.Number))
	}
	if err := s.mirror.Apply(changes); err != nil {
		return wrap(err, fmt.Sprintf("take block %d", block.Number))
	}
	if !s.guests.Load().Member() {
		if err := s.findGuests(); err != nil {
			return err
		}
	}
	if block.Number >= s.Taken() {
		s.advance(block.Number + 1)
	}
	return nil
}

// list takes the next block into the database.
func (s *Store) list(ctx context.Context, block app.Block, rows []row) error {
	return s.within(ctx, s.blocks, func(tx *sql.Tx) error {
		var next uint64
		if err := tx.QueryRowContext(ctx, nextQuery).Scan(&next); err != nil {
			return err
		}
		if block.Number < next {
			return nil
		}
		if block.Number > next {
			return fmt.Errorf("block %d came when %d was wanted", block.Number, next)
		}
		a := newApplier(ctx, tx, s.mirror)
		return errors.Join(a.block(block, rows), a.close())
	})
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
	// The mirror first: when the database still has the other ledger's hashes, this is done again.
	if err := s.mirror.Reset(); err != nil {
		return wrap(err, "forget another ledger")
	}
	err := s.within(ctx, s.durable, func(tx *sql.Tx) error {
		for _, table := range []string{"blocks", "transactions", "listings", "orders", "transfers", "auctions", "offers", "disputes", "panels", "reviews", "ratings", "holds", "payouts", "journal", "unsettled"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap(err, "forget another ledger")
	}
	s.guests.Store(history.NewGuests(0))
	s.advance(0)
	return nil
}

// wrap says what was being done; a row that is not there is an error too.
func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }
