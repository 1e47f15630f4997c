package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/httpapi"
)

// document returns the OpenAPI document as a client sees it.
func document(t *testing.T) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(httpapi.BuildOpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func at(t *testing.T, value any, path ...string) any {
	t.Helper()
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok || object[name] == nil {
			t.Fatalf("nothing at %s", strings.Join(path, " / "))
		}
		value = object[name]
	}
	return value
}

// Every row of the operation table that has a path is in the document, with its codes, and its example is a body that the
// codec takes.
func TestDocumentHasEveryOperation(t *testing.T) {
	doc := document(t)
	for i := range spec.Operations {
		op := &spec.Operations[i]
		if op.Path == "" {
			continue
		}
		t.Run(op.FullName(), func(t *testing.T) {
			operation := at(t, doc, "paths", op.Path, strings.ToLower(op.Method))
			if at(t, operation, "operationId") != op.Name || at(t, operation, "x-scope") != string(op.Scope) {
				t.Error("another operation")
			}
			for _, code := range op.Errors {
				status := fmt.Sprint(spec.Lookup(code).HTTPStatus)
				if !strings.Contains(fmt.Sprint(at(t, operation, "responses", status, "x-codes")), string(code)) {
					t.Errorf("%s is not among its problems", code)
				}
			}
			inPath := 0
			for _, entry := range at(t, operation, "parameters").([]any) {
				if at(t, entry, "in") == "path" {
					inPath++
				}
			}
			if inPath != len(op.PathFields()) {
				t.Errorf("%d parameters in the path, want %d", inPath, len(op.PathFields()))
			}
			if op.Kind == spec.Write {
				exampleDecodes(t, op, at(t, operation, "requestBody", "content", "application/json", "example").(map[string]any), doc)
			}
		})
	}
}

func exampleDecodes(t *testing.T, op *spec.Operation, example map[string]any, doc map[string]any) {
	t.Helper()
	name := string(op.Command.ProtoReflect().Descriptor().Name())
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("openapi.json#/components/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(example); err != nil {
		t.Errorf("the example breaks its schema: %v", err)
	}
	fields := spec.MessageSchema(op.Command.ProtoReflect().Descriptor())["properties"].(spec.Schema)
	for _, field := range op.PathFields() {
		if fields[field] == nil {
			t.Errorf("the path has %s, the command has not", field)
		}
		example[field] = pathExample[field]
	}
	body, err := json.Marshal(example)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec.DecodeCall(op, body); err != nil {
		t.Errorf("the example is refused: %v: %s", err, body)
	}
}

var pathExample = map[string]any{
	"listing":  spec.NewID(spec.ListingType, spec.OrganisationAddress("M"), "x").Text(spec.ListingType),
	"order":    spec.NewID(spec.OrderType, spec.OrganisationAddress("M"), "x").Text(spec.OrderType),
	"auction":  spec.NewID(spec.AuctionType, spec.OrganisationAddress("M"), "x").Text(spec.AuctionType),
	"hold":     spec.NewID(spec.HoldType, spec.OrganisationAddress("M"), "x").Text(spec.HoldType),
	"discount": spec.NewID(spec.DiscountType, spec.OrganisationAddress("M"), "x").Text(spec.DiscountType),
	"offer":    spec.NewID(spec.OfferType, spec.OrganisationAddress("M"), "x").Text(spec.OfferType),
}

// The document has the form of OpenAPI 3.1: what a parser of it relies on.
func TestDocumentForm(t *testing.T) {
	doc := document(t)
	if at(t, doc, "openapi") != "3.1.0" || at(t, doc, "info", "title") == "" || at(t, doc, "info", "version") == "" {
		t.Error("no head")
	}
	schemas := at(t, doc, "components", "schemas").(map[string]any)
	for name, schema := range schemas {
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("openapi.json", doc); err != nil {
			t.Fatal(err)
		}
		if _, err := compiler.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
		if at(t, schema, "type") != "object" {
			t.Errorf("schema %s is no object", name)
		}
	}
	ids := map[any]bool{}
	for path, item := range at(t, doc, "paths").(map[string]any) {
		for method, operation := range item.(map[string]any) {
			id := at(t, operation, "operationId")
			if ids[id] {
				t.Errorf("operationId %s is there twice", id)
			}
			ids[id] = true
			checkOperation(t, path+" "+method, operation, schemas)
		}
	}
}

func checkOperation(t *testing.T, name string, operation any, schemas map[string]any) {
	t.Helper()
	seen := map[string]bool{}
	for _, entry := range at(t, operation, "parameters").([]any) {
		key := fmt.Sprint(at(t, entry, "in"), at(t, entry, "name"))
		if seen[key] {
			t.Errorf("%s: parameter %s is there twice", name, key)
		}
		seen[key] = true
		at(t, entry, "schema")
		if at(t, entry, "in") == "path" && (at(t, entry, "required") != true || !strings.Contains(name, "{"+at(t, entry, "name").(string)+"}")) {
			t.Errorf("%s: parameter %s is not in the path", name, key)
		}
	}
	good := false
	for status, response := range at(t, operation, "responses").(map[string]any) {
		at(t, response, "description")
		good = good || status[0] == '2'
		if status[0] != '2' {
			at(t, response, "content", "application/problem+json", "schema")
		}
	}
	if !good {
		t.Errorf("%s never goes well", name)
	}
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && schemas[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
				t.Errorf("%s: %s leads nowhere", name, ref)
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(operation)
}

// What the API answers keeps what the document says.
func TestAnswersKeepTheDocument(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	h.pay(t, "p", shopAddress, "1")
	doc := document(t)
	for path, name := range map[string]string{
		"/v1/supply": "Supply", "/v1/listings/" + listing: "ListingView", "/v1/accounts/" + shopAddress: "Balance",
		"/v1/accounts/" + shopAddress + "/credits": "CreditPage", "/v1/parameters": "Parameters", "/v1/members/BuyersMSP": "Member",
	} {
		var got any
		send(t, h.shop, request{path: path, key: h.shopKey}).decode(t, http.StatusOK, &got)
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("openapi.json", doc); err != nil {
			t.Fatal(err)
		}
		if err := compiler.MustCompile("openapi.json#/components/schemas/" + name).Validate(got); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestPages(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/errors"} {
		if got := send(t, h.shop, request{path: path}); got.status != http.StatusOK || len(got.body) == 0 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	errors, docs := string(send(t, h.shop, request{path: "/docs/errors"}).body), string(send(t, h.shop, request{path: "/docs"}).body)
	for _, entry := range spec.Catalogue {
		if !strings.Contains(errors, `id="`+string(entry.Code)+`"`) {
			t.Errorf("%s has no anchor", entry.Code)
		}
		if entry.HTTPStatus < 400 || entry.HTTPStatus > 599 || entry.Title == "" || entry.Doc == "" {
			t.Errorf("%s has no HTTP mapping", entry.Code)
		}
	}
	for i := range spec.Operations {
		if op := &spec.Operations[i]; op.Path != "" && !strings.Contains(docs, `id="`+op.Name+`"`) {
			t.Errorf("%s is not on the page", op.Name)
		}
	}
	for _, foreign := range []string{"<script", "src=", "http://", "https://"} {
		if strings.Contains(docs+errors, foreign) {
			t.Errorf("the pages have %s", foreign)
		}
	}
}
