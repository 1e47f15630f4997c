package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The codes that the gateway itself adds to what the ledger refuses with.
var (
	gatewayReadErrors  = []spec.Code{spec.Unauthenticated, spec.ScopeRequired, spec.RateLimited, spec.Unavailable, spec.Internal}
	gatewayWriteErrors = append(slices.Clone(gatewayReadErrors), spec.UnsupportedMedia, spec.IdempotencyMismatch, spec.Conflict, spec.OutcomeUnknown)
)

// object is a JSON object; encoding/json writes its keys in order, so the document has one form.
type object = map[string]any

// BuildOpenAPI returns the OpenAPI 3.1 document of the API, made from the operation table, the rules of the fields and the
// error catalogue.
func BuildOpenAPI() map[string]any {
	schemas := object{"Problem": problemSchema()}
	paths := object{}
	for i := range spec.Operations {
		op := &spec.Operations[i]
		if op.Path == "" {
			continue
		}
		addPath(paths, op.Path, op.Method, operationObject(op, schemas))
	}
	for _, route := range ownRoutes {
		addPath(paths, route.path, route.method, routeObject(route, schemas))
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "CMT gateway",
			"version":     "1",
			"description": "Payments and a marketplace on the CMT ledger. Amounts are decimal strings of CMT. A write answers after its commit.",
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"security":   []any{object{"apiKey": []any{}}},
		"tags":       tags(),
		"paths":      paths,
		"components": object{"schemas": schemas, "securitySchemes": object{"apiKey": object{"type": "http", "scheme": "bearer", "description": "A key that cmt-gateway key create made."}}},
	}
}

// mustDocument returns the document's bytes; it always has a JSON form.
func mustDocument() []byte {
	document, err := json.MarshalIndent(BuildOpenAPI(), "", "  ")
	if err != nil {
		panic(fmt.Sprintf("httpapi: the OpenAPI document has no JSON form: %v", err))
	}
	return append(document, '\n')
}

func addPath(paths object, path, method string, operation object) {
	item, ok := paths[path].(object)
	if !ok {
		item = object{}
		paths[path] = item
	}
	item[strings.ToLower(method)] = operation
}

func tags() []any {
	return []any{
		object{"name": spec.TokenContract, "description": "Money: balances, payments, credits, supply."},
		object{"name": spec.MarketContract, "description": "Listings and orders, from offer to payout."},
		object{"name": spec.ConsortiumContract, "description": "Members, parameters and fences."},
		object{"name": gatewayTag, "description": "Lists and lookups that this gateway answers from the blocks it has seen."},
		object{"name": intentsTag, "description": "Commands that keys signed: keys of their owners, or keys that this gateway keeps."},
	}
}

const (
	gatewayTag = "gateway"
	intentsTag = "intents"
)

// operationObject describes a row of the operation table.
func operationObject(op *spec.Operation, schemas object) object {
	result := messageName(op.Result)
	schemas[result] = spec.MessageSchema(op.Result.ProtoReflect().Descriptor())
	described := object{
		"operationId": op.Name,
		"tags":        []string{op.Contract},
		"summary":     op.Doc,
		"description": operationNote(op),
		"x-scope":     op.Scope,
		"x-function":  op.FullName(),
		"parameters":  operationParameters(op),
		"responses":   responses(op.Path, successOf(op, result), operationErrors(op)),
	}
	if op.Kind == spec.Write {
		described["requestBody"] = requestBody(op, schemas)
	}
	return described
}

func operationNote(op *spec.Operation) string {
	note := fmt.Sprintf("Needs the scope `%s`.", op.Scope)
	if op.Role != 0 {
		note += fmt.Sprintf(" Needs the role `%s`.", spec.EnumText(op.Role.Descriptor(), op.Role.Number()))
	}
	if op.Creates != "" {
		note += " Without a reference in the body the Idempotency-Key is the reference; one of both is required."
	}
	return note
}

func operationErrors(op *spec.Operation) []spec.Code {
	codes := slices.Concat(spec.FormErrors, spec.CallerErrors, op.Errors)
	// No REST request has these: its route is found, and its one argument made, by the gateway.
	codes = slices.DeleteFunc(codes, func(c spec.Code) bool { return c == spec.UnknownOperation || c == spec.WrongArgumentCount })
	if op.Kind == spec.Query {
		codes = slices.DeleteFunc(codes, func(c spec.Code) bool { return c == spec.BodyTooLarge || c == spec.Malformed || c == spec.Fenced })
		return append(codes, gatewayReadErrors...)
	}
	if slices.Contains(op.Errors, spec.LotEmpty) {
		codes = append(codes, spec.SoldOut)
	}
	return append(codes, gatewayWriteErrors...)
}

// operationParameters are the fields in the path, those of a read in the query, and the idempotency key of a write.
func operationParameters(op *spec.Operation) []any {
	properties := spec.MessageSchema(op.Command.ProtoReflect().Descriptor())["properties"].(spec.Schema)
	fields := op.Command.ProtoReflect().Descriptor().Fields()
	parameters := []any{}
	for i := range fields.Len() {
		name := fields.Get(i).TextName()
		inPath := slices.Contains(op.PathFields(), name)
		if !inPath && op.Kind == spec.Write {
			continue
		}
		parameter := object{"name": name, "in": "query", "required": !spec.RuleOf(fields.Get(i)).GetOptional(), "description": spec.RuleOf(fields.Get(i)).GetDoc(), "schema": properties[name]}
		if inPath {
			parameter["in"], parameter["required"] = "path", true
		}
		parameters = append(parameters, parameter)
	}
	if op.Kind == spec.Write {
		parameters = append(parameters, idempotencyParameter)
	}
	return parameters
}

var idempotencyParameter = object{
	"name": idempotencyHeader, "in": "header", "required": false, "schema": spec.Schema{"type": "string", "pattern": "^[!-~]{1,64}$"},
	"description": "The client's own name for this request. The same request under the same key has one effect and gets the same answer.",
}

// requestBody is the command's JSON form without the fields that stand in the path.
func requestBody(op *spec.Operation, schemas object) object {
	schema := spec.CallSchema(op)
	properties := schema["properties"].(spec.Schema)
	required, _ := schema["required"].([]string)
	for _, field := range op.PathFields() {
		delete(properties, field)
	}
	required = slices.DeleteFunc(required, func(name string) bool {
		return slices.Contains(op.PathFields(), name) || name == referenceField && op.Creates != ""
	})
	delete(schema, "required")
	if len(required) > 0 {
		schema["required"] = required
	}
	name := messageName(op.Command)
	schemas[name] = schema
	return object{
		"required": len(required) > 0,
		"content":  object{"application/json": object{"schema": reference(name), "example": exampleBody(op)}},
	}
}

// success is the answer of a request that went well.
type success struct {
	status  int
	schema  spec.Schema
	headers object
}

func successOf(op *spec.Operation, result string) success {
	if op.Kind == spec.Query {
		return success{status: http.StatusOK, schema: reference(result)}
	}
	answer := success{status: http.StatusOK, headers: object{
		replayedHeader: object{"description": "true when the answer was stored under the idempotency key.", "schema": spec.Schema{"type": "string", "enum": []string{"true"}}},
	}}
	if op.Creates != "" {
		answer.status = http.StatusCreated
		answer.headers["Location"] = object{"description": "Where to look up what was created.", "schema": spec.Schema{"type": "string"}}
	}
	answer.schema = spec.Schema{
		"type": "object", "additionalProperties": false, "required": []string{"transaction", "block", "result"},
		"properties": spec.Schema{
			"transaction": transactionSchema,
			"block":       spec.Schema{"type": "integer", "minimum": 0, "description": "The block that holds it."},
			"result":      reference(result),
		},
	}
	return answer
}

// responses lists the answer of success and the problems, one entry a status.
func responses(path string, ok success, codes []spec.Code) object {
	entry := object{"description": "Done.", "content": object{"application/json": object{"schema": ok.schema}}}
	if len(ok.headers) > 0 {
		entry["headers"] = ok.headers
	}
	listed := object{strconv.Itoa(ok.status): entry}
	byStatus := map[int][]spec.Code{}
	for _, row := range spec.Catalogue {
		if slices.Contains(codes, row.Code) {
			byStatus[row.HTTPStatus] = append(byStatus[row.HTTPStatus], row.Code)
		}
	}
	for status, codes := range byStatus {
		var lines []string
		for _, code := range codes {
			lines = append(lines, fmt.Sprintf("`%s`: %s", code, spec.Lookup(code).Doc))
		}
		listed[strconv.Itoa(status)] = object{
			"description": strings.Join(lines, "\n\n"),
			"x-codes":     codes,
			"content":     object{problemType: object{"schema": reference("Problem"), "example": newProblem(&spec.Error{Code: codes[0]}, path)}},
		}
	}
	return listed
}

// routeObject describes a route of the gateway's own.
func routeObject(route ownRoute, schemas object) object {
	parameters := []any{}
	for _, part := range strings.Split(route.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			schema := pathSchema(strings.TrimSuffix(name, "}"))
			parameters = append(parameters, object{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "description": schema["description"], "schema": schema})
		}
	}
	for _, p := range route.parameters {
		parameters = append(parameters, object{"name": p.name, "in": "query", "required": false, "description": p.doc, "schema": p.schema})
	}
	var schema spec.Schema
	if route.item != nil {
		name, order := messageName(route.item), "The newest first."
		if route.oldestFirst {
			order = "The oldest first."
		}
		schemas[name] = spec.MessageSchema(route.item.ProtoReflect().Descriptor())
		schema = spec.Schema{
			"type": "object", "additionalProperties": false, "required": []string{"items"},
			"properties": spec.Schema{
				"items":       spec.Schema{"type": "array", "items": reference(name), "description": order},
				"next_cursor": spec.Schema{"type": "string", "description": "Where to go on; absent on the last page."},
			},
		}
	} else {
		schema = route.schema()
	}
	codes := slices.Concat([]spec.Code{spec.UnknownField, spec.DuplicateField, spec.InvalidField}, route.errors, gatewayReadErrors)
	if route.idempotent {
		parameters = append(parameters, idempotencyParameter)
		codes = append(codes, spec.IdempotencyMismatch)
	}
	described := object{
		"operationId": route.name, "tags": []string{route.tag()}, "summary": route.doc, "description": fmt.Sprintf("Needs the scope `%s`.", route.needs()), "x-scope": route.needs(),
		"parameters": parameters,
	}
	if route.body != nil {
		codes = append(codes, spec.BodyTooLarge, spec.Malformed, spec.MissingField, spec.UnsupportedMedia)
		schemas[route.body.name] = route.body.schema()
		described["requestBody"] = object{
			"required": true,
			"content":  object{"application/json": object{"schema": reference(route.body.name), "example": route.body.example()}},
		}
	}
	described["responses"] = responses(route.path, success{status: cmp.Or(route.status, http.StatusOK), schema: schema}, codes)
	return described
}

// pathSchemas describe what stands in the paths of the gateway's own routes.
var pathSchemas = map[string]spec.Schema{
	"transaction": transactionSchema,
	"intent":      intentSchema,
	"name":        {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$", "description": "The key's name."},
}

// pathSchema describes what stands in a path: as the gateway's own, or else as the ledger's queries do that have it in theirs.
func pathSchema(name string) spec.Schema {
	if schema, own := pathSchemas[name]; own {
		return schema
	}
	for i := range spec.Operations {
		op := &spec.Operations[i]
		if op.Kind != spec.Query || !slices.Contains(op.PathFields(), name) {
			continue
		}
		return spec.MessageSchema(op.Command.ProtoReflect().Descriptor())["properties"].(spec.Schema)[name].(spec.Schema)
	}
	return nil
}

// tag returns the group that the route is described in.
func (r ownRoute) tag() string {
	if r.scope == spec.ScopeKeys || strings.HasPrefix(r.path, "/v1/intents") {
		return intentsTag
	}
	return gatewayTag
}

func reference(name string) spec.Schema { return spec.Schema{"$ref": "#/components/schemas/" + name} }

func messageName(message proto.Message) string {
	return string(message.ProtoReflect().Descriptor().Name())
}

func problemSchema() spec.Schema {
	codes := make([]string, len(spec.Catalogue))
	for i, row := range spec.Catalogue {
		codes[i] = string(row.Code)
	}
	text := func(doc string) spec.Schema { return spec.Schema{"type": "string", "description": doc} }
	return spec.Schema{
		"type": "object", "required": []string{"type", "title", "status", "code", "retryable"},
		"description": "An error, as RFC 9457 has it.",
		"properties": spec.Schema{
			"type":        spec.Schema{"type": "string", "format": "uri-reference", "description": "Where the code is explained."},
			"title":       text("What the code means."),
			"status":      spec.Schema{"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
			"detail":      text("What exactly was wrong."),
			"instance":    text("Names this one occurrence."),
			"code":        spec.Schema{"type": "string", "enum": codes, "description": "The code for machines."},
			"field":       text("The field it is about."),
			"retryable":   spec.Schema{"type": "boolean", "description": "The same request, unchanged, may succeed later."},
			"transaction": transactionSchema,
			"status_url":  text("Where to ask what became of the transaction."),
		},
	}
}
