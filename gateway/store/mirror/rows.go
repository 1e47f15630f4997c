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
	start := []byte(subject)
	bounds := util.BytesPrefix([]byte(subject))
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

// stored is a row as it is kept, by its subject and place.
type stored struct{ key, value []byte }

// segmentOf is what the keys of a segment's rows begin with; subject and place follow.
func segmentOf(segment uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{rowPrefix}, segment)
}

// rows returns at most limit rows of the engine's within bounds. Segments are of one time after the other, so what is in order in each of them
// is in order.
func (e *engine) rows(bounds *util.Range, order Order, limit int) ([]stored, error) {
	iterator := e.db.NewIterator(util.BytesPrefix([]byte{rowPrefix}), nil)
	defer iterator.Release()
	segments := e.segments()
	nth, step := func(n uint32) uint32 { return n }, iterator.Next
	first := func(start, _ []byte) bool { return iterator.Seek(start) }
	if order == NewestFirst {
		nth, step = func(n uint32) uint32 { return segments - 1 - n }, iterator.Prev
		first = func(_, end []byte) bool {
			iterator.Seek(end) // whatever lies there, or nothing, one step back is the last row before
			return iterator.Prev()
		}
	}
	var found []stored
	for n := uint32(0); n < segments && len(found) < limit; n++ {
		head := segmentOf(nth(n))
		start, end := slices.Concat(head, bounds.Start), slices.Concat(head, bounds.Limit)
		for here := first(start, end); here && len(found) < limit; here = step() {
			key := iterator.Key()
			if bytes.Compare(key, start) < 0 || bytes.Compare(key, end) >= 0 {
				break
			}
			found = append(found, stored{slices.Clone(key[len(head):]), slices.Clone(iterator.Value())})
		}
	}
	return found, iterator.Error()
}

// rows are the rows of an overlay, one behind the other in one piece of memory, as they come: a payment has two, so that a map or an
// allocation for each would show. They are sorted when they are written; who reads a history looks through all of them.
type rows struct {
	octets []byte
	spans  []span
}

// span is where a row lies: its key, which is its subject and place, then its value.
type span struct{ start, value, end int }

func (r *rows) add(subject history.Subject, place Place, value []byte) {
	s := span{start: len(r.octets)}
	r.octets = place.Append(append(r.octets, subject...))
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

// writeTo writes the rows to a segment in the order of their keys. Others may read them meanwhile.
func (r *rows) writeTo(to sink, segment uint32) error {
	order := make([]ranked, len(r.spans))
	for at, s := range r.spans {
		order[at] = ranked{rankOf(r.key(s)), at}
	}
	sortRanked(order, func(a, b int) int { return bytes.Compare(r.key(r.spans[a]), r.key(r.spans[b])) })
	key := segmentOf(segment)
	head := len(key)
	for _, p := range order {
		s := r.spans[p.at]
		key = append(key[:head], r.key(s)...)
		if err := to.Put(key, r.valueOf(s), nil); err != nil {
			return err
		}
	}
	return nil
}
