package memledger

import (
	"maps"
	"slices"

	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// stub is a map as the state package wants it.
type stub struct{ values map[string][]byte }

// GetMultipleStates returns the values of the keys in their order.
func (s stub) GetMultipleStates(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = s.values[key]
	}
	return values, nil
}

// Range returns at most limit pairs from start to end.
func (s stub) Range(start, end string, limit int) ([]state.Pair, error) {
	var pairs []state.Pair
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		if key >= start && key < end && len(pairs) < limit {
			pairs = append(pairs, state.Pair{Key: key, Value: s.values[key]})
		}
	}
	return pairs, nil
}

// PutState writes a value.
func (s stub) PutState(key string, value []byte) error {
	s.values[key] = value
	return nil
}

// DelState deletes a key.
func (s stub) DelState(key string) error {
	delete(s.values, key)
	return nil
}

// recorder notes the writes for the block.
type recorder struct {
	stub
	transaction *app.BlockTransaction
}

// PutState writes and notes.
func (r recorder) PutState(key string, value []byte) error {
	r.transaction.Writes = append(r.transaction.Writes, app.Write{Key: key, Value: value})
	return r.stub.PutState(key, value)
}

// DelState deletes and notes.
func (r recorder) DelState(key string) error {
	r.transaction.Writes = append(r.transaction.Writes, app.Write{Key: key, Delete: true})
	return r.stub.DelState(key)
}
