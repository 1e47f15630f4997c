package simulate

import (
	"slices"
	"strings"

	"github.com/cybermiles/cmt/chaincode/state"
)

// Read is a key that a simulation read, with the version it saw; absent keys are among them.
type Read struct {
	Key     string
	Version Version
}

// Range is a range that a simulation read and what it saw there. Where a limit stopped it, End lies right behind the last key seen.
type Range struct {
	Start, End string
	Seen       []Read
}

// Write is a key that a simulation wrote; a nil value deletes it.
type Write struct {
	Key   string
	Value []byte
}

// ReadWriteSet is what a simulation did, each in the order of the keys.
type ReadWriteSet struct {
	Reads  []Read
	Ranges []Range
	Writes []Write
}

// recorder is the stub of one simulation. As on a peer, reads never see the simulation's own writes.
type recorder struct {
	store  *store
	height uint64
	set    ReadWriteSet
	// loads counts the messages that a peer would have been asked with.
	loads int
}

func newRecorder(s *store, height uint64) *recorder { return &recorder{store: s, height: height} }

var _ state.Stub = (*recorder)(nil)

// GetMultipleStates reads keys and records their versions.
func (r *recorder) GetMultipleStates(keys ...string) ([][]byte, error) {
	r.loads++
	values := make([][]byte, len(keys))
	for i, key := range keys {
		octets, version := r.store.get(key, r.height)
		values[i] = octets
		at, read := slices.BinarySearchFunc(r.set.Reads, key, func(read Read, key string) int { return strings.Compare(read.Key, key) })
		if !read {
			r.set.Reads = slices.Insert(r.set.Reads, at, Read{key, version})
		}
	}
	return values, nil
}

// Range reads a range and records what is in it.
func (r *recorder) Range(start, end string, limit int) ([]state.Pair, error) {
	r.loads++
	pairs, seen := r.store.scan(start, end, r.height, limit)
	if len(seen) == limit && limit > 0 {
		end = seen[limit-1].Key + "\x00"
	}
	r.set.Ranges = append(r.set.Ranges, Range{start, end, seen})
	return pairs, nil
}

// PutState records a write.
func (r *recorder) PutState(key string, octets []byte) error {
	r.write(Write{key, slices.Clone(octets)})
	return nil
}

// DelState records a deletion.
func (r *recorder) DelState(key string) error {
	r.write(Write{Key: key})
	return nil
}

// write keeps the last write of each key, as a peer does.
func (r *recorder) write(write Write) {
	at, again := slices.BinarySearchFunc(r.set.Writes, write.Key, func(w Write, key string) int { return strings.Compare(w.Key, key) })
	if again {
		r.set.Writes[at] = write
		return
	}
	r.set.Writes = slices.Insert(r.set.Writes, at, write)
}
