package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxCommandBytes bounds a command's JSON form: ten times the largest useful one.
const MaxCommandBytes = 64 << 10

// The fields of a call that stand beside the command's own in the JSON object.
const (
	subAccountField = "sub_account"
	hintsField      = "hints"
)

// Call is a command with who of the caller's accounts acts and what the carrier hints at. A contract call's one argument
// and a REST body are its JSON form: the command's fields, and beside them sub_account and hints.
type Call struct {
	Operation *Operation
	// SubAccount is the label of the organisation's sub-account that acts; empty means the organisation itself.
	SubAccount string
	Hints      *Hints
	Command    proto.Message
	// Discount is what the signed discount in the command says, if its signature was checked and holds.
	Discount *SellersDiscount
}

// SellersDiscount is a discount and who signed it.
type SellersDiscount struct {
	Seller Address
	Terms  *OfferDiscount
}

// DecodeCall reads the JSON form strictly: one object, each field once, in its own letter case, of its own type, within its
// rule; nothing unknown, nothing null, nothing behind it. The error is an *Error that names the field and the rule.
func DecodeCall(op *Operation, data []byte) (*Call, error) {
	if len(data) > MaxCommandBytes {
		return nil, Errorf(BodyTooLarge, "%d bytes are more than %d", len(data), MaxCommandBytes)
	}
	members, err := parseObject(data, "")
	if err != nil {
		return nil, err
	}
	call := &Call{Operation: op, Hints: &Hints{}, Command: op.Command.ProtoReflect().New().Interface()}
	command := call.Command.ProtoReflect()
	var own []member
	if op.Kind == Write {
		own, members = splitOwnFields(members)
	}
	// Names come before values: an unknown or missing field is told before a wrong value of the call's own fields.
	if err := checkNames(members, command.Descriptor().Fields(), "", false); err != nil {
		return nil, err
	}
	if err := call.decodeOwnFields(own); err != nil {
		return nil, err
	}
	if err := decodeMessage(members, command, ""); err != nil {
		return nil, err
	}
	return call, nil
}

// splitOwnFields tells the call's own fields from the command's.
func splitOwnFields(members []member) (own, rest []member) {
	for _, m := range members {
		if m.name == subAccountField || m.name == hintsField {
			own = append(own, m)
		} else {
			rest = append(rest, m)
		}
	}
	return own, rest
}

func (c *Call) decodeOwnFields(members []member) error {
	for _, m := range members {
		if m.name == subAccountField {
			label, err := jsonString(m)
			if err != nil {
				return err
			}
			if rule := labelRule(label); rule != "" {
				return FieldErrorf(InvalidField, m.name, "%s", rule)
			}
			c.SubAccount = label
			continue
		}
		hints, err := parseObject(m.raw, m.name)
		if err != nil {
			return err
		}
		if err := decodeMessage(hints, c.Hints.ProtoReflect(), m.name); err != nil {
			return err
		}
	}
	return nil
}

// Encode writes the JSON form that DecodeCall reads.
func (c *Call) Encode() ([]byte, error) {
	body, err := EncodeJSON(c.Command)
	if err != nil {
		return nil, err
	}
	var own []string
	if c.SubAccount != "" {
		own = append(own, `"`+subAccountField+`":"`+c.SubAccount+`"`)
	}
	if c.Hints != nil && proto.Size(c.Hints) > 0 {
		hints, err := EncodeJSON(c.Hints)
		if err != nil {
			return nil, err
		}
		own = append(own, `"`+hintsField+`":`+string(hints))
	}
	if len(own) == 0 {
		return body, nil
	}
	if len(body) > len("{}") {
		own = append(own, string(body[1:len(body)-1]))
	}
	return []byte("{" + strings.Join(own, ",") + "}"), nil
}

// DecodeJSON reads a message's JSON form as strictly as DecodeCall does.
func DecodeJSON(data []byte, message proto.Message) error {
	members, err := parseObject(data, "")
	if err != nil {
		return err
	}
	return decodeMessage(members, message.ProtoReflect(), "")
}

// member is one field of a JSON object, its value not yet read.
type member struct {
	name, path string
	raw        json.RawMessage
}

// parseObject splits an object into its members and refuses a repeated one. The path names the object in errors.
func parseObject(data []byte, path string) ([]member, error) {
	fail := func(code Code, rule string) error { return &Error{Code: code, Field: path, Detail: rule} }
	if !utf8.Valid(data) {
		return nil, fail(Malformed, "must be UTF-8")
	}
	notObject := Malformed
	if path != "" {
		notObject = InvalidField
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fail(notObject, "must be a JSON object")
	}
	var members []member
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil, fail(Malformed, "must be well-formed JSON")
		}
		m := member{name: name, path: joinPath(path, name)}
		if err := decoder.Decode(&m.raw); err != nil {
			return nil, fail(Malformed, "must be well-formed JSON")
		}
		if slices.ContainsFunc(members, func(other member) bool { return other.name == name }) {
			return nil, FieldErrorf(DuplicateField, printable(m.path), "stands more than once")
		}
		members = append(members, m)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fail(Malformed, "must be well-formed JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fail(Malformed, "must be one JSON object with nothing behind it")
	}
	return members, nil
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// printable bounds a name that came from outside before it goes into an error.
func printable(name string) string {
	const longest = 80
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "..."
	}
	return name
}

// decodeMessage sets the fields of a message: first what is unknown, then what is missing, then each value.
func decodeMessage(members []member, message protoreflect.Message, path string) error {
	fields := message.Descriptor().Fields()
	if err := checkNames(members, fields, path, false); err != nil {
		return err
	}
	return decodeFields(members, message, path)
}

// decodeFields reads the values of members whose names were checked.
func decodeFields(members []member, message protoreflect.Message, path string) error {
	fields := message.Descriptor().Fields()
	for _, m := range members {
		if err := decodeField(m, fields.ByTextName(m.name), message); err != nil {
			return err
		}
	}
	return validate(message, path)
}

// checkNames refuses what is unknown, then what is missing. A signed command may leave out what its nonce does as well.
func checkNames(members []member, fields protoreflect.FieldDescriptors, path string, signed bool) error {
	for _, m := range members {
		if fields.ByTextName(m.name) == nil {
			return FieldErrorf(UnknownField, printable(m.path), "%s", unknownRule(fields))
		}
	}
	for i := range fields.Len() {
		field := fields.Get(i)
		given := slices.ContainsFunc(members, func(m member) bool { return m.name == field.TextName() })
		rule := RuleOf(field)
		if !given && !rule.GetOptional() && (!signed || !rule.GetOptionalSigned()) {
			return FieldErrorf(MissingField, joinPath(path, field.TextName()), "is required")
		}
	}
	return nil
}

func unknownRule(fields protoreflect.FieldDescriptors) string {
	if fields.Len() == 0 {
		return "this object has no fields"
	}
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = fields.Get(i).TextName()
	}
	return "the fields are " + strings.Join(names, ", ")
}

func decodeField(m member, field protoreflect.FieldDescriptor, message protoreflect.Message) error {
	if !field.IsList() {
		value, err := decodeValue(m, field, message.NewField(field))
		if err == nil {
			message.Set(field, value)
		}
		return err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(m.raw, &items); err != nil || items == nil {
		return FieldErrorf(InvalidField, m.path, "must be an array")
	}
	if limit := RuleOf(field).GetLength(); limit > 0 && len(items) > int(limit) {
		return FieldErrorf(InvalidField, m.path, "must have at most %d items", limit)
	}
	list := message.Mutable(field).List()
	for i, item := range items {
		path := m.path
		if field.Kind() == protoreflect.MessageKind {
			path = fmt.Sprintf("%s[%d]", m.path, i)
		}
		value, err := decodeValue(member{name: m.name, path: path, raw: item}, field, list.NewElement())
		if err != nil {
			return err
		}
		list.Append(value)
	}
	return nil
}

// decodeValue reads one value; empty is a fresh value of the field's type, which a message is read into.
func decodeValue(m member, field protoreflect.FieldDescriptor, empty protoreflect.Value) (protoreflect.Value, error) {
	switch field.Kind() {
	case protoreflect.MessageKind:
		members, err := parseObject(m.raw, m.path)
		if err != nil {
			return empty, err
		}
		return empty, decodeMessage(members, empty.Message(), m.path)
	case protoreflect.BoolKind:
		switch string(m.raw) {
		case "true", "false":
			return protoreflect.ValueOfBool(string(m.raw) == "true"), nil
		}
		return empty, FieldErrorf(InvalidField, m.path, "must be true or false")
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return decodeNumber(m, field)
	}
	text, err := jsonString(m)
	if err != nil {
		return empty, err
	}
	value, rule := valueFromText(field, text)
	if rule != "" {
		return empty, FieldErrorf(InvalidField, m.path, "%s", rule)
	}
	return value, nil
}

func decodeNumber(m member, field protoreflect.FieldDescriptor) (protoreflect.Value, error) {
	rule := RuleOf(field)
	highest := rule.GetMax()
	if highest == 0 {
		highest = 1<<32 - 1
		if field.Kind() == protoreflect.Uint64Kind {
			highest = 1<<53 - 1 // the largest that every JSON reader keeps exact
		}
	}
	var n uint64
	if raw := string(m.raw); !digits(raw) || json.Unmarshal(m.raw, &n) != nil || n < rule.GetMin() || n > highest {
		return protoreflect.Value{}, FieldErrorf(InvalidField, m.path, "must be a whole number from %d to %d", rule.GetMin(), highest)
	}
	if field.Kind() == protoreflect.Uint32Kind {
		return protoreflect.ValueOfUint32(uint32(n)), nil
	}
	return protoreflect.ValueOfUint64(n), nil
}

func jsonString(m member) (string, error) {
	var text *string
	if err := json.Unmarshal(m.raw, &text); err != nil || text == nil {
		return "", FieldErrorf(InvalidField, m.path, "must be a string")
	}
	// encoding/json turns a lone surrogate into the replacement character: two texts would become one.
	if strings.ContainsRune(*text, utf8.RuneError) {
		return "", FieldErrorf(InvalidField, m.path, "must not contain lone surrogates or the replacement character")
	}
	return *text, nil
}

// EncodeJSON writes a message's JSON form, fields in the order of their numbers. An optional text, identifier, time or
// list that is not set is left out; numbers, flags and amounts are always written.
func EncodeJSON(message proto.Message) ([]byte, error) {
	var buf bytes.Buffer
	if err := encodeMessage(&buf, message.ProtoReflect()); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func encodeMessage(buf *bytes.Buffer, message protoreflect.Message) error {
	fields := message.Descriptor().Fields()
	buf.WriteByte('{')
	first := true
	for i := range fields.Len() {
		field := fields.Get(i)
		if omitted(message, field) {
			continue
		}
		if !first {
			buf.WriteByte(',')
		}
		first = false
		buf.WriteString(`"` + field.TextName() + `":`)
		if err := encodeField(buf, field, message.Get(field)); err != nil {
			return err
		}
	}
	buf.WriteByte('}')
	return nil
}

// omitted reports whether an unset optional field is left out rather than written as its zero.
func omitted(message protoreflect.Message, field protoreflect.FieldDescriptor) bool {
	rule := RuleOf(field)
	if message.Has(field) || !rule.GetOptional() {
		return false
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		return false
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return rule.GetMin() > 0
	}
	return rule.GetFormat() != Format_FORMAT_AMOUNT
}

func encodeField(buf *bytes.Buffer, field protoreflect.FieldDescriptor, value protoreflect.Value) error {
	if !field.IsList() {
		return encodeValue(buf, field, value)
	}
	list := value.List()
	buf.WriteByte('[')
	for i := range list.Len() {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := encodeValue(buf, field, list.Get(i)); err != nil {
			return err
		}
	}
	buf.WriteByte(']')
	return nil
}

func encodeValue(buf *bytes.Buffer, field protoreflect.FieldDescriptor, value protoreflect.Value) error {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return encodeMessage(buf, value.Message())
	case protoreflect.BoolKind, protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		buf.WriteString(value.String())
		return nil
	}
	text, err := textFromValue(field, value)
	if err != nil {
		return err
	}
	quoted, err := json.Marshal(text)
	buf.Write(quoted)
	return err
}
