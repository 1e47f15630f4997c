package ledger_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// given is a ledger on which anna lets the merchant draw five of her ten CMT.
func given(b *books) {
	b.must(buyers, "anna", "token:Approve", &spec.Approve{Spender: seller.address().Bytes(), Amount: spec.CMT(5).Bytes()}, nil)
}

func leftOf(b *books) spec.Amount {
	allowance, _ := b.records[ledger.AllowanceKey(anna.address(), seller.address())].(ledger.Allowance)
	return allowance.Amount
}

func allowanceTable() ruleTable {
	other := seat{operator, ""}
	rich := func(b *books) {
		b.fund(buyers, "anna", spec.CMT(10))
		b.fund(operator, "", spec.CMT(10))
	}
	approving := func(amount spec.Amount) func(*books) proto.Message {
		return func(b *books) proto.Message {
			return &spec.Approve{Spender: seller.address().Bytes(), Expected: leftOf(b).Bytes(), Amount: amount.Bytes()}
		}
	}
	drawing := func(to seat, amount spec.Amount) func(*books) proto.Message {
		return func(*books) proto.Message {
			return &spec.TransferFrom{Reference: "draw", Owner: anna.address().Bytes(), To: to.address().Bytes(), Amount: amount.Bytes()}
		}
	}
	return ruleTable{
		file: "token.md", heading: "Allowances",
		actors: []tableActor{{"owner", anna}, {"spender", seller}, {"receiver", other}},
		states: []tableState{
			{"none", rich},
			{"5 left", func(b *books) { rich(b); given(b) }},
		},
		operations: []tableOperation{
			{"approve 8", "token:Approve", approving(spec.CMT(8))},
			{"approve 2", "token:Approve", approving(spec.CMT(2))},
			{"revoke", "token:Approve", approving(spec.Amount{})},
			{"approve, outdated", "token:Approve", func(*books) proto.Message {
				return &spec.Approve{Spender: seller.address().Bytes(), Expected: spec.CMT(7).Bytes(), Amount: spec.CMT(8).Bytes()}
			}},
			{"approve too much", "token:Approve", approving(spec.CMT(100))},
			{"draw 3 for the receiver", "token:TransferFrom", drawing(other, spec.CMT(3))},
			{"draw 5 for the spender", "token:TransferFrom", drawing(seller, spec.CMT(5))},
			{"draw 6", "token:TransferFrom", drawing(other, spec.CMT(6))},
			{"draw for the owner", "token:TransferFrom", drawing(anna, spec.CMT(3))},
		},
		stateOf: func(b *books) string {
			if left := leftOf(b); !left.IsZero() {
				return left.String() + " left"
			}
			return "none"
		},
	}
}

// ERC-20's race: the owner lowers an allowance of 5 to 2 while the spender draws. Whoever comes first, the spender never has more than
// the 5 that it was once allowed.
func TestAllowanceRace(t *testing.T) {
	lower := &spec.Approve{Spender: seller.address().Bytes(), Expected: spec.CMT(5).Bytes(), Amount: spec.CMT(2).Bytes()}
	draw := &spec.TransferFrom{Reference: "draw", Owner: anna.address().Bytes(), To: seller.address().Bytes(), Amount: spec.CMT(5).Bytes()}
	for _, ownerFirst := range []bool{true, false} {
		b := openBooks(t)
		b.fund(buyers, "anna", spec.CMT(10))
		given(b)
		var errDraw, errLower error
		if ownerFirst {
			_, errLower = b.try(buyers, "anna", "token:Approve", lower, nil)
			_, errDraw = b.try(merchant, "", "token:TransferFrom", draw, nil)
		} else {
			_, errDraw = b.try(merchant, "", "token:TransferFrom", draw, nil)
			_, errLower = b.try(buyers, "anna", "token:Approve", lower, nil)
		}
		want := map[bool]string{true: "not_enough_held", false: "value_stale"}[ownerFirst]
		if got := fmt.Sprint(codeOf(errDraw), codeOf(errLower)); got != want {
			t.Errorf("the owner first: %t; refused with %q, want %q", ownerFirst, got, want)
		}
		sum, _ := b.wealth(seller.address()).Add(leftOf(b))
		if ownerFirst && sum != spec.CMT(2) || !ownerFirst && sum != spec.CMT(5) {
			t.Errorf("the owner first: %t; the spender has and may draw %s", ownerFirst, sum)
		}
	}
}

// codeOf is an error's code, nothing without one.
func codeOf(err error) spec.Code {
	if err == nil {
		return ""
	}
	return spec.ErrorCode(err)
}

// A draw reads no account, whoever's; a signed one pays a guest directly if its carrier hints so.
func TestDrawTouchesNoAccount(t *testing.T) {
	draw := intentOf("sam", 1, &spec.TransferFrom{Owner: person("anna").Bytes(), To: person("ben").Bytes(), Amount: spec.CMT(1).Bytes()})
	for _, key := range ledger.Contended(draw) {
		if key.Kind == ledger.AccountKind && key != ledger.AccountKey(person("sam")) {
			t.Errorf("a draw names %v", key)
		}
	}
	b := opened(10, "anna", "sam")
	wantCodes(t, b.batch(t,
		intentOf("ben", 1, &spec.VoidNonce{Nonce: 9}),
		intentOf("anna", 1, &spec.Approve{Spender: person("sam").Bytes(), Amount: spec.CMT(4).Bytes()}),
		intentOf("anna", 2, &spec.Approve{Spender: person("sam").Bytes(), Amount: spec.CMT(4).Bytes()}),
	), "", "", spec.ValueStale)
	draw.Call.Hints = &spec.Hints{Direct: true}
	wantCodes(t, b.batch(t, draw), "")
	if got := b.accountOf(person("ben")).Balance; got != spec.CMT(1) {
		t.Errorf("ben has %s in his account", got)
	}
	if b.total() != spec.CMT(20) {
		t.Errorf("together they have %s", b.total())
	}
}

func TestAllowancesAreListed(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(10))
	given(b)
	b.must(buyers, "anna", "token:Approve", &spec.Approve{Spender: arbiter.address().Bytes(), Amount: spec.CMT(1).Bytes()}, nil)
	one := b.must(merchant, "", "token:GetAllowance", &spec.GetAllowance{Owner: anna.address().Bytes(), Spender: seller.address().Bytes()}, nil).(*spec.AllowanceView)
	if string(one.Amount) != string(spec.CMT(5).Bytes()) {
		t.Errorf("the merchant may draw %x", one.Amount)
	}
	found := map[string]bool{}
	cursor := ""
	for range 2 {
		page := b.must(merchant, "", "token:ListAllowances", &spec.ListAllowances{Owner: anna.address().Bytes(), Limit: 1, Cursor: cursor}, nil).(*spec.AllowancePage)
		for _, a := range page.Allowances {
			found[string(a.Spender)+string(a.Amount)] = true
		}
		cursor = page.NextCursor
	}
	if len(found) != 2 || cursor != "" {
		t.Errorf("%d allowances are listed, and then %q", len(found), cursor)
	}
	if held := b.must(buyers, "anna", "token:GetBalance", &spec.GetBalance{Address: anna.address().Bytes()}, nil).(*spec.Balance).Held; string(held) != string(spec.CMT(6).Bytes()) {
		t.Errorf("anna's balance has %x held", held)
	}
}
