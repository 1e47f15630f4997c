package simulate

import (
	"slices"

	"github.com/cybermiles/cmt/chaincode/state"
)

// Version is where a value was written: block and number in the block, both from 1. The zero version is that of an absent
// key, a deleted one included.
type Version struct{ Block, Tx uint64 }

// store holds each key's values with their versions, oldest first.
type store struct {
	keys   []string // sorted
	values map[string][]value
}

type value struct {
	version Version
	// octets are nil where the key was deleted.
	octets []byte
}

func newStore() *store { return &store{values: map[string][]value{}} }

// put writes a value, or deletes the key when there is none.
func (s *store) put(key string, version Version, octets []byte) {
	if _, known := s.values[key]; !known {
		at, _ := slices.BinarySearch(s.keys, key)
		s.keys = slices.Insert(s.keys, at, key)
	}
	s.values[key] = append(s.values[key], value{version, octets})
}

// get returns a key's value after the block of that height, and its version.
func (s *store) get(key string, height uint64) ([]byte, Version) {
	for _, v := range slices.Backward(s.values[key]) {
		if v.version.Block > height {
			continue
		}
		if v.octets == nil {
			return nil, Version{}
		}
		return v.octets, v.version
	}
	return nil, Version{}
}

// scan returns at most limit present keys from start, inclusive, to end, exclusive, with their values and versions.
func (s *store) scan(start, end string, height uint64, limit int) (pairs []state.Pair, reads []Read) {
	at, _ := slices.BinarySearch(s.keys, start)
	for _, key := range s.keys[at:] {
		if key >= end || len(pairs) == limit {
			break
		}
		if octets, version := s.get(key, height); octets != nil {
			pairs = append(pairs, state.Pair{Key: key, Value: octets})
			reads = append(reads, Read{key, version})
		}
	}
	return pairs, reads
}

// latest is a height that no block has reached.
const latest = ^uint64(0)

// all returns every key present after the block of that height, and its value.
func (s *store) all(height uint64) []state.Pair {
	pairs, _ := s.scan("", "\xff", height, len(s.keys))
	return pairs
}
