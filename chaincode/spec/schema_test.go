package spec_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/simulate/arbitrary"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// compile makes a validator of a schema, by way of its published JSON form.
func compile(t *testing.T, name string, schema spec.Schema) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func satisfies(t *rapid.T, schema *jsonschema.Schema, text []byte) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Fatalf("%s breaks its schema: %v", text, err)
	}
}

// Whoever writes calls by the schema meets no surprise at the door, and answers are as the documents say.
func TestCallsAndViewsSatisfyTheirSchemas(t *testing.T) {
	for i := range spec.Operations {
		op := &spec.Operations[i]
		t.Run(op.FullName(), func(t *testing.T) {
			calls := compile(t, "call.json", spec.CallSchema(op))
			views := compile(t, "view.json", spec.MessageSchema(op.Result.ProtoReflect().Descriptor()))
			rapid.Check(t, func(t *rapid.T) {
				call, err := arbitrary.Call(t, op).Encode()
				if err != nil {
					t.Fatal(err)
				}
				satisfies(t, calls, call)
				view, err := spec.EncodeJSON(arbitrary.Message(t, op.Result))
				if err != nil {
					t.Fatal(err)
				}
				satisfies(t, views, view)
			})
		})
	}
}

// What breaks the shape of a call breaks its schema, too.
func TestSchemasRefuseWhatTheCodecRefuses(t *testing.T) {
	schema := compile(t, "call.json", spec.CallSchema(spec.Find("token:Transfer")))
	for _, body := range []string{
		`{}`, `[]`, `null`,
		transferJSON("amount", ``), transferJSON("colour", `1`), transferJSON("Memo", `"a"`), transferJSON("memo", `null`), transferJSON("memo", `""`),
		transferJSON("amount", `12`), transferJSON("amount", `"01"`), transferJSON("amount", `"1e3"`), transferJSON("amount", `"-1"`), transferJSON("amount", `"0.0000000000000000001"`),
		transferJSON("reference", `"a b"`), transferJSON("to", `"CMT1"`), transferJSON("sub_account", `"-a"`), transferJSON("sub_account", `null`), transferJSON("hints", `{"x":1}`),
	} {
		if _, err := spec.DecodeCall(spec.Find("token:Transfer"), []byte(body)); err == nil {
			t.Errorf("%s was read", body)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(document) == nil {
			t.Errorf("%s satisfies the schema", body)
		}
	}
}
