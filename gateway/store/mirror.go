package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// mirror reads the ledger's keys as they are after the checkpoint, for the ledger's own rules to answer from.
type mirror struct {
	ctx context.Context
	db  *sql.DB
}

var errReadOnly = errors.New("the mirror is read only")

// GetMultipleStates returns the values of the keys in their order, empty where there is none.
func (m mirror) GetMultipleStates(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		err := m.db.QueryRowContext(m.ctx, "SELECT value FROM state WHERE key = ?", key).Scan(&values[i])
		if err != nil && !noRow(err) {
			return nil, err
		}
	}
	return values, nil
}

// Range returns at most limit pairs from start, inclusive, to end, exclusive.
func (m mirror) Range(start, end string, limit int) ([]state.Pair, error) {
	rows, err := m.db.QueryContext(m.ctx, "SELECT key, value FROM state WHERE key >= ? AND key < ? ORDER BY key LIMIT ?", start, end, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var pairs []state.Pair
	for rows.Next() {
		var pair state.Pair
		if err := rows.Scan(&pair.Key, &pair.Value); err != nil {
			return nil, err
		}
		pairs = append(pairs, pair)
	}
	return pairs, rows.Err()
}

// PutState refuses.
func (mirror) PutState(string, []byte) error { return errReadOnly }

// DelState refuses.
func (mirror) DelState(string) error { return errReadOnly }

// view asks the ledger's rules over the mirror; the answer is the query's JSON form.
func (s *Store) view(ctx context.Context, function string, command proto.Message) ([]byte, error) {
	call := &spec.Call{Operation: spec.Find(function), Hints: &spec.Hints{}, Command: command}
	tx := ledger.Transaction{Time: s.now().Unix(), MSPID: s.mspID, IsClient: true}
	_, result, err := ledger.Execute(state.Reader{Stub: mirror{ctx, s.blocks}}, tx, call)
	if err != nil {
		return nil, wrap(err, "answer "+function+" from the read model")
	}
	return spec.EncodeJSON(result)
}

// record reads one record of the mirror; nil when there is none.
func (s *Store) record(ctx context.Context, key ledger.Key) (ledger.Record, error) {
	records, err := state.Reader{Stub: mirror{ctx, s.blocks}}.Load([]ledger.Key{key})
	if err != nil {
		return nil, err
	}
	return records[0], nil
}

func unixTime(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
