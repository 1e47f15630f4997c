package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/wallet"
)

// session is what the commands share: settings, and what was asked of them on the command line.
type session struct {
	gateway, key, sub string
	// as is the file of the key that signs, signing the key once it was read.
	as      string
	signing *wallet.Key
	asJSON  bool
}

func rootCommand() *cobra.Command {
	s := &session{}
	root := &cobra.Command{
		Use:   "cmt",
		Short: "Pay, sell and buy on the CMT ledger through a gateway",
		Long: "Pay, sell and buy on the CMT ledger through a gateway.\n\nThe gateway and the API key come from --gateway and --key, else from CMT_GATEWAY and CMT_API_KEY, else from " +
			"the file cmt/config.yaml in the user's configuration folder (keys: gateway, key).",
		SilenceUsage: true, SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.gateway, "gateway", "", "URL of the gateway, such as http://127.0.0.1:8080")
	flags.StringVar(&s.key, "key", "", "API key; better in CMT_API_KEY, where other users do not see it")
	flags.StringVar(&s.sub, "sub", "", "act for this sub-account of the gateway's organisation")
	flags.StringVar(&s.as, "as", "", "act with the key in this file: commands are signed here and carried by the gateway")
	flags.BoolVar(&s.asJSON, "json", false, "print JSON")
	root.AddGroup(groups...)
	root.AddCommand(s.verbCommands()...)
	root.AddCommand(s.listCommands()...)
	root.AddCommand(
		s.accountCommand(), s.historyCommand(), s.statementCommand(), s.reputationCommand(), s.transactionCommand(),
		s.callCommand(), s.operationsCommand(),
		s.keyCommand(), s.signCommand(), s.signDiscountCommand(), s.sendCommand(), s.intentCommand(),
	)
	return root
}

// report prints an error in one line: what field, what rule, what to do next.
func report(w io.Writer, err error) {
	line := err.Error()
	var refusal *spec.Error
	var problem *client.Problem
	if errors.As(err, &refusal) && !errors.As(err, &problem) {
		// An argument that was refused before anything was asked.
		line = refusal.Field + " " + refusal.Detail
	}
	line = strings.Join(strings.Fields(line), " ")
	if errors.As(err, &problem) {
		if next := spec.Lookup(problem.Code).Doc; next != "" && next != problem.Detail {
			line += ". " + next
		}
		if problem.Transaction != "" {
			line += " Ask with: cmt tx " + problem.Transaction
		}
	}
	fmt.Fprintln(w, "cmt:", line)
}
