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

// fold moves the named open credits into the actor's account and returns the account as it would then be, what was folded
// and how many. Absent, foreign and repeated names are passed over: they are the carrier's, not the actor's.
func (t *task) fold() (account Account, folded spec.Amount, count uint32) {
	account, _ = get[Account](t, AccountKey(t.actor))
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
	account.Balance, _ = account.Balance.Add(folded)
	return account, folded, count
}

// debit takes an amount from the actor's account and named credits.
func (t *task) debit(amount spec.Amount) error {
	account, _, _ := t.fold()
	rest, enough := account.Balance.Sub(amount)
	if !enough {
		return spec.FieldErrorf(spec.InsufficientFunds, "", "%s has %s CMT in its account and named credits, %s are needed", t.actor, account.Balance, amount)
	}
	account.Balance = rest
	t.put(AccountKey(t.actor), account)
	return nil
}

// credit gives an account money. A stranger's account is not read: it gets a new credit, blindly, and all that one
// transaction gives it for one cause lies in one. Who acts in the same batch has its account open anyway. Nothing is given
// for nothing.
func (t *task) credit(to spec.Address, amount spec.Amount, cause spec.CreditKind) {
	if amount.IsZero() {
		return
	}
	if t.actors[to] {
		account, _ := get[Account](t, AccountKey(to))
		account.Balance, _ = account.Balance.Add(amount)
		t.put(AccountKey(to), account)
		return
	}
	n, given := t.gifts[gift{to, cause}]
	if !given {
		n = uint32(len(t.gifts))
		t.gifts[gift{to, cause}] = n
	}
	key := CreditKey(to, spec.CreditName{Tx: [20]byte(t.tx.ID[:20]), N: n})
	before, _ := get[Credit](t, key)
	amount, _ = amount.Add(before.Amount)
	t.put(key, Credit{Amount: amount, Cause: cause})
}

// atLeastMinimum refuses dust, which would cost its receiver more to fold than it is worth.
func (t *task) atLeastMinimum(amount spec.Amount, field string) error {
	if minimum := t.params().CreditMinimum; amount.Less(minimum) {
		return spec.FieldErrorf(spec.BelowMinimum, field, "must be at least %s CMT", minimum)
	}
	return nil
}
