package httpapi

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// maxIntentsBytes bounds a body of intents: four times what 500 usual ones need.
const maxIntentsBytes = 1 << 20

// The identifier of an intent.
var intentSchema = spec.Schema{"type": "string", "pattern": "^" + string(spec.IntentType) + "1[02-9ac-hj-np-z]{38}$", "description": "The intent's identifier."}

// carryErrors are what may become of an intent beside what its operation's rule says.
var carryErrors = []spec.Code{spec.Conflict, spec.OutcomeUnknown, spec.NotAMember, spec.NotInitialised}

// intentRoutes hand in, prepare and look up signed intents.
var intentRoutes = []ownRoute{
	{
		method: "POST", path: "/v1/intents", name: "RelayIntents", scope: spec.ScopeRelay,
		doc: "Hand in signed intents, up to 500, and wait for what becomes of each; a refused one leaves the others untouched. " +
			"The list may also come as application/x-protobuf, a Batch of intent.proto. Intents of accounts that are at home with another member are handed over to its gateway.",
		body:   &requestForm{"IntentList", func() spec.Schema { return spec.MessageSchema((&spec.Batch{}).ProtoReflect().Descriptor()) }, exampleIntents},
		errors: carryErrors, schema: resultsSchema, serve: (*server).relayIntents,
	},
	{
		method: "POST", path: "/v1/intents/prepare", name: "PrepareIntent",
		doc:    "What a key has to sign for a command. Who trusts no gateway makes the same bytes itself; `cmt sign` does.",
		body:   &requestForm{"IntentRequest", func() spec.Schema { return withCommand(&spec.IntentRequest{}) }, examplePrepare},
		errors: []spec.Code{spec.NotAnIntent}, schema: preparedSchema, serve: (*server).prepareIntent,
	},
	{
		method: "GET", path: "/v1/intents/{intent}", name: "GetIntent", doc: "What became of an intent.",
		errors: []spec.Code{spec.NotFound}, schema: intentRecordSchema, serve: (*server).getIntent,
	},
}

func intentPath(id spec.ID) string { return "/v1/intents/" + id.Text(spec.IntentType) }

// withCommand describes a message's JSON form with an operation's command beside its fields.
func withCommand(message interface{ GetOperation() string }) spec.Schema {
	var schema spec.Schema
	switch m := message.(type) {
	case *spec.IntentRequest:
		schema = spec.MessageSchema(m.ProtoReflect().Descriptor())
	case *spec.KeyIntentRequest:
		schema = spec.MessageSchema(m.ProtoReflect().Descriptor())
	}
	var names []string
	for i := range spec.Operations {
		if op := &spec.Operations[i]; op.Number > 0 {
			names = append(names, op.FullName())
		}
	}
	properties := schema["properties"].(spec.Schema)
	properties["operation"] = spec.Schema{"type": "string", "enum": names, "description": "The operation's name."}
	properties["command"] = spec.Schema{
		"type": "object", "description": "The operation's fields, those of the path among them and without sub_account and hints. A transfer may leave its reference out.",
	}
	schema["required"] = append(schema["required"].([]string), "command")
	return schema
}

const (
	// binaryType is the media type of a message in protobuf's encoding, a third of the size and of the work of JSON.
	binaryType = "application/x-protobuf"
	// handedByHeader names the member whose gateway hands intents over. Who says so falsely has them carried here, no more.
	handedByHeader = "Cmt-Handed-By"
	// maxIntents is how many intents one request may bear.
	maxIntents = 500
)

// decodeIntents reads a list of intents, in either form, strictly.
func decodeIntents(media string, body []byte) (*spec.Batch, error) {
	var batch spec.Batch
	if media != binaryType {
		return &batch, spec.DecodeJSON(body, &batch)
	}
	if err := proto.Unmarshal(body, &batch); err != nil {
		return nil, spec.Errorf(spec.Malformed, "the body is no list of intents in protobuf's encoding")
	}
	if n := len(batch.GetIntents()); n == 0 || n > maxIntents {
		return nil, spec.FieldErrorf(spec.InvalidField, "intents", "must have 1 to %d items, not %d", maxIntents, n)
	}
	if len(batch.ProtoReflect().GetUnknown()) > 0 {
		return nil, spec.Errorf(spec.UnknownField, "the list has fields that are not known")
	}
	for i, one := range batch.GetIntents() {
		if len(one.ProtoReflect().GetUnknown()) > 0 || len(one.GetHints().ProtoReflect().GetUnknown()) > 0 {
			return nil, spec.FieldErrorf(spec.UnknownField, "intents", "item %d has fields that are not known", i)
		}
	}
	return &batch, nil
}

// intentResult is what became of one intent that was handed in.
type intentResult struct {
	Intent      string   `json:"intent,omitempty"`
	Transaction string   `json:"transaction,omitempty"`
	Block       *uint64  `json:"block,omitempty"`
	Problem     *Problem `json:"problem,omitempty"`
}

func (s *server) relayIntents(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, maxIntentsBytes, binaryType)
	if err != nil {
		return err
	}
	batch, err := decodeIntents(mediaOf(r), body)
	if err != nil {
		return err
	}
	take := s.options.Intents.Relay
	if r.Header.Get(handedByHeader) != "" {
		take = s.options.Intents.RelayHanded
	}
	outcomes, err := take(r.Context(), batch.GetIntents())
	if err != nil {
		return err
	}
	answer := struct {
		Results []intentResult `json:"results"`
	}{make([]intentResult, len(outcomes))}
	for i, outcome := range outcomes {
		answer.Results[i] = s.resultOf(w, r, outcome)
	}
	return writeJSON(w, http.StatusOK, answer)
}

func (s *server) resultOf(w http.ResponseWriter, r *http.Request, outcome app.IntentOutcome) intentResult {
	var result intentResult
	if outcome.Named {
		result.Intent = outcome.ID.Text(spec.IntentType)
	}
	if outcome.Err == nil {
		result.Transaction, result.Block = outcome.Transaction, &outcome.Block
		return result
	}
	problem := newProblem(outcome.Err, instanceOf(r.Context()))
	if problem.Code == spec.OutcomeUnknown && outcome.Named {
		problem.StatusURL = intentPath(outcome.ID)
	}
	if problem.Code == spec.RateLimited {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfterSeconds))
	}
	if problem.Status >= http.StatusInternalServerError {
		s.log.Error("an intent failed", "intent", result.Intent, "instance", problem.Instance, "code", problem.Code, "error", outcome.Err)
	}
	result.Problem = &problem
	return result
}

// preparedAnswer is an intent to be signed.
type preparedAnswer struct {
	Intent  string `json:"intent"`
	Message string `json:"message"`
	SHA256  string `json:"sha256"`
	Summary string `json:"summary"`
}

func (s *server) prepareIntent(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, spec.MaxCommandBytes)
	if err != nil {
		return err
	}
	var request spec.IntentRequest
	op, command, err := spec.DecodeIntentRequest(body, &request)
	if err != nil {
		return err
	}
	prepared, err := s.options.Intents.Prepare(request.GetNonce(), request.GetValidUntil(), op, command)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, preparedAnswer{
		Intent: hex.EncodeToString(prepared.Intent), Message: hex.EncodeToString(prepared.Message),
		SHA256: hex.EncodeToString(prepared.SHA256[:]), Summary: prepared.Summary,
	})
}

// intentAnswer is what is known of an intent.
type intentAnswer struct {
	Intent      string   `json:"intent"`
	State       string   `json:"state"`
	Transaction string   `json:"transaction,omitempty"`
	Block       *uint64  `json:"block,omitempty"`
	Problem     *Problem `json:"problem,omitempty"`
}

func (s *server) getIntent(_ app.Principal, w http.ResponseWriter, r *http.Request) error {
	id, err := spec.ParseID(spec.IntentType, r.PathValue("intent"))
	if err != nil {
		return spec.FieldErrorf(spec.InvalidField, "intent", "%s", err)
	}
	record, err := s.options.Intents.Intent(r.Context(), id)
	if err != nil {
		return err
	}
	answer := intentAnswer{Intent: id.Text(spec.IntentType), State: string(record.State), Transaction: record.Transaction}
	if record.Transaction != "" {
		answer.Block = &record.Block
	}
	if record.Refusal != nil {
		problem := newProblem(record.Refusal, instanceOf(r.Context()))
		answer.Problem = &problem
	}
	return writeJSON(w, http.StatusOK, answer)
}

var blockSchema = spec.Schema{"type": "integer", "minimum": 0, "description": "The block that holds it."}

func resultsSchema() spec.Schema {
	result := spec.Schema{
		"type": "object", "additionalProperties": false,
		"properties": spec.Schema{"intent": intentSchema, "transaction": transactionSchema, "block": blockSchema, "problem": reference("Problem")},
	}
	return spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"results"},
		"properties": spec.Schema{"results": spec.Schema{
			"type": "array", "items": result, "description": "What became of each, in the order in which they were handed in: transaction and block of one that happened, the problem of one that did not.",
		}},
	}
}

func preparedSchema() spec.Schema {
	text := func(doc string) spec.Schema {
		return spec.Schema{"type": "string", "pattern": "^([0-9a-f]{2})+$", "description": doc}
	}
	return spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"intent", "message", "sha256", "summary"},
		"properties": spec.Schema{
			"intent":  text("The intent's bytes, to be handed in with the signature."),
			"message": text("What the key signs: Ed25519 the message itself, P-256 with SHA-256."),
			"sha256":  text("The message's SHA-256, for P-256 keys that sign a hash."),
			"summary": spec.Schema{"type": "string", "description": "What the intent does, in words."},
		},
	}
}

func intentRecordSchema() spec.Schema {
	return spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"intent", "state"},
		"properties": spec.Schema{
			"intent":      intentSchema,
			"state":       spec.Schema{"type": "string", "enum": []string{"committed", "refused", "pending"}, "description": "Pending: it is on its way through this gateway. Refused is not final while the intent is valid: it may be handed in again."},
			"transaction": transactionSchema, "block": blockSchema, "problem": reference("Problem"),
		},
	}
}

func exampleIntents() object {
	return object{"intents": []any{object{
		"intent": "0801108094ebdc0318012205", "scheme": "ed25519", "public_key": strings.Repeat("ab", 32), "signature": strings.Repeat("cd", 64),
	}}}
}

func examplePrepare() object {
	return object{"operation": "token:Transfer", "nonce": 1, "valid_until": "2026-01-31T12:00:00Z", "command": exampleTransfer()}
}

func exampleTransfer() object {
	return object{"to": spec.OrganisationAddress(exampleMSP).String(), "amount": "12.5"}
}
