package client_test

import (
	"testing"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
	"github.com/cybermiles/cmt/gateway/wallet"
)

func TestRelay(t *testing.T) {
	g := gatewaytest.New(t, gatewaytest.Chain(t), memledger.Members[0])
	c := client.New(g.Server.URL, g.Key(t, nil))
	key, err := wallet.New(spec.Scheme_SCHEME_P256)
	if err != nil {
		t.Fatal(err)
	}
	pay := &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{Reference: "r", To: key.Address().Bytes(), Amount: spec.CMT(3).Bytes()}}
	if _, err := c.Do(t.Context(), pay, nil); err != nil {
		t.Fatal(err)
	}
	sign := func(nonce uint64, cmt uint32) *spec.SignedIntent {
		signed, err := key.Sign([16]byte{}, nonce, time.Now().Add(time.Hour).Unix(), &spec.Call{
			Operation: pay.Operation, Command: &spec.Transfer{To: spec.OrganisationAddress("X").Bytes(), Amount: spec.CMT(cmt).Bytes()},
		})
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	results, err := c.Relay(t.Context(), sign(1, 1), sign(2, 9))
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Problem != nil || results[0].Block == 0 || results[1].Problem == nil || results[1].Problem.Code != spec.InsufficientFunds {
		t.Errorf("got %+v", results)
	}
	id, err := spec.ParseID(spec.IntentType, results[0].Intent)
	if err != nil {
		t.Fatal(err)
	}
	if record, err := c.Intent(t.Context(), id); err != nil || record.State != "committed" || record.Transaction != results[0].Transaction {
		t.Errorf("got %+v, %v", record, err)
	}
	if _, err := c.Intent(t.Context(), spec.ID{}); spec.ErrorCode(err) != spec.NotFound {
		t.Errorf("an unseen one: %v", err)
	}
	if _, err := c.Relay(t.Context()); spec.ErrorCode(err) != spec.InvalidField {
		t.Errorf("none: %v", err)
	}
}
