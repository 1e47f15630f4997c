package store

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

var _ app.Model = (*Store)(nil)

// Funds returns what an account has and its biggest open credits.
func (s *Store) Funds(_ context.Context, address spec.Address, credits int) (app.Funds, error) {
	return s.mirror.Funds(address, credits)
}

// CreditCount returns how many open credits an account has.
func (s *Store) CreditCount(address spec.Address) int { return s.mirror.CreditCount(address) }

// Crowded returns the accounts, anybody's, that have at least so many open credits.
func (s *Store) Crowded(_ context.Context, credits int) ([]spec.Address, error) {
	return s.mirror.Crowded(credits), nil
}

// Lots returns a listing's lots in the order of their identifiers.
func (s *Store) Lots(_ context.Context, listing spec.ID) ([]app.Lot, error) {
	entries, _, err := state.Reader{Stub: stub{s.mirror}}.Page(ledger.LotKind, string(listing[:]), "", app.MaxLots)
	if err != nil {
		return nil, wrap(err, "read lots")
	}
	lots := make([]app.Lot, 0, len(entries))
	for _, entry := range entries {
		lot := entry.Record.(ledger.Lot)
		lots = append(lots, app.Lot{ID: spec.ID([]byte(entry.Key.ID)), Stock: lot.Stock, Variant: lot.Variant})
	}
	return lots, nil
}

// Transaction returns what the blocks said of a transaction.
func (s *Store) Transaction(ctx context.Context, id string) (app.TransactionRecord, error) {
	record := app.TransactionRecord{Transaction: id, State: app.TransactionUnknown}
	var seconds int64
	err := s.blocks.QueryRowContext(ctx, "SELECT block, code, operation, creator, time, result FROM transactions WHERE id = ?", id).
		Scan(&record.Block, &record.Code, &record.Operation, &record.Creator, &seconds, &record.Result)
	if noRow(err) {
		return record, nil
	}
	if err != nil {
		return record, wrap(err, "read a transaction")
	}
	record.Time = unixTime(seconds)
	record.State = app.TransactionInvalid
	if record.Code == app.Valid {
		record.State = app.TransactionCommitted
	}
	return record, nil
}

// NoteLabel remembers that a sub-account is in use.
func (s *Records) NoteLabel(ctx context.Context, label string) error {
	_, err := s.durable.ExecContext(ctx, "INSERT INTO labels (label) VALUES (?) ON CONFLICT DO NOTHING", label)
	return wrap(err, "note a sub-account")
}

// Labels returns the sub-accounts in use.
func (s *Records) Labels(ctx context.Context) ([]string, error) {
	rows, err := s.blocks.QueryContext(ctx, "SELECT label FROM labels ORDER BY label")
	if err != nil {
		return nil, wrap(err, "read sub-accounts")
	}
	defer rows.Close()
	var labels []string
	for rows.Next() {
		var label string
		if err := rows.Scan(&label); err != nil {
			return nil, wrap(err, "read sub-accounts")
		}
		labels = append(labels, label)
	}
	return labels, wrap(rows.Err(), "read sub-accounts")
}

// OwnCreditCount returns how many open credits the organisation and its sub-accounts in use have.
func (s *Store) OwnCreditCount(ctx context.Context) (int, error) {
	labels, err := s.Labels(ctx)
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, label := range append([]string{""}, labels...) {
		sum += s.mirror.CreditCount(spec.SubAccountAddress(s.mspID, label))
	}
	return sum, nil
}
