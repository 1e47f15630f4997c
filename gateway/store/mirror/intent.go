package mirror

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/store/history"
)

// Transaction is a transaction that took effect: a batch of intents, or one with rows.
type Transaction struct {
	// Number is its place in the block, ID its identifier.
	Number uint32
	ID     [32]byte
	// Time is its timestamp in Unix seconds.
	Time    int64
	Intents []Intent
	Rows    []history.Row
}

// Intent is what became of one intent of a batch; without a refusal it happened.
type Intent struct {
	ID       spec.ID
	Position uint32
	// ValidUntil is the last second in which it may happen.
	ValidUntil int64
	Refusal    *spec.Error
}

// Said is what the blocks said of an intent last.
type Said struct {
	Block       uint64
	Transaction [32]byte
	// Position is its place in the batch.
	Position uint32
	Refusal  *spec.Error
}

// Intent returns what the blocks said of an intent; nil when that is nothing.
func (m *Mirror) Intent(id spec.ID) (*Said, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, outcome := range []struct {
		prefix byte
		of     func(*overlay) map[spec.ID]said
	}{
		{happenedPrefix, func(o *overlay) map[spec.ID]said { return o.happened }},
		{refusedPrefix, func(o *overlay) map[spec.ID]said { return o.refused }},
	} {
		s, found, err := m.find(id, outcome.prefix, outcome.of)
		if err != nil {
			return nil, fmt.Errorf("read an intent: %w", err)
		}
		if !found {
			continue
		}
		transaction, err := m.transactionAt(s.block, s.number)
		if err != nil {
			return nil, fmt.Errorf("read an intent's transaction: %w", err)
		}
		return &Said{Block: s.block, Transaction: transaction.ID, Position: s.position, Refusal: s.refusal}, nil
	}
	return nil, nil
}

// find looks for one outcome of an intent. An intent happens once, as its nonce is used by that; of refusals the last one stands.
func (m *Mirror) find(id spec.ID, prefix byte, of func(*overlay) map[spec.ID]said) (s said, found bool, err error) {
	for _, o := range m.overlays() {
		if s, found = of(o)[id]; found {
			return s, true, nil
		}
	}
	value, err := m.engine.get(append([]byte{prefix}, id[:]...))
	if err != nil || value == nil {
		return s, false, err
	}
	s, err = readSaid(value)
	return s, err == nil, err
}

// transactionAt returns the transaction at a place, which had intents or rows; without those.
func (m *Mirror) transactionAt(block uint64, number uint32) (Transaction, error) {
	for _, o := range m.overlays() {
		for _, t := range o.transactions {
			if t.block == block && t.Number == number {
				return t.Transaction, nil
			}
		}
	}
	value, err := m.engine.get(transactionKey(block, number))
	if err != nil {
		return Transaction{}, err
	}
	t := Transaction{Number: number}
	time, size := uint64(0), 0
	if len(value) > len(t.ID) {
		time, size = binary.Uvarint(value[len(t.ID):])
	}
	if size <= 0 {
		return t, fmt.Errorf("transaction %d of block %d has %d bytes", number, block, len(value))
	}
	t.ID, t.Time = [32]byte(value), int64(time)
	return t, nil
}

// appendTo writes the block, the transaction's number, the position, until when it is valid and, of a refused one, the refusal's texts.
func (s said) appendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, s.block)
	b = binary.AppendUvarint(b, uint64(s.number))
	b = binary.AppendUvarint(b, uint64(s.position))
	b = binary.AppendUvarint(b, uint64(max(s.validUntil, 0)))
	if s.refusal != nil {
		for _, text := range []string{string(s.refusal.Code), s.refusal.Field, s.refusal.Detail} {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	return b
}

var errSaid = errors.New("what was said of an intent ends too early")

func readSaid(b []byte) (said, error) {
	number := func() uint64 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			b = nil
			return 0
		}
		b = b[size:]
		return n
	}
	text := func() string {
		n := number()
		if n > uint64(len(b)) {
			b = nil
			return ""
		}
		t := string(b[:n])
		b = b[n:]
		return t
	}
	s := said{block: number(), number: uint32(number()), position: uint32(number()), validUntil: int64(number())}
	if b == nil {
		return s, errSaid
	}
	if len(b) > 0 {
		s.refusal = &spec.Error{Code: spec.Code(text()), Field: text(), Detail: text()}
		if b == nil {
			return s, errSaid
		}
	}
	return s, nil
}
