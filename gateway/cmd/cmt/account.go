package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func (s *session) accountCommand() *cobra.Command {
	return &cobra.Command{
		Use: "account", Short: "Print the account that commands act for; --sub names a sub-account", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			address, who, err := s.actor(cmd.Context())
			if err != nil {
				return err
			}
			told := map[string]string{"address": address.String()}
			if who.MSPID != "" {
				told["organisation"], told["msp_id"] = who.Organisation, who.MSPID
			}
			answer, err := json.Marshal(told)
			if err != nil {
				return err
			}
			return s.print(cmd, answer)
		},
	}
}

func (s *session) transactionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "tx ID", Short: "Print what became of a transaction", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			if !isTransaction(arguments[0]) {
				return spec.FieldErrorf(spec.InvalidField, "ID", "must be 64 lower-case hex digits")
			}
			var answer json.RawMessage
			if err := c.Get(cmd.Context(), "/v1/transactions/"+arguments[0], nil, &answer); err != nil {
				return err
			}
			return s.print(cmd, answer)
		},
	}
}

func isTransaction(id string) bool {
	for _, r := range []byte(id) {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return len(id) == 64
}
