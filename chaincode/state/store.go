package state

import (
	"fmt"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// Stub is what the package needs of Fabric, or of what stands in for it.
type Stub interface {
	// GetMultipleStates returns the values of the keys in their order, empty where there is none.
	GetMultipleStates(keys ...string) ([][]byte, error)
	// Range returns at most limit pairs from start, inclusive, to end, exclusive, in the order of the keys.
	Range(start, end string, limit int) ([]Pair, error)
	PutState(key string, value []byte) error
	DelState(key string) error
}

// Pair is a key and its value.
type Pair struct {
	Key   string
	Value []byte
}

// Reader reads records through a stub.
type Reader struct{ Stub Stub }

var _ ledger.Reader = Reader{}

// Load reads the records of the keys in one round. The shim splits more than a thousand into several messages and joins the answers; one
// that failed is missing from them, which the count of the values shows.
func (r Reader) Load(keys []ledger.Key) ([]ledger.Record, error) {
	if len(keys) > spec.MaxRoundKeys {
		return nil, spec.Errorf(spec.BodyTooLarge, "%d keys in one round are more than %d: carry fewer intents, or fewer credits to fold", len(keys), spec.MaxRoundKeys)
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = FormatKey(key)
	}
	values, err := r.Stub.GetMultipleStates(names...)
	if err != nil {
		return nil, fmt.Errorf("state: load %d keys: %w", len(keys), err)
	}
	// The peer answers a read that failed with nothing at all.
	if len(values) != len(keys) {
		return nil, spec.Errorf(spec.Internal, "asked the peer for %d values, got %d", len(keys), len(values))
	}
	records := make([]ledger.Record, len(keys))
	for i, value := range values {
		if len(value) == 0 {
			continue
		}
		if records[i], err = DecodeRecord(keys[i].Kind, value); err != nil {
			return nil, fmt.Errorf("state: value of %s: %w", names[i], err)
		}
	}
	return records, nil
}

// Page reads a page of a parent's records.
func (r Reader) Page(kind ledger.Kind, parent, cursor string, limit int) ([]ledger.Entry, string, error) {
	start, end, err := pageBounds(kind, parent, cursor)
	if err != nil {
		return nil, "", spec.FieldErrorf(spec.InvalidField, "cursor", "must be a cursor as an earlier page gave it")
	}
	pairs, err := r.Stub.Range(start, end, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("state: range from %s: %w", start, err)
	}
	next := ""
	if len(pairs) > limit {
		pairs = pairs[:limit]
		next = cursorOf(pairs[limit-1].Key)
	}
	entries := make([]ledger.Entry, len(pairs))
	for i, pair := range pairs {
		if entries[i].Key, err = ParseKey(pair.Key); err != nil {
			return nil, "", err
		}
		if entries[i].Record, err = DecodeRecord(kind, pair.Value); err != nil {
			return nil, "", fmt.Errorf("state: value of %s: %w", pair.Key, err)
		}
	}
	return entries, next, nil
}

// Apply writes changes in the order given, which ledger.Execute made that of the keys.
func Apply(stub Stub, writes []ledger.Write) error {
	for _, write := range writes {
		key := FormatKey(write.Key)
		if write.Record == nil {
			if err := stub.DelState(key); err != nil {
				return fmt.Errorf("state: delete %s: %w", key, err)
			}
			continue
		}
		if err := stub.PutState(key, EncodeRecord(write.Record)); err != nil {
			return fmt.Errorf("state: put %s: %w", key, err)
		}
	}
	return nil
}
