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
