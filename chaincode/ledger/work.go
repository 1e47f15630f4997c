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
	// slots have what was asked for or put, places where a key has its slot.
	slots  []slot
	places map[Key]int
	writes []Write
	// journal undoes the command at work.
	journal []change
	// gifts numbers the credits that the transaction gives, one a receiver and cause.
	gifts map[gift]uint32
	// actors are the accounts that act in a batch. What they are given goes straight into their accounts.
	actors map[spec.Address]bool
}

// slot is what is known of a key.
type slot struct {
	// record is what was loaded, or put since; nil when there is none.
	record Record
	// loaded: the record is known.
	loaded bool
	// write is where the key stands in the writes, from 1 on; 0 when it was not put.
	write int
}

// change is what a put replaced.
type change struct {
	place  int
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
		reader: reader, tx: tx, slots: make([]slot, 0, expected), places: make(map[Key]int, expected), gifts: map[gift]uint32{},
	}
}

// slot returns a key's slot, a new one when it has none. It is good until the next one is new.
func (w *work) slot(key Key) (s *slot, place int) {
	place, ok := w.places[key]
	if !ok {
		place = len(w.slots)
		w.places[key] = place
		w.slots = append(w.slots, slot{})
	}
	return &w.slots[place], place
}

// look returns the record of a key, nil when there is none, and whether it is known.
func (w *work) look(key Key) (record Record, known bool) {
	place, ok := w.places[key]
	if !ok {
		return nil, false
	}
	return w.slots[place].record, w.slots[place].loaded
}

// record returns the record of a key, nil when there is none.
func (w *work) record(key Key) Record {
	record, _ := w.look(key)
	return record
}

// know takes the parameters, which were read before, for loaded: then rules know from the first round on what to name.
func (w *work) know(params Parameters) {
	s, _ := w.slot(ParametersKey())
	s.record, s.loaded = params, true
	w.parameters = params
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
			s, _ := w.slot(key)
			s.record, s.loaded = records[i], true
		}
		w.parameters, _ = w.record(ParametersKey()).(Parameters)
	}
}

// missing returns the keys that the rules name, from what is known, and that are not loaded yet, each once.
func (w *work) missing(kind spec.Kind, tasks []*task) []Key {
	var missing []Key
	// want reports whether all of the keys are loaded.
	want := func(keys []Key) bool {
		all := true
		for _, key := range keys {
			before := len(w.slots)
			if s, _ := w.slot(key); s.loaded {
				continue
			}
			all = false
			if len(w.slots) > before { // nobody asked for it yet
				missing = append(missing, key)
			}
		}
		return all
	}
	_, begun := w.look(ParametersKey())
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
	if kind == spec.Write && w.record(ParametersKey()) != nil {
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
	if w.record(ParametersKey()) == nil {
		return spec.Errorf(spec.NotInitialised, "submit %s first", genesisName)
	}
	member, ok := w.record(MemberKey(w.tx.MSPID)).(Member)
	if !ok {
		return spec.Errorf(spec.NotAMember, "%s is not a member", w.tx.MSPID)
	}
	if role != 0 && !member.Has(role) {
		return spec.Errorf(spec.RoleRequired, "%s lacks the role %s", w.tx.MSPID, spec.EnumText(role.Descriptor(), role.Number()))
	}
	if epoch := w.parameters.epoch(w.tx.Time); kind == spec.Write && w.record(FenceKey(epoch)) != nil {
		return spec.Errorf(spec.Fenced, "epoch %d was closed", epoch)
	}
	return nil
}

// put changes a record.
func (w *work) put(key Key, record Record) {
	s, place := w.slot(key)
	w.journal = append(w.journal, change{place: place, before: s.record, fresh: s.write == 0})
	s.record, s.loaded = record, true
	if s.write > 0 {
		w.writes[s.write-1].Record = record
		return
	}
	w.writes = append(w.writes, Write{Key: key, Record: record})
	s.write = len(w.writes)
}

// remove deletes a record.
func (w *work) remove(key Key) { w.put(key, nil) }

// keep makes the changes of the command at work the transaction's.
func (w *work) keep() { w.journal = w.journal[:0] }

// undo takes back the changes of the command at work.
func (w *work) undo() {
	for i := len(w.journal) - 1; i >= 0; i-- {
		c := w.journal[i]
		s := &w.slots[c.place]
		s.record = c.before
		if c.fresh {
			// Changes are undone last first, so that a fresh one is the last of the writes.
			s.write = 0
			w.writes = w.writes[:len(w.writes)-1]
		} else {
			w.writes[s.write-1].Record = c.before
		}
	}
	w.journal = w.journal[:0]
}

// sorted returns the writes in the order of their keys.
func (w *work) sorted() []Write {
	slices.SortFunc(w.writes, func(a, b Write) int { return a.Key.Compare(b.Key) })
	return w.writes
}
