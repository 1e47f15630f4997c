package spec_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func TestDecodeCommandTakesWhatASignatureMayLeaveOut(t *testing.T) {
	op := spec.Find("token:Transfer")
	body := transferJSON("reference", "")
	command, err := spec.DecodeCommand(op, []byte(body), "command")
	if err != nil {
		t.Fatal(err)
	}
	want := &spec.Transfer{To: spec.OrganisationAddress("Org2MSP").Bytes(), Amount: amount(t, "12.5").Bytes()}
	if !proto.Equal(command, want) {
		t.Errorf("got %v", command)
	}
	if _, err := spec.DecodeCall(op, []byte(body)); spec.ErrorCode(err) != spec.MissingField {
		t.Errorf("a call without a reference: %v", err)
	}
	if err := spec.Validate(command); err != nil {
		t.Errorf("what was decoded is not valid: %v", err)
	}
}

func TestDecodeCommandRefuses(t *testing.T) {
	transfer := spec.Find("token:Transfer")
	for _, row := range []struct {
		what, body string
		code       spec.Code
		field      string
	}{
		{"null", `null`, spec.InvalidField, "command"},
		{"an array", `[]`, spec.InvalidField, "command"},
		{"more behind it", transferJSON() + `{}`, spec.Malformed, "command"},
		{"an empty reference", transferJSON("reference", `""`), spec.InvalidField, "command.reference"},
		{"a null reference", transferJSON("reference", `null`), spec.InvalidField, "command.reference"},
		{"no amount", transferJSON("amount", ""), spec.MissingField, "command.amount"},
		{"a number", transferJSON("amount", "1"), spec.InvalidField, "command.amount"},
		{"an unknown field", transferJSON("fee", `"1"`), spec.UnknownField, "command.fee"},
		{"a sub-account", transferJSON("sub_account", `"till"`), spec.UnknownField, "command.sub_account"},
		{"hints", transferJSON("hints", `{}`), spec.UnknownField, "command.hints"},
		{"a field twice", strings.Replace(transferJSON(), "{", `{"amount":"1",`, 1), spec.DuplicateField, "command.amount"},
		{"too much", transferJSON("memo", `"`+strings.Repeat("x", spec.MaxCommandBytes)+`"`), spec.BodyTooLarge, "command"},
	} {
		_, err := spec.DecodeCommand(transfer, []byte(row.body), "command")
		mustRefuse(t, row.what, err, row.code, row.field)
	}
}

func TestDecodeIntentRequest(t *testing.T) {
	request := func(members string) string {
		return `{"operation":"token:Transfer","nonce":7,"valid_until":"2026-01-31T12:00:00Z"` + members + `}`
	}
	var read spec.IntentRequest
	op, command, err := spec.DecodeIntentRequest([]byte(request(`,"command":`+transferJSON("reference", ""))), &read)
	if err != nil || op.FullName() != "token:Transfer" || read.GetNonce() != 7 || command.(*spec.Transfer).GetReference() != "" {
		t.Fatalf("%v %v %v", op, command, err)
	}
	for _, row := range []struct {
		what, body string
		code       spec.Code
		field      string
	}{
		{"no command", request(""), spec.MissingField, "command"},
		{"a command twice", request(`,"command":{},"command":{}`), spec.DuplicateField, "command"},
		{"a command that is no object", request(`,"command":"x"`), spec.InvalidField, "command"},
		{"an unknown field", request(`,"command":{},"fee":1`), spec.UnknownField, "fee"},
		{"an unknown field and no command", request(`,"fee":1`), spec.UnknownField, "fee"},
		{"no nonce", `{"operation":"token:Sweep","valid_until":"2026-01-31T12:00:00Z","command":{}}`, spec.MissingField, "nonce"},
		{"the nonce 0", `{"operation":"token:Sweep","nonce":0,"valid_until":"2026-01-31T12:00:00Z","command":{}}`, spec.InvalidField, "nonce"},
		{"no time", `{"operation":"token:Sweep","nonce":1,"valid_until":"soon","command":{}}`, spec.InvalidField, "valid_until"},
		{"no operation of the table", `{"operation":"token:Send","nonce":1,"valid_until":"2026-01-31T12:00:00Z","command":{}}`, spec.InvalidField, "operation"},
		{"the treasury's", `{"operation":"token:Mint","nonce":1,"valid_until":"2026-01-31T12:00:00Z","command":{}}`, spec.NotAnIntent, "operation"},
		{"nothing", ``, spec.Malformed, ""},
	} {
		_, _, err := spec.DecodeIntentRequest([]byte(row.body), &spec.IntentRequest{})
		mustRefuse(t, row.what, err, row.code, row.field)
	}
}

// A batch's JSON form is what a relay hands in; each intent is named by its place.
func TestBatchJSON(t *testing.T) {
	signed := func(scheme, key, signature string) string {
		return `{"intent":"0801","scheme":` + scheme + `,"public_key":"` + key + `","signature":"` + signature + `"}`
	}
	key, signature := strings.Repeat("ab", 32), strings.Repeat("cd", 64)
	good := signed(`"ed25519"`, key, signature)
	var batch spec.Batch
	if err := spec.DecodeJSON([]byte(`{"intents":[`+good+`,`+signed(`"p256"`, "02"+key, signature)+`]}`), &batch); err != nil {
		t.Fatal(err)
	}
	if len(batch.Intents) != 2 || batch.Intents[1].Scheme != spec.Scheme_SCHEME_P256 || len(batch.Intents[1].PublicKey) != 33 || batch.Intents[0].Hints != nil {
		t.Errorf("got %v", &batch)
	}
	again, err := spec.EncodeJSON(&batch)
	var decoded spec.Batch
	if err != nil || spec.DecodeJSON(again, &decoded) != nil || !proto.Equal(&batch, &decoded) {
		t.Errorf("%s does not come back: %v", again, err)
	}
	for _, row := range []struct {
		what, body string
		code       spec.Code
		field      string
	}{
		{"none", `{"intents":[]}`, spec.InvalidField, "intents"},
		{"no list", `{"intents":{}}`, spec.InvalidField, "intents"},
		{"too many", `{"intents":[` + strings.Repeat(good+",", 500) + good + `]}`, spec.InvalidField, "intents"},
		{"another scheme", `{"intents":[` + good + `,` + signed(`"rsa"`, key, signature) + `]}`, spec.InvalidField, "intents[1].scheme"},
		{"a short signature", `{"intents":[` + signed(`"ed25519"`, key, signature[2:]) + `]}`, spec.InvalidField, "intents[0].signature"},
		{"a long key", `{"intents":[` + signed(`"ed25519"`, key+"0000", signature) + `]}`, spec.InvalidField, "intents[0].public_key"},
		{"no key", `{"intents":[` + signed(`"ed25519"`, "", signature) + `]}`, spec.InvalidField, "intents[0].public_key"},
		{"capitals", `{"intents":[` + signed(`"ed25519"`, strings.ToUpper(key), signature) + `]}`, spec.InvalidField, "intents[0].public_key"},
		{"a missing field", `{"intents":[{"intent":"00"}]}`, spec.MissingField, "intents[0].scheme"},
		{"an unknown field", `{"intents":[` + strings.Replace(good, "{", `{"x":1,`, 1) + `]}`, spec.UnknownField, "intents[0].x"},
		{"a field twice", `{"intents":[` + strings.Replace(good, "{", `{"intent":"00",`, 1) + `]}`, spec.DuplicateField, "intents[0].intent"},
	} {
		mustRefuse(t, row.what, spec.DecodeJSON([]byte(row.body), &spec.Batch{}), row.code, row.field)
	}
}

func amount(t *testing.T, text string) spec.Amount {
	t.Helper()
	a, err := spec.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustRefuse(t *testing.T, what string, err error, code spec.Code, field string) {
	t.Helper()
	var refusal *spec.Error
	if !errors.As(err, &refusal) || refusal.Code != code || refusal.Field != field {
		t.Errorf("%s: got %v, want %s of %q", what, err, code, field)
	}
}
