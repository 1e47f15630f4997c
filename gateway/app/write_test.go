package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
)

const mspID = "MerchantOneMSP"

var everything = app.Principal{KeyID: "k", Scopes: spec.Scopes, Accounts: []string{app.AllAccounts}}

func newService(ledger app.Ledger, model app.Model, journal app.Journal) *app.Service {
	return app.NewService(gatewaytest.Settings(mspID), ledger, model, journal, app.NoMeter{}, gatewaytest.Quiet())
}

func transfer(amount uint32) *spec.Call {
	return &spec.Call{Operation: spec.Find("token:Transfer"), Hints: &spec.Hints{}, Command: &spec.Transfer{
		Reference: "r", To: spec.OrganisationAddress("BuyersMSP").Bytes(), Amount: spec.CMT(amount).Bytes(),
	}}
}

func credits(amounts ...uint32) []app.Credit {
	var list []app.Credit
	for i, amount := range amounts {
		list = append(list, app.Credit{Name: spec.CreditName{Tx: [20]byte{byte(i + 1)}}, Amount: spec.CMT(amount)})
	}
	return list
}

// What is tried again and what is not; every case has at most one effect.
func TestRetry(t *testing.T) {
	conflict, fenced := spec.Errorf(spec.Conflict, ""), spec.Errorf(spec.Fenced, "")
	unknown := &app.UnknownOutcome{Transaction: "t", Cause: errors.New("lost")}
	for _, test := range []struct {
		name     string
		outcomes []error
		submits  int
		effects  int
		code     spec.Code
	}{
		{"commits at once", nil, 1, 1, ""},
		{"conflict, then commits", []error{conflict}, 2, 1, ""},
		{"fenced, then commits", []error{fenced}, 2, 1, ""},
		{"conflict and fenced, then commits", []error{conflict, fenced, conflict}, 4, 1, ""},
		{"conflicts for ever", []error{conflict, conflict, conflict, conflict, conflict}, 4, 0, spec.Conflict},
		{"unknown is never tried again", []error{unknown}, 1, 0, spec.OutcomeUnknown},
		{"unknown after a conflict", []error{conflict, unknown}, 2, 0, spec.OutcomeUnknown},
		{"a rule's refusal is final", []error{spec.Errorf(spec.ReferenceUsed, "")}, 1, 0, spec.ReferenceUsed},
		{"unavailable is the port's last word", []error{spec.Errorf(spec.Unavailable, "")}, 1, 0, spec.Unavailable},
		{"a wrong clock stays wrong", []error{spec.Errorf(spec.TimestampOutOfRange, "")}, 1, 0, spec.TimestampOutOfRange},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := &scripted{outcomes: test.outcomes}
			_, err := newService(ledger, &fixed{}, newJournal()).Execute(t.Context(), everything, transfer(1), nil)
			if (err == nil) != (test.code == "") || err != nil && spec.ErrorCode(err) != test.code {
				t.Errorf("got %v, want %q", err, test.code)
			}
			if len(ledger.calls) != test.submits || ledger.effects != test.effects {
				t.Errorf("%d submits and %d effects, want %d and %d", len(ledger.calls), ledger.effects, test.submits, test.effects)
			}
		})
	}
}

func TestCreditHints(t *testing.T) {
	for _, test := range []struct {
		name    string
		account uint32
		credits []app.Credit
		amount  uint32
		named   int
	}{
		{"the account covers it", 10, credits(9, 8), 10, 0},
		{"the biggest first, no more than needed", 10, credits(9, 8, 7), 20, 2},
		{"all, when they do not reach", 1, credits(3, 2), 100, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := &scripted{}
			model := &fixed{funds: app.Funds{Account: spec.CMT(test.account), Credits: test.credits, CreditCount: len(test.credits)}}
			if _, err := newService(ledger, model, newJournal()).Execute(t.Context(), everything, transfer(test.amount), nil); err != nil {
				t.Fatal(err)
			}
			if named := len(ledger.calls[0].Hints.GetCredits()); named != test.named {
				t.Errorf("%d credits named, want %d", named, test.named)
			}
		})
	}
}

func TestHintsOfTheCallerStay(t *testing.T) {
	ledger := &scripted{}
	model := &fixed{funds: app.Funds{Credits: credits(9, 8), CreditCount: 2}}
	call := transfer(5)
	mine := spec.CreditName{Tx: [20]byte{99}}
	call.Hints.Credits = [][]byte{mine.Bytes()}
	if _, err := newService(ledger, model, newJournal()).Execute(t.Context(), everything, call, nil); err != nil {
		t.Fatal(err)
	}
	if named := ledger.calls[0].Hints.GetCredits(); len(named) != 1 || string(named[0]) != string(mine.Bytes()) {
		t.Errorf("named %x", named)
	}
}

// answerCredits answers as a peer that knows these credits and an empty account.
func answerCredits(list []app.Credit) func(call *spec.Call) ([]byte, error) {
	return func(call *spec.Call) ([]byte, error) {
		switch c := call.Command.(type) {
		case *spec.GetBalance:
			return spec.EncodeJSON(&spec.Balance{Address: c.Address})
		case *spec.ListCredits:
			page := &spec.CreditPage{}
			for _, credit := range list {
				page.Credits = append(page.Credits, &spec.Credit{Credit: credit.Name.Bytes(), Amount: credit.Amount.Bytes(), Kind: spec.CreditKind_CREDIT_KIND_TRANSFER})
			}
			return spec.EncodeJSON(page)
		}
		return nil, fmt.Errorf("unexpected %T", call.Command)
	}
}

func TestInsufficientFundsAsksForMoreCredits(t *testing.T) {
	poor := spec.Errorf(spec.InsufficientFunds, "")
	hundred := make([]uint32, 100)
	for i := range hundred {
		hundred[i] = 1
	}
	for _, test := range []struct {
		name     string
		outcomes []error
		peer     []app.Credit
		amount   uint32
		calls    []string
		code     spec.Code
	}{
		{"a peer knows of more", []error{poor}, credits(5), 5, []string{"token:Transfer", "token:Transfer"}, ""},
		{"nobody knows of more", []error{poor}, nil, 5, []string{"token:Transfer"}, spec.InsufficientFunds},
		{"all there is does not reach", []error{poor}, credits(4), 5, []string{"token:Transfer"}, spec.InsufficientFunds},
		{"it stays poor", []error{poor, poor, poor}, credits(5), 5, []string{"token:Transfer", "token:Transfer", "token:Transfer"}, spec.InsufficientFunds},
		{"more than 64 are needed", []error{poor}, credits(hundred...), 90, []string{"token:Transfer", "token:Sweep", "token:Transfer"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := &scripted{outcomes: test.outcomes, evaluate: answerCredits(test.peer)}
			_, err := newService(ledger, &fixed{}, newJournal()).Execute(t.Context(), everything, transfer(test.amount), nil)
			if (err == nil) != (test.code == "") || err != nil && spec.ErrorCode(err) != test.code {
				t.Errorf("got %v, want %q", err, test.code)
			}
			var made []string
			for _, call := range ledger.calls {
				made = append(made, call.Operation.FullName())
				if len(call.Hints.GetCredits()) > 64 {
					t.Errorf("%d credits named", len(call.Hints.GetCredits()))
				}
			}
			if fmt.Sprint(made) != fmt.Sprint(test.calls) {
				t.Errorf("made %v, want %v", made, test.calls)
			}
		})
	}
}

func placeOrder(quantity uint32) *spec.Call {
	listing := spec.NewID(spec.ListingType, spec.OrganisationAddress("BuyersMSP"), "l")
	return &spec.Call{Operation: spec.Find("market:PlaceOrder"), Hints: &spec.Hints{}, Command: &spec.PlaceOrder{
		Reference: "r", Listing: listing[:], Version: 1, Quantity: quantity, Total: spec.CMT(1).Bytes(),
	}}
}

func TestLots(t *testing.T) {
	empty := spec.Errorf(spec.LotEmpty, "")
	lots := []app.Lot{{ID: spec.ID{1}, Stock: 5}, {ID: spec.ID{2}, Stock: 5}, {ID: spec.ID{3}, Stock: 1}}
	listing := func(stock ...uint32) func(*spec.Call) ([]byte, error) {
		return func(call *spec.Call) ([]byte, error) {
			if _, ok := call.Command.(*spec.GetMember); ok {
				return answerMember(1)(call)
			}
			view := &spec.ListingView{
				Listing: call.Command.(*spec.GetListing).Listing, Seller: spec.OrganisationAddress("B").Bytes(), Version: 1, State: spec.ListingState_LISTING_STATE_OPEN,
				Price: spec.CMT(1).Bytes(), Category: "c", ContentHash: make([]byte, 32), CreatedAt: 1, UpdatedAt: 1,
			}
			for i, units := range stock {
				id := spec.ID{byte(i + 1), byte((i + 1) >> 8)}
				view.Lots = append(view.Lots, &spec.LotView{Lot: id[:], Stock: units})
			}
			return spec.EncodeJSON(view)
		}
	}
	for _, test := range []struct {
		name     string
		outcomes []error
		evaluate func(*spec.Call) ([]byte, error)
		submits  int
		code     spec.Code
	}{
		{"the first lot has it", nil, nil, 1, ""},
		{"the next lot has it", []error{empty}, nil, 2, ""},
		{"a peer knows a lot that has it", []error{empty, empty}, listing(0, 9, 0), 3, ""},
		{"sold out as a peer says", []error{empty, empty}, listing(1, 1, 1), 2, spec.SoldOut},
		{"more lots than a peer tells", []error{empty, empty}, listing(slices.Repeat([]uint32{1}, 256)...), 2, spec.LotEmpty},
		{"sold out after the peer's lot was empty too", []error{empty, empty, empty}, listing(0, 9, 0), 3, spec.SoldOut},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := &scripted{outcomes: test.outcomes, evaluate: test.evaluate}
			model := &fixed{lots: lots, funds: app.Funds{Account: spec.CMT(10)}}
			_, err := newService(ledger, model, newJournal()).Execute(t.Context(), everything, placeOrder(2), nil)
			if (err == nil) != (test.code == "") || err != nil && spec.ErrorCode(err) != test.code {
				t.Errorf("got %v, want %q", err, test.code)
			}
			if len(ledger.calls) != test.submits {
				t.Errorf("%d submits, want %d", len(ledger.calls), test.submits)
			}
			for _, call := range ledger.calls {
				if spec.ID(call.Hints.GetLot()) == (spec.ID{3}) {
					t.Error("named the lot that has too few")
				}
			}
		})
	}
}

// An offer that is accepted says nothing of how many units it takes: the fullest lot is named, then the next.
func TestLotsOfAcceptedOffers(t *testing.T) {
	lots := []app.Lot{{ID: spec.ID{1}, Stock: 2}, {ID: spec.ID{2}, Stock: 7}, {ID: spec.ID{3}, Stock: 5}, {ID: spec.ID{4}}}
	listing := spec.NewID(spec.ListingType, spec.OrganisationAddress("BuyersMSP"), "l")
	for _, call := range []*spec.Call{
		{Operation: spec.Find("market:AcceptOffer"), Hints: &spec.Hints{}, Command: &spec.AcceptOffer{Listing: listing[:], Offer: make([]byte, 20)}},
		{Operation: spec.Find("market:AcceptCounter"), Hints: &spec.Hints{}, Command: &spec.AcceptCounter{Listing: listing[:], Offer: make([]byte, 20), Total: spec.CMT(1).Bytes()}},
	} {
		empty := spec.Errorf(spec.LotEmpty, "")
		ledger := &scripted{outcomes: []error{empty, empty}}
		if _, err := newService(ledger, &fixed{lots: lots}, newJournal()).Execute(t.Context(), everything, call, nil); err != nil {
			t.Errorf("%s: %v", call.Operation.FullName(), err)
		}
		var named []byte
		for _, made := range ledger.calls {
			named = append(named, made.Hints.GetLot()[0])
		}
		if string(named) != "\x02\x03\x01" {
			t.Errorf("%s names the lots %x, want 2, 3 and 1", call.Operation.FullName(), named)
		}
	}
}

func TestPermissions(t *testing.T) {
	for _, test := range []struct {
		name      string
		principal app.Principal
		sub       string
		allowed   bool
	}{
		{"all accounts", everything, "shop", true},
		{"no scope", app.Principal{Scopes: []spec.Scope{spec.ScopeRead}, Accounts: []string{"*"}}, "", false},
		{"own label", app.Principal{Scopes: spec.Scopes, Accounts: []string{"shop"}}, "shop", true},
		{"foreign label", app.Principal{Scopes: spec.Scopes, Accounts: []string{"shop"}}, "other", false},
		{"the organisation with a label's key", app.Principal{Scopes: spec.Scopes, Accounts: []string{"shop"}}, "", false},
		{"the organisation alone", app.Principal{Scopes: spec.Scopes, Accounts: []string{app.OwnAccount}}, "", true},
		{"a label with the organisation's key", app.Principal{Scopes: spec.Scopes, Accounts: []string{app.OwnAccount}}, "shop", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			call := transfer(1)
			call.SubAccount = test.sub
			_, err := newService(&scripted{}, &fixed{}, newJournal()).Execute(t.Context(), test.principal, call, nil)
			if test.allowed != (err == nil) || err != nil && spec.ErrorCode(err) != spec.ScopeRequired {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A caller who leaves does not leave the write half done.
func TestCallerLeaves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ledger := &leaving{scripted: &scripted{}, leave: cancel}
	journal := newJournal()
	key, err := app.NewIdempotencyKey("k", "POST", "/v1/transfers", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newService(ledger, &fixed{}, journal).Execute(ctx, everything, transfer(1), key); err != nil {
		t.Fatal(err)
	}
	entry, err := journal.Begin(t.Context(), spec.OrganisationAddress(mspID), "k", key.Fingerprint)
	if err != nil || !entry.Done {
		t.Errorf("the answer was not stored: %+v %v", entry, err)
	}
}

// leaving ends the caller's context once the call is under way.
type leaving struct {
	*scripted
	leave context.CancelFunc
}

func (l *leaving) Submit(ctx context.Context, call *spec.Call, announce app.Announce) (app.Commit, error) {
	l.leave()
	if ctx.Err() != nil {
		return app.Commit{}, ctx.Err()
	}
	return l.scripted.Submit(ctx, call, announce)
}

// A read model that does not answer costs the hints, not the call.
func TestBrokenModel(t *testing.T) {
	ledger := &scripted{outcomes: []error{spec.Errorf(spec.InsufficientFunds, "")}, evaluate: answerCredits(credits(5))}
	if _, err := newService(ledger, &fixed{broken: errors.New("disk")}, newJournal()).Execute(t.Context(), everything, transfer(5), nil); err != nil {
		t.Fatal(err)
	}
	if len(ledger.calls[0].Hints.GetCredits()) != 0 || len(ledger.calls[1].Hints.GetCredits()) != 1 {
		t.Error("the peer's word was not taken")
	}
	if _, err := newService(&scripted{}, &fixed{broken: errors.New("disk")}, newJournal()).Execute(t.Context(), everything, placeOrder(1), nil); err != nil {
		t.Error(err)
	}
}
