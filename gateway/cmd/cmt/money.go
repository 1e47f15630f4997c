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

func (s *session) balanceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "balance [ADDRESS]", Short: "Print what an account has; the own one without an address", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			var address []byte
			var err error
			if len(arguments) == 1 {
				address, err = parseAddress("ADDRESS", arguments[0])
			} else {
				var own spec.Address
				own, _, err = s.actor(cmd.Context())
				address = own.Bytes()
			}
			if err != nil {
				return err
			}
			return s.doAndPrint(cmd, spec.TokenContract+":GetBalance", &spec.GetBalance{Address: address})
		},
	}
}

func (s *session) payCommand() *cobra.Command {
	var memo string
	pay := &cobra.Command{Use: "pay ADDRESS AMOUNT", Short: "Pay an account; the amount is in CMT, such as 12.5", Args: cobra.ExactArgs(2)}
	pay.Flags().StringVar(&memo, "memo", "", "public note, readable by every member: nothing personal")
	reference := referenceFlag(pay)
	pay.RunE = func(cmd *cobra.Command, arguments []string) error {
		to, err := parseAddress("ADDRESS", arguments[0])
		if err != nil {
			return err
		}
		amount, err := parseAmount("AMOUNT", arguments[1])
		if err != nil {
			return err
		}
		// A signed payment needs no reference: its nonce happens once.
		if s.as == "" {
			*reference = orRandom(*reference)
		}
		return s.doAndPrint(cmd, spec.TokenContract+":Transfer", &spec.Transfer{Reference: *reference, To: to, Amount: amount, Memo: memo})
	}
	return pay
}

func (s *session) sweepCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sweep", Short: "Fold open credits into the account, up to 64", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.doAndPrint(cmd, spec.TokenContract+":Sweep", &spec.Sweep{})
		},
	}
}

func (s *session) supplyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "supply", Short: "Print how much CMT there is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.doAndPrint(cmd, spec.TokenContract+":GetSupply", &spec.GetSupply{})
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
