package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// saltBytes hide a description that somebody might guess; see the commitments in the design.
const saltBytes = 16

func (s *session) listCommand() *cobra.Command {
	var price, shipping, category, content string
	var stock, lots uint32
	var accept bool
	list := &cobra.Command{
		Use: "list --price AMOUNT --stock N --category LABEL --content FILE|TEXT", Short: "Offer something for sale",
		Long: "Offer something for sale. The description stays with you: the ledger gets its salted SHA-256, of salt and content joined. Keep both, to show later what was offered.",
		Args: cobra.NoArgs,
	}
	flags := list.Flags()
	flags.StringVar(&price, "price", "", "price of one unit in CMT")
	flags.StringVar(&shipping, "shipping-price", "0", "added once an order, in CMT")
	flags.Uint32Var(&stock, "stock", 1, "units for sale")
	flags.Uint32Var(&lots, "lots", 1, "into how many lots the stock is divided, so that several gateways sell side by side")
	flags.StringVar(&category, "category", "", "the category's label")
	flags.StringVar(&content, "content", "", "the description: a file, or the text itself")
	flags.BoolVar(&accept, "accept-required", false, "accept each order before it ships")
	reference := referenceFlag(list)
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		if price == "" || category == "" || content == "" {
			return errors.New("--price, --category and --content are required")
		}
		priceBytes, err := parseAmount("--price", price)
		if err != nil {
			return err
		}
		shippingBytes, err := parseAmount("--shipping-price", shipping)
		if err != nil {
			return err
		}
		description, err := contentOf(content)
		if err != nil {
			return err
		}
		salt := randomBytes(saltBytes)
		sum := sha256.Sum256(append(salt[:saltBytes:saltBytes], description...))
		command := &spec.CreateListing{
			Reference: orRandom(*reference), Price: priceBytes, ShippingPrice: shippingBytes, Stock: stock, Lots: lots,
			Category: category, ContentHash: sum[:], AcceptRequired: accept,
		}
		return s.doAndPrint(cmd, spec.MarketContract+":CreateListing", command, extra{"content_salt", hex.EncodeToString(salt)})
	}
	return list
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

func (s *session) listingsCommand() *cobra.Command {
	var seller, category, state, cursor string
	listings := &cobra.Command{
		Use: "listings", Short: "List what is for sale, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := s.page(cmd.Context(), "/v1/listings", url.Values{"seller": {seller}, "category": {category}, "state": {state}, "cursor": {cursor}})
			if err != nil {
				return err
			}
			return s.printRows(cmd, list, "listing", "version", "state", "price", "shipping_price", "category")
		},
	}
	listings.Flags().StringVar(&seller, "seller", "", "only this seller's")
	listings.Flags().StringVar(&category, "category", "", "only of this category")
	listings.Flags().StringVar(&state, "state", "open", "only in this state: open, closed, or empty for both")
	listings.Flags().StringVar(&cursor, "cursor", "", "where to go on")
	return listings
}

func (s *session) listingCommand() *cobra.Command {
	return &cobra.Command{
		Use: "listing LISTING", Short: "Print a listing and the lots of its stock", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			id, err := parseID("LISTING", spec.ListingType, arguments[0])
			if err != nil {
				return err
			}
			return s.doAndPrint(cmd, spec.MarketContract+":GetListing", &spec.GetListing{Listing: id})
		},
	}
}

func (s *session) closeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "close LISTING", Short: "Stop selling for good; orders already placed go on", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			id, err := parseID("LISTING", spec.ListingType, arguments[0])
			if err != nil {
				return err
			}
			return s.doAndPrint(cmd, spec.MarketContract+":CloseListing", &spec.CloseListing{Listing: id})
		},
	}
}
