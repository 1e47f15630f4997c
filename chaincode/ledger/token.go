package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func mintKeys(t *task, c *spec.Mint) []Key {
	return []Key{SupplyKey(), MintKey(spec.NewID(spec.MintType, t.actor, c.Reference))}
}

func mint(t *task, c *spec.Mint) (proto.Message, error) {
	id := spec.NewID(spec.MintType, t.actor, c.Reference)
	if has(t, MintKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.MintType))
	}
	amount, to := amount(c.Amount), address(c.To)
	if err := t.atLeastMinimum(amount, "amount"); err != nil {
		return nil, err
	}
	supply, _ := get[Supply](t, SupplyKey())
	// What was ever minted is bounded as well: the counter is an amount like any other.
	minted, ok := supply.Minted.Add(amount)
	if !ok {
		return nil, spec.FieldErrorf(spec.OverCap, "amount", "%s CMT were minted before", supply.Minted)
	}
	supply.Minted = minted
	t.put(SupplyKey(), supply)
	fact := Mint{To: to, Amount: amount, Time: t.tx.Time}
	t.put(MintKey(id), fact)
	t.credit(to, amount, spec.CreditKind_CREDIT_KIND_MINT)
	view := fact.view(id)
	view.Supply = supply.Total().Bytes()
	return view, nil
}

func getMintKeys(_ *task, c *spec.GetMint) []Key { return []Key{MintKey(identifier(c.Mint))} }

func getMint(t *task, c *spec.GetMint) (proto.Message, error) {
	id := identifier(c.Mint)
	fact, ok := get[Mint](t, MintKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "mint", "there is no %s", id.Text(spec.MintType))
	}
	return fact.view(id), nil
}

func (f Mint) view(id spec.ID) *spec.MintView {
	return &spec.MintView{Mint: id[:], To: f.To.Bytes(), Amount: f.Amount.Bytes(), Time: f.Time}
}

func burnKeys(t *task, c *spec.Burn) []Key {
	return append(t.debitKeys(), SupplyKey(), BurnKey(spec.NewID(spec.BurnType, t.actor, c.Reference)))
}

func burn(t *task, c *spec.Burn) (proto.Message, error) {
	id := spec.NewID(spec.BurnType, t.actor, c.Reference)
	if has(t, BurnKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.BurnType))
	}
	amount := amount(c.Amount)
	if err := t.debit(amount); err != nil {
		return nil, err
	}
	supply, _ := get[Supply](t, SupplyKey())
	supply.Burnt, _ = supply.Burnt.Add(amount)
	t.put(SupplyKey(), supply)
	fact := Burn{From: t.actor, Amount: amount, Time: t.tx.Time}
	t.put(BurnKey(id), fact)
	view := fact.view(id)
	view.Supply = supply.Total().Bytes()
	return view, nil
}

func getBurnKeys(_ *task, c *spec.GetBurn) []Key { return []Key{BurnKey(identifier(c.Burn))} }

func getBurn(t *task, c *spec.GetBurn) (proto.Message, error) {
	id := identifier(c.Burn)
	fact, ok := get[Burn](t, BurnKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "burn", "there is no %s", id.Text(spec.BurnType))
	}
	return fact.view(id), nil
}

func (f Burn) view(id spec.ID) *spec.BurnView {
	return &spec.BurnView{Burn: id[:], From: f.From.Bytes(), Amount: f.Amount.Bytes(), Time: f.Time}
}

func transferKeys(t *task, c *spec.Transfer) []Key {
	return append(append(t.debitKeys(), t.receiverKeys(address(c.To))...), t.transferFactKeys(c.Reference)...)
}

// transferFactKeys names the record of a transfer; one without a reference has none.
func (t *task) transferFactKeys(reference string) []Key {
	if reference == "" {
		return nil
	}
	return []Key{TransferKey(spec.NewID(spec.TransferType, t.actor, reference))}
}

// needsReference refuses a contract call without a reference: it has no nonce, so that a repeated one would pay twice.
func (t *task) needsReference(reference string) error {
	if reference == "" && !t.signed {
		return spec.FieldErrorf(spec.MissingField, "reference", "is required")
	}
	return nil
}

// freshTransfer returns the identifier of a transfer that the actor makes for the first time.
func (t *task) freshTransfer(reference string) (spec.ID, error) {
	id := spec.NewID(spec.TransferType, t.actor, reference)
	if err := t.needsReference(reference); err != nil {
		return id, err
	}
	if reference != "" && has(t, TransferKey(id)) {
		return id, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.TransferType))
	}
	return id, nil
}

// tellTransfer returns the view of a transfer that was made, and keeps the fact when it has a reference.
func (t *task) tellTransfer(id spec.ID, reference string, fact Transfer) *spec.TransferView {
	view := fact.view(id)
	if reference == "" {
		view.Transfer = nil
		return view
	}
	t.put(TransferKey(id), fact)
	return view
}

// transfer debits the actor and leaves the receiver a credit: two payers of one receiver share no key.
func transfer(t *task, c *spec.Transfer) (proto.Message, error) {
	id, err := t.freshTransfer(c.Reference)
	if err != nil {
		return nil, err
	}
	amount, to := amount(c.Amount), address(c.To)
	if to == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "to", "must not be the payer's own account")
	}
	if err := t.atLeastMinimum(amount, "amount"); err != nil {
		return nil, err
	}
	if err := t.debit(amount); err != nil {
		return nil, err
	}
	t.credit(to, amount, spec.CreditKind_CREDIT_KIND_TRANSFER)
	return t.tellTransfer(id, c.Reference, Transfer{From: t.actor, To: to, Amount: amount, Memo: c.Memo, Time: t.tx.Time}), nil
}

// sweeper returns whose credits a sweep folds.
func (t *task) sweeper(c *spec.Sweep) spec.Address {
	if len(c.Account) > 0 {
		return address(c.Account)
	}
	return t.actor
}

// sweepKeys: a key's sweep of another's credits is refused, and unread, so that nobody makes a batch depend on a stranger's
// account.
func sweepKeys(t *task, c *spec.Sweep) []Key {
	if t.signed {
		return t.debitKeys()
	}
	return t.foldKeys(t.sweeper(c))
}

// sweep folds the actor's credits, or those of a person at home with the actor's organisation, which so keeps them from
// piling up.
func sweep(t *task, c *spec.Sweep) (proto.Message, error) {
	owner := t.sweeper(c)
	if before, _ := get[Account](t, AccountKey(owner)); owner != t.actor && (t.signed || !t.atHome(before)) {
		return nil, spec.FieldErrorf(spec.NotAParty, "account", "%s is not at home with %s", owner, t.tx.MSPID)
	}
	account, folded, count := t.fold(owner)
	if count == 0 {
		return nil, spec.FieldErrorf(spec.NoCredits, "hints.credits", "none of the %d named credits is an open one of %s", len(t.call.Hints.GetCredits()), owner)
	}
	t.put(AccountKey(owner), account)
	return &spec.SweepView{Address: owner.Bytes(), FoldedCount: count, Folded: folded.Bytes(), Account: account.Balance.Bytes()}, nil
}

func getTransferKeys(_ *task, c *spec.GetTransfer) []Key {
	return []Key{TransferKey(identifier(c.Transfer))}
}

func getTransfer(t *task, c *spec.GetTransfer) (proto.Message, error) {
	id := identifier(c.Transfer)
	fact, ok := get[Transfer](t, TransferKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "transfer", "there is no %s", id.Text(spec.TransferType))
	}
	return fact.view(id), nil
}

func (f Transfer) view(id spec.ID) *spec.TransferView {
	return &spec.TransferView{Transfer: id[:], From: f.From.Bytes(), To: f.To.Bytes(), Amount: f.Amount.Bytes(), Memo: f.Memo, Time: f.Time}
}

func getSupplyKeys(*task, *spec.GetSupply) []Key { return []Key{SupplyKey()} }

func getSupply(t *task, _ *spec.GetSupply) (proto.Message, error) {
	supply, _ := get[Supply](t, SupplyKey())
	return &spec.Supply{Supply: supply.Total().Bytes(), Minted: supply.Minted.Bytes(), Burnt: supply.Burnt.Bytes()}, nil
}

// maxCounted bounds the credits, the holds and the allowances that one balance counts: one page of the peer's range iterator.
const maxCounted = 1000

func getBalanceKeys(_ *task, c *spec.GetBalance) []Key {
	return []Key{AccountKey(address(c.Address))}
}

func getBalance(t *task, c *spec.GetBalance) (proto.Message, error) {
	owner := address(c.Address)
	account, _ := get[Account](t, AccountKey(owner))
	credits, moreCredits, err := t.reader.Page(CreditKind, string(owner.Bytes()), "", maxCounted)
	if err != nil {
		return nil, err
	}
	holds, moreHolds, err := t.reader.Page(HoldKind, string(owner.Bytes()), "", maxCounted)
	if err != nil {
		return nil, err
	}
	allowances, moreAllowances, err := t.reader.Page(AllowanceKind, string(owner.Bytes()), "", maxCounted)
	if err != nil {
		return nil, err
	}
	var open, held spec.Amount
	for _, entry := range credits {
		open, _ = open.Add(entry.Record.(Credit).Amount)
	}
	for _, entry := range holds {
		held, _ = held.Add(entry.Record.(Hold).Amount)
	}
	for _, entry := range allowances {
		held, _ = held.Add(entry.Record.(Allowance).Amount)
	}
	return &spec.Balance{
		Address:     c.Address,
		Account:     account.Balance.Bytes(),
		Credits:     open.Bytes(),
		CreditCount: uint32(len(credits)),
		Held:        held.Bytes(),
		Complete:    moreCredits == "" && moreHolds == "" && moreAllowances == "",
		Nonce:       account.Nonces.Top,
	}, nil
}

// maxPage is the number of items a page when the caller does not say, and the most.
const maxPage = 100

// pageLimit is how many items a page has.
func pageLimit(asked uint32) int {
	if asked == 0 {
		return maxPage
	}
	return int(asked)
}

func listCredits(t *task, c *spec.ListCredits) (proto.Message, error) {
	entries, next, err := t.reader.Page(CreditKind, string(c.Address), c.Cursor, pageLimit(c.Limit))
	if err != nil {
		return nil, err
	}
	page := &spec.CreditPage{NextCursor: next}
	for _, entry := range entries {
		credit := entry.Record.(Credit)
		page.Credits = append(page.Credits, &spec.Credit{Credit: []byte(entry.Key.ID), Amount: credit.Amount.Bytes(), Kind: credit.Cause})
	}
	return page, nil
}
