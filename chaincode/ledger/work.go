package ledger

import (
	"slices"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// maxRounds bounds how often rules may name further keys after they saw the first.
const maxRounds = 3

// work is one transaction at work: what was loaded, and what its commands changed so far. Commands see the changes of those
// before them, which Fabric's own reads would not show.
type work struct {
	reader     Reader
	tx         Transaction
	parameters Parameters
	// expected is about how many keys the rules will name.
	expected int
	// view holds what was loaded and what was put since; a nil record is an absent one.
	view   map[Key]Record
	writes []Write
	// place is where a key stands in writes.
	place map[Key]int
	// journal undoes the command at work.
	journal []change
	// gifts numbers the credits that the transaction gives, one a receiver and cause.
	gifts map[gift]uint32
	// actors are the accounts that act in a batch. What they are given goes straight into their accounts.
	actors map[spec.Address]bool
}

// change is what a put replaced.
type change struct {
	key    Key
	before Record
	fresh  bool
}

type gift struct {
	to    spec.Address
	cause spec.CreditKind
}

// newWork returns work that expects to name about so many keys.
func newWork(reader Reader, tx Transaction, expected int) *work {
	return &work{
		reader: reader, tx: tx, expected: expected,
		view: make(map[Key]Record, expected), place: make(map[Key]int, expected), gifts: map[gift]uint32{},
	}
}

// load reads what the rules name, round by round, until they name nothing new. A task without a rule names nothing.
func (w *work) load(kind spec.Kind, tasks []*task) error {
	for round := 0; ; round++ {
		missing := w.missing(kind, tasks)
		if len(missing) == 0 {
			return nil
		}
		// What is not loaded would pass for absent, and absence is authority.
		if round == maxRounds {
			return spec.Errorf(spec.Internal, "further keys are named after %d rounds", maxRounds)
		}
		records, err := w.reader.Load(missing)
		if err != nil {
			return err
		}
		if len(records) != len(missing) {
			return spec.Errorf(spec.Internal, "round %d: asked for %d records, got %d", round+1, len(missing), len(records))
		}
		for i, key := range missing {
			w.view[key] = records[i]
		}
		w.parameters, _ = w.view[ParametersKey()].(Parameters)
	}
}

// missing returns the keys that the rules name, from what is known, and that are not loaded yet, each once.
func (w *work) missing(kind spec.Kind, tasks []*task) []Key {
	var missing []Key
	asked := make(map[Key]bool, max(0, w.expected-len(w.view)))
	// want reports whether all of the keys are loaded.
	want := func(keys []Key) bool {
		all := true
		for _, key := range keys {
			if _, loaded := w.view[key]; loaded {
				continue
			}
			all = false
			if !asked[key] {
				asked[key] = true
				missing = append(missing, key)
			}
		}
		return all
	}
	_, begun := w.view[ParametersKey()]
	want(w.ownKeys(kind))
	for _, t := range tasks {
		// What a rule names follows from the command, the parameters, the caller, and what it named before: when all of that is
		// loaded, it is all.
		if t.rule.keys != nil && !t.loaded {
			t.loaded = want(t.rule.keys(t)) && begun
		}
	}
	return missing
}

// ownKeys are the keys of every transaction: the parameters, the caller's membership and, for a write, its epoch's fence.
func (w *work) ownKeys(kind spec.Kind) []Key {
	keys := []Key{ParametersKey(), MemberKey(w.tx.MSPID)}
	if kind == spec.Write && w.view[ParametersKey()] != nil {
		keys = append(keys, FenceKey(w.parameters.epoch(w.tx.Time)))
	}
	return keys
}

// epoch returns the number of the epoch that a time lies in.
func (p Parameters) epoch(time int64) uint64 {
	return uint64(max(time, 0)) / uint64(max(p.FenceEpochSeconds, 1))
}

// admit checks who calls and when, before any rule is asked. Without a role any member may.
func (w *work) admit(kind spec.Kind, role spec.Role, isGenesis bool) error {
	if !w.tx.IsClient {
		return spec.Errorf(spec.NotAClient, "the certificate of %s lacks the client organisational unit", w.tx.MSPID)
	}
	if isGenesis {
		return nil
	}
	if w.view[ParametersKey()] == nil {
		return spec.Errorf(spec.NotInitialised, "submit %s first", genesisName)
	}
	member, ok := w.view[MemberKey(w.tx.MSPID)].(Member)
	if !ok {
		return spec.Errorf(spec.NotAMember, "%s is not a member", w.tx.MSPID)
	}
	if role != 0 && !member.Has(role) {
		return spec.Errorf(spec.RoleRequired, "%s lacks the role %s", w.tx.MSPID, spec.EnumText(role.Descriptor(), role.Number()))
	}
	if epoch := w.parameters.epoch(w.tx.Time); kind == spec.Write && w.view[FenceKey(epoch)] != nil {
		return spec.Errorf(spec.Fenced, "epoch %d was closed", epoch)
	}
	return nil
}

// put changes a record.
func (w *work) put(key Key, record Record) {
	at, written := w.place[key]
	w.journal = append(w.journal, change{key: key, before: w.view[key], fresh: !written})
	w.view[key] = record
	if written {
		w.writes[at].Record = record
		return
	}
	w.place[key] = len(w.writes)
	w.writes = append(w.writes, Write{Key: key, Record: record})
}

// remove deletes a record.
func (w *work) remove(key Key) { w.put(key, nil) }

// keep makes the changes of the command at work the transaction's.
func (w *work) keep() { w.journal = w.journal[:0] }

// undo takes back the changes of the command at work.
func (w *work) undo() {
	for i := len(w.journal) - 1; i >= 0; i-- {
		c := w.journal[i]
		w.view[c.key] = c.before
		if c.fresh {
			// Changes are undone last first, so that a fresh one is the last of the writes.
			delete(w.place, c.key)
			w.writes = w.writes[:len(w.writes)-1]
		} else {
			w.writes[w.place[c.key]].Record = c.before
		}
	}
	w.journal = w.journal[:0]
}

// sorted returns the writes in the order of their keys.
func (w *work) sorted() []Write {
	slices.SortFunc(w.writes, func(a, b Write) int { return a.Key.Compare(b.Key) })
	return w.writes
}
