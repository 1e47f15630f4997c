package main

import (
	"net/url"

	"github.com/spf13/cobra"
)

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
