package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

const offerDiscount = "market:OfferDiscount"

// signDiscountCommand signs a discount offline. Who has no key offers it on the ledger, by cmt offer-discount.
func (s *session) signDiscountCommand() *cobra.Command {
	var ledger string
	sign := &cobra.Command{
		Use: "sign-discount --as FILE --ledger ID DISCOUNT", Short: "Sign a discount offline, for one order of one buyer", Args: cobra.ExactArgs(1),
		Long: "Sign a discount offline and print what the buyer brings: cmt buy LISTING --discount JSON. DISCOUNT is the JSON object of " + offerDiscount +
			", as cmt operations --json describes it; - reads it from the standard input.",
	}
	sign.Flags().StringVar(&ledger, "ledger", "", "the ledger's identifier, ledger_id of cmt parameters")
	sign.RunE = func(cmd *cobra.Command, arguments []string) error {
		key, err := s.signer()
		if err != nil {
			return err
		}
		ledgerID, err := parseLedger(ledger)
		if err != nil {
			return err
		}
		text, err := readArgument(cmd, arguments[0])
		if err != nil {
			return err
		}
		terms := &spec.OfferDiscount{}
		if err := spec.DecodeJSON(text, terms); err != nil {
			return err
		}
		signed, err := key.SignDiscount(ledgerID, terms)
		if err != nil {
			return err
		}
		out, err := spec.EncodeJSON(signed)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), string(out))
		return nil
	}
	return sign
}

// takenOff is what the discount that an order brings takes off its goods. What cannot be read here is the strict decoder's to refuse.
func (s *session) takenOff(ctx context.Context, f fields, goods spec.Amount) (spec.Amount, error) {
	var terms spec.OfferDiscount
	switch {
	case f.values["discount"] != nil:
		var signed spec.SignedDiscount
		if err := spec.DecodeJSON(f.values["discount"], &signed); err != nil {
			return goods, err
		}
		if err := proto.Unmarshal(signed.Discount, &terms); err != nil {
			return goods, spec.FieldErrorf(spec.InvalidField, "discount", "is no discount")
		}
	case f.values["discount_id"] != nil:
		view, err := s.ask(ctx, "market:GetDiscount", fields{f.op, map[string]json.RawMessage{"discount": f.values["discount_id"]}})
		if err != nil {
			return goods, err
		}
		if err := spec.DecodeJSON(view["terms"], &terms); err != nil {
			return goods, err
		}
	}
	if bps := terms.GetBps(); bps > 0 && bps <= 10_000 {
		return goods.Share(bps), nil
	}
	return spec.AmountFromBytes(terms.GetAmount())
}
