package history

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// Teller tells one transaction's part of all histories.
type Teller struct {
	// Parameters are the ledger's before the transaction.
	Parameters ledger.Parameters
	// Guests are the persons whose statements are kept, beside those of all organisations. Whose home the transaction changes is
	// noted there.
	Guests *Guests
	// Before gives the ledger's keys as they were before the transaction.
	Before Before
}

// Before is the ledger as it was before a transaction.
type Before interface {
	Reader
	// Money is all that an account has: in itself and in open credits.
	Money(owner spec.Address) (spec.Amount, error)
}

// Reader reads values, nil where there is none.
type Reader interface {
	Get(keys ...string) ([][]byte, error)
}

// ReadRecord reads one record, nil when there is none.
func ReadRecord(from Reader, key ledger.Key) (ledger.Record, error) {
	name := state.FormatKey(key)
	values, err := from.Get(name)
	if err != nil || values[0] == nil {
		return nil, err
	}
	record, err := state.DecodeRecord(key.Kind, values[0])
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", name, err)
	}
	return record, nil
}

// Happened is an intent of a batch that took effect.
type Happened struct {
	Actor  spec.Address
	Intent Peeked
}

// Row is a line of a history: a spec.StatementEntry of an account, a spec.HistoryEntry of anything else, in protobuf's form and
// without where it stands.
type Row struct {
	Subject Subject
	Value   []byte
}

// Tell returns the rows of a transaction that took effect, in their order. Of a batch the intents are given that happened, in theirs.
func (t Teller) Tell(tx app.BlockTransaction, happened []Happened) ([]Row, error) {
	w := &telling{Teller: t, tx: tx}
	if err := w.readWrites(); err != nil {
		return nil, err
	}
	if tx.Function == spec.BatchFunction {
		w.takeIntents(happened)
	} else {
		w.takeCall()
	}
	w.index()
	if err := w.moveMoney(); err != nil {
		return nil, err
	}
	if err := w.tellSteps(); err != nil {
		return nil, err
	}
	return w.rows, nil
}

// telling is one transaction at work.
type telling struct {
	Teller
	tx app.BlockTransaction
	// records are what was written of objects, in the order of the writes; nil is gone.
	records []written
	steps   []*step
	lookup  lookup
	rows    []Row
	// octets has the values of the bare payments' rows, one behind the other.
	octets []byte
}

type written struct {
	key    ledger.Key
	record ledger.Record
}

// readWrites takes the write set apart: who is at home where, and what was written of objects.
func (w *telling) readWrites() error {
	for _, write := range w.tx.Writes {
		if owner, is := state.AccountOf(write.Key); is && !write.Delete {
			home, err := state.HomeOf(write.Value)
			if err != nil {
				return fmt.Errorf("key %q: %w", write.Key, err)
			}
			if w.Guests.Note(owner, home) {
				if err := w.open(owner); err != nil {
					return err
				}
			}
			continue
		}
		kind, err := state.KindOf(write.Key)
		if err != nil {
			return err
		}
		switch kind {
		case ledger.CreditKind, ledger.LotKind, ledger.VersionKind, ledger.EndKind, ledger.FenceKind, ledger.MemberKind, ledger.ArbitersKind:
			continue
		}
		key, err := state.ParseKey(write.Key)
		if err != nil {
			return err
		}
		var record ledger.Record
		if !write.Delete {
			if record, err = state.DecodeRecord(kind, write.Value); err != nil {
				return fmt.Errorf("key %q: %w", write.Key, err)
			}
		}
		w.records = append(w.records, written{key, record})
	}
	return nil
}

// open tells the statement of a person who was not at home here before what there is already.
func (w *telling) open(owner spec.Address) error {
	had, err := w.Before.Money(owner)
	if err != nil || had.IsZero() {
		return err
	}
	return w.add(Account(owner), &spec.StatementEntry{
		Direction: spec.Direction_DIRECTION_CREDIT, Amount: had.Bytes(), Kind: spec.MovementKind_MOVEMENT_KIND_OPENING, Operation: w.tx.Function,
	})
}

// record returns what was written under a key, nil when nothing was or it is gone.
func (w *telling) record(key ledger.Key) ledger.Record {
	for _, r := range w.lookup.records[key.ID] {
		if r.key == key {
			return r.record
		}
	}
	return nil
}

// keeps reports whether an account has a statement here.
func (w *telling) keeps(address spec.Address) bool {
	return address.Type != spec.KeyAccount || w.Guests.Has(address)
}

var encoding = proto.MarshalOptions{Deterministic: true}

func (w *telling) add(subject Subject, message proto.Message) error {
	value, err := encoding.Marshal(message)
	if err != nil {
		return err
	}
	w.rows = append(w.rows, Row{subject, value})
	return nil
}

// state adds a movement to the statements of both its sides.
func (w *telling) state(s *step, m movement) error {
	if m.amount.IsZero() {
		return nil
	}
	behind := m.from
	if behind == (spec.Address{}) {
		behind = m.by
	}
	sides := [...]struct {
		account, other spec.Address
		direction      spec.Direction
	}{{m.from, m.to, spec.Direction_DIRECTION_DEBIT}, {m.to, behind, spec.Direction_DIRECTION_CREDIT}}
	for _, side := range sides {
		if side.account == (spec.Address{}) || !w.keeps(side.account) {
			continue
		}
		entry := &spec.StatementEntry{
			Direction: side.direction, Amount: m.amount.Bytes(), Kind: m.kind, Other: optional(side.other), Operation: s.operation, Object: s.object, Actor: optional(s.actor),
		}
		if err := w.add(Account(side.account), entry); err != nil {
			return err
		}
	}
	return nil
}

// optional returns nothing for nobody's address.
func optional(address spec.Address) []byte {
	if address == (spec.Address{}) {
		return nil
	}
	return address.Bytes()
}
