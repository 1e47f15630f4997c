package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

var _ app.Journal = (*Store)(nil)

// Begin returns the entry of an idempotency key; a new one is written when there is none.
func (s *Records) Begin(ctx context.Context, account spec.Address, key string, fingerprint [32]byte) (app.JournalEntry, error) {
	var entry app.JournalEntry
	err := s.within(ctx, s.durable, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO journal (account, key, fingerprint, begun_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			account.Bytes(), key, fingerprint[:], s.now().Unix())
		if err != nil {
			return err
		}
		var found []byte
		err = tx.QueryRowContext(ctx, `SELECT fingerprint, "transaction", envelope, done, block, result FROM journal WHERE account = ? AND key = ?`, account.Bytes(), key).
			Scan(&found, &entry.Sent.Transaction, &entry.Sent.Envelope, &entry.Done, &entry.Answer.Block, &entry.Answer.Result)
		if err != nil {
			return err
		}
		entry.Answer.Transaction = entry.Sent.Transaction
		if copy(entry.Fingerprint[:], found) != len(entry.Fingerprint) {
			return fmt.Errorf("a fingerprint of %d bytes", len(found))
		}
		return nil
	})
	return entry, wrap(err, "read an idempotency key")
}

// Announce notes the transaction that is about to be sent under a key.
func (s *Records) Announce(ctx context.Context, account spec.Address, key string, sent app.Sent) error {
	return s.changeEntry(ctx, `UPDATE journal SET "transaction" = ?, envelope = ? WHERE account = ? AND key = ? AND done = 0`,
		sent.Transaction, sent.Envelope, account.Bytes(), key)
}

// Finish notes the answer under a key. The envelope is no longer needed.
func (s *Records) Finish(ctx context.Context, account spec.Address, key string, answer app.Commit) error {
	return s.changeEntry(ctx, `UPDATE journal SET "transaction" = ?, envelope = NULL, done = 1, block = ?, result = ? WHERE account = ? AND key = ?`,
		answer.Transaction, answer.Block, answer.Result, account.Bytes(), key)
}

// changeEntry fails when there is no entry to change.
func (s *Records) changeEntry(ctx context.Context, statement string, arguments ...any) error {
	result, err := s.durable.ExecContext(ctx, statement, arguments...)
	if err != nil {
		return wrap(err, "write an idempotency key")
	}
	if changed, err := result.RowsAffected(); err != nil || changed != 1 {
		return fmt.Errorf("write an idempotency key: %d entries changed: %w", changed, err)
	}
	return nil
}

// Forget removes a key's entry: nothing happened under it.
func (s *Records) Forget(ctx context.Context, account spec.Address, key string) error {
	_, err := s.durable.ExecContext(ctx, "DELETE FROM journal WHERE account = ? AND key = ? AND done = 0", account.Bytes(), key)
	return wrap(err, "forget an idempotency key")
}

// NoteUnsettled notes a transaction that was sent without a key and whose outcome is unknown.
func (s *Records) NoteUnsettled(ctx context.Context, transaction string) error {
	_, err := s.durable.ExecContext(ctx, `INSERT INTO unsettled ("transaction", noted_at) VALUES (?, ?) ON CONFLICT DO NOTHING`, transaction, s.now().Unix())
	return wrap(err, "note an unsettled transaction")
}

// keepAnswers is how long answers are kept under idempotency keys; who repeats a request later is told by the ledger that
// the reference was used. Entries without an answer stay.
const keepAnswers = 30 * 24 * time.Hour

// Pending reports whether a transaction was announced under some key and has no answer yet, or was noted as unsettled.
func (s *Records) Pending(ctx context.Context, transaction string) (bool, error) {
	var count int
	err := s.blocks.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM journal WHERE "transaction" = ?1 AND "transaction" <> '' AND done = 0)
		+ (SELECT count(*) FROM unsettled WHERE "transaction" = ?1)`, transaction).Scan(&count)
	return count > 0, wrap(err, "look for a transaction under idempotency keys")
}
