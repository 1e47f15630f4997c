package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
)

// codeBytes is the length of a hand-over code.
const codeBytes = 16

// orderVerb is a step of an order that needs nothing but the order.
type orderVerb struct {
	name, function string
	command        func(order []byte) proto.Message
}

var orderVerbs = []orderVerb{
	{"accept", "AcceptOrder", func(o []byte) proto.Message { return &spec.AcceptOrder{Order: o} }},
	{"confirm", "ConfirmOrder", func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o} }},
	{"cancel", "CancelOrder", func(o []byte) proto.Message { return &spec.CancelOrder{Order: o} }},
	{"refund", "RefundOrder", func(o []byte) proto.Message { return &spec.RefundOrder{Order: o} }},
	{"release", "ReleaseOrder", func(o []byte) proto.Message { return &spec.ReleaseOrder{Order: o} }},
	{"expire", "ExpireOrder", func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} }},
}

func (s *session) orderVerbCommand(verb orderVerb) *cobra.Command {
	function := spec.MarketContract + ":" + verb.function
	return &cobra.Command{
		Use: verb.name + " ORDER", Short: spec.Find(function).Doc, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			order, err := parseID("ORDER", spec.OrderType, arguments[0])
			if err != nil {
				return err
			}
			return s.doAndPrint(cmd, function, verb.command(order))
		},
	}
}

func (s *session) shipCommand() *cobra.Command {
	var tracking string
	function := spec.MarketContract + ":ShipOrder"
	ship := &cobra.Command{
		Use: "ship ORDER", Short: spec.Find(function).Doc, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			order, err := parseID("ORDER", spec.OrderType, arguments[0])
			if err != nil {
				return err
			}
			hash, err := parseHex("--tracking-hash", tracking, 32)
			if err != nil {
				return err
			}
			return s.doAndPrint(cmd, function, &spec.ShipOrder{Order: order, TrackingHash: hash})
		},
	}
	ship.Flags().StringVar(&tracking, "tracking-hash", "", "salted SHA-256 of carrier and tracking number, in hex")
	return ship
}

func (s *session) handOverCommand() *cobra.Command {
	function := spec.MarketContract + ":HandOverOrder"
	return &cobra.Command{
		Use: "hand-over ORDER CODE", Short: spec.Find(function).Doc, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			order, err := parseID("ORDER", spec.OrderType, arguments[0])
			if err != nil {
				return err
			}
			code, err := parseHex("CODE", arguments[1], codeBytes)
			if err != nil {
				return err
			}
			if len(code) == 0 {
				return spec.FieldErrorf(spec.InvalidField, "CODE", "must be %d bytes in hex", codeBytes)
			}
			return s.doAndPrint(cmd, function, &spec.HandOverOrder{Order: order, Code: code})
		},
	}
}

// parseHex reads bytes in hex; an empty text is none.
func parseHex(name, text string, size int) ([]byte, error) {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != size && text != "" {
		return nil, spec.FieldErrorf(spec.InvalidField, name, "must be %d bytes in hex", size)
	}
	return data, nil
}

func (s *session) buyCommand() *cobra.Command {
	var quantity uint32
	buy := &cobra.Command{
		Use: "buy LISTING", Short: "Buy: have the money held, and get the code that proves the hand-over", Args: cobra.ExactArgs(1),
		Long: "Buy: the total is held until the order settles. The hand-over code that is printed is yours: reveal it to whoever hands the goods over, and not before.",
	}
	buy.Flags().Uint32Var(&quantity, "quantity", 1, "units to buy")
	reference := referenceFlag(buy)
	buy.RunE = func(cmd *cobra.Command, arguments []string) error {
		listing, err := parseID("LISTING", spec.ListingType, arguments[0])
		if err != nil {
			return err
		}
		command, order, code, err := s.newOrder(cmd.Context(), listing, quantity, orRandom(*reference))
		if err != nil {
			return err
		}
		receipt, err := s.do(cmd.Context(), spec.MarketContract+":PlaceOrder", command, nil)
		var problem *client.Problem
		if err != nil && (!errors.As(err, &problem) || problem.Code == spec.OutcomeUnknown) {
			// The order may be there, and nobody else knows its code.
			fmt.Fprintf(cmd.ErrOrStderr(), "cmt: order %s may have been placed; its hand-over code would be %s\n", order.Text(spec.OrderType), code)
		}
		if err != nil {
			return err
		}
		return s.print(cmd, receipt.Result, append([]extra{{"hand_over_code", code}}, receiptExtras(receipt)...)...)
	}
	return buy
}

// newOrder looks the listing up and makes the order for it. The order's identifier is known before it is placed, so that
// the commitment to the code is bound to it.
func (s *session) newOrder(ctx context.Context, listing []byte, quantity uint32, reference string) (*spec.PlaceOrder, spec.ID, string, error) {
	var view spec.ListingView
	if _, err := s.do(ctx, spec.MarketContract+":GetListing", &spec.GetListing{Listing: listing}, &view); err != nil {
		return nil, spec.ID{}, "", err
	}
	price, err := spec.AmountFromBytes(view.GetPrice())
	if err != nil {
		return nil, spec.ID{}, "", err
	}
	shipping, err := spec.AmountFromBytes(view.GetShippingPrice())
	if err != nil {
		return nil, spec.ID{}, "", err
	}
	goods, ok := price.Mul(uint64(quantity))
	total, ok2 := goods.Add(shipping)
	if !ok || !ok2 {
		return nil, spec.ID{}, "", spec.FieldErrorf(spec.InvalidField, "--quantity", "%d units cost more than there is CMT", quantity)
	}
	actor, _, err := s.actor(ctx)
	if err != nil {
		return nil, spec.ID{}, "", err
	}
	order := spec.NewID(spec.OrderType, actor, reference)
	code := randomBytes(codeBytes)
	return &spec.PlaceOrder{
		Reference: reference, Listing: listing, Version: view.GetVersion(), Quantity: quantity, Total: total.Bytes(),
		HandOverHash: spec.HandOverHash(order, code),
	}, order, hex.EncodeToString(code), nil
}

func (s *session) orderCommand() *cobra.Command {
	return &cobra.Command{
		Use: "order ORDER", Short: "Print an order", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			order, err := parseID("ORDER", spec.OrderType, arguments[0])
			if err != nil {
				return err
			}
			return s.doAndPrint(cmd, spec.MarketContract+":GetOrder", &spec.GetOrder{Order: order})
		},
	}
}

func (s *session) ordersCommand() *cobra.Command {
	var buyer, seller, state, cursor string
	orders := &cobra.Command{
		Use: "orders", Short: "List orders, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := s.page(cmd.Context(), "/v1/orders", url.Values{"buyer": {buyer}, "seller": {seller}, "state": {state}, "cursor": {cursor}})
			if err != nil {
				return err
			}
			return s.printRows(cmd, list, "order", "state", "quantity", "total", "held", "placed_at")
		},
	}
	orders.Flags().StringVar(&buyer, "buyer", "", "only this buyer's")
	orders.Flags().StringVar(&seller, "seller", "", "only this seller's")
	orders.Flags().StringVar(&state, "state", "", "only in this state, such as shipped")
	orders.Flags().StringVar(&cursor, "cursor", "", "where to go on")
	return orders
}
