package ledger

import (
	"github.com/cybermiles/cmt/chaincode/spec"
)

// debitKeys names what a debit of the actor reads: its account and the credits that the hints name.
func (t *task) debitKeys() []Key {
	return t.foldKeys(t.actor)
}

func (t *task) foldKeys(owner spec.Address) []Key {
	return append([]Key{AccountKey(owner)}, t.namedCredits(owner)...)
}

func (t *task) namedCredits(owner spec.Address) []Key {
	keys := make([]Key, 0, len(t.call.Hints.GetCredits()))
	for _, b := range t.call.Hints.GetCredits() {
		if name, err := spec.CreditNameFromBytes(b); err == nil {
			keys = append(keys, CreditKey(owner, name))
		}
	}
	return keys
}

// fold moves the named open credits into their owner's account and returns the account as it would then be, what was folded
// and how many. Absent, foreign and repeated names are passed over: they are the carrier's, not the actor's.
func (t *task) fold(owner spec.Address) (account Account, folded spec.Amount, count uint32) {
	account, _ = get[Account](t, AccountKey(owner))
	for _, key := range t.namedCredits(owner) {
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
	account, _, _ := t.fold(t.actor)
	rest, enough := account.Balance.Sub(amount)
	if !enough {
		return spec.FieldErrorf(spec.InsufficientFunds, "", "%s has %s CMT in its account and named credits, %s are needed", t.actor, account.Balance, amount)
	}
	account.Balance = rest
	t.put(AccountKey(t.actor), account)
	return nil
}

// credit gives an account money. A stranger's account is not read: it gets a new credit, blindly, and all that one
// transaction gives it for one cause lies in one. Who acts in the same batch has its account open anyway; and a home pays
// into the accounts that are at home there, which nobody else rewrites but their owners, and into those that it opens. Nothing
// is given for nothing.
func (t *task) credit(to spec.Address, amount spec.Amount, cause spec.CreditKind) {
	if amount.IsZero() {
		return
	}
	account, known := get[Account](t, AccountKey(to))
	opened, opens := t.opens(to)
	if opens {
		account = opened
	}
	if t.actors[to] || opens || known && t.signed && t.atHome(account) {
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

// plus, times and minus are for amounts that are parts of one that is on the ledger: their sums and products do not exceed it.

func plus(a, b spec.Amount) spec.Amount {
	sum, _ := a.Add(b)
	return sum
}

func times(a spec.Amount, n uint32) spec.Amount {
	product, _ := a.Mul(uint64(n))
	return product
}

func minus(a, b spec.Amount) spec.Amount {
	rest, _ := a.Sub(b)
	return rest
}
