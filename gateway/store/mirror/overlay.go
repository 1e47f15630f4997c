package mirror

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"github.com/syndtr/goleveldb/leveldb/opt"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// overlay is changes that are not on the disk yet.
type overlay struct {
	// values has the keys' values; nil when the key is gone.
	values map[string][]byte
	// families has, by the part that a parent's keys share, those of them that were ever in values.
	families map[string][]string
	// happened are intents that took effect, refused those that others ended.
	happened, refused map[spec.ID]said
	transactions      []transactionAt
	rows              rows
	// taken is the checkpoint behind all of these.
	taken checkpoint
}

// said is where a block said something of an intent.
type said struct {
	block    uint64
	number   uint32
	position uint32
	// validUntil is the intent's.
	validUntil int64
	refusal    *spec.Error
}

// transactionAt is a transaction by its place, without its intents and rows.
type transactionAt struct {
	block uint64
	Transaction
}

// newOverlay has room for as many changes as are gathered.
func newOverlay(taken checkpoint, entries int) *overlay {
	return &overlay{
		taken: taken, values: make(map[string][]byte, entries), families: map[string][]string{},
		happened: make(map[spec.ID]said, entries/entriesPerIntent), refused: map[spec.ID]said{},
	}
}

// entriesPerIntent is how many changes come with each intent, itself among them.
const entriesPerIntent = 4

// reset makes it empty again, for maps that have grown are not made anew.
func (o *overlay) reset(taken checkpoint) {
	o.taken = taken
	clear(o.values)
	clear(o.families)
	clear(o.happened)
	clear(o.refused)
	o.transactions = o.transactions[:0]
	o.rows.reset()
}

func (o *overlay) len() int {
	return len(o.values) + len(o.happened) + len(o.refused) + len(o.transactions) + len(o.rows.spans)
}

func (o *overlay) put(write app.Write) {
	if family := state.Family(write.Key); family != "" {
		if _, known := o.values[write.Key]; !known {
			o.families[family] = append(o.families[family], write.Key)
		}
	}
	if write.Delete {
		o.values[write.Key] = nil
		return
	}
	o.values[write.Key] = write.Value
}

// dropCredit forgets a credit that the disk has not, and notes that of another to be gone. A credit's name is its transaction's own: it
// comes once, so what is here is not there.
func (o *overlay) dropCredit(write app.Write) {
	if value := o.values[write.Key]; value == nil {
		o.put(write)
		return
	}
	delete(o.values, write.Key)
}

// putTransaction notes what became of a transaction's intents, the last word before success, and success for ever; and its rows.
func (o *overlay) putTransaction(block uint64, t Transaction) {
	o.transactions = append(o.transactions, transactionAt{block, Transaction{Number: t.Number, ID: t.ID, Time: t.Time}})
	for _, intent := range t.Intents {
		s := said{block, t.Number, intent.Position, intent.ValidUntil, intent.Refusal}
		if intent.Refusal != nil {
			o.refused[intent.ID] = s
		} else {
			o.happened[intent.ID] = s
		}
	}
	for n, row := range t.Rows {
		o.rows.add(row.Subject, Place{block, t.Number, uint32(n)}, row.Value)
	}
}

// between returns the keys in the range, gone ones too, in their order.
func (o *overlay) between(start, end string) []string {
	var found []string
	take := func(key string) {
		if start <= key && (end == "" || key < end) {
			found = append(found, key)
		}
	}
	// A page lies within one family; other ranges are asked for by nobody in a hurry.
	if family := state.Family(start); family != "" && end == state.Behind(family) {
		for _, key := range o.families[family] {
			// One that was forgotten and came again is in the list twice.
			if _, here := o.values[key]; here {
				take(key)
			}
		}
	} else {
		for key := range o.values {
			take(key)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// sink is where an overlay is written to.
type sink interface {
	Put(key, value []byte, _ *opt.WriteOptions) error
	Delete(key []byte, _ *opt.WriteOptions) error
}

// writeTo writes all changes and the checkpoint in the order of their keys, the rows to a segment.
func (o *overlay) writeTo(to sink, segment uint32) error {
	if err := to.Put([]byte{checkpointPrefix}, append(binary.BigEndian.AppendUint64(nil, o.taken.next), o.taken.hash...), nil); err != nil {
		return err
	}
	if err := writeIntents(to, happenedPrefix, o.happened); err != nil {
		return err
	}
	if err := writeIntents(to, refusedPrefix, o.refused); err != nil {
		return err
	}
	for _, t := range o.transactions {
		if err := to.Put(transactionKey(t.block, t.Number), binary.AppendUvarint(t.ID[:], uint64(max(t.Time, 0))), nil); err != nil {
			return err
		}
	}
	if err := o.rows.writeTo(to, segment); err != nil {
		return err
	}
	var key []byte
	for name, value := range inOrder(o.values, rankOf[string], strings.Compare) {
		key = append(key[:0], name...)
		var err error
		if value == nil {
			err = to.Delete(key, nil)
		} else {
			err = to.Put(key, value, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeIntents(to sink, prefix byte, intents map[spec.ID]said) error {
	key, value := []byte{prefix}, []byte(nil)
	rank := func(id spec.ID) uint64 { return binary.BigEndian.Uint64(id[:]) }
	for id, s := range inOrder(intents, rank, func(a, b spec.ID) int { return bytes.Compare(a[:], b[:]) }) {
		key, value = append(key[:1], id[:]...), s.appendTo(value[:0])
		if err := to.Put(key, value, nil); err != nil {
			return err
		}
	}
	return nil
}

// inOrder gives a map's pairs in the order of their keys, of which compare tells and rank says as much as fits a number.
func inOrder[K comparable, V any](m map[K]V, rank func(K) uint64, compare func(a, b K) int) iter.Seq2[K, V] {
	type pair struct {
		key   K
		value V
	}
	pairs, order := make([]pair, 0, len(m)), make([]ranked, 0, len(m))
	for key, value := range m {
		order = append(order, ranked{rank(key), len(pairs)})
		pairs = append(pairs, pair{key, value})
	}
	sortRanked(order, func(a, b int) int { return compare(pairs[a].key, pairs[b].key) })
	return func(yield func(K, V) bool) {
		for _, p := range order {
			if !yield(pairs[p.at].key, pairs[p.at].value) {
				return
			}
		}
	}
}

// ranked is where something lies in a slice; what has a smaller rank comes first.
type ranked struct {
	rank uint64
	at   int
}

// sortRanked sorts by rank, and those of one rank by what lies there: nearly all comparisons are of numbers side by side, and not of keys all
// over the memory, which takes three times as long.
func sortRanked(order []ranked, compare func(a, b int) int) {
	slices.SortFunc(order, func(a, b ranked) int {
		if a.rank != b.rank {
			return cmp.Compare(a.rank, b.rank)
		}
		return compare(a.at, b.at)
	})
}

// rankOf is a key's first eight octets as a number.
func rankOf[T string | []byte](key T) uint64 {
	var first [8]byte
	copy(first[:], key)
	return binary.BigEndian.Uint64(first[:])
}
