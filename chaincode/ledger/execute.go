package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Reader gives the rules what is on the ledger.
type Reader interface {
	// Load returns the records of the keys, in their order, nil where there is none.
	Load(keys []Key) ([]Record, error)
	// Page returns at most limit records of a kind and parent in the order of their keys, after the cursor (empty: from the
	// beginning), and the cursor to go on with, empty at the end. Only queries may use it: a writing transaction that ranges
	// conflicts with every new key.
	Page(kind Kind, parent, cursor string, limit int) (entries []Entry, next string, err error)
}

// Entry is a record with its key.
type Entry struct {
	Key    Key
	Record Record
}

// Transaction is what a command comes in.
type Transaction struct {
	// ID is the transaction's identifier, a SHA-256.
	ID [32]byte
	// Time is the transaction's timestamp in Unix seconds, as its client set it.
	Time int64
	// MSPID is the creator's membership service provider.
	MSPID string
	// IsClient: the creator's certificate has the client organisational unit.
	IsClient bool
}

// Write is one changed record; a nil record deletes the key.
type Write struct {
	Key    Key
	Record Record
}

// Execute runs one call and returns its changes in the order of their keys, and its result. On a refusal, an *spec.Error,
// there are no changes. Any other error is the reader's.
func Execute(reader Reader, tx Transaction, call *spec.Call) ([]Write, proto.Message, error) {
	w := newWork(reader, tx, 0)
	t := &task{work: w, call: call, actor: spec.SubAccountAddress(tx.MSPID, call.SubAccount)}
	if err := t.find(); err != nil {
		return nil, nil, err
	}
	if err := w.load(call.Operation.Kind, []*task{t}); err != nil {
		return nil, nil, err
	}
	if err := w.admit(call.Operation.Kind, call.Operation.Role, call.Operation.FullName() == genesisName); err != nil {
		return nil, nil, err
	}
	result, err := t.rule.decide(t)
	if err != nil {
		return nil, nil, err
	}
	return w.sorted(), result, nil
}

// task is one call at work.
type task struct {
	*work
	rule  rule
	call  *spec.Call
	actor spec.Address
	// loaded: all that its rule names is.
	loaded bool
	// signed: the command came as an intent, which its nonce keeps from happening twice.
	signed bool
}

func (t *task) find() error {
	r, ok := rules[t.call.Operation.FullName()]
	if !ok {
		return spec.Errorf(spec.UnknownOperation, "no rule for %s", t.call.Operation.FullName())
	}
	t.rule = r
	return nil
}

// get returns the record of a key that the rule has named, or false when there is none.
func get[T Record](t *task, key Key) (T, bool) {
	record, ok := t.record(key).(T)
	return record, ok
}

// has reports whether there is a record under the key.
func has(t *task, key Key) bool { return t.record(key) != nil }

// params returns the parameters; admit made sure that there are some.
func (t *task) params() Parameters { return t.parameters }

// member returns the organisation of the transaction's creator; admit made sure that it is one.
func (t *task) member() Member {
	member, _ := get[Member](t, MemberKey(t.tx.MSPID))
	return member
}
