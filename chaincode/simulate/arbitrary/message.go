package arbitrary

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// maxItems bounds the items of a list: more would test nothing more.
const maxItems = 3

// maxJSONInteger is the largest integer that every JSON reader keeps exact.
const maxJSONInteger = 1<<53 - 1

// Call draws a call of the operation, with a sub-account and hints where the operation may have them.
func Call(t *rapid.T, op *spec.Operation) *spec.Call {
	call := &spec.Call{Operation: op, Hints: &spec.Hints{}, Command: Message(t, op.Command)}
	if op.Kind == spec.Write {
		call.SubAccount = rapid.OneOf(rapid.Just(""), label()).Draw(t, "sub_account")
		call.Hints = Message(t, call.Hints).(*spec.Hints)
	}
	return call
}

// Message draws a message of the same type as like.
func Message(t *rapid.T, like proto.Message) proto.Message {
	message := like.ProtoReflect().New()
	fill(t, message)
	return message.Interface()
}

func fill(t *rapid.T, message protoreflect.Message) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		rule := spec.RuleOf(field)
		if rule.GetOptional() && rapid.Bool().Draw(t, "without "+field.TextName()) {
			continue
		}
		if !field.IsList() {
			message.Set(field, value(t, field, message.NewField(field)))
			continue
		}
		least := 1
		if rule.GetOptional() {
			least = 0
		}
		list := message.Mutable(field).List()
		for i := range rapid.IntRange(least, maxItems).Draw(t, field.TextName()+" items") {
			item := value(t, field, list.NewElement())
			if name := rule.GetDistinct(); name != "" {
				distinguish(item.Message(), name, i)
			}
			list.Append(item)
		}
	}
}

// distinguish makes an item's field unlike those of the items before it.
func distinguish(item protoreflect.Message, name string, i int) {
	field := item.Descriptor().Fields().ByTextName(name)
	octets := slices.Clone(item.Get(field).Bytes())
	octets[len(octets)-1] = byte(i)
	item.Set(field, protoreflect.ValueOfBytes(octets))
}

// value draws one value of a field; empty is a fresh one of its type.
func value(t *rapid.T, field protoreflect.FieldDescriptor, empty protoreflect.Value) protoreflect.Value {
	rule, name := spec.RuleOf(field), field.TextName()
	switch field.Kind() {
	case protoreflect.MessageKind:
		fill(t, empty.Message())
		return empty
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, name))
	case protoreflect.EnumKind:
		number := rapid.IntRange(1, field.Enum().Values().Len()-1).Draw(t, name)
		return protoreflect.ValueOfEnum(field.Enum().Values().Get(number).Number())
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(number(t, rule, math.MaxUint32, name)))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(number(t, rule, maxJSONInteger, name))
	case protoreflect.Int64Kind:
		const lastSecondOf9999 = 253402300799
		return protoreflect.ValueOfInt64(rapid.Int64Range(1, lastSecondOf9999).Draw(t, name))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text(rule).Draw(t, name))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(octets(t, rule, name))
	}
	panic(fmt.Sprintf("arbitrary: no values for %s", field.FullName()))
}

func number(t *rapid.T, rule *spec.Rule, highest uint64, name string) uint64 {
	if rule.GetMax() > 0 {
		highest = rule.GetMax()
	}
	return rapid.Uint64Range(rule.GetMin(), highest).Draw(t, name)
}

func text(rule *spec.Rule) *rapid.Generator[string] {
	switch rule.GetFormat() {
	case spec.Format_FORMAT_REFERENCE:
		return rapid.StringMatching(`[!-~]{1,64}`)
	case spec.Format_FORMAT_LABEL:
		return label()
	case spec.Format_FORMAT_MSP:
		return rapid.StringMatching(`[A-Za-z0-9._-]{1,64}`)
	}
	longest := int(rule.GetLength())
	if longest == 0 {
		longest = 64
	}
	return rapid.Map(rapid.String(), func(s string) string {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == utf8.RuneError {
				return -1
			}
			return r
		}, s)
		s = strings.ToValidUTF8(s[:min(len(s), longest)], "")
		if s == "" {
			return "x"
		}
		return s
	})
}

func label() *rapid.Generator[string] { return rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,31}`) }

func octets(t *rapid.T, rule *spec.Rule, name string) []byte {
	exactly := func(n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, name) }
	switch rule.GetFormat() {
	case spec.Format_FORMAT_AMOUNT:
		return Amount(rule.GetMin()).Draw(t, name).Bytes()
	case spec.Format_FORMAT_ADDRESS:
		account := rapid.ByteRange(byte(spec.KeyAccount), byte(spec.SubAccount)).Draw(t, name+" type")
		return append([]byte{account}, exactly(20)...)
	case spec.Format_FORMAT_CREDIT:
		credit := spec.CreditName{N: rapid.Uint32Range(0, math.MaxUint16).Draw(t, name+" number")}
		copy(credit.Tx[:], exactly(20))
		return credit.Bytes()
	case spec.Format_FORMAT_HEX:
		if longest := rule.GetMax(); longest > 0 {
			return rapid.SliceOfN(rapid.Byte(), 1, int(longest)).Draw(t, name)
		}
		return exactly(int(rule.GetLength()))
	}
	return exactly(20)
}

// Amount draws amounts of at least so many base units, those near the bounds among them.
func Amount(least uint64) *rapid.Generator[spec.Amount] {
	return rapid.Custom(func(t *rapid.T) spec.Amount {
		whole := spec.CMT(rapid.Uint32Range(0, 1_000_000_000).Draw(t, "CMT"))
		amount, ok := whole.Add(spec.Units(rapid.Uint64Range(0, 999_999_999_999_999_999).Draw(t, "units")))
		if !ok {
			amount = spec.Cap
		}
		if amount.Less(spec.Units(least)) {
			amount = spec.Units(least)
		}
		return amount
	})
}
