package httpapi

import (
	"net/http"
	"regexp"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// query reads a list's parameters; the first fault stays.
type query struct {
	r   *http.Request
	err error
}

func newQuery(r *http.Request) *query { return &query{r: r} }

func (q *query) fail(err error) {
	if q.err == nil {
		q.err = err
	}
}

func (q *query) address(name string) *spec.Address {
	address, err := addressOf(q.r, name)
	q.fail(err)
	return address
}

func (q *query) id(name string, idType spec.IDType) *spec.ID {
	text := q.r.URL.Query().Get(name)
	if text == "" {
		return nil
	}
	id, err := spec.ParseID(idType, text)
	if err != nil {
		q.fail(spec.FieldErrorf(spec.InvalidField, name, "%s", err))
	}
	return &id
}

func (q *query) state(enum protoreflect.EnumDescriptor) protoreflect.EnumNumber {
	state, err := enumOf(q.r, "state", enum)
	q.fail(err)
	return state
}

// msp reads an organisation's membership service provider.
func (q *query) msp(name string) string {
	text := q.r.URL.Query().Get(name)
	pattern, _ := fieldSchema(&spec.GetMember{}, "msp_id")["pattern"].(string)
	if text != "" && !regexp.MustCompile(pattern).MatchString(text) {
		q.fail(spec.FieldErrorf(spec.InvalidField, name, "must be a membership service provider's identifier"))
	}
	return text
}

func (q *query) page() (cursor string, limit int) {
	cursor, limit, err := pageOf(q.r)
	q.fail(err)
	return cursor, limit
}

// fieldSchema describes the values of a message's field.
func fieldSchema(message proto.Message, field string) spec.Schema {
	return spec.MessageSchema(message.ProtoReflect().Descriptor())["properties"].(spec.Schema)[field].(spec.Schema)
}

// idParameter is a parameter of a list that takes what a query's field of the same name does.
func idParameter(name, doc string, of proto.Message) parameter {
	return parameter{name, doc, spec.Schema{"type": "string", "pattern": fieldSchema(of, name)["pattern"]}}
}
