package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newTopology(s *settings) *cobra.Command {
	command := &cobra.Command{Use: "topology", Short: "Work with topology files"}
	var asked source
	check := &cobra.Command{
		Use:   "check",
		Short: "Check a topology file and print it with everything it leaves out; start nothing",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			l, err := s.layout()
			if err != nil {
				return err
			}
			t, _, err := s.wanted(command, l, asked)
			if err != nil {
				return err
			}
			document, err := t.Marshal()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(command.OutOrStdout(), string(document))
			return err
		},
	}
	command.AddCommand(check)
	return command
}
