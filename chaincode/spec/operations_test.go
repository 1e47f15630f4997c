package spec_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func TestOperationTableIsWellFormed(t *testing.T) {
	names, routes := map[string]bool{}, map[string]bool{}
	for i := range spec.Operations {
		op := &spec.Operations[i]
		name := op.FullName()
		if names[name] {
			t.Errorf("%s stands twice", name)
		}
		names[name] = true
		if spec.Find(name) != op {
			t.Errorf("%s is not found", name)
		}
		if !regexp.MustCompile(`^(token|market|consortium):[A-Z][A-Za-z]+$`).MatchString(name) {
			t.Errorf("%s is no name of a contract's function", name)
		}
		if op.Kind != spec.Query && op.Kind != spec.Write {
			t.Errorf("%s is of kind %q", name, op.Kind)
		}
		if op.Kind == spec.Query && (op.Creates != "" || op.Role != 0) {
			t.Errorf("%s is a query and creates something or needs a role", name)
		}
		if string(op.Command.ProtoReflect().Descriptor().Name()) != op.Name {
			t.Errorf("%s takes a %s", name, op.Command.ProtoReflect().Descriptor().Name())
		}
		if op.Doc == "" || strings.Contains(op.Doc, "\n") || !strings.HasSuffix(op.Doc, ".") {
			t.Errorf("%s is documented by %q: want one sentence on one line", name, op.Doc)
		}
		for _, code := range op.Errors {
			if spec.Lookup(code).Code != code {
				t.Errorf("%s may refuse with %s, which is not in the catalogue", name, code)
			}
			if slices.Contains(spec.FormErrors, code) || slices.Contains(spec.CallerErrors, code) {
				t.Errorf("%s lists %s, which every operation has", name, code)
			}
		}
		if (op.Creates != "") != (op.Command.ProtoReflect().Descriptor().Fields().ByName("reference") != nil) {
			t.Errorf("%s creates %q: what creates needs a reference, and nothing else does", name, op.Creates)
		}
		if (op.Creates != "") != slices.Contains(op.Errors, spec.ReferenceUsed) {
			t.Errorf("%s creates %q: what creates refuses used references, and nothing else does", name, op.Creates)
		}
		checkRoute(t, op, routes)
	}
	for _, name := range []string{"", ":", "token", "token:", ":Transfer", "token:transfer", "Transfer", "market:Transfer", "token:Transfer "} {
		if op := spec.Find(name); op != nil {
			t.Errorf("%q was found as %s", name, op.FullName())
		}
	}
}

func checkRoute(t *testing.T, op *spec.Operation, routes map[string]bool) {
	name := op.FullName()
	if op.Path == "" {
		if op.Method != "" || op.Scope != "" {
			t.Errorf("%s has no path, but the method %q and the scope %q", name, op.Method, op.Scope)
		}
		return
	}
	// A route that differs in the name of a parameter only would be the same route.
	route := op.Method + " " + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(op.Path, "{}")
	if routes[route] {
		t.Errorf("%s stands twice", route)
	}
	routes[route] = true
	if !strings.HasPrefix(op.Path, "/v1/") {
		t.Errorf("%s lies at %s", name, op.Path)
	}
	if !slices.Contains(spec.Scopes, op.Scope) {
		t.Errorf("%s has the scope %q", name, op.Scope)
	}
	if reads := op.Scope == spec.ScopeRead; reads != (op.Kind == spec.Query) {
		t.Errorf("%s is a %s of scope %s", name, op.Kind, op.Scope)
	}
	if gets := op.Method == "GET"; gets != (op.Kind == spec.Query) || !slices.Contains([]string{"GET", "POST", "PUT"}, op.Method) {
		t.Errorf("%s is a %s by %s", name, op.Kind, op.Method)
	}
	if (op.Role == spec.Role_ROLE_TREASURER) != (op.Scope == spec.ScopeTreasury) {
		t.Errorf("%s: the treasurer's operations, and no others, have the treasury's scope", name)
	}
	for _, field := range op.PathFields() {
		descriptor := op.Command.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field))
		if descriptor == nil || descriptor.IsList() || spec.RuleOf(descriptor).GetOptional() {
			t.Errorf("%s has {%s} in its path, which is no required field of its command", name, field)
		}
	}
}

// Each field says what it means and what it may be; the codec, the schemas and the documents are made of that.
func TestEveryFieldHasItsRule(t *testing.T) {
	formats := map[protoreflect.Kind]func(spec.Format) bool{
		protoreflect.BytesKind: func(f spec.Format) bool {
			return f >= spec.Format_FORMAT_AMOUNT && f <= spec.Format_FORMAT_HEX || f > spec.Format_FORMAT_CURSOR
		},
		protoreflect.StringKind: func(f spec.Format) bool {
			return f >= spec.Format_FORMAT_REFERENCE && f <= spec.Format_FORMAT_CURSOR && f != spec.Format_FORMAT_TIME
		},
		protoreflect.Int64Kind: func(f spec.Format) bool { return f == spec.Format_FORMAT_TIME },
	}
	var visit func(protoreflect.MessageDescriptor)
	seen := map[protoreflect.FullName]bool{}
	visit = func(message protoreflect.MessageDescriptor) {
		if seen[message.FullName()] {
			return
		}
		seen[message.FullName()] = true
		for i := range message.Fields().Len() {
			field := message.Fields().Get(i)
			rule := spec.RuleOf(field)
			if rule.GetDoc() == "" {
				t.Errorf("%s is not documented", field.FullName())
			}
			hasFormat, needsFormat := formats[field.Kind()]
			if needsFormat && !hasFormat(rule.GetFormat()) || !needsFormat && rule.GetFormat() != 0 {
				t.Errorf("%s is a %s of format %s", field.FullName(), field.Kind(), rule.GetFormat())
			}
			if (rule.GetFormat() == spec.Format_FORMAT_HEX || rule.GetFormat() == spec.Format_FORMAT_TEXT) && rule.GetLength() == 0 && rule.GetMax() == 0 {
				t.Errorf("%s has no length", field.FullName())
			}
			if field.Message() != nil {
				visit(field.Message())
			}
		}
	}
	messages := []proto.Message{&spec.Hints{}}
	for _, op := range spec.Operations {
		messages = append(messages, op.Command, op.Result)
	}
	for _, message := range messages {
		visit(message.ProtoReflect().Descriptor())
	}
}

// Lists and numbers that come from outside are bounded.
func TestEveryInputIsBounded(t *testing.T) {
	var visit func(protoreflect.MessageDescriptor)
	visit = func(message protoreflect.MessageDescriptor) {
		for i := range message.Fields().Len() {
			field := message.Fields().Get(i)
			rule := spec.RuleOf(field)
			if field.IsList() && rule.GetLength() == 0 {
				t.Errorf("%s may have any number of items", field.FullName())
			}
			if number := field.Kind() == protoreflect.Uint32Kind || field.Kind() == protoreflect.Uint64Kind; number && rule.GetMax() == 0 {
				t.Errorf("%s has no highest value", field.FullName())
			}
			if field.Message() != nil {
				visit(field.Message())
			}
		}
	}
	visit((&spec.Hints{}).ProtoReflect().Descriptor())
	for _, op := range spec.Operations {
		visit(op.Command.ProtoReflect().Descriptor())
	}
}
