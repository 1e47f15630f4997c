package main

import (
	"fmt"

	"github.com/spf13/cobra"

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
