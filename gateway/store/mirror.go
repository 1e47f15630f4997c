package store

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/store/mirror"
)

// stub gives the ledger's own rules the mirror to answer from.
type stub struct{ *mirror.Mirror }

var errReadOnly = errors.New("the mirror is read only")

// GetMultipleStates returns the values of the keys in their order, empty where there is none.
func (s stub) GetMultipleStates(keys ...string) ([][]byte, error) { return s.Get(keys...) }

// PutState refuses.
func (stub) PutState(string, []byte) error { return errReadOnly }

// DelState refuses.
func (stub) DelState(string) error { return errReadOnly }

// State calls take for each of the ledger's keys with its value, in their order, until it fails. Blocks wait as long.
func (s *Store) State(take func(key string, value []byte) error) error { return s.mirror.All(take) }

// view asks the ledger's rules over the mirror.
func (s *Store) view(function string, command proto.Message) (proto.Message, error) {
	call := &spec.Call{Operation: spec.Find(function), Hints: &spec.Hints{}, Command: command}
	tx := ledger.Transaction{Time: s.now().Unix(), MSPID: s.mspID, IsClient: true}
	_, result, err := ledger.Execute(state.Reader{Stub: stub{s.mirror}}, tx, call)
	return result, wrap(err, "answer "+function+" from the read model")
}

// record reads one record of the mirror; nil when there is none.
func (s *Store) record(key ledger.Key) (ledger.Record, error) {
	records, err := state.Reader{Stub: stub{s.mirror}}.Load([]ledger.Key{key})
	if err != nil {
		return nil, err
	}
	return records[0], nil
}

func unixTime(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
