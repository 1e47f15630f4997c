package app

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// IdempotencyKey is a client's name for one request: the same request under the same key has one effect and one answer.
type IdempotencyKey struct {
	Key string
	// Fingerprint is the digest of the request.
	Fingerprint [32]byte
}

// maxIdempotencyKey bounds a key; it may become a reference, which has the same bound.
const maxIdempotencyKey = 64

// NewIdempotencyKey returns the key of a request; the error is InvalidField.
func NewIdempotencyKey(key, method, path string, body []byte) (*IdempotencyKey, error) {
	valid := key != "" && len(key) <= maxIdempotencyKey
	for _, r := range []byte(key) {
		valid = valid && r > ' ' && r <= '~'
	}
	if !valid {
		return nil, spec.FieldErrorf(spec.InvalidField, "Idempotency-Key", "must be 1 to %d printable ASCII characters without blanks", maxIdempotencyKey)
	}
	digest := sha256.New()
	for _, part := range []string{method, path, string(body)} {
		sum := sha256.Sum256([]byte(part))
		digest.Write(sum[:])
	}
	return &IdempotencyKey{Key: key, Fingerprint: [32]byte(digest.Sum(nil))}, nil
}

// once makes a call under an idempotency key. What the key was used for before decides: answered, the answer is given
// again; sent without an answer, the ledger is asked for it and, when it does not know, sent the very same transaction
// again; refused or never sent, it is made.
func (s *Service) once(ctx context.Context, call *spec.Call, key IdempotencyKey) (Answer, error) {
	account := s.actor(call)
	leave, err := s.inFlight.Enter(ctx, account.String()+"/"+key.Key)
	if err != nil {
		return Answer{}, err
	}
	defer leave()

	entry, err := s.journal.Begin(ctx, account, key.Key, key.Fingerprint)
	if err != nil {
		return Answer{}, err
	}
	if entry.Fingerprint != key.Fingerprint {
		return Answer{}, spec.FieldErrorf(spec.IdempotencyMismatch, "Idempotency-Key", "%q was used for another request", key.Key)
	}
	if entry.Done {
		return Answer{Commit: entry.Answer, Replayed: true}, nil
	}
	// What is noted from here on is noted even when the caller leaves.
	noting := context.WithoutCancel(ctx)
	var commit Commit
	made := false
	if entry.Sent.Transaction != "" {
		commit, made, err = s.settle(noting, entry.Sent)
	}
	if !made && err == nil {
		commit, err = s.write(ctx, call, func(ctx context.Context, sent Sent) error {
			return s.journal.Announce(ctx, account, key.Key, sent)
		})
	}
	return s.note(noting, account, key.Key, commit, made, err)
}

// note writes the outcome under the key and returns it.
func (s *Service) note(ctx context.Context, account spec.Address, key string, commit Commit, replayed bool, err error) (Answer, error) {
	var unknown *UnknownOutcome
	switch {
	case errors.As(err, &unknown):
		// The entry stays as it is: the next request under the key asks for the transaction first.
		return Answer{}, err
	case err != nil:
		if forgetErr := s.journal.Forget(ctx, account, key); forgetErr != nil {
			s.log.Error("could not forget a refused idempotency key", "error", forgetErr)
		}
		return Answer{}, err
	}
	if err := s.journal.Finish(ctx, account, key, commit); err != nil {
		// The effect happened; the entry still names the transaction, so a repeat finds it.
		s.log.Error("could not store an answer under its idempotency key", "transaction", commit.Transaction, "error", err)
	}
	return Answer{Commit: commit, Replayed: replayed}, nil
}

// settle brings a transaction that was announced earlier to its outcome. made is false when it is known to have no
// effect: a new one may be built.
func (s *Service) settle(ctx context.Context, sent Sent) (commit Commit, made bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.settings.WriteTimeout)
	defer cancel()
	record, err := s.Transaction(ctx, sent.Transaction)
	if err == nil {
		switch record.State {
		case TransactionInvalid:
			return Commit{}, false, nil
		case TransactionCommitted:
			// A peer tells the commit but not the result, which the read model has from the block.
			if record.Result == nil {
				s.awaitModel(ctx, record.Block)
				record, err = s.model.Transaction(ctx, sent.Transaction)
			}
			if err == nil && record.Result != nil {
				return Commit{Transaction: sent.Transaction, Block: record.Block, Result: record.Result}, true, nil
			}
		}
	}
	commit, err = s.ledger.Resume(ctx, sent)
	var unknown *UnknownOutcome
	switch {
	case err == nil:
		s.awaitModel(ctx, commit.Block)
		return commit, true, nil
	case errors.As(err, &unknown):
		return Commit{}, true, err
	case spec.ErrorCode(err) == spec.Conflict || spec.ErrorCode(err) == spec.Fenced:
		return Commit{}, false, nil
	}
	// Any other error of sending it again says nothing about the first time.
	return Commit{}, true, &UnknownOutcome{Transaction: sent.Transaction, Cause: err}
}
