package store

import (
	"context"
	"log/slog"
	"time"
)

const (
	// keepUnsettled is how long a transaction of unknown outcome is told to be pending. Its fence is long due by then.
	keepUnsettled = 24 * time.Hour
	// pruneEvery is how often old rows are looked for, pruneRows how many are removed at a time, so that nobody waits for it.
	pruneEvery = time.Minute
	pruneRows  = 1000
)

// KeepPruned removes rows that nobody asks for any more, some at a time, until ctx ends.
func (s *Records) KeepPruned(ctx context.Context, log *slog.Logger) error {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if _, err := s.Prune(ctx, s.now()); err != nil && ctx.Err() == nil {
			log.Warn("could not remove old rows", "error", err)
		}
	}
}

// Prune removes some of what is too old at a time: answers under idempotency keys, and transactions that never turned up. It returns how
// many rows.
func (s *Records) Prune(ctx context.Context, now time.Time) (removed int64, err error) {
	for _, old := range []struct {
		statement string
		keep      time.Duration
	}{
		{`DELETE FROM journal WHERE (account, key) IN (SELECT account, key FROM journal WHERE done = 1 AND begun_at < ? LIMIT ?)`, keepAnswers},
		{`DELETE FROM unsettled WHERE "transaction" IN (SELECT "transaction" FROM unsettled WHERE noted_at < ? LIMIT ?)`, keepUnsettled},
	} {
		result, err := s.durable.ExecContext(ctx, old.statement, now.Add(-old.keep).Unix(), pruneRows)
		if err != nil {
			return removed, wrap(err, "remove old rows")
		}
		rows, err := result.RowsAffected()
		if removed += rows; err != nil {
			return removed, wrap(err, "remove old rows")
		}
	}
	return removed, nil
}
