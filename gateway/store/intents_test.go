package store_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
	"github.com/cybermiles/cmt/gateway/wallet"
)

func carry(t *testing.T, chain *memledger.Chain, intents ...*spec.SignedIntent) app.Commit {
	t.Helper()
	argument, err := proto.Marshal(&spec.Batch{Intents: intents})
	if err != nil {
		t.Fatal(err)
	}
	commit, err := chain.For(memledger.Members[0]).Carry(t.Context(), argument, func(context.Context, app.Sent) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

func pays(t *testing.T, from *wallet.Key, nonce uint64, cmt uint32) *spec.SignedIntent {
	t.Helper()
	signed, err := from.Sign([16]byte{}, nonce, time.Now().Add(time.Hour).Unix(), &spec.Call{
		Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{To: shopAddress.Bytes(), Amount: spec.CMT(cmt).Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func idOf(t *testing.T, signed *spec.SignedIntent) spec.ID {
	t.Helper()
	decoded, err := intent.Decode([16]byte{}, signed)
	if err != nil {
		t.Fatal(err)
	}
	return decoded.ID()
}

// What blocks say of intents: the last word before success, and success for ever.
func TestIntents(t *testing.T) {
	chain, err := memledger.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, t.TempDir())
	if err := chain.Follow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	people := payers(t, chain, 2)
	funds, err := s.Funds(t.Context(), people[0].Address(), 1)
	if err != nil {
		t.Fatal(err)
	}
	good, poor, forged := pays(t, people[0], 1, 5), pays(t, people[1], 1, 5), pays(t, people[1], 2, 5)
	good.Hints = &spec.Hints{Credits: [][]byte{funds.Credits[0].Name.Bytes()}}
	forged.Signature[3] ^= 1

	first := carry(t, chain, good, poor, forged)
	expect := func(signed *spec.SignedIntent, want app.IntentRecord) {
		t.Helper()
		want.ID = idOf(t, signed)
		got, err := s.Intent(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if refusal := got.Refusal; refusal != nil && want.Refusal != nil {
			refusal.Detail = ""
			if *refusal != *want.Refusal {
				t.Errorf("refused with %v, want %v", refusal, want.Refusal)
			}
			got.Refusal, want.Refusal = nil, nil
		}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	expect(good, app.IntentRecord{State: app.IntentCommitted, Transaction: first.Transaction, Block: first.Block})
	expect(poor, app.IntentRecord{State: app.IntentRefused, Transaction: first.Transaction, Block: first.Block, Refusal: &spec.Error{Code: spec.InsufficientFunds}})
	expect(forged, app.IntentRecord{State: app.IntentUnknown}) // anybody could have written it

	// Again: the poor one with its credits, the good one in vain.
	if funds, err = s.Funds(t.Context(), people[1].Address(), 1); err != nil {
		t.Fatal(err)
	}
	poor.Hints = &spec.Hints{Credits: [][]byte{funds.Credits[0].Name.Bytes()}}
	second := carry(t, chain, good, poor)
	expect(good, app.IntentRecord{State: app.IntentCommitted, Transaction: first.Transaction, Block: first.Block})
	expect(poor, app.IntentRecord{State: app.IntentCommitted, Transaction: second.Transaction, Block: second.Block})
	if nonce, err := s.Nonce(t.Context(), people[1].Address()); err != nil || nonce != 1 {
		t.Errorf("nonce %d, %v", nonce, err)
	}
	if home, err := s.Home(t.Context(), people[1].Address()); err != nil || home == 0 {
		t.Errorf("at home with %d, %v", home, err)
	}
	if home, err := s.Home(t.Context(), shopAddress); err != nil || home != 0 {
		t.Errorf("an organisation is at home with %d, %v", home, err)
	}
	if nonce, err := s.Nonce(t.Context(), shopAddress); err != nil || nonce != 0 {
		t.Errorf("an organisation's nonce %d, %v", nonce, err)
	}
}

// What became of an intent is told until it could not happen any more, and a while longer: its validity, a clock that is off, its epoch, the
// fence's grace, and what is set.
func TestIntentsAreForgotten(t *testing.T) {
	folder := t.TempDir()
	chain, err := memledger.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, folder)
	if err := chain.Follow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	poor := pays(t, payers(t, chain, 1)[0], 1, 5) // refused: it names no credits
	carry(t, chain, poor)
	validUntil := time.Now().Add(time.Hour)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, folder)
	const keep = 48 * time.Hour
	s.KeepIntents(keep)
	dead := validUntil.Add(time.Minute + 300*time.Second + 120*time.Second)
	for _, row := range []struct {
		at   time.Time
		want app.IntentState
	}{{time.Now(), app.IntentRefused}, {dead, app.IntentRefused}, {dead.Add(keep - time.Minute), app.IntentRefused}, {dead.Add(keep + time.Minute), app.IntentUnknown}} {
		if _, err := s.Prune(t.Context(), row.at); err != nil {
			t.Fatal(err)
		}
		if record, err := s.Intent(t.Context(), idOf(t, poor)); err != nil || record.State != row.want {
			t.Errorf("at %s: %+v, %v", row.at, record, err)
		}
	}
}
