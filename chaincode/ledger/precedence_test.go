package ledger_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// rank is a code's place in the catalogue.
func rank(t *testing.T, code spec.Code) int {
	t.Helper()
	at := slices.IndexFunc(spec.Catalogue, func(e spec.Entry) bool { return e.Code == code })
	if at < 0 {
		t.Fatalf("%s is not in the catalogue", code)
	}
	return at
}

// elsewhere says where the codes are reached that no operation's row lists, and by what name; those of the rows are reached by
// this package's tests (TestEveryListedRefusalIsReached).
var elsewhere = map[spec.Code]struct{ name, file string }{
	spec.UnknownOperation:    {"UnknownOperation", "chaincode/contract/chaincode_test.go"},
	spec.WrongArgumentCount:  {"WrongArgumentCount", "chaincode/contract/chaincode_test.go"},
	spec.BodyTooLarge:        {"BodyTooLarge", "chaincode/spec/json_test.go"},
	spec.Malformed:           {"Malformed", "chaincode/spec/json_test.go"},
	spec.DuplicateField:      {"DuplicateField", "chaincode/spec/json_test.go"},
	spec.UnknownField:        {"UnknownField", "chaincode/spec/json_test.go"},
	spec.MissingField:        {"MissingField", "chaincode/spec/json_test.go"},
	spec.InvalidField:        {"InvalidField", "chaincode/spec/json_test.go"},
	spec.UnsupportedMedia:    {"UnsupportedMedia", "gateway/httpapi/badinput_test.go"},
	spec.MethodNotAllowed:    {"MethodNotAllowed", "gateway/httpapi/badinput_test.go"},
	spec.TimestampOutOfRange: {"TimestampOutOfRange", "chaincode/simulate/scenario_test.go"},
	spec.Unauthenticated:     {"Unauthenticated", "gateway/httpapi/badinput_test.go"},
	spec.ScopeRequired:       {"ScopeRequired", "gateway/httpapi/badinput_test.go"},
	spec.NotAClient:          {"NotAClient", "chaincode/ledger/refusal_test.go"},
	spec.NotInitialised:      {"NotInitialised", "chaincode/ledger/refusal_test.go"},
	spec.NotAMember:          {"NotAMember", "chaincode/ledger/refusal_test.go"},
	spec.RoleRequired:        {"RoleRequired", "chaincode/ledger/refusal_test.go"},
	spec.RateLimited:         {"RateLimited", "gateway/app/lanes_test.go"},
	spec.BadIntent:           {"BadIntent", "gateway/httpapi/intents_test.go"},
	spec.BadSignature:        {"BadSignature", "chaincode/simulate/intent_test.go"},
	spec.IntentExpired:       {"IntentExpired", "chaincode/simulate/intent_test.go"},
	spec.NotAnIntent:         {"NotAnIntent", "chaincode/ledger/batch_test.go"},
	spec.GenesisMismatch:     {"GenesisMismatch", "chaincode/contract/chaincode_test.go"},
	spec.Fenced:              {"Fenced", "chaincode/ledger/refusal_test.go"},
	spec.SoldOut:             {"SoldOut", "gateway/app/write_test.go"},
	spec.IdempotencyMismatch: {"IdempotencyMismatch", "gateway/app/idempotency_test.go"},
	spec.Conflict:            {"Conflict", "gateway/app/write_test.go"},
	spec.Unavailable:         {"Unavailable", "gateway/app/write_test.go"},
	spec.OutcomeUnknown:      {"OutcomeUnknown", "gateway/app/write_test.go"},
	spec.Internal:            {"Internal", "chaincode/ledger/refusal_test.go"},
}

// Every code of the catalogue is reached by a test.
func TestEveryCodeOfTheCatalogueIsReached(t *testing.T) {
	listed := map[spec.Code]bool{}
	for i := range spec.Operations {
		for _, code := range spec.Operations[i].Errors {
			listed[code] = true
		}
	}
	for _, entry := range spec.Catalogue {
		at, said := elsewhere[entry.Code]
		if !said && !listed[entry.Code] {
			t.Errorf("no operation lists %s, and nothing says where it is reached", entry.Code)
		}
		if !said {
			continue
		}
		text, err := os.ReadFile("../../" + at.file)
		if err != nil || !bytes.Contains(text, []byte("spec."+at.name)) {
			t.Errorf("%s is not reached by %s: %v", entry.Code, at.file, err)
		}
	}
}
