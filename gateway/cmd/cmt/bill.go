package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// bill is what an order costs: the goods of each listing, and the shipping of each once.
type bill struct {
	goods    map[string]spec.Amount
	shipping spec.Amount
}

// add puts units of a listing's variant on the bill. The field is what the listing was told as.
func (b *bill) add(listing map[string]json.RawMessage, variant, quantity uint64, field string) error {
	var further []string
	if listing["variant_prices"] != nil {
		if err := json.Unmarshal(listing["variant_prices"], &further); err != nil {
			return err
		}
	}
	if variant > uint64(len(further)) {
		return spec.FieldErrorf(spec.InvalidField, field, "must be one of the listing's, from 0 to %d", len(further))
	}
	price, err := spec.ParseAmount(append([]string{textOf(listing["price"])}, further...)[variant])
	if err != nil {
		return err
	}
	shipping, err := spec.ParseAmount(textOf(listing["shipping_price"]))
	if err != nil {
		return err
	}
	id := textOf(listing["listing"])
	before, listed := b.goods[id]
	goods, ok := price.Mul(quantity)
	sum, ok2 := before.Add(goods)
	b.goods[id] = sum
	if !listed {
		var ok3 bool
		b.shipping, ok3 = b.shipping.Add(shipping)
		ok = ok && ok3
	}
	if !ok || !ok2 {
		return spec.FieldErrorf(spec.InvalidField, "quantity", "%d units cost more than there is CMT", quantity)
	}
	return nil
}

// discount is the part of a discount's terms that says what it takes off.
type discount struct {
	Listing string `json:"listing"`
	Amount  string `json:"amount"`
	Bps     uint32 `json:"bps"`
}

// total is the goods less the discount, and the shipping. A discount that takes more than there is is the ledger's to refuse.
func (b *bill) total(off discount) (spec.Amount, error) {
	var goods, on spec.Amount
	for id, part := range b.goods {
		var ok bool
		if goods, ok = goods.Add(part); !ok {
			return goods, spec.FieldErrorf(spec.InvalidField, "total", "is more than there is CMT")
		}
		if off.Listing == "" || off.Listing == id {
			on, _ = on.Add(part) // a part of the goods
		}
	}
	less := on.Share(off.Bps)
	if off.Bps == 0 && off.Amount != "" {
		var err error
		if less, err = spec.ParseAmount(off.Amount); err != nil {
			return less, err
		}
	}
	if rest, ok := goods.Sub(less); ok {
		goods = rest
	}
	total, ok := goods.Add(b.shipping)
	if !ok {
		return total, spec.FieldErrorf(spec.InvalidField, "total", "is more than there is CMT")
	}
	return total, nil
}

// setTotal sets what the bill comes to, less the discount that the command names.
func (s *session) setTotal(ctx context.Context, f fields, b *bill) error {
	off, err := s.discountOf(ctx, f)
	if err != nil {
		return err
	}
	total, err := b.total(off)
	if err != nil {
		return err
	}
	return f.set("total", total.String())
}

// discountOf returns the terms of a command's discount, whether offered on the ledger or signed by a key.
func (s *session) discountOf(ctx context.Context, f fields) (off discount, err error) {
	if id := f.values["discount_id"]; id != nil {
		view, err := s.ask(ctx, "market:GetDiscount", fields{f.op, map[string]json.RawMessage{"discount": id}})
		if err != nil || view["terms"] == nil {
			return off, err
		}
		return off, json.Unmarshal(view["terms"], &off)
	}
	var signed struct {
		Discount string `json:"discount"`
	}
	if f.values["discount"] == nil || json.Unmarshal(f.values["discount"], &signed) != nil {
		return off, nil
	}
	var terms spec.OfferDiscount
	bytes, err := hex.DecodeString(signed.Discount)
	if err != nil || proto.Unmarshal(bytes, &terms) != nil {
		return off, nil // the decoder says by which rule
	}
	text, err := spec.EncodeJSON(&terms)
	if err != nil {
		return off, nil
	}
	return off, json.Unmarshal(text, &off)
}

// totalOfOrder works out what an order costs.
func totalOfOrder(ctx context.Context, s *session, f fields) error {
	if !f.wants("total") {
		return nil
	}
	view, err := s.ask(ctx, "market:GetListing", f)
	if err != nil {
		return err
	}
	if f.wants("version") {
		f.values["version"] = view["version"]
	}
	// What cannot be read here is the strict decoder's to refuse, which says by which rule.
	var quantity, variant uint64
	_ = json.Unmarshal(f.values["quantity"], &quantity)
	_ = json.Unmarshal(f.values["variant"], &variant)
	b := &bill{goods: map[string]spec.Amount{}}
	if err := b.add(view, variant, quantity, "variant"); err != nil {
		return err
	}
	return s.setTotal(ctx, f, b)
}

// line is a line of a cart; its version is looked up.
type line struct {
	Listing  string          `json:"listing"`
	Version  json.RawMessage `json:"version,omitempty"`
	Variant  uint64          `json:"variant"`
	Quantity uint64          `json:"quantity"`
}

// readLines reads a cart's lines: LISTING, LISTING:QUANTITY or LISTING:QUANTITY:VARIANT.
func readLines(_ *cobra.Command, texts []string) (any, error) {
	lines := make([]line, len(texts))
	for i, text := range texts {
		parts := strings.Split(text, ":")
		lines[i] = line{Listing: parts[0], Quantity: 1}
		for n, target := range []*uint64{&lines[i].Quantity, &lines[i].Variant} {
			if len(parts) <= n+1 {
				break
			}
			number, err := strconv.ParseUint(parts[n+1], 10, 32)
			if err != nil || len(parts) > 3 {
				return nil, spec.FieldErrorf(spec.InvalidField, "lines", "%q must be a listing, and if need be its quantity and variant behind colons", text)
			}
			*target = number
		}
	}
	return lines, nil
}

// totalOfCart looks up the version of each line's listing and works out what the cart costs.
func totalOfCart(ctx context.Context, s *session, f fields) error {
	var lines []line
	if err := json.Unmarshal(f.values["lines"], &lines); err != nil {
		return err
	}
	b := &bill{goods: map[string]spec.Amount{}}
	for i := range lines {
		asked := fields{f.op, map[string]json.RawMessage{}}
		if err := asked.set("listing", lines[i].Listing); err != nil {
			return err
		}
		view, err := s.ask(ctx, "market:GetListing", asked)
		if err != nil {
			return err
		}
		lines[i].Version = view["version"]
		if err := b.add(view, lines[i].Variant, lines[i].Quantity, "lines"); err != nil {
			return err
		}
	}
	if err := f.set("lines", lines); err != nil || !f.wants("total") {
		return err
	}
	return s.setTotal(ctx, f, b)
}
