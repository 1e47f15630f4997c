package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// idempotencyHeader carries a client's name for a request.
const idempotencyHeader = "Idempotency-Key"

// referenceField is the field of creating operations that an idempotency key may stand in for.
const referenceField = "reference"

// decodeCall reads an operation's call from a request: the command's fields come from the path, and beside them from the
// body of a write or from the query of a read. The codec of the ledger does the rest, so the rules are one.
func decodeCall(op *spec.Operation, r *http.Request, body []byte) (*spec.Call, error) {
	if op.Kind == spec.Query {
		return decodeQuery(op, r)
	}
	if names := r.URL.Query(); len(names) > 0 {
		for name := range names {
			return nil, spec.FieldErrorf(spec.UnknownField, name, "this operation takes its fields in the body, not in the query")
		}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	extra := pathMembers(op, r)
	if key := r.Header.Get(idempotencyHeader); key != "" && op.Creates != "" && !hasMember(body, referenceField) {
		extra = append(extra, member(referenceField, key))
	}
	return spec.DecodeCall(op, withMembers(body, extra))
}

// pathMembers returns the fields that stand in the path as members of a JSON object.
func pathMembers(op *spec.Operation, r *http.Request) []string {
	var members []string
	for _, field := range op.PathFields() {
		members = append(members, member(field, r.PathValue(field)))
	}
	return members
}

func member(name, value string) string {
	quoted, err := json.Marshal(value)
	if err != nil {
		// A string always has a JSON form.
		panic(err)
	}
	return `"` + name + `":` + string(quoted)
}

// hasMember reports whether the object has a member of the name. What is not an object has none; the codec refuses it.
func hasMember(body []byte, name string) bool {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return true
	}
	_, ok := object[name]
	return ok
}

// withMembers puts members before an object's own, so that the codec sees one that stands in both as given twice. What
// does not begin like an object is left as it is for the codec to refuse.
func withMembers(body []byte, members []string) []byte {
	inner, ok := bytes.CutPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
	if !ok || len(members) == 0 {
		return body
	}
	joined := "{" + strings.Join(members, ",")
	if !bytes.HasPrefix(bytes.TrimLeft(inner, " \t\r\n"), []byte("}")) {
		joined += ","
	}
	return append([]byte(joined), inner...)
}

// decodeQuery reads a query's fields from path and query. Each may stand once.
func decodeQuery(op *spec.Operation, r *http.Request) (*spec.Call, error) {
	members := pathMembers(op, r)
	fields := op.Command.ProtoReflect().Descriptor().Fields()
	values := r.URL.Query()
	for _, name := range sortedNames(values) {
		field := fields.ByTextName(name)
		switch {
		case field == nil || slices.Contains(op.PathFields(), name):
			return nil, spec.FieldErrorf(spec.UnknownField, name, "is not a query parameter of this operation")
		case len(values[name]) > 1:
			return nil, spec.FieldErrorf(spec.DuplicateField, name, "may stand once in the query")
		}
		value := values[name][0]
		if isNumber(field) && plainNumber(value) {
			members = append(members, `"`+name+`":`+value)
		} else {
			members = append(members, member(name, value))
		}
	}
	return spec.DecodeCall(op, withMembers([]byte("{}"), members))
}

func sortedNames(values map[string][]string) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func isNumber(field protoreflect.FieldDescriptor) bool {
	return field.Kind() == protoreflect.Uint32Kind || field.Kind() == protoreflect.Uint64Kind
}

// plainNumber reports whether the text is a whole number as JSON writes it.
func plainNumber(text string) bool {
	if text == "" || len(text) > 20 || len(text) > 1 && text[0] == '0' {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

// readBody reads a request's body within the bound and checks what it says to be: JSON, or one of the other media types.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, others ...string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, spec.Errorf(spec.BodyTooLarge, "the body is larger than %d bytes", limit)
	case err != nil:
		return nil, spec.Errorf(spec.Malformed, "the body could not be read to its end")
	}
	if len(body) == 0 || slices.Contains(others, mediaOf(r)) {
		return body, nil
	}
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := parameters["charset"]; err != nil || mediaOf(r) != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, spec.Errorf(spec.UnsupportedMedia, "the body must be %s", strings.Join(append([]string{"application/json in UTF-8"}, others...), " or "))
	}
	return body, nil
}

// mediaOf is a request's media type; empty when it says none that can be read.
func mediaOf(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// idempotencyKey returns the request's key, or nil when it has none.
func idempotencyKey(r *http.Request, body []byte) (*app.IdempotencyKey, error) {
	values := r.Header.Values(idempotencyHeader)
	switch len(values) {
	case 0:
		return nil, nil
	case 1:
		return app.NewIdempotencyKey(values[0], r.Method, r.URL.Path, body)
	}
	return nil, spec.FieldErrorf(spec.DuplicateField, idempotencyHeader, "may stand once")
}
