package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
)

const (
	// keepUnsettled is how long a transaction of unknown outcome is told to be pending. Its fence is long due by then.
	keepUnsettled = 24 * time.Hour
	// pruneEvery is how often old rows are looked for, pruneRows how many are removed at a time, so that nobody waits for it.
	pruneEvery = time.Minute
	pruneRows  = 1000
	// pruneIntents is how many intents are looked at each time: ten million in eight hours.
	pruneIntents = 20_000
	// clockSlack is how far a proposal's time may be off at a peer.
	clockSlack = time.Minute
	// usualKeepIntents is how long results of intents are kept unless it is set.
	usualKeepIntents = 30 * 24 * time.Hour
)

// KeepPruned removes rows that nobody asks for any more, some at a time, until ctx ends.
func (s *Store) KeepPruned(ctx context.Context, log *slog.Logger) error {
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

// KeepIntents sets how long it is told what became of an intent once it could not happen any more.
func (s *Store) KeepIntents(keep time.Duration) { s.keepIntents = keep }

// Prune removes some of what is too old at a time, as Records do, and results of intents. It returns how many rows.
func (s *Store) Prune(ctx context.Context, now time.Time) (removed int64, err error) {
	removed, err = s.Records.Prune(ctx, now)
	if err != nil || s.keepIntents == 0 {
		return removed, err
	}
	record, err := s.record(ledger.ParametersKey())
	if err != nil {
		return removed, wrap(err, "read the ledger's parameters")
	}
	parameters, known := record.(ledger.Parameters)
	if !known {
		return removed, nil
	}
	// An intent may be endorsed until the last second of its validity, by a clock that peers take; that endorsement may be kept back until its
	// epoch's fence, which may stand a grace after the epoch's end.
	dead := clockSlack + time.Duration(parameters.FenceEpochSeconds)*time.Second + time.Duration(parameters.FenceGraceSeconds)*time.Second
	forgotten, err := s.mirror.ForgetIntents(now.Add(-dead-s.keepIntents).Unix(), pruneIntents)
	return removed + int64(forgotten), wrap(err, "forget intents")
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
