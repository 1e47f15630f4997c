package ledger

import (
	"slices"

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

// maxRounds bounds how often a rule may name further keys after it saw the first.
const maxRounds = 3

// Execute runs one call and returns its changes in the order of their keys, and its result. On a refusal, an *spec.Error,
// there are no changes. Any other error is the reader's.
func Execute(reader Reader, tx Transaction, call *spec.Call) ([]Write, proto.Message, error) {
	r, ok := rules[call.Operation.FullName()]
	if !ok {
		return nil, nil, spec.Errorf(spec.UnknownOperation, "no rule for %s", call.Operation.FullName())
	}
	t := &task{
		tx:     tx,
		reader: reader,
		call:   call,
		actor:  spec.SubAccountAddress(tx.MSPID, call.SubAccount),
		view:   map[Key]Record{},
	}
	if err := t.load(r); err != nil {
		return nil, nil, err
	}
	if err := t.admit(); err != nil {
		return nil, nil, err
	}
	result, err := r.decide(t)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(t.writes, func(a, b Write) int { return a.Key.Compare(b.Key) })
	return t.writes, result, nil
}

// task is one call at work.
type task struct {
	tx     Transaction
	reader Reader
	call   *spec.Call
	actor  spec.Address
	// view holds what was loaded and what was put since; a nil record is an absent one.
	view   map[Key]Record
	writes []Write
	// credits numbers the credits that the transaction gives.
	credits uint32
}

// load reads what the rule names, round by round, until it names nothing new.
func (t *task) load(r rule) error {
	for round := 0; ; round++ {
		missing := t.missing(r)
		if len(missing) == 0 {
			return nil
		}
		// What is not loaded would pass for absent, and absence is authority.
		if round == maxRounds {
			return spec.Errorf(spec.Internal, "%s names further keys after %d rounds", t.call.Operation.FullName(), maxRounds)
		}
		records, err := t.reader.Load(missing)
		if err != nil {
			return err
		}
		if len(records) != len(missing) {
			return spec.Errorf(spec.Internal, "round %d: asked for %d records, got %d", round+1, len(missing), len(records))
		}
		for i, key := range missing {
			t.view[key] = records[i]
		}
	}
}

// missing returns the keys that the rule names, from what is known, and that are not loaded yet, each once.
func (t *task) missing(r rule) []Key {
	var missing []Key
	for _, key := range append(t.ownKeys(), r.keys(t)...) {
		if _, loaded := t.view[key]; !loaded && !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	return missing
}

// ownKeys are the keys of every call: the parameters, the caller's membership and, for a write, its epoch's fence.
func (t *task) ownKeys() []Key {
	keys := []Key{ParametersKey(), MemberKey(t.tx.MSPID)}
	if params, ok := get[Parameters](t, ParametersKey()); ok && t.call.Operation.Kind == spec.Write {
		keys = append(keys, FenceKey(params.epoch(t.tx.Time)))
	}
	return keys
}

// epoch returns the number of the epoch that a time lies in.
func (p Parameters) epoch(time int64) uint64 {
	return uint64(max(time, 0)) / uint64(max(p.FenceEpochSeconds, 1))
}

// admit checks who asks and when, before any rule is asked.
func (t *task) admit() error {
	if !t.tx.IsClient {
		return spec.Errorf(spec.NotAClient, "the certificate of %s lacks the client organisational unit", t.tx.MSPID)
	}
	params, initialised := get[Parameters](t, ParametersKey())
	if t.call.Operation.FullName() == genesisName {
		return nil
	}
	if !initialised {
		return spec.Errorf(spec.NotInitialised, "submit %s first", genesisName)
	}
	member, ok := get[Member](t, MemberKey(t.tx.MSPID))
	if !ok {
		return spec.Errorf(spec.NotAMember, "%s is not a member", t.tx.MSPID)
	}
	if role := t.call.Operation.Role; role != 0 && !member.Has(role) {
		return spec.Errorf(spec.RoleRequired, "%s lacks the role %s", t.tx.MSPID, spec.EnumText(role.Descriptor(), role.Number()))
	}
	if t.call.Operation.Kind == spec.Write {
		if epoch := params.epoch(t.tx.Time); has(t, FenceKey(epoch)) {
			return spec.Errorf(spec.Fenced, "epoch %d was closed", epoch)
		}
	}
	return nil
}

// get returns the record of a key that the rule has named, or false when there is none.
func get[T Record](t *task, key Key) (T, bool) {
	record, ok := t.view[key].(T)
	return record, ok
}

// has reports whether there is a record under the key.
func has(t *task, key Key) bool { return t.view[key] != nil }

// put changes a record.
func (t *task) put(key Key, record Record) {
	t.view[key] = record
	for i := range t.writes {
		if t.writes[i].Key == key {
			t.writes[i].Record = record
			return
		}
	}
	t.writes = append(t.writes, Write{Key: key, Record: record})
}

// remove deletes a record.
func (t *task) remove(key Key) { t.put(key, nil) }

// params returns the parameters; admit made sure that there are some.
func (t *task) params() Parameters {
	params, _ := get[Parameters](t, ParametersKey())
	return params
}
