package history

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Fields of spec.StatementEntry.
const (
	entryDirection protowire.Number = 1
	entryAmount    protowire.Number = 2
	entryKind      protowire.Number = 3
	entryOther     protowire.Number = 4
)

// bareOperation is what a bare payment's rows leave out, with their actor.
const bareOperation = spec.TokenContract + ":Transfer"

// pay tells a bare payment to the statements of its sides. There are thousands in a second: they are written without a message, and
// without what follows from the rest.
func (w *telling) pay(from spec.Address, p payment) {
	to, err := spec.AddressFromBytes(p.to)
	if err != nil {
		return // the rules take no such payment
	}
	if w.keeps(from) {
		w.bare(from, to, spec.Direction_DIRECTION_DEBIT, p.amount)
	}
	if w.keeps(to) {
		w.bare(to, from, spec.Direction_DIRECTION_CREDIT, p.amount)
	}
}

func (w *telling) bare(account, other spec.Address, direction spec.Direction, amount []byte) {
	start := len(w.octets)
	b := protowire.AppendVarint(protowire.AppendTag(w.octets, entryDirection, protowire.VarintType), uint64(direction))
	b = protowire.AppendBytes(protowire.AppendTag(b, entryAmount, protowire.BytesType), amount)
	b = protowire.AppendVarint(protowire.AppendTag(b, entryKind, protowire.VarintType), uint64(spec.MovementKind_MOVEMENT_KIND_PAYMENT))
	b = protowire.AppendString(protowire.AppendTag(b, entryOther, protowire.BytesType), other.Octets())
	w.octets = b
	w.rows = append(w.rows, Row{Account(account), b[start:len(b):len(b)]})
}

// StatementEntry reads a row of an account's statement.
func StatementEntry(account spec.Address, value []byte) (*spec.StatementEntry, error) {
	entry := &spec.StatementEntry{}
	if err := proto.Unmarshal(value, entry); err != nil {
		return nil, err
	}
	if entry.Operation == "" {
		entry.Operation, entry.Actor = bareOperation, entry.Other
		if entry.Direction == spec.Direction_DIRECTION_DEBIT {
			entry.Actor = account.Bytes()
		}
	}
	return entry, nil
}

// Entry reads a row of any other history.
func Entry(value []byte) (*spec.HistoryEntry, error) {
	entry := &spec.HistoryEntry{}
	return entry, proto.Unmarshal(value, entry)
}
