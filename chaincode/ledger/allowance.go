package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func approveKeys(t *task, c *spec.Approve) []Key {
	return append(t.debitKeys(), AllowanceKey(t.actor, address(c.Spender)))
}

// approve sets a spender's allowance. Its money lies in a record of its own, so that a draw needs neither the owner's account
// nor the owner. The owner names what it believes is left, so that it never grants anew what was drawn meanwhile.
func approve(t *task, c *spec.Approve) (proto.Message, error) {
	spender, amount, expected := address(c.Spender), amount(c.Amount), amount(c.Expected)
	key := AllowanceKey(t.actor, spender)
	allowance, _ := get[Allowance](t, key)
	if allowance.Amount != expected {
		return nil, spec.FieldErrorf(spec.ValueStale, "expected", "%s CMT are left of the allowance, not %s", allowance.Amount, expected)
	}
	if spender == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "spender", "must not be the owner's own account")
	}
	if !amount.IsZero() {
		if err := t.atLeastMinimum(amount, "amount"); err != nil {
			return nil, err
		}
	}
	if more, rises := amount.Sub(allowance.Amount); rises {
		if err := t.debit(more); err != nil {
			return nil, err
		}
	} else {
		back, _ := allowance.Amount.Sub(amount)
		t.regain(back)
	}
	t.putAllowance(key, amount)
	return &spec.AllowanceView{Owner: t.actor.Bytes(), Spender: c.Spender, Amount: amount.Bytes()}, nil
}

// regain gives the actor money into its account, which a rule that debits has named (debitKeys) and no other may touch.
func (t *task) regain(amount spec.Amount) {
	account, _, _ := t.fold(t.actor)
	account.Balance, _ = account.Balance.Add(amount)
	t.put(AccountKey(t.actor), account)
}

func (t *task) putAllowance(key Key, amount spec.Amount) {
	if amount.IsZero() {
		t.remove(key)
		return
	}
	t.put(key, Allowance{Amount: amount})
}

func transferFromKeys(t *task, c *spec.TransferFrom) []Key {
	keys := append(t.receiverKeys(address(c.To)), AllowanceKey(address(c.Owner), t.actor))
	return append(keys, t.transferFactKeys(c.Reference)...)
}

// transferFrom draws from what the owner set apart; no account of the owner or of the spender is touched.
func transferFrom(t *task, c *spec.TransferFrom) (proto.Message, error) {
	id, err := t.freshTransfer(c.Reference)
	if err != nil {
		return nil, err
	}
	amount, owner, to := amount(c.Amount), address(c.Owner), address(c.To)
	if to == owner {
		return nil, spec.FieldErrorf(spec.SameAccount, "to", "must not be the owner's own account")
	}
	if err := t.atLeastMinimum(amount, "amount"); err != nil {
		return nil, err
	}
	key := AllowanceKey(owner, t.actor)
	allowance, _ := get[Allowance](t, key)
	rest, enough := allowance.Amount.Sub(amount)
	if !enough {
		return nil, spec.FieldErrorf(spec.NotEnoughHeld, "amount", "%s CMT are left of the allowance that %s gave", allowance.Amount, owner)
	}
	t.putAllowance(key, rest)
	t.credit(to, amount, spec.CreditKind_CREDIT_KIND_TRANSFER)
	return t.tellTransfer(id, c.Reference, Transfer{From: owner, To: to, Amount: amount, Memo: c.Memo, Time: t.tx.Time}), nil
}

func getAllowanceKeys(_ *task, c *spec.GetAllowance) []Key {
	return []Key{AllowanceKey(address(c.Owner), address(c.Spender))}
}

func getAllowance(t *task, c *spec.GetAllowance) (proto.Message, error) {
	allowance, _ := get[Allowance](t, AllowanceKey(address(c.Owner), address(c.Spender)))
	return &spec.AllowanceView{Owner: c.Owner, Spender: c.Spender, Amount: allowance.Amount.Bytes()}, nil
}

func listAllowances(t *task, c *spec.ListAllowances) (proto.Message, error) {
	entries, next, err := t.reader.Page(AllowanceKind, string(c.Owner), c.Cursor, pageLimit(c.Limit))
	if err != nil {
		return nil, err
	}
	page := &spec.AllowancePage{NextCursor: next}
	for _, entry := range entries {
		page.Allowances = append(page.Allowances, &spec.AllowanceView{
			Owner: c.Owner, Spender: []byte(entry.Key.ID), Amount: entry.Record.(Allowance).Amount.Bytes(),
		})
	}
	return page, nil
}
