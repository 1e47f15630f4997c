package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// form is how a command's fields stand at the command line.
type form struct {
	op        *spec.Operation
	arguments []argument
	// flags are the other fields.
	flags []protoreflect.FieldDescriptor
	given map[string]string
	// list reads the argument that is a list.
	list func(cmd *cobra.Command, texts []string) (any, error)
}

// argument is a field that stands by its place.
type argument struct {
	field    protoreflect.FieldDescriptor
	word     string
	optional bool
}

// many reports whether an argument takes all that are left.
func (a argument) many() bool { return strings.HasSuffix(a.word, "...") }

func newForm(op *spec.Operation, v verb) *form {
	f := &form{op: op, given: v.given, list: v.list}
	all := op.Command.ProtoReflect().Descriptor().Fields()
	taken := map[string]bool{}
	for _, one := range strings.Fields(v.arguments) {
		bare := strings.Trim(one, "[]")
		name, word, ok := strings.Cut(bare, "=")
		if !ok {
			word = strings.ToUpper(name)
		}
		if field := all.ByTextName(name); field != nil {
			f.arguments, taken[name] = append(f.arguments, argument{field, word, bare != one}), true
		}
	}
	for i := range all.Len() {
		field := all.Get(i)
		switch {
		case taken[field.TextName()]:
		case v.arguments == "" && byPlace(field):
			f.arguments = append(f.arguments, argument{field: field, word: strings.ToUpper(field.TextName())})
		default:
			f.flags = append(f.flags, field)
		}
	}
	return f
}

// byPlace reports whether a field stands as an argument where its verb does not say: what is required and not looked up, made or long.
func byPlace(field protoreflect.FieldDescriptor) bool {
	rule := spec.RuleOf(field)
	_, lookedUp := lookups[field.TextName()]
	return !rule.GetOptional() && !lookedUp && !field.IsList() && !commitment(field) &&
		rule.GetFormat() != spec.Format_FORMAT_REFERENCE && rule.GetFormat() != spec.Format_FORMAT_TIME
}

// commitmentBytes is the length of a salted hash.
const commitmentBytes = 32

// commitment reports whether a field is the salted hash of something that stays off the ledger.
func commitment(field protoreflect.FieldDescriptor) bool {
	rule := spec.RuleOf(field)
	return rule.GetFormat() == spec.Format_FORMAT_HEX && rule.GetLength() == commitmentBytes && strings.HasSuffix(field.TextName(), "_hash")
}

// contentFlag is the flag whose text or file a commitment is made of; none for a hand-over code, which is drawn, and where a field has the name.
func contentFlag(field protoreflect.FieldDescriptor) string {
	name := strings.TrimSuffix(field.TextName(), "_hash")
	if !commitment(field) || name == field.TextName() || field.TextName() == handOverHash || field.ContainingMessage().Fields().ByTextName(name) != nil {
		return ""
	}
	return flagName(name)
}

func flagName(field string) string { return strings.ReplaceAll(field, "_", "-") }

// use is the usage line: the arguments, then the flags that are required.
func (f *form) use(v verb) string {
	words := []string{v.name}
	for _, a := range f.arguments {
		word := a.word
		if a.optional {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	for _, field := range f.flags {
		name, format := field.TextName(), spec.RuleOf(field).GetFormat()
		_, lookedUp := lookups[name]
		switch {
		case spec.RuleOf(field).GetOptional() || lookedUp || v.complete != nil || f.given[name] != "" || format == spec.Format_FORMAT_REFERENCE:
		case contentFlag(field) != "":
			words = append(words, "--"+contentFlag(field), "FILE|TEXT")
		case format == spec.Format_FORMAT_TIME:
			words = append(words, "--"+flagName(name), "TIME")
		default:
			words = append(words, "--"+flagName(name), strings.ToUpper(name))
		}
	}
	return strings.Join(words, " ")
}

// count is the rule for the number of arguments.
func (f *form) count() cobra.PositionalArgs {
	least, many := 0, false
	for _, a := range f.arguments {
		many = many || a.many()
		if !a.optional {
			least++
		}
	}
	switch {
	case many:
		return cobra.MinimumNArgs(least)
	case least == len(f.arguments):
		return cobra.ExactArgs(least)
	}
	return cobra.RangeArgs(least, len(f.arguments))
}

// addFlags adds a flag a field, with the field's own documentation.
func (f *form) addFlags(cmd *cobra.Command) {
	for _, field := range f.flags {
		name, doc := flagName(field.TextName()), lowerFirst(spec.RuleOf(field).GetDoc())
		if content := contentFlag(field); content != "" {
			cmd.Flags().String(content, "", "file, or the text itself, that stays with you: the ledger gets its salted SHA-256")
			doc = "in its place, " + doc
		}
		switch {
		case field.Kind() == protoreflect.BoolKind:
			cmd.Flags().Bool(name, false, doc)
		case field.Kind() == protoreflect.MessageKind && field.IsList():
			cmd.Flags().String(name, "", doc+" A JSON array.")
		case field.Kind() == protoreflect.MessageKind:
			cmd.Flags().String(name, "", doc+" A JSON object.")
		case field.IsList():
			cmd.Flags().String(name, "", doc+" Commas between them.")
		case spec.RuleOf(field).GetFormat() == spec.Format_FORMAT_TIME:
			cmd.Flags().String(name, "", doc+" A time such as 2026-01-31T12:00:00Z, or from now, such as 90s or 2h.")
		case field.TextName() == "reference":
			cmd.Flags().String(name, "", doc+" Random when absent.")
		default:
			cmd.Flags().String(name, f.given[field.TextName()], doc)
		}
	}
}

// lowerFirst makes a sentence the end of a line of help.
func lowerFirst(doc string) string {
	if len(doc) < 2 || doc[1] >= 'A' && doc[1] <= 'Z' {
		return doc
	}
	return strings.ToLower(doc[:1]) + doc[1:]
}

// read returns what stands at the command line, and the salts of what was committed to.
func (f *form) read(cmd *cobra.Command, arguments []string) (fields, []extra, error) {
	out := fields{f.op, map[string]json.RawMessage{}}
	if err := f.readArguments(cmd, out, arguments); err != nil {
		return out, nil, err
	}
	var salts []extra
	for _, field := range f.flags {
		name := field.TextName()
		if content := contentFlag(field); content != "" && cmd.Flags().Changed(content) {
			hash, salt, err := commit(cmd.Flag(content).Value.String())
			if err != nil {
				return out, nil, err
			}
			salts = append(salts, extra{strings.TrimSuffix(name, "_hash") + "_salt", salt})
			if err := out.set(name, hash); err != nil {
				return out, nil, err
			}
		}
		flag := cmd.Flag(flagName(name))
		if !flag.Changed && f.given[name] == "" {
			continue
		}
		if err := out.put(field, flag.Value.String()); err != nil {
			return out, nil, err
		}
	}
	return out, salts, nil
}

// readArguments reads what stands by its place; a list takes one argument, or as the last all that are left.
func (f *form) readArguments(cmd *cobra.Command, out fields, texts []string) error {
	for i, a := range f.arguments {
		switch {
		case i >= len(texts):
			return nil
		case f.list != nil && a.field.IsList():
			taken := texts[i : i+1]
			if a.many() {
				taken = texts[i:]
			}
			items, err := f.list(cmd, taken)
			if err != nil {
				return err
			}
			if err := out.set(a.field.TextName(), items); err != nil {
				return err
			}
		default:
			if err := out.put(a.field, texts[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// put takes a text for a field; whether it is one that the field may have is the ledger's strict decoder to say.
func (f fields) put(field protoreflect.FieldDescriptor, text string) error {
	name := field.TextName()
	if text == "" && spec.RuleOf(field).GetOptional() {
		f.values[name] = absent
		return nil
	}
	if field.Kind() == protoreflect.MessageKind {
		if !json.Valid([]byte(text)) {
			return spec.FieldErrorf(spec.InvalidField, name, "must be JSON")
		}
		f.values[name] = json.RawMessage(text)
		return nil
	}
	if field.IsList() {
		var items []json.RawMessage
		for _, item := range strings.Split(text, ",") {
			items = append(items, scalar(field, strings.TrimSpace(item)))
		}
		return f.set(name, items)
	}
	f.values[name] = scalar(field, text)
	return nil
}

// scalar is a text as the JSON of a field's kind; a number that is none becomes a string, which the decoder refuses by its rule.
func scalar(field protoreflect.FieldDescriptor, text string) json.RawMessage {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return json.RawMessage(text)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		if _, err := strconv.ParseUint(text, 10, 64); err == nil {
			return json.RawMessage(text)
		}
	}
	if ahead, err := time.ParseDuration(text); err == nil && spec.RuleOf(field).GetFormat() == spec.Format_FORMAT_TIME {
		text = time.Now().Add(ahead).UTC().Format(time.RFC3339)
	}
	quoted, _ := json.Marshal(text) // a string has a JSON form
	return quoted
}

// worded names a refused field as the command line does.
func (f *form) worded(err error) error {
	var refusal *spec.Error
	if !errors.As(err, &refusal) {
		return err
	}
	name, within, _ := strings.Cut(refusal.Field, "[")
	word := ""
	for _, a := range f.arguments {
		if a.field.TextName() == name {
			word = strings.TrimSuffix(a.word, "...")
		}
	}
	for _, field := range f.flags {
		if field.TextName() != name {
			continue
		}
		word = "--" + flagName(name)
		if content := contentFlag(field); content != "" && refusal.Code == spec.MissingField {
			word = "--" + content
		}
	}
	if word == "" {
		return err
	}
	if within != "" {
		word += "[" + within
	}
	return spec.FieldErrorf(refusal.Code, word, "%s", refusal.Detail)
}

// saltBytes hide a content that somebody might guess.
const saltBytes = 16

// commit returns the salted hash of a file's content, or of the text itself, and the salt.
func commit(content string) (hash, salt string, err error) {
	data, err := contentOf(content)
	if err != nil {
		return "", "", err
	}
	salted := randomBytes(saltBytes)
	sum := sha256.Sum256(append(salted[:saltBytes:saltBytes], data...))
	return hex.EncodeToString(sum[:]), hex.EncodeToString(salted), nil
}

// contentOf returns a file's content, or the text itself when there is no such file.
func contentOf(content string) ([]byte, error) {
	data, err := os.ReadFile(content)
	var pathError *fs.PathError
	if errors.As(err, &pathError) && !errors.Is(err, fs.ErrPermission) {
		return []byte(content), nil
	}
	return data, err
}
