package spec

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Schema is a JSON Schema (2020-12, as OpenAPI 3.1 has it), ready for encoding/json, which writes its keys in order.
type Schema map[string]any

// CallSchema describes the JSON form of an operation's call: what DecodeCall reads.
func CallSchema(op *Operation) Schema {
	schema := MessageSchema(op.Command.ProtoReflect().Descriptor())
	if op.Kind == Write {
		properties := schema["properties"].(Schema)
		properties[subAccountField] = described(labelSchema(), "The label of the organisation's sub-account that acts; the organisation itself when absent.")
		properties[hintsField] = described(MessageSchema((&Hints{}).ProtoReflect().Descriptor()), "What the carrier names; wrong hints are ignored.")
	}
	return schema
}

// MessageSchema describes a message's JSON form.
func MessageSchema(message protoreflect.MessageDescriptor) Schema {
	properties := Schema{}
	required := []string{}
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		properties[field.TextName()] = fieldSchema(field)
		if !RuleOf(field).GetOptional() {
			required = append(required, field.TextName())
		}
	}
	schema := Schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func fieldSchema(field protoreflect.FieldDescriptor) Schema {
	rule := RuleOf(field)
	schema := valueSchema(field, rule)
	if field.IsList() {
		schema = Schema{"type": "array", "items": schema}
		if rule.GetLength() > 0 {
			schema["maxItems"] = rule.GetLength()
		}
		if !rule.GetOptional() {
			schema["minItems"] = 1
		}
	}
	return described(schema, rule.GetDoc())
}

func described(schema Schema, doc string) Schema {
	if doc != "" {
		schema["description"] = doc
	}
	return schema
}

func valueSchema(field protoreflect.FieldDescriptor, rule *Rule) Schema {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return MessageSchema(field.Message())
	case protoreflect.BoolKind:
		return Schema{"type": "boolean"}
	case protoreflect.EnumKind:
		return Schema{"type": "string", "enum": EnumTexts(field.Enum())}
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		schema := Schema{"type": "integer", "minimum": rule.GetMin()}
		if rule.GetMax() > 0 {
			schema["maximum"] = rule.GetMax()
		}
		return schema
	}
	return textSchema(rule)
}

func textSchema(rule *Rule) Schema {
	pattern := func(p string) Schema { return Schema{"type": "string", "pattern": p} }
	switch rule.GetFormat() {
	case Format_FORMAT_AMOUNT:
		return pattern(`^(0|[1-9][0-9]{0,9})(\.[0-9]{1,18})?$`)
	case Format_FORMAT_ADDRESS:
		return pattern("^" + AddressPrefix + "1[02-9ac-hj-np-z]{40}$")
	case Format_FORMAT_CREDIT:
		return pattern("^[0-9a-f]{40}/(0|[1-9][0-9]{0,4})$")
	case Format_FORMAT_HEX:
		if rule.GetMax() > 0 {
			return Schema{"type": "string", "pattern": "^([0-9a-f]{2})+$", "maxLength": 2 * rule.GetMax()}
		}
		return pattern(fmt.Sprintf("^[0-9a-f]{%d}$", 2*rule.GetLength()))
	case Format_FORMAT_REFERENCE:
		return pattern("^[!-~]{1,64}$")
	case Format_FORMAT_LABEL:
		return labelSchema()
	case Format_FORMAT_MSP:
		return pattern(`^[A-Za-z0-9._-]{1,64}$`)
	case Format_FORMAT_TIME:
		return Schema{"type": "string", "format": "date-time"}
	case Format_FORMAT_TEXT, Format_FORMAT_CURSOR:
		schema := Schema{"type": "string", "minLength": 1}
		if rule.GetLength() > 0 {
			schema["maxLength"] = rule.GetLength()
		}
		return schema
	}
	return pattern("^" + string(idType(rule.GetFormat())) + "1[02-9ac-hj-np-z]{38}$")
}

func labelSchema() Schema { return Schema{"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$"} }
