package contract_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// payer is a person with a key, on the ledger of this package's genesis.
type payer struct {
	key     ed25519.PrivateKey
	address spec.Address
}

func newPayer(t *testing.T, name string) payer {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	address, err := intent.Address(spec.Scheme_SCHEME_ED25519, key[ed25519.SeedSize:])
	if err != nil {
		t.Fatal(err)
	}
	return payer{key, address}
}

// pays signs a payment to the shop; the stub's clock stands still.
func (p payer) pays(t *testing.T, nonce uint64, cmt uint32, credits ...[]byte) *spec.SignedIntent {
	t.Helper()
	body, err := intent.Encode(nonce, 1_800_000_000, &spec.Call{
		Operation: spec.Find("token:Transfer"),
		Command:   &spec.Transfer{To: spec.OrganisationAddress("ShopMSP").Bytes(), Amount: spec.CMT(cmt).Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	ledgerID, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	return &spec.SignedIntent{
		Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: p.key[ed25519.SeedSize:],
		Signature: ed25519.Sign(p.key, intent.Message([16]byte(ledgerID), body)), Hints: &spec.Hints{Credits: credits},
	}
}

func batchOf(t *testing.T, intents ...*spec.SignedIntent) string {
	t.Helper()
	argument, err := proto.Marshal(&spec.Batch{Intents: intents})
	if err != nil {
		t.Fatal(err)
	}
	return string(argument)
}

// The bytes of a batch go through contract-api as they are; what it writes goes in one write batch, what it refuses is in
// its answer.
func TestBatchThroughContractAPI(t *testing.T) {
	l := begun(t)
	anna, ben := newPayer(t, "anna"), newPayer(t, "ben")
	l.ok("OperatorMSP", "token:Transfer", `{"reference":"r","to":"`+anna.address.String()+`","amount":"10"}`)
	credits := l.ok("OperatorMSP", "token:ListCredits", `{"address":"`+anna.address.String()+`"}`)
	var name [][]byte
	for _, one := range credits["credits"].([]any) {
		credit, err := spec.ParseCreditName(one.(map[string]any)["credit"].(string))
		if err != nil {
			t.Fatal(err)
		}
		name = append(name, credit.Bytes())
	}
	forged := anna.pays(t, 3, 1)
	forged.Signature[9] ^= 1
	batch := batchOf(t, anna.pays(t, 1, 4, name...), forged, ben.pays(t, 1, 1), anna.pays(t, 2, 5))
	result := l.ok("ShopMSP", spec.BatchFunction, batch)
	if l.last.batches != 1 || len(l.last.writes) != 2 || len(l.last.deletes) != 1 {
		t.Errorf("%d write batches with %d puts and %d deletions; want the account and one credit, the payer's credit gone, in one",
			l.last.batches, len(l.last.writes), len(l.last.deletes))
	}
	refusals, _ := result["refusals"].([]any)
	if result["count"] != 4.0 || len(refusals) != 2 {
		t.Fatalf("the answer is %v", result)
	}
	for i, want := range []struct {
		index float64
		code  spec.Code
	}{{1, spec.BadSignature}, {2, spec.InsufficientFunds}} {
		refusal := refusals[i].(map[string]any)
		index, _ := refusal["index"].(float64)
		if index != want.index || refusal["code"] != string(want.code) {
			t.Errorf("refusal %d is %v, want %s of %v", i, refusal, want.code, want.index)
		}
	}
	shop := spec.OrganisationAddress("ShopMSP").String()
	if balance := l.ok("ShopMSP", "token:GetBalance", `{"address":"`+shop+`"}`); balance["credits"] != "9" || balance["credit_count"] != 1.0 {
		t.Errorf("the shop's balance: %v", balance)
	}

	// The same batch again does nothing, and writes nothing.
	result = l.ok("ShopMSP", spec.BatchFunction, batch)
	if refusals, _ = result["refusals"].([]any); len(refusals) != 4 || l.last.batches != 0 || len(l.last.writes)+len(l.last.deletes) != 0 {
		t.Errorf("again: %v, %d write batches", result, l.last.batches)
	}
}

func TestBatchRefusedWhole(t *testing.T) {
	l := begun(t)
	anna := newPayer(t, "anna")
	one := batchOf(t, anna.pays(t, 1, 1))
	for _, row := range []struct {
		code    spec.Code
		field   string
		creator string
		args    []string
	}{
		{spec.WrongArgumentCount, "", "ShopMSP", []string{spec.BatchFunction}},
		{spec.WrongArgumentCount, "", "ShopMSP", []string{spec.BatchFunction, one, one}},
		{spec.UnknownOperation, "", "ShopMSP", []string{"batch:execute", one}},
		{spec.UnknownOperation, "", "ShopMSP", []string{"Execute", one}},
		{spec.UnknownOperation, "", "ShopMSP", []string{"batch:GetName", "{}"}},
		{spec.InvalidField, "intents", "ShopMSP", []string{spec.BatchFunction, ""}},
		{spec.Malformed, "", "ShopMSP", []string{spec.BatchFunction, `{"intents":[]}`}},
		{spec.NotAMember, "", "StrangerMSP", []string{spec.BatchFunction, one}},
		{spec.NotAClient, "", "OperatorPeer", []string{spec.BatchFunction, one}},
	} {
		l.refused(row.code, row.field, row.creator, row.args...)
	}
	newLedger(t).refused(spec.NotInitialised, "", "ShopMSP", spec.BatchFunction, one)
}

// A read that failed is no free nonce.
func TestBatchWithAFailedRead(t *testing.T) {
	l := begun(t)
	s := &stub{state: l.state, writes: map[string][]byte{}, creator: l.creators["ShopMSP"], seconds: 1_800_000_000, failRead: true}
	s.args = [][]byte{[]byte(spec.BatchFunction), []byte(batchOf(t, newPayer(t, "anna").pays(t, 1, 1)))}
	response := l.chaincode.Invoke(s)
	if refusal, ok := spec.ParseError(response.Message); response.Status == 200 || !ok || refusal.Code != spec.Internal || len(s.writes) > 0 {
		t.Errorf("a read that failed gave status %d, %q and %d writes", response.Status, response.Message, len(s.writes))
	}
}
