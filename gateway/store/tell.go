package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/history"
	"github.com/cybermiles/cmt/gateway/store/mirror"
)

// tell returns what the mirror keeps of a transaction beside its writes: what became of its intents, and the histories' rows.
func (s *Store) tell(block app.Block, number int) (mirror.Transaction, error) {
	t := block.Transactions[number]
	before := &earlier{mirror: s.mirror, transactions: block.Transactions[:number]}
	told := mirror.Transaction{Number: uint32(number), Time: t.Time.Unix()}
	teller := history.Teller{Guests: s.guests.Load(), Before: before}
	if parameters, err := history.ReadRecord(before, ledger.ParametersKey()); err != nil {
		return told, fmt.Errorf("read the ledger's parameters: %w", err)
	} else if parameters != nil {
		teller.Parameters = parameters.(ledger.Parameters)
	}
	var happened []history.Happened
	if t.Function == spec.BatchFunction {
		if teller.Parameters == (ledger.Parameters{}) {
			return told, errors.New("a batch came before the ledger's parameters")
		}
		var err error
		if told.Intents, happened, err = batch(teller.Parameters.LedgerID, t); err != nil {
			return told, err
		}
	}
	var err error
	if told.Rows, err = teller.Tell(t, happened); err != nil {
		return told, fmt.Errorf("tell its history: %w", err)
	}
	if len(told.Intents)+len(told.Rows) == 0 {
		return told, nil
	}
	if n, err := hex.Decode(told.ID[:], []byte(t.ID)); err != nil || n != len(told.ID) {
		return told, fmt.Errorf("a transaction's identifier is not %d bytes in hex", len(told.ID))
	}
	return told, nil
}

// earlier is the ledger's keys as they were before a transaction: those of the mirror, and what the transactions before it in its
// block wrote.
type earlier struct {
	mirror       *mirror.Mirror
	transactions []app.BlockTransaction
	// written has those writes by their keys, once somebody asked.
	written map[string]app.Write
}

// Get returns the values of the keys in their order, nil where there is none.
func (e *earlier) Get(keys ...string) ([][]byte, error) {
	if e.written == nil && len(e.transactions) > 0 {
		e.written = map[string]app.Write{}
		for _, t := range e.transactions {
			for _, write := range t.Writes {
				e.written[write.Key] = write
			}
		}
	}
	values, err := e.mirror.Get(keys...)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		if write, is := e.written[key]; is {
			values[i] = write.Value
			if write.Delete {
				values[i] = nil
			}
		}
	}
	return values, nil
}

// Money returns what an account had, in itself and in open credits.
func (e *earlier) Money(owner spec.Address) (spec.Amount, error) {
	record, err := history.ReadRecord(e, ledger.AccountKey(owner))
	if err != nil {
		return spec.Amount{}, err
	}
	account, _ := record.(ledger.Account)
	sum := account.Balance
	if e.mirror.CreditCount(owner) == 0 && len(e.written) == 0 {
		return sum, nil
	}
	funds, err := e.mirror.Funds(owner, math.MaxInt)
	if err != nil {
		return sum, err
	}
	open := map[string]spec.Amount{}
	for _, credit := range funds.Credits {
		open[state.FormatKey(ledger.CreditKey(owner, credit.Name))] = credit.Amount
	}
	family := state.FamilyOf(ledger.CreditKind, owner.Octets())
	for key, write := range e.written {
		switch {
		case !strings.HasPrefix(key, family):
		case write.Delete:
			delete(open, key)
		default:
			record, err := state.DecodeRecord(ledger.CreditKind, write.Value)
			if err != nil {
				return sum, fmt.Errorf("key %q: %w", key, err)
			}
			open[key] = record.(ledger.Credit).Amount
		}
	}
	for _, amount := range open {
		sum, _ = sum.Add(amount)
	}
	return sum, nil
}

// findGuests looks in the mirror who is at home here. Before genesis nobody is a member.
func (s *Store) findGuests() error {
	own, err := s.ownIndex()
	if err != nil {
		return err
	}
	guests := history.NewGuests(own)
	err = s.mirror.Kind(ledger.AccountKind, func(key string, value []byte) error {
		owner, is := state.AccountOf(key)
		home, err := state.HomeOf(value)
		if !is || err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
		_ = guests.Note(owner, home) // who is one is no news
		return nil
	})
	s.guests.Store(guests)
	return wrap(err, "find who is at home")
}

// ownIndex is the own member's, 0 when there is none.
func (s *Store) ownIndex() (uint32, error) {
	record, err := s.record(ledger.MemberKey(s.mspID))
	member, _ := record.(ledger.Member)
	return member.Index, wrap(err, "read the own membership")
}
