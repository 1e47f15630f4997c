package contract_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/cybermiles/cmt/chaincode/contract"
	"github.com/cybermiles/cmt/chaincode/spec"
)

const genesis = `{"ledger_id":"000102030405060708090a0b0c0d0e0f","members":[{"msp_id":"OperatorMSP","roles":["operator","treasurer"]},` +
	`{"msp_id":"ShopMSP","roles":["merchant"]}],"treasury_msp":"OperatorMSP","initial_supply":"1000","operator_msp":"OperatorMSP",` +
	`"fee_bps":250,"credit_minimum":"0.01","ship_seconds":60,"release_seconds":60,"protection_seconds":600,` +
	`"fence_epoch_seconds":300,"fence_grace_seconds":120,"offer_seconds":600,"review_seconds":600,"answer_seconds":60,"dispute_seconds":600,"panel_size":3,"hold_seconds":600,"auction_seconds":600,"auction_extension_seconds":30}`

// ledger is a chaincode and its state; invoke commits what a transaction wrote when it succeeded.
type ledger struct {
	*testing.T
	chaincode *contract.Chaincode
	state     map[string][]byte
	creators  map[string][]byte
	next      byte
	last      *stub
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	sum := sha256.Sum256([]byte(genesis))
	chaincode, err := contract.New(hex.EncodeToString(sum[:]), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &ledger{T: t, chaincode: chaincode, state: map[string][]byte{}, creators: map[string][]byte{
		"OperatorMSP":  identity(t, "OperatorMSP", "client"),
		"ShopMSP":      identity(t, "ShopMSP", "client"),
		"StrangerMSP":  identity(t, "StrangerMSP", "client"),
		"OperatorPeer": identity(t, "OperatorMSP", "peer"),
	}}
}

func begun(t *testing.T) *ledger {
	t.Helper()
	l := newLedger(t)
	l.ok("OperatorMSP", "consortium:Genesis", genesis)
	return l
}

func (l *ledger) invoke(creator string, args ...string) *peer.Response {
	l.Helper()
	l.next++
	s := &stub{state: l.state, writes: map[string][]byte{}, creator: l.creators[creator], seconds: 1_800_000_000}
	s.txID = sha256.Sum256([]byte{l.next})
	for _, arg := range args {
		s.args = append(s.args, []byte(arg))
	}
	response := l.chaincode.Invoke(s)
	if response.Status == 200 {
		maps.Copy(l.state, s.writes)
		for _, key := range s.deletes {
			delete(l.state, key)
		}
	} else if len(s.writes)+len(s.deletes) > 0 {
		l.Fatalf("%v was refused and wrote", args)
	}
	l.last = s
	return response
}

func (l *ledger) ok(creator string, args ...string) map[string]any {
	l.Helper()
	response := l.invoke(creator, args...)
	if response.Status != 200 {
		l.Fatalf("%v: %s", args, response.Message)
	}
	var result map[string]any
	if err := json.Unmarshal(response.Payload, &result); err != nil {
		l.Fatalf("%v: result %q: %v", args, response.Payload, err)
	}
	return result
}

func (l *ledger) refused(code spec.Code, field, creator string, args ...string) {
	l.Helper()
	response := l.invoke(creator, args...)
	refusal, ok := spec.ParseError(response.Message)
	if response.Status == 200 || !ok {
		l.Fatalf("%v: status %d, message %q; want the code %s", args, response.Status, response.Message, code)
	}
	if refusal.Code != code || refusal.Field != field {
		l.Errorf("%v: %s of field %q, want %s of %q", args, refusal.Code, refusal.Field, code, field)
	}
	if strings.Contains(response.Message, "\n") {
		l.Errorf("%v: the refusal has more than one line", args)
	}
}

func TestPaymentThroughContractAPI(t *testing.T) {
	l := begun(t)
	shop := spec.OrganisationAddress("ShopMSP").String()
	transfer := l.ok("OperatorMSP", "token:Transfer", `{"reference":"first","to":"`+shop+`","amount":"12.5","memo":"hi"}`)
	if transfer["amount"] != "12.5" || transfer["to"] != shop {
		t.Errorf("transfer: %v", transfer)
	}
	if l.last.batches != 1 {
		t.Errorf("the writes went in %d batches, want one", l.last.batches)
	}
	balance := l.ok("ShopMSP", "token:GetBalance", `{"address":"`+shop+`"}`)
	if balance["credits"] != "12.5" || balance["account"] != "0" || balance["credit_count"] != 1.0 || balance["complete"] != true {
		t.Errorf("balance: %v", balance)
	}
	credits := l.ok("ShopMSP", "token:ListCredits", `{"address":"`+shop+`"}`)
	name := credits["credits"].([]any)[0].(map[string]any)["credit"].(string)
	swept := l.ok("ShopMSP", "token:Sweep", `{"hints":{"credits":["`+name+`"]}}`)
	if swept["account"] != "12.5" {
		t.Errorf("sweep: %v", swept)
	}
	l.refused(spec.NoCredits, "hints.credits", "ShopMSP", "token:Sweep", `{"hints":{"credits":["`+name+`"]}}`)
}

func TestOuterFormIsChecked(t *testing.T) {
	l := begun(t)
	for _, row := range []struct {
		code  spec.Code
		field string
		args  []string
	}{
		{spec.WrongArgumentCount, "", nil},
		{spec.WrongArgumentCount, "", []string{"token:GetSupply"}},
		{spec.WrongArgumentCount, "", []string{"token:GetSupply", "{}", "{}"}},
		{spec.UnknownOperation, "", []string{"token:transfer", "{}"}},
		{spec.UnknownOperation, "", []string{"Token:Transfer", "{}"}},
		{spec.UnknownOperation, "", []string{"Transfer", "{}"}},
		{spec.UnknownOperation, "", []string{"token:GetName", "{}"}},
		{spec.UnknownOperation, "", []string{"token:GetEvaluateTransactions", "{}"}},
		{spec.UnknownOperation, "", []string{"org.hyperledger.fabric:GetMetadata", "{}"}},
		{spec.UnknownOperation, "", []string{strings.Repeat("x", 10_000), "{}"}},
		{spec.Malformed, "", []string{"token:GetSupply", ""}},
		{spec.Malformed, "", []string{"token:GetSupply", "null"}},
		{spec.Malformed, "", []string{"token:GetSupply", "{} {}"}},
		{spec.UnknownField, "x", []string{"token:GetSupply", `{"x":1}`}},
		{spec.BodyTooLarge, "", []string{"token:GetSupply", "{" + strings.Repeat(" ", spec.MaxCommandBytes) + "}"}},
	} {
		l.refused(row.code, row.field, "OperatorMSP", row.args...)
	}
}

func TestCallerIsChecked(t *testing.T) {
	l := newLedger(t)
	l.refused(spec.NotInitialised, "", "OperatorMSP", "token:GetSupply", "{}")
	l.refused(spec.GenesisMismatch, "", "OperatorMSP", "consortium:Genesis", strings.Replace(genesis, `"1000"`, `"1001"`, 1))
	l.refused(spec.NotAMember, "", "StrangerMSP", "consortium:Genesis", genesis)
	l.refused(spec.NotAClient, "", "OperatorPeer", "consortium:Genesis", genesis)
	l.ok("ShopMSP", "consortium:Genesis", genesis)
	l.refused(spec.AlreadyInitialised, "", "OperatorMSP", "consortium:Genesis", genesis)
	l.refused(spec.NotAMember, "", "StrangerMSP", "token:GetSupply", "{}")
	l.refused(spec.NotAClient, "", "OperatorPeer", "token:GetSupply", "{}")
	l.refused(spec.RoleRequired, "", "ShopMSP", "token:Mint", `{"reference":"r","to":"`+spec.OrganisationAddress("ShopMSP").String()+`","amount":"1"}`)
}

func TestFailedReadIsNoAbsence(t *testing.T) {
	l := begun(t)
	s := &stub{state: l.state, writes: map[string][]byte{}, creator: l.creators["OperatorMSP"], seconds: 1_800_000_000, failRead: true}
	s.args = [][]byte{[]byte("token:Transfer"), []byte(`{"reference":"r","to":"` + spec.OrganisationAddress("ShopMSP").String() + `","amount":"1"}`)}
	response := l.chaincode.Invoke(s)
	if refusal, ok := spec.ParseError(response.Message); response.Status == 200 || !ok || refusal.Code != spec.Internal || len(s.writes) > 0 {
		t.Errorf("a read that failed gave status %d, %q and %d writes", response.Status, response.Message, len(s.writes))
	}
}

func TestPanicIsAnError(t *testing.T) {
	l := begun(t)
	// A stub without a map for its writes panics on the first of them.
	p := &stub{state: l.state, creator: l.creators["OperatorMSP"], seconds: 1_800_000_000}
	p.args = [][]byte{[]byte("token:Transfer"), []byte(`{"reference":"r","to":"` + spec.OrganisationAddress("ShopMSP").String() + `","amount":"1"}`)}
	response := l.chaincode.Invoke(p)
	if refusal, ok := spec.ParseError(response.Message); response.Status == 200 || !ok || refusal.Code != spec.Internal {
		t.Errorf("a panic gave status %d, %q", response.Status, response.Message)
	}
}

func TestMetadataIsTheOperationTable(t *testing.T) {
	l := newLedger(t)
	metadata := l.ok("OperatorMSP", "org.hyperledger.fabric:GetMetadata")
	var names []string
	for contract, value := range metadata["contracts"].(map[string]any) {
		for _, tx := range value.(map[string]any)["transactions"].([]any) {
			names = append(names, contract+":"+tx.(map[string]any)["name"].(string))
		}
	}
	var table []string
	for _, op := range spec.Operations {
		table = append(table, op.FullName())
	}
	slices.Sort(names)
	slices.Sort(table)
	if !slices.Equal(names, table) {
		t.Errorf("metadata has %v, the table %v", names, table)
	}
}

// Every row of the table reaches its own rule through contract-api: a missing transaction would be an unknown function.
func TestEveryOperationHasItsTransaction(t *testing.T) {
	l := begun(t)
	for _, op := range spec.Operations {
		response := l.invoke("OperatorMSP", op.FullName(), `{"no_such_field":1}`)
		refusal, ok := spec.ParseError(response.Message)
		want := spec.UnknownField
		if op.Name == "Genesis" {
			want = spec.GenesisMismatch
		}
		if !ok || refusal.Code != want {
			t.Errorf("%s: %q, want %s", op.FullName(), response.Message, want)
		}
	}
}
