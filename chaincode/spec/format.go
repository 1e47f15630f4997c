package spec

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// rules are those of fields that were asked for, by descriptor: to look for one among a field's options takes most of the time of checking the
// field, and an intent's fields are checked by every gateway and endorser that takes it.
var rules sync.Map

// RuleOf returns the field's rule; a field without one has the empty rule.
func RuleOf(field protoreflect.FieldDescriptor) *Rule {
	if known, is := rules.Load(field); is {
		return known.(*Rule)
	}
	rule, _ := proto.GetExtension(field.Options(), E_Rule).(*Rule)
	rules.Store(field, rule)
	return rule
}

// idTypes are the identifier types behind the formats.
func idType(format Format) IDType {
	switch format {
	case Format_FORMAT_LISTING:
		return ListingType
	case Format_FORMAT_ORDER:
		return OrderType
	case Format_FORMAT_TRANSFER:
		return TransferType
	case Format_FORMAT_MINT:
		return MintType
	case Format_FORMAT_BURN:
		return BurnType
	case Format_FORMAT_LOT:
		return LotType
	case Format_FORMAT_PAYOUT:
		return PayoutType
	case Format_FORMAT_HOLD:
		return HoldType
	case Format_FORMAT_AUCTION:
		return AuctionType
	case Format_FORMAT_OFFER:
		return OfferType
	case Format_FORMAT_DISCOUNT:
		return DiscountType
	}
	return ""
}

// valueFromText reads a field's text form; the second result is the rule that it breaks, if any.
func valueFromText(field protoreflect.FieldDescriptor, text string) (protoreflect.Value, string) {
	format := RuleOf(field).GetFormat()
	var data []byte
	var err error
	switch format {
	case Format_FORMAT_AMOUNT:
		var amount Amount
		amount, err = ParseAmount(text)
		data = amount.Bytes()
	case Format_FORMAT_ADDRESS:
		var address Address
		address, err = ParseAddress(text)
		data = address.Bytes()
	case Format_FORMAT_CREDIT:
		var name CreditName
		name, err = ParseCreditName(text)
		data = name.Bytes()
	case Format_FORMAT_HEX:
		if data, err = hex.DecodeString(text); err != nil || strings.ToLower(text) != text {
			err = fmt.Errorf("must be lower-case hex")
		} else if rule := bytesRule(RuleOf(field), data); rule != "" {
			// Checked here as well: an empty text would pass for an optional field that is absent.
			err = errors.New(rule)
		}
	case Format_FORMAT_TIME:
		var t time.Time
		t, err = time.Parse(time.RFC3339, text)
		// time.Parse takes fractions of a second and short hours: one time would have several texts.
		if err != nil || t.UTC().Format(time.RFC3339) != text {
			return protoreflect.Value{}, "must be a time such as 2026-01-31T12:00:00Z"
		}
		return protoreflect.ValueOfInt64(t.Unix()), ""
	default:
		if field.Kind() == protoreflect.EnumKind {
			return enumFromText(field.Enum(), text)
		}
		if field.Kind() == protoreflect.StringKind {
			return protoreflect.ValueOfString(text), textRule(RuleOf(field), text)
		}
		var id ID
		id, err = ParseID(idType(format), text)
		data = id[:]
	}
	if err != nil {
		return protoreflect.Value{}, err.Error()
	}
	return protoreflect.ValueOfBytes(data), ""
}

// textFromValue is the inverse of valueFromText.
func textFromValue(field protoreflect.FieldDescriptor, value protoreflect.Value) (string, error) {
	switch field.Kind() {
	case protoreflect.StringKind:
		return value.String(), nil
	case protoreflect.EnumKind:
		return EnumText(field.Enum(), value.Enum()), nil
	case protoreflect.Int64Kind:
		return time.Unix(value.Int(), 0).UTC().Format(time.RFC3339), nil
	case protoreflect.BytesKind:
		return textFromBytes(RuleOf(field).GetFormat(), value.Bytes())
	}
	return "", fmt.Errorf("spec: %s has no JSON form", field.FullName())
}

func textFromBytes(format Format, data []byte) (string, error) {
	switch format {
	case Format_FORMAT_AMOUNT:
		amount, err := AmountFromBytes(data)
		return amount.String(), err
	case Format_FORMAT_ADDRESS:
		address, err := AddressFromBytes(data)
		if err != nil {
			return "", err
		}
		return address.String(), nil
	case Format_FORMAT_CREDIT:
		name, err := CreditNameFromBytes(data)
		return name.String(), err
	case Format_FORMAT_HEX:
		return hex.EncodeToString(data), nil
	}
	id, err := IDFromBytes(data)
	if err != nil {
		return "", err
	}
	return id.Text(idType(format)), nil
}

// EnumText returns an enum value's JSON form: its name without the type's prefix, in lower case.
func EnumText(enum protoreflect.EnumDescriptor, number protoreflect.EnumNumber) string {
	value := enum.Values().ByNumber(number)
	if value == nil {
		return "unspecified"
	}
	return strings.ToLower(strings.TrimPrefix(string(value.Name()), enumPrefix(enum)))
}

// EnumTexts returns the JSON forms of all values but the unspecified one.
func EnumTexts(enum protoreflect.EnumDescriptor) []string {
	var texts []string
	for i := 1; i < enum.Values().Len(); i++ {
		texts = append(texts, EnumText(enum, enum.Values().Get(i).Number()))
	}
	return texts
}

func enumFromText(enum protoreflect.EnumDescriptor, text string) (protoreflect.Value, string) {
	for i := 1; i < enum.Values().Len(); i++ {
		if number := enum.Values().Get(i).Number(); EnumText(enum, number) == text {
			return protoreflect.ValueOfEnum(number), ""
		}
	}
	return protoreflect.Value{}, "must be one of " + strings.Join(EnumTexts(enum), ", ")
}

// enumPrefix returns "ORDER_STATE_" for OrderState.
func enumPrefix(enum protoreflect.EnumDescriptor) string {
	first := string(enum.Values().Get(0).Name())
	return strings.TrimSuffix(first, "UNSPECIFIED")
}

// Validate checks a message that did not come through DecodeJSON against the same rules.
func Validate(message proto.Message) error { return validate(message.ProtoReflect(), "") }

func validate(message protoreflect.Message, path string) error {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		name := joinPath(path, field.TextName())
		if field.IsList() {
			if err := validateList(field, message.Get(field).List(), name); err != nil {
				return err
			}
			continue
		}
		if field.Kind() == protoreflect.MessageKind {
			if message.Has(field) {
				if err := validate(message.Get(field).Message(), name); err != nil {
					return err
				}
			}
			continue
		}
		if err := validateValue(field, message.Get(field), message.Has(field), name); err != nil {
			return err
		}
	}
	return nil
}

func validateList(field protoreflect.FieldDescriptor, list protoreflect.List, name string) error {
	rule := RuleOf(field)
	if limit := rule.GetLength(); limit > 0 && list.Len() > int(limit) {
		return FieldErrorf(InvalidField, name, "must have at most %d items", limit)
	}
	if list.Len() == 0 && !rule.GetOptional() {
		return FieldErrorf(InvalidField, name, "must have at least one item")
	}
	for i := range list.Len() {
		if field.Kind() == protoreflect.MessageKind {
			if err := validate(list.Get(i).Message(), fmt.Sprintf("%s[%d]", name, i)); err != nil {
				return err
			}
			continue
		}
		if err := validateValue(field, list.Get(i), true, name); err != nil {
			return err
		}
	}
	return validateDistinct(field, list, name)
}

// validateDistinct refuses an item that is like an earlier one in the field that the list's rule names.
func validateDistinct(field protoreflect.FieldDescriptor, list protoreflect.List, name string) error {
	distinct := RuleOf(field).GetDistinct()
	if distinct == "" {
		return nil
	}
	key := field.Message().Fields().ByTextName(distinct)
	seen := make(map[string]int, list.Len())
	for i := range list.Len() {
		value := string(list.Get(i).Message().Get(key).Bytes())
		if before, again := seen[value]; again {
			return FieldErrorf(InvalidField, fmt.Sprintf("%s[%d].%s", name, i, distinct), "is that of item %d as well", before)
		}
		seen[value] = i
	}
	return nil
}

func validateValue(field protoreflect.FieldDescriptor, value protoreflect.Value, set bool, name string) error {
	rule := RuleOf(field)
	broken := ""
	switch field.Kind() {
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		n := value.Uint()
		if !set && rule.GetOptional() {
			return nil
		}
		if n < rule.GetMin() || rule.GetMax() > 0 && n > rule.GetMax() {
			broken = fmt.Sprintf("must be a whole number from %d to %d", rule.GetMin(), rule.GetMax())
		}
	case protoreflect.EnumKind:
		if !set && rule.GetOptional() {
			return nil
		}
		if field.Enum().Values().ByNumber(value.Enum()) == nil || value.Enum() == 0 {
			broken = "must be one of " + strings.Join(EnumTexts(field.Enum()), ", ")
		}
	case protoreflect.StringKind:
		if !set && (rule.GetOptional() || rule.GetOptionalSigned()) {
			return nil
		}
		broken = textRule(rule, value.String())
	case protoreflect.BytesKind:
		if !set && rule.GetOptional() && rule.GetFormat() != Format_FORMAT_AMOUNT {
			return nil
		}
		broken = bytesRule(rule, value.Bytes())
	}
	if broken != "" {
		return FieldErrorf(InvalidField, name, "%s", broken)
	}
	return nil
}

func bytesRule(rule *Rule, data []byte) string {
	switch rule.GetFormat() {
	case Format_FORMAT_AMOUNT:
		amount, err := AmountFromBytes(data)
		if err != nil {
			return err.Error()
		}
		if amount.Less(Units(rule.GetMin())) {
			return "must be more than 0"
		}
		return ""
	case Format_FORMAT_HEX:
		if longest := rule.GetMax(); longest > 0 {
			if len(data) == 0 || uint64(len(data)) > longest {
				return fmt.Sprintf("must be 1 to %d bytes in hex", longest)
			}
			return ""
		}
		if len(data) != int(rule.GetLength()) {
			return fmt.Sprintf("must be %d bytes in hex", rule.GetLength())
		}
		return ""
	}
	if err := checkBytes(rule.GetFormat(), data); err != nil {
		return err.Error()
	}
	return ""
}

// checkBytes checks an address, a credit's name or an identifier without writing it as text: batches have hundreds.
func checkBytes(format Format, data []byte) (err error) {
	switch format {
	case Format_FORMAT_ADDRESS:
		_, err = AddressFromBytes(data)
	case Format_FORMAT_CREDIT:
		_, err = CreditNameFromBytes(data)
	default:
		_, err = IDFromBytes(data)
	}
	return err
}

// textRule returns the rule that a string breaks, or nothing.
func textRule(rule *Rule, text string) string {
	switch rule.GetFormat() {
	case Format_FORMAT_REFERENCE:
		if text == "" || len(text) > 64 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return "must be 1 to 64 printable ASCII characters without blanks"
		}
	case Format_FORMAT_LABEL:
		return labelRule(text)
	case Format_FORMAT_MSP:
		if text == "" || len(text) > 64 || strings.ContainsFunc(text, func(r rune) bool { return !letterOrDigit(r) && r != '-' && r != '_' && r != '.' }) {
			return "must be 1 to 64 characters of A-Z, a-z, 0-9, '-', '_' and '.'"
		}
	case Format_FORMAT_TEXT:
		if text == "" || len(text) > int(rule.GetLength()) || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Sprintf("must be 1 to %d bytes of UTF-8 without control characters", rule.GetLength())
		}
	case Format_FORMAT_CURSOR:
		if text == "" || len(text) > int(rule.GetLength()) && rule.GetLength() > 0 {
			return "must be a cursor as an earlier page gave it"
		}
	}
	return ""
}

func labelRule(text string) string {
	ok := text != "" && len(text) <= 32 && text[0] != '-'
	for _, r := range text {
		ok = ok && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	}
	if !ok {
		return "must be 1 to 32 characters of a-z, 0-9 and '-', not beginning with '-'"
	}
	return ""
}

func letterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
