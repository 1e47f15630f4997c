package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// lookup is where a field's value is read when nobody named it: a query, whose own fields are the command's, and a field of its view.
type lookup struct{ query, field string }

// lookups are by field. What they find is what the ledger compares: if it changes before the command comes, that is refused.
var lookups = map[string]lookup{
	"version":  {"market:GetListing", "version"},
	"beats":    {"market:GetAuction", "bids"},
	"bids":     {"market:GetAuction", "bids"},
	"captured": {"token:GetHold", "captured"},
	"expected": {"token:GetAllowance", "amount"},
}

// complete looks up and makes what was not named.
func (s *session) complete(ctx context.Context, v verb, f fields) error {
	if v.complete != nil {
		if err := v.complete(ctx, s, f); err != nil {
			return err
		}
	}
	if f.wants("reference") {
		rule := spec.RuleOf(f.op.Command.ProtoReflect().Descriptor().Fields().ByTextName("reference"))
		// A signed command that may be without one needs none: its nonce happens once.
		if s.as == "" || !rule.GetOptionalSigned() {
			if err := f.set("reference", randomReference()); err != nil {
				return err
			}
		}
	}
	for name, from := range lookups {
		if !f.wants(name) || !f.answers(from.query) {
			continue
		}
		view, err := s.ask(ctx, from.query, f)
		if err != nil {
			return err
		}
		f.values[name] = view[from.field]
	}
	return nil
}

// ownerField is the field of an allowance's owner, who is the actor.
const ownerField = "owner"

// answers reports whether a query's fields are the command's.
func (f fields) answers(query string) bool {
	own := f.op.Command.ProtoReflect().Descriptor().Fields()
	asked := spec.Find(query).Command.ProtoReflect().Descriptor().Fields()
	for i := range asked.Len() {
		name := asked.Get(i).Name()
		if own.ByName(name) == nil && name != ownerField {
			return false
		}
	}
	return true
}

// ask asks what a query tells of the command's fields; the owner of an allowance is who acts.
func (s *session) ask(ctx context.Context, query string, f fields) (map[string]json.RawMessage, error) {
	op := spec.Find(query)
	asked := fields{op, map[string]json.RawMessage{}}
	all := op.Command.ProtoReflect().Descriptor().Fields()
	for i := range all.Len() {
		name := all.Get(i).TextName()
		switch {
		case f.values[name] != nil:
			asked.values[name] = f.values[name]
		case name == ownerField:
			actor, _, err := s.actor(ctx)
			if err != nil {
				return nil, err
			}
			if err := asked.set(name, actor.String()); err != nil {
				return nil, err
			}
		}
	}
	command, err := asked.command()
	if err != nil {
		return nil, err
	}
	receipt, err := s.do(ctx, query, command, nil)
	if err != nil {
		return nil, err
	}
	var view map[string]json.RawMessage
	return view, json.Unmarshal(receipt.Result, &view)
}

// ownAddress asks about the own account when no other is named.
func ownAddress(ctx context.Context, s *session, f fields) error {
	if !f.wants("address") {
		return nil
	}
	own, _, err := s.actor(ctx)
	if err != nil {
		return err
	}
	return f.set("address", own.String())
}

// addTotal works out what an order costs: quantity times the variant's price, and shipping.
func addTotal(ctx context.Context, s *session, f fields) error {
	if !f.wants("total") {
		return nil
	}
	view, err := s.ask(ctx, "market:GetListing", f)
	if err != nil {
		return err
	}
	f.values["version"] = orElse(f.values["version"], view["version"])
	// What cannot be read here is the strict decoder's to refuse, which says by which rule.
	var quantity, variant uint64
	var prices []string
	_ = json.Unmarshal(f.values["quantity"], &quantity)
	_ = json.Unmarshal(f.values["variant"], &variant)
	_ = json.Unmarshal(view["variant_prices"], &prices)
	price, shipping := textOf(view["price"]), textOf(view["shipping_price"])
	if variant > uint64(len(prices)) {
		return spec.FieldErrorf(spec.InvalidField, "variant", "must be one of the listing's, from 0 to %d", len(prices))
	}
	if variant > 0 {
		price = prices[variant-1]
	}
	one, err := spec.ParseAmount(price)
	if err != nil {
		return err
	}
	sent, err := spec.ParseAmount(shipping)
	if err != nil {
		return err
	}
	goods, ok := one.Mul(quantity)
	off, err := s.takenOff(ctx, f, goods)
	if err != nil {
		return err
	}
	left, fits := goods.Sub(off)
	if ok && !fits {
		return spec.FieldErrorf(spec.DiscountMismatch, "discount", "takes %s CMT off goods of %s", off, goods)
	}
	total, ok2 := left.Add(sent)
	if !ok || !ok2 {
		return spec.FieldErrorf(spec.InvalidField, "quantity", "%d units cost more than there is CMT", quantity)
	}
	return f.set("total", total.String())
}

func orElse(raw, other json.RawMessage) json.RawMessage {
	if raw != nil {
		return raw
	}
	return other
}

// textOf returns a JSON string's text; empty for anything else.
func textOf(raw json.RawMessage) (text string) {
	_ = json.Unmarshal(raw, &text)
	return text
}

// keepTerms takes the terms that are not named from the listing as it is.
func keepTerms(ctx context.Context, s *session, f fields) error {
	view, err := s.ask(ctx, "market:GetListing", f)
	if err != nil {
		return err
	}
	if f.wants("variants") && view["variant_prices"] != nil {
		var prices []string
		if err := json.Unmarshal(view["variant_prices"], &prices); err != nil {
			return err
		}
		variants := make([]map[string]string, len(prices))
		for i, price := range prices {
			variants[i] = map[string]string{"price": price}
		}
		if err := f.set("variants", variants); err != nil {
			return err
		}
	}
	for name, value := range view {
		if f.wants(name) {
			f.values[name] = value
		}
	}
	return nil
}

// payment is a line of a payout's file.
type payment struct {
	To     string `json:"to"`
	Amount string `json:"amount"`
}

// readPayments reads a file of addresses and amounts, a line each.
func readPayments(cmd *cobra.Command, file string) (any, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = readArgument(cmd, file)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	payments := []payment{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		words := strings.FieldsFunc(lines.Text(), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		switch len(words) {
		case 0:
		case 2:
			payments = append(payments, payment{words[0], words[1]})
		default:
			return nil, spec.FieldErrorf(spec.InvalidField, "payments", "line %d must be an address and an amount", n)
		}
	}
	return payments, lines.Err()
}
