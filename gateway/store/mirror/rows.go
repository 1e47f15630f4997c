package mirror

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/cybermiles/cmt/gateway/store/history"
)

// Place is where a row of a history stands: block, transaction in the block, row in the transaction.
type Place struct {
	Block          uint64
	Number, Within uint32
}

// placeBytes is a place's length; places sort as their bytes do.
const placeBytes = 16

// Append appends the place's bytes.
func (p Place) Append(b []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, p.Block), p.Number), p.Within)
}

// ParsePlace reads what Append wrote.
func ParsePlace(b []byte) (Place, error) {
	if len(b) != placeBytes {
		return Place{}, fmt.Errorf("a place of %d bytes", len(b))
	}
	return Place{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])}, nil
}

// Row is a row of a history, with the transaction that it is of.
type Row struct {
	Place       Place
	Transaction Transaction
	Value       []byte
}

// Order is how a history is read.
type Order bool

// The orders.
const (
	OldestFirst Order = false
	NewestFirst Order = true
)

// Rows returns at most limit rows of a subject's history, behind a place when one is given.
func (m *Mirror) Rows(subject history.Subject, behind *Place, order Order, limit int) ([]Row, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	start := append([]byte{rowPrefix}, subject...)
	bounds := util.BytesPrefix(slices.Clone(start))
	switch {
	case behind == nil:
	case order == NewestFirst:
		bounds.Limit = behind.Append(start)
	default:
		// A zero octet makes it the first key behind.
		bounds.Start = append(behind.Append(start), 0)
	}
	var found []stored
	for _, o := range m.overlays() {
		found = append(found, o.rows.within(bounds)...)
	}
	kept, err := m.engine.rows(bounds, order, limit)
	if err != nil {
		return nil, fmt.Errorf("read a history: %w", err)
	}
	found = append(found, kept...)
	slices.SortFunc(found, func(a, b stored) int {
		if order == NewestFirst {
			a, b = b, a
		}
		return bytes.Compare(a.key, b.key)
	})
	// While changes are being written they may lie in both.
	found = slices.CompactFunc(found, func(a, b stored) bool { return bytes.Equal(a.key, b.key) })
	rows := make([]Row, 0, min(limit, len(found)))
	for _, s := range found[:min(limit, len(found))] {
		row := Row{Value: s.value}
		if row.Place, err = ParsePlace(s.key[len(s.key)-placeBytes:]); err == nil {
			row.Transaction, err = m.transactionAt(row.Place.Block, row.Place.Number)
		}
		if err != nil {
			return nil, fmt.Errorf("read a history: %w", err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// stored is a row as the engine has it.
type stored struct{ key, value []byte }

// rows returns at most limit rows of the engine's within bounds.
func (e *engine) rows(bounds *util.Range, order Order, limit int) ([]stored, error) {
	iterator := e.db.NewIterator(bounds, nil)
	defer iterator.Release()
	step := iterator.Next
	if order == NewestFirst {
		// The first step back from behind the end is to the last row.
		if !iterator.Last() {
			return nil, iterator.Error()
		}
		first := true
		step = func() bool {
			if first {
				first = false
				return true
			}
			return iterator.Prev()
		}
	}
	var found []stored
	for len(found) < limit && step() {
		found = append(found, stored{slices.Clone(iterator.Key()), slices.Clone(iterator.Value())})
	}
	return found, iterator.Error()
}

// rows are the rows of an overlay, one behind the other in one piece of memory, as they come: a payment has two, so that a map or an
// allocation for each would show. They are sorted when they are written; who reads a history looks through all of them.
type rows struct {
	octets []byte
	spans  []span
}

// span is where a row lies: its key, then its value.
type span struct{ start, value, end int }

func (r *rows) add(subject history.Subject, place Place, value []byte) {
	s := span{start: len(r.octets)}
	r.octets = place.Append(append(append(r.octets, rowPrefix), subject...))
	s.value = len(r.octets)
	r.octets = append(r.octets, value...)
	s.end = len(r.octets)
	r.spans = append(r.spans, s)
}

func (r *rows) reset() { r.octets, r.spans = r.octets[:0], r.spans[:0] }

func (r *rows) key(s span) []byte { return r.octets[s.start:s.value:s.value] }

func (r *rows) valueOf(s span) []byte { return r.octets[s.value:s.end:s.end] }

// within returns copies of the rows within bounds, in no order: what is read may outlive the overlay.
func (r *rows) within(bounds *util.Range) []stored {
	var found []stored
	for _, s := range r.spans {
		if key := r.key(s); bytes.Compare(key, bounds.Start) >= 0 && bytes.Compare(key, bounds.Limit) < 0 {
			found = append(found, stored{slices.Clone(key), slices.Clone(r.valueOf(s))})
		}
	}
	return found
}

// writeTo writes the rows in the order of their keys. Others may read them meanwhile.
func (r *rows) writeTo(to sink) error {
	places := make([]place, len(r.spans))
	for at, s := range r.spans {
		places[at] = place{rankOf(r.key(s)[1:]), at}
	}
	sortPlaces(places, func(a, b int) int { return bytes.Compare(r.key(r.spans[a]), r.key(r.spans[b])) })
	for _, p := range places {
		s := r.spans[p.at]
		if err := to.Put(r.key(s), r.valueOf(s), nil); err != nil {
			return err
		}
	}
	return nil
}
