package main

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
)

// viewAfter returns what a signed operation was about as it is now; the intent's identifier when no query shows it.
func viewAfter(ctx context.Context, c *client.Client, op *spec.Operation, command proto.Message, actor spec.Address, id string) (json.RawMessage, error) {
	ask := queryAfter(op, command, actor)
	if ask == nil {
		return json.Marshal(map[string]string{"intent": id})
	}
	receipt, err := c.Do(ctx, ask, nil)
	switch {
	case spec.ErrorCode(err) == spec.NotFound:
		// It has another name than this program makes; what happened is no failure.
		return json.Marshal(map[string]string{"intent": id})
	case err != nil:
		return nil, fmt.Errorf("it happened as intent %s, but asking for what it made failed: %w", id, err)
	}
	return receipt.Result, nil
}

// queryAfter returns the query that shows what an operation was about: the one that its verb names, or one with the same view.
func queryAfter(op *spec.Operation, command proto.Message, actor spec.Address) *spec.Call {
	v, _ := verbOf(op)
	for i := range spec.Operations {
		shows := &spec.Operations[i]
		sameView := shows.Result.ProtoReflect().Descriptor() == op.Result.ProtoReflect().Descriptor()
		if shows.Kind != spec.Query || v.shows != shows.FullName() && (v.shows != "" || !sameView) {
			continue
		}
		if asked := askAbout(shows, op, command, actor); asked != nil {
			return &spec.Call{Operation: shows, Command: asked}
		}
	}
	return nil
}

// askAbout fills a query's fields: with the command's own of the same name, with the actor, or with the identifier of what was made; nil
// when one cannot be filled.
func askAbout(shows, op *spec.Operation, command proto.Message, actor spec.Address) proto.Message {
	from, asked := command.ProtoReflect(), shows.Command.ProtoReflect().New()
	all := asked.Descriptor().Fields()
	for i := range all.Len() {
		field := all.Get(i)
		rule := spec.RuleOf(field)
		own := from.Descriptor().Fields().ByName(field.Name())
		switch {
		case rule.GetOptional():
		case own != nil:
			asked.Set(field, from.Get(own))
		case rule.GetFormat() == spec.Format_FORMAT_ADDRESS:
			asked.Set(field, protoreflect.ValueOfBytes(actor.Bytes()))
		case op.Creates != "" && named(command):
			id := created(op, command, actor)
			asked.Set(field, protoreflect.ValueOfBytes(id[:]))
		default:
			return nil
		}
	}
	return asked.Interface()
}

// named reports whether a command has a reference, without which nothing is kept of it.
func named(command proto.Message) bool {
	c, ok := command.(interface{ GetReference() string })
	return ok && c.GetReference() != ""
}
