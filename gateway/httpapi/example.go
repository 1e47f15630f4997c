package httpapi

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// exampleMSP is the organisation whose accounts and objects stand in examples.
const exampleMSP = "ExampleMSP"

// exampleBody returns a body that the operation's codec takes: its required fields, without those in the path.
func exampleBody(op *spec.Operation) map[string]any {
	example := exampleMessage(op.Command.ProtoReflect().Descriptor())
	for _, field := range op.PathFields() {
		delete(example, field)
	}
	return example
}

func exampleMessage(message protoreflect.MessageDescriptor) map[string]any {
	example := map[string]any{}
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if spec.RuleOf(field).GetOptional() {
			continue
		}
		value := exampleValue(field)
		if field.IsList() {
			value = []any{value}
		}
		example[field.TextName()] = value
	}
	return example
}

func exampleValue(field protoreflect.FieldDescriptor) any {
	rule := spec.RuleOf(field)
	switch field.Kind() {
	case protoreflect.MessageKind:
		return exampleMessage(field.Message())
	case protoreflect.BoolKind:
		return true
	case protoreflect.EnumKind:
		return spec.EnumTexts(field.Enum())[0]
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return max(rule.GetMin(), 1)
	}
	return exampleText(rule)
}

// exampleIDs are the types of identifiers behind the formats.
var exampleIDs = map[spec.Format]spec.IDType{
	spec.Format_FORMAT_LISTING: spec.ListingType, spec.Format_FORMAT_ORDER: spec.OrderType, spec.Format_FORMAT_TRANSFER: spec.TransferType,
	spec.Format_FORMAT_MINT: spec.MintType, spec.Format_FORMAT_BURN: spec.BurnType, spec.Format_FORMAT_LOT: spec.LotType,
	spec.Format_FORMAT_PAYOUT: spec.PayoutType, spec.Format_FORMAT_HOLD: spec.HoldType,
	spec.Format_FORMAT_AUCTION: spec.AuctionType,
	spec.Format_FORMAT_OFFER:   spec.OfferType, spec.Format_FORMAT_DISCOUNT: spec.DiscountType,
}

func exampleText(rule *spec.Rule) string {
	if idType, ok := exampleIDs[rule.GetFormat()]; ok {
		return spec.NewID(idType, spec.OrganisationAddress(exampleMSP), "example-1").Text(idType)
	}
	switch rule.GetFormat() {
	case spec.Format_FORMAT_AMOUNT:
		return "12.5"
	case spec.Format_FORMAT_ADDRESS:
		return spec.OrganisationAddress(exampleMSP).String()
	case spec.Format_FORMAT_CREDIT:
		return strings.Repeat("0", 40) + "/0"
	case spec.Format_FORMAT_HEX:
		return strings.Repeat("0", int(2*rule.GetLength()))
	case spec.Format_FORMAT_MSP:
		return exampleMSP
	case spec.Format_FORMAT_TIME:
		return "2026-01-31T12:00:00Z"
	case spec.Format_FORMAT_LABEL:
		return "bicycles"
	}
	return "example-1"
}

// requiredOf returns a schema's required fields.
func requiredOf(schema spec.Schema, name string) bool {
	required, _ := schema["required"].([]string)
	return slices.Contains(required, name)
}
