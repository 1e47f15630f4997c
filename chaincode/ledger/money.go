package ledger

import (
	"github.com/cybermiles/cmt/chaincode/spec"
)

// debitKeys names what a debit of the actor reads: its account and the credits that the hints name.
func (t *task) debitKeys() []Key {
	return append([]Key{AccountKey(t.actor)}, t.namedCredits()...)
}

func (t *task) namedCredits() []Key {
	keys := make([]Key, 0, len(t.call.Hints.GetCredits()))
	for _, b := range t.call.Hints.GetCredits() {
		if name, err := spec.CreditNameFromBytes(b); err == nil {
			keys = append(keys, CreditKey(t.actor, name))
		}
	}
	return keys
}

// fold moves the named open credits into the actor's balance and returns the new balance, what was folded and how many.
// Absent, foreign and repeated names are passed over: they are the carrier's, not the actor's.
func (t *task) fold() (balance, folded spec.Amount, count uint32) {
	account, _ := get[Account](t, AccountKey(t.actor))
	for _, key := range t.namedCredits() {
		credit, open := get[Credit](t, key)
		if !open {
			continue
		}
		// The cap holds for all CMT together, so that no sum of parts exceeds it.
		folded, _ = folded.Add(credit.Amount)
		count++
		t.remove(key)
	}
	balance, _ = account.Balance.Add(folded)
	return balance, folded, count
}

// debit takes an amount from the actor's account and named credits.
func (t *task) debit(amount spec.Amount) error {
	balance, _, _ := t.fold()
	rest, enough := balance.Sub(amount)
	if !enough {
		return spec.FieldErrorf(spec.InsufficientFunds, "", "%s has %s CMT in its account and named credits, %s are needed", t.actor, balance, amount)
	}
	t.put(AccountKey(t.actor), Account{Balance: rest})
	return nil
}

// credit gives an account a new credit, blindly: the account itself is not read. Nothing is given for nothing.
func (t *task) credit(to spec.Address, amount spec.Amount, cause spec.CreditKind) {
	if amount.IsZero() {
		return
	}
	name := spec.CreditName{Tx: [20]byte(t.tx.ID[:20]), N: t.credits}
	t.credits++
	t.put(CreditKey(to, name), Credit{Amount: amount, Cause: cause})
}

// atLeastMinimum refuses dust, which would cost its receiver more to fold than it is worth.
func (t *task) atLeastMinimum(amount spec.Amount, field string) error {
	if minimum := t.params().CreditMinimum; amount.Less(minimum) {
		return spec.FieldErrorf(spec.BelowMinimum, field, "must be at least %s CMT", minimum)
	}
	return nil
}
