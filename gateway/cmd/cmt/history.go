package main

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// historyPaths are where objects are looked up, by their identifiers' types.
var historyPaths = map[spec.IDType]string{
	spec.TransferType: "/v1/transfers/", spec.PayoutType: "/v1/payouts/", spec.HoldType: "/v1/holds/", spec.MintType: "/v1/mints/", spec.BurnType: "/v1/burns/",
	spec.ListingType: "/v1/listings/", spec.OrderType: "/v1/orders/", spec.AuctionType: "/v1/auctions/", spec.DiscountType: "/v1/discounts/",
}

func (s *session) historyCommand() *cobra.Command {
	var cursor string
	var dispute bool
	history := &cobra.Command{
		Use: "history OBJECT | history LISTING OFFER", Short: "Print what happened to an object, the oldest step first", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			path, err := historyPath(arguments, dispute)
			if err != nil {
				return err
			}
			list, err := s.page(cmd.Context(), path+"/history", url.Values{"cursor": {cursor}})
			if err != nil {
				return err
			}
			return s.printRows(cmd, list, "time", "operation", "state", "actor", "block", "transaction")
		},
	}
	history.Flags().BoolVar(&dispute, "dispute", false, "of the order's dispute, its evidence and its votes")
	history.Flags().StringVar(&cursor, "cursor", "", "where to go on")
	return history
}

// historyPath returns the path of the object that is named.
func historyPath(arguments []string, dispute bool) (string, error) {
	object := arguments[0]
	idType := spec.IDType(object[:strings.IndexByte(object, '_')+1])
	path, known := historyPaths[idType]
	switch {
	case !known:
		return "", spec.FieldErrorf(spec.InvalidField, "OBJECT", "must be an identifier such as ord_1…; an account's movements are its statement")
	case dispute && idType != spec.OrderType:
		return "", spec.FieldErrorf(spec.InvalidField, "--dispute", "is for orders")
	case len(arguments) == 2 && idType != spec.ListingType:
		return "", spec.FieldErrorf(spec.InvalidField, "LISTING", "must be the listing that the offer is for")
	}
	if _, err := spec.ParseID(idType, object); err != nil {
		return "", spec.FieldErrorf(spec.InvalidField, "OBJECT", "%s", err)
	}
	path += object
	if len(arguments) == 2 {
		if _, err := spec.ParseID(spec.OfferType, arguments[1]); err != nil {
			return "", spec.FieldErrorf(spec.InvalidField, "OFFER", "%s", err)
		}
		path += "/offers/" + arguments[1]
	}
	if dispute {
		path += "/dispute"
	}
	return path, nil
}

func (s *session) statementCommand() *cobra.Command {
	var cursor string
	statement := &cobra.Command{
		Use: "statement [ADDRESS]", Short: "Print what came into an account and left it, the newest first; the own one without an address", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			var address string
			if len(arguments) == 1 {
				if _, err := spec.ParseAddress(arguments[0]); err != nil {
					return spec.FieldErrorf(spec.InvalidField, "ADDRESS", "%s", err)
				}
				address = arguments[0]
			} else {
				own, _, err := s.actor(cmd.Context())
				if err != nil {
					return err
				}
				address = own.String()
			}
			list, err := s.page(cmd.Context(), "/v1/accounts/"+address+"/history", url.Values{"cursor": {cursor}})
			if err != nil {
				return err
			}
			return s.printRows(cmd, list, "time", "direction", "amount", "kind", "operation", "object", "other")
		},
	}
	statement.Flags().StringVar(&cursor, "cursor", "", "where to go on")
	return statement
}

func (s *session) reputationCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reputation ADDRESS", Short: "Print what reviews say of an account, added up", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			if _, err := spec.ParseAddress(arguments[0]); err != nil {
				return spec.FieldErrorf(spec.InvalidField, "ADDRESS", "%s", err)
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			var answer json.RawMessage
			if err := c.Get(cmd.Context(), "/v1/accounts/"+arguments[0]+"/reputation", nil, &answer); err != nil {
				return err
			}
			return s.print(cmd, answer)
		},
	}
}
