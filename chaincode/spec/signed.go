package spec

import (
	"slices"

	"google.golang.org/protobuf/proto"
)

// commandField is the field of a request that has a command of its own within.
const commandField = "command"

// DecodeCommand reads the JSON form of a command that a key is to sign, as strictly as DecodeCall does; what a signed intent
// may leave out may be absent. The path stands before the fields' names in errors.
func DecodeCommand(op *Operation, data []byte, path string) (proto.Message, error) {
	if len(data) > MaxCommandBytes {
		return nil, FieldErrorf(BodyTooLarge, path, "%d bytes are more than %d", len(data), MaxCommandBytes)
	}
	members, err := parseObject(data, path)
	if err != nil {
		return nil, err
	}
	command := op.Command.ProtoReflect().New()
	if err := checkNames(members, command.Descriptor().Fields(), path, true); err != nil {
		return nil, err
	}
	if err := decodeFields(members, command, path); err != nil {
		return nil, err
	}
	return command.Interface(), nil
}

// DecodeIntentRequest reads a request that is a message's JSON form with an operation's command beside its fields. The
// operation is the message's field "operation"; one that is no person's is refused.
func DecodeIntentRequest(data []byte, message interface {
	proto.Message
	GetOperation() string
}) (*Operation, proto.Message, error) {
	members, err := parseObject(data, "")
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(members, func(m member) bool { return m.name == commandField })
	if at < 0 {
		if err := checkNames(members, message.ProtoReflect().Descriptor().Fields(), "", false); err != nil {
			return nil, nil, err
		}
		return nil, nil, FieldErrorf(MissingField, commandField, "is required")
	}
	command := members[at]
	if err := decodeMessage(slices.Delete(members, at, at+1), message.ProtoReflect(), ""); err != nil {
		return nil, nil, err
	}
	op := Find(message.GetOperation())
	switch {
	case op == nil:
		return nil, nil, FieldErrorf(InvalidField, "operation", "is not in the operation table; `cmt operations` lists it")
	case op.Number == 0:
		return nil, nil, FieldErrorf(NotAnIntent, "operation", "%s is no person's operation", op.FullName())
	}
	decoded, err := DecodeCommand(op, command.raw, commandField)
	return op, decoded, err
}

// SignedCommandSchema describes the JSON form of a command that a key signs: what DecodeCommand reads.
func SignedCommandSchema(op *Operation) Schema {
	schema := MessageSchema(op.Command.ProtoReflect().Descriptor())
	required, _ := schema["required"].([]string)
	fields := op.Command.ProtoReflect().Descriptor().Fields()
	required = slices.DeleteFunc(required, func(name string) bool { return RuleOf(fields.ByTextName(name)).GetOptionalSigned() })
	delete(schema, "required")
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}
