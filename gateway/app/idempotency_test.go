package app_test

import (
	"errors"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

func key(t *testing.T, name, body string) *app.IdempotencyKey {
	t.Helper()
	k, err := app.NewIdempotencyKey(name, "POST", "/v1/transfers", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSameRequestSameAnswer(t *testing.T) {
	ledger := &scripted{}
	service := newService(ledger, &fixed{}, newJournal())
	first, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a"))
	if err != nil || first.Replayed {
		t.Fatal(first, err)
	}
	second, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a"))
	if err != nil || !second.Replayed || second.Transaction != first.Transaction {
		t.Errorf("got %+v %v", second, err)
	}
	if _, err := service.Execute(t.Context(), everything, transfer(2), key(t, "k", "b")); spec.ErrorCode(err) != spec.IdempotencyMismatch {
		t.Errorf("another body: %v", err)
	}
	if ledger.effects != 1 {
		t.Errorf("%d effects", ledger.effects)
	}
}

func TestRefusalFreesTheKey(t *testing.T) {
	ledger := &scripted{outcomes: []error{spec.Errorf(spec.BelowMinimum, "")}}
	service := newService(ledger, &fixed{}, newJournal())
	if _, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a")); spec.ErrorCode(err) != spec.BelowMinimum {
		t.Fatal(err)
	}
	if answer, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a")); err != nil || answer.Replayed {
		t.Errorf("got %+v %v", answer, err)
	}
}

// What follows a transaction whose outcome is unknown, asked for again under its key.
func TestUnknownOutcomeThenAgain(t *testing.T) {
	unknown := &app.UnknownOutcome{Transaction: "t", Cause: errors.New("lost")}
	for _, test := range []struct {
		name             string
		outcome          app.TransactionState
		resume           error
		effects, resumed int
		submits          int
		code             spec.Code
	}{
		{"it is sent again and commits", app.TransactionUnknown, nil, 1, 1, 1, ""},
		{"still unknown", app.TransactionUnknown, unknown, 0, 1, 1, spec.OutcomeUnknown},
		{"the peers judged it invalid: a new one", app.TransactionInvalid, nil, 1, 0, 2, ""},
		{"sent again, it proves invalid: a new one", app.TransactionUnknown, spec.Errorf(spec.Conflict, ""), 1, 1, 2, ""},
		{"sending again fails: that says nothing of the first time", app.TransactionUnknown, spec.Errorf(spec.Unavailable, ""), 0, 1, 1, spec.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := &scripted{outcomes: []error{unknown}, outcome: test.outcome, resume: test.resume}
			service := newService(ledger, &fixed{}, newJournal())
			if _, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a")); spec.ErrorCode(err) != spec.OutcomeUnknown {
				t.Fatal(err)
			}
			_, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a"))
			if (err == nil) != (test.code == "") || err != nil && spec.ErrorCode(err) != test.code {
				t.Errorf("got %v, want %q", err, test.code)
			}
			if ledger.effects != test.effects || ledger.resumed != test.resumed || len(ledger.calls) != test.submits {
				t.Errorf("%d effects, %d resumed, %d submits", ledger.effects, ledger.resumed, len(ledger.calls))
			}
		})
	}
}

// The gateway dies after it noted the transaction and before, or while, it sent it: a new one must not double it.
func TestCrashAfterAnnounce(t *testing.T) {
	journal := newJournal()
	k := key(t, "k", "a")
	account := spec.OrganisationAddress(mspID)
	if _, err := journal.Begin(t.Context(), account, "k", k.Fingerprint); err != nil {
		t.Fatal(err)
	}
	if err := journal.Announce(t.Context(), account, "k", app.Sent{Transaction: "1111111111111111111111111111111111111111111111111111111111111111", Envelope: []byte("e")}); err != nil {
		t.Fatal(err)
	}
	ledger := &scripted{}
	answer, err := newService(ledger, &fixed{}, journal).Execute(t.Context(), everything, transfer(1), k)
	if err != nil || ledger.resumed != 1 || len(ledger.calls) != 0 || ledger.effects != 1 {
		t.Errorf("got %+v %v; %d resumed, %d submits", answer, err, ledger.resumed, len(ledger.calls))
	}
}

// After a restart the peer may know of the commit before the read model has the block, and only the block has the result.
// Orderers refuse what they had before, so sending it again would cost the whole time for that.
func TestCommittedIsAwaitedNotSentAgain(t *testing.T) {
	unknown := &app.UnknownOutcome{Transaction: "t", Cause: errors.New("lost")}
	ledger := &scripted{outcomes: []error{unknown}, outcome: app.TransactionCommitted, resume: spec.Errorf(spec.Unavailable, "had before")}
	model := &fixed{behind: &app.TransactionRecord{State: app.TransactionCommitted, Block: 7, Result: []byte(`{"a":1}`)}}
	service := newService(ledger, model, newJournal())
	if _, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a")); spec.ErrorCode(err) != spec.OutcomeUnknown {
		t.Fatal(err)
	}
	answer, err := service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a"))
	if err != nil || !answer.Replayed || answer.Block != 7 || string(answer.Result) != `{"a":1}` || ledger.resumed != 0 || len(ledger.calls) != 1 {
		t.Errorf("got %+v %v; %d resumed, %d submits", answer, err, ledger.resumed, len(ledger.calls))
	}
}

func TestIdempotencyKeyForm(t *testing.T) {
	for _, bad := range []string{"", "with blank", "tab\t", "ümlaut", string(make([]byte, 65))} {
		if _, err := app.NewIdempotencyKey(bad, "POST", "/", nil); spec.ErrorCode(err) != spec.InvalidField {
			t.Errorf("%q: %v", bad, err)
		}
	}
	a, _ := app.NewIdempotencyKey("k", "POST", "/a", []byte("b"))
	b, _ := app.NewIdempotencyKey("k", "POST", "/", []byte("ab"))
	if a.Fingerprint == b.Fingerprint {
		t.Error("two requests, one fingerprint")
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestTransactionStates(t *testing.T) {
	unknown := &app.UnknownOutcome{Transaction: "t", Cause: errors.New("lost")}
	ledger := &scripted{outcomes: []error{unknown}}
	service := newService(ledger, &fixed{}, newJournal())
	_, _ = service.Execute(t.Context(), everything, transfer(1), key(t, "k", "a"))
	record, err := service.Transaction(t.Context(), ledger.sent[0].Transaction)
	if err != nil || record.State != app.TransactionPending {
		t.Errorf("sent by us: %+v %v", record, err)
	}
	ledger.outcomes = []error{nil, &app.UnknownOutcome{Transaction: zeros, Cause: errors.New("lost")}}
	_, _ = service.Execute(t.Context(), everything, transfer(1), nil)
	if record, err := service.Transaction(t.Context(), zeros); err != nil || record.State != app.TransactionPending {
		t.Errorf("sent by us without a key: %+v %v", record, err)
	}
	other := "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	if _, err := service.Transaction(t.Context(), other); spec.ErrorCode(err) != spec.NotFound {
		t.Errorf("unseen: %v", err)
	}
	ledger.outcome = app.TransactionCommitted
	if record, err := service.Transaction(t.Context(), other); err != nil || record.State != app.TransactionCommitted {
		t.Errorf("as the peer says: %+v %v", record, err)
	}
	if _, err := service.Transaction(t.Context(), "../"); spec.ErrorCode(err) != spec.InvalidField {
		t.Errorf("no identifier: %v", err)
	}
}
