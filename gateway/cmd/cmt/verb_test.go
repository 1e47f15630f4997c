package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// A table of names is easily wrong: each must be one of the operation table's.
func TestVerbsNameWhatThereIs(t *testing.T) {
	for _, v := range verbs() {
		op := spec.Find(v.operation)
		if op == nil {
			t.Errorf("there is no %s", v.operation)
			continue
		}
		fields := op.Command.ProtoReflect().Descriptor().Fields()
		for _, argument := range strings.Fields(v.arguments) {
			name, _, _ := strings.Cut(strings.Trim(argument, "[]"), "=")
			if fields.ByTextName(name) == nil && name != "-" {
				t.Errorf("%s has no field %s", v.operation, name)
			}
		}
		for name := range v.given {
			if fields.ByTextName(name) == nil {
				t.Errorf("%s has no field %s", v.operation, name)
			}
		}
		if v.shows != "" && (spec.Find(v.shows) == nil || spec.Find(v.shows).Kind != spec.Query) {
			t.Errorf("%s: %s is no query", v.operation, v.shows)
		}
	}
	for name, from := range lookups {
		op := spec.Find(from.query)
		if op == nil || op.Kind != spec.Query || op.Result.ProtoReflect().Descriptor().Fields().ByTextName(from.field) == nil {
			t.Errorf("%s cannot be looked up as %s of %s", name, from.field, from.query)
		}
	}
}

// Each operation that somebody can call has a command of its own name, whose arguments are as many as its usage says.
func TestEveryOperationHasACommand(t *testing.T) {
	names := map[string]bool{}
	root := rootCommand()
	for _, command := range root.Commands() {
		if names[command.Name()] {
			t.Errorf("there are two commands %s", command.Name())
		}
		names[command.Name()] = true
	}
	for i := range spec.Operations {
		op := &spec.Operations[i]
		if v, can := verbOf(op); can && !names[v.name] {
			t.Errorf("%s has no command %s", op.FullName(), v.name)
		}
	}
}

// What a key signs is shown afterwards wherever a query can show it.
func TestSignedVerbsShowWhatTheyMade(t *testing.T) {
	none := map[string]bool{"token:Sweep": true, "token:VoidNonce": true, "token:MoveHome": true}
	for i := range spec.Operations {
		op := &spec.Operations[i]
		if op.Number == 0 {
			continue
		}
		command := op.Command.ProtoReflect().New()
		if field := command.Descriptor().Fields().ByTextName("reference"); field != nil {
			command.Set(field, protoreflect.ValueOfString("r"))
		}
		if field := command.Descriptor().Fields().ByTextName("listing"); field != nil {
			command.Set(field, protoreflect.ValueOfBytes(make([]byte, 20)))
		}
		if got := queryAfter(op, command.Interface(), spec.OrganisationAddress("X")) != nil; got == none[op.FullName()] {
			t.Errorf("%s is shown: %v", op.FullName(), got)
		}
	}
}
