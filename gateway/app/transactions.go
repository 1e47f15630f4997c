package app

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Transaction tells what became of a transaction: from the blocks that the read model took, else as a peer says, else
// pending when this gateway sent it. The error is NotFound when nobody knows it.
func (s *Service) Transaction(ctx context.Context, id string) (TransactionRecord, error) {
	if !transactionID(id) {
		return TransactionRecord{}, spec.FieldErrorf(spec.InvalidField, "transaction", "must be 64 lower-case hex digits")
	}
	record, err := s.model.Transaction(ctx, id)
	if err != nil || record.State != TransactionUnknown {
		return record, err
	}
	record, askErr := s.ledger.Outcome(ctx, id)
	if askErr == nil && record.State != TransactionUnknown {
		return record, nil
	}
	pending, err := s.journal.Pending(ctx, id)
	switch {
	case err != nil:
		return TransactionRecord{}, err
	case pending:
		return TransactionRecord{Transaction: id, State: TransactionPending}, nil
	case askErr != nil:
		return TransactionRecord{}, askErr
	}
	return TransactionRecord{}, spec.Errorf(spec.NotFound, "neither this gateway nor its peer has seen transaction %s; one that was just sent may still come", id)
}

func transactionID(id string) bool {
	if len(id) != 64 {
		return false
	}
	for _, r := range []byte(id) {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}
