package ledger

import (
	"errors"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Intent is a command that a key signed; the signature was checked before.
type Intent struct {
	Actor      spec.Address
	Nonce      uint64
	ValidUntil int64
	Call       *spec.Call
}

// ReadParameters returns the parameters, with the ledger's identifier, which keys sign along with what they ask.
func ReadParameters(reader Reader) (Parameters, error) {
	records, err := reader.Load([]Key{ParametersKey()})
	if err != nil {
		return Parameters{}, err
	}
	params, ok := records[0].(Parameters)
	if !ok {
		return Parameters{}, spec.Errorf(spec.NotInitialised, "submit %s first", genesisName)
	}
	return params, nil
}

// keysAnIntent is about how many keys a payment names, for maps that do not have to grow.
const keysAnIntent = 3

// ExecuteBatch runs the intents in their order in one transaction and returns the changes in the order of their keys, and a
// refusal, or nil, for each intent. A refused intent changes nothing and uses up nothing; its neighbours are untouched. An
// intent that is refused already stands as nil and is passed over. The error is the whole batch's: a refusal of the relay,
// or the reader's. The parameters are those that ReadParameters read in this transaction.
func ExecuteBatch(reader Reader, tx Transaction, params Parameters, intents []*Intent) ([]Write, []*spec.Error, error) {
	w := newWork(reader, tx, keysAnIntent*len(intents))
	w.know(params)
	w.actors = make(map[spec.Address]bool, len(intents))
	refusals := make([]*spec.Error, len(intents))
	var tasks []*task
	for i, in := range intents {
		t := &task{work: w}
		tasks = append(tasks, t)
		if in == nil {
			continue
		}
		t.call, t.actor, t.signed = in.Call, in.Actor, true
		if refusals[i] = t.admitIntent(in); refusals[i] != nil {
			continue
		}
		if err := t.find(); err != nil {
			return nil, nil, err
		}
		keys := t.rule.keys
		t.rule.keys = func(t *task) []Key { return append(keys(t), AccountKey(t.actor)) }
		w.actors[in.Actor] = true
	}
	if err := w.load(spec.Write, tasks); err != nil {
		return nil, nil, err
	}
	if err := w.admit(spec.Write, 0, false); err != nil {
		return nil, nil, err
	}
	for i, t := range tasks {
		if t.rule.decide == nil {
			continue
		}
		err := t.decideIntent(intents[i])
		if err == nil {
			w.keep()
			continue
		}
		w.undo()
		if !errors.As(err, &refusals[i]) {
			return nil, nil, err
		}
	}
	return w.sorted(), refusals, nil
}

// admitIntent checks what needs no record.
func (t *task) admitIntent(in *Intent) *spec.Error {
	switch op := in.Call.Operation; {
	case op.Number == 0:
		return spec.Errorf(spec.NotAnIntent, "%s is no person's operation", op.FullName())
	case in.ValidUntil < t.tx.Time:
		return spec.Errorf(spec.IntentExpired, "was valid until %s", utc(in.ValidUntil))
	}
	return nil
}

// decideIntent decides the command and uses up the nonce, or refuses and does neither.
func (t *task) decideIntent(in *Intent) error {
	account, _ := get[Account](t, AccountKey(t.actor))
	if !account.Nonces.Free(in.Nonce) {
		return spec.FieldErrorf(spec.NonceUsed, "nonce", "%d was used or lies behind the window", in.Nonce)
	}
	// Settled first, so that a first intent that moves the home has the last word.
	if settled := t.settle(account); settled != account {
		t.put(AccountKey(t.actor), settled)
	}
	if _, err := t.rule.decide(t); err != nil {
		return err
	}
	account, _ = get[Account](t, AccountKey(t.actor))
	account.Nonces = account.Nonces.Use(in.Nonce)
	t.put(AccountKey(t.actor), account)
	return nil
}

// Contended returns the keys that the intent reads and that others may rewrite. Two batches that share none of them cannot
// cost each other anything, so whoever carries intents keeps those that do apart. They are what the operation's rule names
// before it has seen any record: keys that follow from records belong to an object that is among them.
func Contended(in *Intent) []Key {
	t := &task{work: &work{}, call: in.Call, actor: in.Actor, signed: true}
	keys := []Key{AccountKey(in.Actor)}
	if t.find() != nil {
		return keys
	}
	for _, key := range t.rule.keys(t) {
		switch key.Kind {
		case ParametersKind, MemberKind, ArbitersKind, FenceKind, VersionKind, EndKind, LinesKind, DiscountKind:
			// Written once, or by a vote.
		default:
			keys = append(keys, key)
		}
	}
	return keys
}
