package main

import (
	"net/url"
	"slices"

	"github.com/spf13/cobra"
)

// list is a list of the gateway's own read model.
type list struct {
	name, path, short string
	filters           []filter
	columns           []string
}

// filter restricts a list to what has a value in a field.
type filter struct{ name, usual, doc string }

var lists = []list{
	{
		"listings", "/v1/listings", "List what is for sale, the newest first",
		[]filter{{"seller", "", "only this seller's"}, {"category", "", "only of this category"}, {"state", "open", "only in this state: open, closed, suspended, or empty for all"}},
		[]string{"listing", "version", "state", "price", "shipping_price", "category"},
	},
	{
		"orders", "/v1/orders", "List orders, the newest first",
		[]filter{{"buyer", "", "only this buyer's"}, {"seller", "", "only this seller's"}, {"state", "", "only in this state, such as shipped"}},
		[]string{"order", "state", "quantity", "total", "held", "placed_at"},
	},
	{
		"transfers", "/v1/transfers", "List transfers, the newest first",
		[]filter{{"account", "", "only those from or to this account"}},
		[]string{"transfer", "from", "to", "amount", "memo", "time"},
	},
	{
		"payouts", "/v1/payouts", "List payouts, the newest first",
		[]filter{{"from", "", "only this payer's"}},
		[]string{"payout", "from", "count", "total", "memo", "time"},
	},
	{
		"holds", "/v1/holds", "List holds, the newest first",
		[]filter{{"payer", "", "only this payer's"}, {"payee", "", "only those for this payee"}, {"arbiter", "", "only those that this account captures from"}, {"state", "", "only in this state, such as held"}},
		[]string{"hold", "state", "payer", "payee", "amount", "held", "expires_at"},
	},
	{
		"auctions", "/v1/auctions", "List auctions, the newest first",
		[]filter{{"seller", "", "only this seller's"}, {"listing", "", "only those of this listing"}, {"state", "open", "only in this state: open, sold, unsold, cancelled, or empty for all"}},
		[]string{"auction", "state", "listing", "quantity", "start_price", "bids", "ends_at"},
	},
	{
		"find-offers", "/v1/offers", "List offers on all listings, the newest first",
		[]filter{{"listing", "", "only those on this listing"}, {"buyer", "", "only this buyer's"}, {"seller", "", "only those to this seller"}, {"state", "", "only in this state, such as open"}},
		[]string{"offer", "state", "listing", "quantity", "total", "counter", "expires_at"},
	},
	{
		"disputes", "/v1/disputes", "List disputes, the newest first",
		[]filter{{"buyer", "", "only those of this buyer's orders"}, {"seller", "", "only those of this seller's orders"}, {"arbiter", "", "only those that this organisation may vote on"}, {"state", "", "only in this state, such as open"}},
		[]string{"order", "state", "opened_by", "opened_at", "answer_deadline", "deadline"},
	},
	{
		"find-reviews", "/v1/reviews", "List reviews of all orders, the newest first",
		[]filter{{"subject", "", "only those of this account"}, {"author", "", "only those by this account"}},
		[]string{"order", "by", "rating", "author", "subject", "time"},
	},
}

func (s *session) listCommands() []*cobra.Command {
	var commands []*cobra.Command
	for _, l := range lists {
		commands = append(commands, s.listCommand(l))
	}
	return commands
}

func (s *session) listCommand(l list) *cobra.Command {
	cmd := &cobra.Command{Use: l.name, Short: l.short, Args: cobra.NoArgs}
	filters := slices.Concat(l.filters, []filter{{"cursor", "", "where to go on"}, {"limit", "", "items a page; 100 when absent"}})
	for _, f := range filters {
		cmd.Flags().String(f.name, f.usual, f.doc)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query := url.Values{}
		for _, f := range filters {
			query.Set(f.name, cmd.Flag(f.name).Value.String())
		}
		found, err := s.page(cmd.Context(), l.path, query)
		if err != nil {
			return err
		}
		return s.printRows(cmd, found, l.columns...)
	}
	return cmd
}
