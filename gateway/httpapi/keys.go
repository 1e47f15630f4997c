package httpapi

import (
	"encoding/hex"
	"net/http"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// keyRoutes serve people without a key of their own: the gateway keeps one for them, and signs with it.
var keyRoutes = []ownRoute{
	{
		method: "POST", path: "/v1/keys", name: "CreateKey", scope: spec.ScopeKeys, status: http.StatusCreated,
		doc:    "Make a key that this gateway keeps, encrypted, for a person without one; its account is new.",
		body:   &requestForm{"KeyRequest", func() spec.Schema { return spec.MessageSchema((&spec.KeyRequest{}).ProtoReflect().Descriptor()) }, func() object { return object{"name": "alice"} }},
		errors: []spec.Code{spec.ReferenceUsed}, schema: keySchema, serve: (*server).createKey,
	},
	{
		method: "GET", path: "/v1/keys/{name}", name: "GetKey", scope: spec.ScopeKeys, doc: "Look up a kept key and its account.",
		errors: []spec.Code{spec.NotFound}, schema: keySchema, serve: (*server).getKey,
	},
	{
		method: "POST", path: "/v1/keys/{name}/intents", name: "ActWithKey", scope: spec.ScopeKeys, idempotent: true,
		doc:    "Sign a command with a kept key and carry it as an intent. The API key must act for the kept key's name, or for all.",
		body:   &requestForm{"KeyIntentRequest", func() spec.Schema { return withCommand(&spec.KeyIntentRequest{}) }, func() object { return object{"operation": "token:Transfer", "command": exampleTransfer()} }},
		errors: append(intentErrors(), carryErrors...), schema: keyIntentSchema, serve: (*server).actWithKey,
	},
}

// intentErrors are what the rules of a person's operations may refuse with.
func intentErrors() []spec.Code {
	codes := []spec.Code{spec.NotAnIntent, spec.IntentExpired, spec.NonceUsed, spec.NotFound}
	for i := range spec.Operations {
		if op := &spec.Operations[i]; op.Number > 0 {
			codes = append(codes, op.Errors...)
		}
	}
	return codes
}

// keyAnswer is a kept key, without its private part, which never leaves.
type keyAnswer struct {
	Name      string `json:"name"`
	Scheme    string `json:"scheme"`
	PublicKey string `json:"public_key"`
	Address   string `json:"address"`
}

func writeKey(w http.ResponseWriter, status int, key app.KeptKey) error {
	return writeJSON(w, status, keyAnswer{
		Name: key.Name, Scheme: spec.EnumText(key.Scheme.Descriptor(), key.Scheme.Number()), PublicKey: hex.EncodeToString(key.PublicKey), Address: key.Address.String(),
	})
}

func (s *server) createKey(principal app.Principal, w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, spec.MaxCommandBytes)
	if err != nil {
		return err
	}
	var request spec.KeyRequest
	if err := spec.DecodeJSON(body, &request); err != nil {
		return err
	}
	key, err := s.options.Intents.CreateKey(r.Context(), principal, request.GetName())
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/keys/"+key.Name)
	return writeKey(w, http.StatusCreated, key)
}

func (s *server) getKey(principal app.Principal, w http.ResponseWriter, r *http.Request) error {
	name, err := keyName(r)
	if err != nil {
		return err
	}
	key, err := s.options.Intents.Key(r.Context(), principal, name)
	if err != nil {
		return err
	}
	return writeKey(w, http.StatusOK, key)
}

// keyName holds the name in the path to the rule of names.
func keyName(r *http.Request) (string, error) {
	request := &spec.KeyRequest{Name: r.PathValue("name")}
	return request.GetName(), spec.Validate(request)
}

func (s *server) actWithKey(principal app.Principal, w http.ResponseWriter, r *http.Request) error {
	name, err := keyName(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, spec.MaxCommandBytes)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r, body)
	if err != nil {
		return err
	}
	op, command, err := spec.DecodeIntentRequest(body, &spec.KeyIntentRequest{})
	if err != nil {
		return err
	}
	receipt, err := s.options.Intents.ActWithKey(r.Context(), principal, name, op, command, key)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, intentResult{Intent: receipt.ID.Text(spec.IntentType), Transaction: receipt.Transaction, Block: &receipt.Block})
}

func keySchema() spec.Schema {
	text := func(doc string) spec.Schema { return spec.Schema{"type": "string", "description": doc} }
	return spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"name", "scheme", "public_key", "address"},
		"properties": spec.Schema{
			"name": text("The key's name."), "scheme": text("How it signs."), "public_key": text("The public key in hex."), "address": text("The account that it moves."),
		},
	}
}

func keyIntentSchema() spec.Schema {
	return spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"intent", "transaction", "block"},
		"properties": spec.Schema{"intent": intentSchema, "transaction": transactionSchema, "block": blockSchema},
	}
}
