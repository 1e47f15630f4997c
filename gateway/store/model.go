package store

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// maxLots bounds the lots of one listing that are looked at, as the chaincode's own answer does.
const maxLots = 256

var _ app.Model = (*Store)(nil)

// Funds returns what an account has and its biggest open credits.
func (s *Store) Funds(ctx context.Context, address spec.Address, credits int) (app.Funds, error) {
	var funds app.Funds
	record, err := s.record(ctx, ledger.AccountKey(address))
	if err != nil {
		return funds, wrap(err, "read an account")
	}
	if account, ok := record.(ledger.Account); ok {
		funds.Account = account.Balance
	}
	if funds.CreditCount, err = s.CreditCount(ctx, address); err != nil || funds.CreditCount == 0 {
		return funds, err
	}
	rows, err := s.blocks.QueryContext(ctx, "SELECT name, amount FROM credits WHERE address = ? ORDER BY amount DESC LIMIT ?", address.Bytes(), credits)
	if err != nil {
		return funds, wrap(err, "read credits")
	}
	defer rows.Close()
	for rows.Next() {
		var name, amount []byte
		if err := rows.Scan(&name, &amount); err != nil {
			return funds, wrap(err, "read credits")
		}
		var credit app.Credit
		if credit.Name, err = spec.CreditNameFromBytes(name); err != nil {
			return funds, err
		}
		if credit.Amount, err = unsortable(amount); err != nil {
			return funds, err
		}
		funds.Credits = append(funds.Credits, credit)
	}
	return funds, wrap(rows.Err(), "read credits")
}

// CreditCount returns how many open credits an account has.
func (s *Store) CreditCount(ctx context.Context, address spec.Address) (int, error) {
	var count int
	err := s.blocks.QueryRowContext(ctx, "SELECT coalesce((SELECT count FROM credit_counts WHERE address = ?), 0)", address.Bytes()).Scan(&count)
	return count, wrap(err, "count credits")
}

// Crowded returns the accounts, anybody's, that have at least so many open credits.
func (s *Store) Crowded(ctx context.Context, credits int) ([]spec.Address, error) {
	rows, err := s.blocks.QueryContext(ctx, "SELECT address FROM credit_counts WHERE count >= ? ORDER BY address", credits)
	if err != nil {
		return nil, wrap(err, "look for crowded accounts")
	}
	defer rows.Close()
	var crowded []spec.Address
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return nil, wrap(err, "look for crowded accounts")
		}
		address, err := spec.AddressFromBytes(data)
		if err != nil {
			return nil, err
		}
		crowded = append(crowded, address)
	}
	return crowded, wrap(rows.Err(), "look for crowded accounts")
}

// Lots returns a listing's lots in the order of their identifiers.
func (s *Store) Lots(ctx context.Context, listing spec.ID) ([]app.Lot, error) {
	entries, _, err := state.Reader{Stub: mirror{ctx, s.blocks}}.Page(ledger.LotKind, string(listing[:]), "", maxLots)
	if err != nil {
		return nil, wrap(err, "read lots")
	}
	lots := make([]app.Lot, 0, len(entries))
	for _, entry := range entries {
		lots = append(lots, app.Lot{ID: spec.ID([]byte(entry.Key.ID)), Stock: entry.Record.(ledger.Lot).Stock})
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
func (s *Store) NoteLabel(ctx context.Context, label string) error {
	_, err := s.durable.ExecContext(ctx, "INSERT INTO labels (label) VALUES (?) ON CONFLICT DO NOTHING", label)
	return wrap(err, "note a sub-account")
}

// Labels returns the sub-accounts in use.
func (s *Store) Labels(ctx context.Context) ([]string, error) {
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
		count, err := s.CreditCount(ctx, spec.SubAccountAddress(s.mspID, label))
		if err != nil {
			return 0, err
		}
		sum += count
	}
	return sum, nil
}
