package ledger_test

import (
	"fmt"
	"testing"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// paysOut is an intent that pays so many CMT to each.
func paysOut(actor string, nonce uint64, hints *spec.Hints, cmt uint32, to ...spec.Address) *ledger.Intent {
	command := &spec.Payout{}
	for _, receiver := range to {
		command.Payments = append(command.Payments, &spec.Payment{To: receiver.Bytes(), Amount: spec.CMT(cmt).Bytes()})
	}
	in := intentOf(actor, nonce, command)
	in.Call.Hints = hints
	return in
}

func (b bench) accountOf(who spec.Address) ledger.Account {
	account, _ := b[ledger.AccountKey(who)].(ledger.Account)
	return account
}

// creditsOf returns what lies in an account's open credits.
func (b bench) creditsOf(who spec.Address) (sum spec.Amount) {
	for key, record := range b {
		if credit, ok := record.(ledger.Credit); ok && key.Parent == string(who.Bytes()) {
			sum, _ = sum.Add(credit.Amount)
		}
	}
	return sum
}

// Five hundred are paid by one transaction, or none of them.
func TestPayoutIsAllOrNothing(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(500))
	command := &spec.Payout{Reference: "wages", Memo: "May"}
	for i := range 500 {
		command.Payments = append(command.Payments, &spec.Payment{To: person(fmt.Sprint(i)).Bytes(), Amount: spec.CMT(1).Bytes()})
	}
	command.Payments[499].Amount = spec.CMT(2).Bytes()
	if _, err := b.try(buyers, "anna", "token:Payout", command, nil); spec.ErrorCode(err) != spec.InsufficientFunds {
		t.Fatalf("a unit too much: %v", err)
	}
	command.Payments[499].Amount = spec.CMT(1).Bytes()
	view := b.must(buyers, "anna", "token:Payout", command, nil).(*spec.PayoutView)
	if view.Count != 500 || string(view.Total) != string(spec.CMT(500).Bytes()) {
		t.Errorf("the payout is %v", view)
	}
	for i := range 500 {
		if got := b.wealth(person(fmt.Sprint(i))); got != spec.CMT(1) {
			t.Fatalf("receiver %d has %s", i, got)
		}
	}
	if got := b.wealth(anna.address()); !got.IsZero() {
		t.Errorf("anna has %s left", got)
	}
	found := b.must(merchant, "", "token:GetPayout", &spec.GetPayout{Payout: view.Payout}, nil).(*spec.PayoutView)
	if found.String() != view.String() {
		t.Errorf("looked up, the payout is %v, not %v", found, view)
	}
}

// A receiver may stand in a payout once: a row that was doubled by mistake cannot be taken back.
func TestPayoutNamesEachReceiverOnce(t *testing.T) {
	command := payOut(operator, spec.CMT(1))
	if err := spec.Validate(command); err != nil {
		t.Fatal(err)
	}
	command.Payments = append(command.Payments, command.Payments[0])
	if err := spec.Validate(command); spec.ErrorCode(err) != spec.InvalidField {
		t.Errorf("the first receiver again: %v", err)
	}
}

// A home pays its guests directly, opens accounts where it hints so, and gives credits to everyone else.
func TestPayoutLooksAtReceiversAsHinted(t *testing.T) {
	b := opened(20, "anna", "ben", "dora")
	shop := spec.OrganisationAddress("ShopMSP")
	wantCodes(t, b.batch(t, intentOf("ben", 1, &spec.VoidNonce{Nonce: 9})), "")
	wantCodes(t, b.batchBy(t, otherMSP, intentOf("dora", 1, &spec.VoidNonce{Nonce: 9})), "")
	all := []spec.Address{person("ben"), person("cleo"), person("dora"), shop}
	wantCodes(t, b.batch(t, paysOut("anna", 1, nil, 1, all...)), "")
	for _, to := range all {
		if got := b.creditsOf(to); got != spec.CMT(1) {
			t.Errorf("without a hint %s has %s in credits", to, got)
		}
	}
	wantCodes(t, b.batch(t, paysOut("anna", 2, &spec.Hints{Direct: true}, 1, all...)), "")
	for to, want := range map[spec.Address]spec.Amount{person("ben"): spec.CMT(1), person("cleo"): spec.CMT(2), person("dora"): spec.CMT(2), shop: spec.CMT(2)} {
		if got := b.creditsOf(to); got != want {
			t.Errorf("directly, %s has %s in credits, want %s", to, got, want)
		}
	}
	wantCodes(t, b.batch(t, paysOut("anna", 3, &spec.Hints{Open: true}, 1, all...)), "")
	if got := b.accountOf(person("cleo")); got != (ledger.Account{Balance: spec.CMT(1), Home: 1}) {
		t.Errorf("cleo's account was to be opened and is %+v", got)
	}
	if _, exists := b[ledger.AccountKey(shop)]; exists || b.creditsOf(shop) != spec.CMT(3) || b.creditsOf(person("dora")) != spec.CMT(3) {
		t.Errorf("the shop, an organisation, has %v and %s in credits; dora, at home elsewhere, %s", b[ledger.AccountKey(shop)], b.creditsOf(shop), b.creditsOf(person("dora")))
	}
	if b.total() != spec.CMT(60) {
		t.Errorf("together they have %s", b.total())
	}
}

// Who opened an account is its home only until its owner acts.
func TestOwnersChooseTheirHome(t *testing.T) {
	for name, row := range map[string]struct {
		first *ledger.Intent
		by    string
		home  uint32
	}{
		"the relay of the first intent": {intentOf("cleo", 1, &spec.VoidNonce{Nonce: 9}), otherMSP, 2},
		"whom the first intent names":   {intentOf("cleo", 1, &spec.MoveHome{MspId: relayMSP}), otherMSP, 1},
		"who opened it":                 {intentOf("cleo", 1, &spec.VoidNonce{Nonce: 9}), relayMSP, 1},
	} {
		b := opened(10, "anna")
		opening := payment("anna", 1, person("cleo"), 3)
		opening.Call.Hints = &spec.Hints{Open: true}
		wantCodes(t, b.batch(t, opening), "")
		if got := b.accountOf(person("cleo")); got != (ledger.Account{Balance: spec.CMT(3), Home: 1}) {
			t.Fatalf("cleo's account was opened as %+v", got)
		}
		wantCodes(t, b.batchBy(t, row.by, row.first), "")
		if got := b.accountOf(person("cleo")).Home; got != row.home {
			t.Errorf("cleo is at home with member %d, want %d: %s", got, row.home, name)
		}
	}
}
