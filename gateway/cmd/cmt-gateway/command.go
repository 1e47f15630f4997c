package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/gateway/config"
)

// rootCommand serves; its subcommands look after the configuration and the keys.
func rootCommand() *cobra.Command {
	var file string
	var printConfig bool
	root := &cobra.Command{
		Use:   "cmt-gateway --config FILE",
		Short: "Serve the REST API of an organisation of the CMT ledger",
		Long:  "Serve the REST API of an organisation of the CMT ledger.\n\nSettings come from the file, the environment (CMT_LISTEN, CMT_LOG_LEVEL, ...) and flags, the later over the earlier.",
		Args:  cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(cmd, file)
			if err != nil {
				return err
			}
			if printConfig {
				text, err := c.YAML()
				fmt.Fprint(cmd.OutOrStdout(), text)
				return err
			}
			if err := c.Validate(); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			return serve(cmd.Context(), c)
		},
	}
	root.PersistentFlags().StringVar(&file, "config", "", "configuration file (YAML)")
	config.Flags(root.PersistentFlags())
	root.Flags().BoolVar(&printConfig, "print-config", false, "print the effective configuration and exit")
	root.AddCommand(checkCommand(&file), keyCommand(&file))
	return root
}

func load(cmd *cobra.Command, file string) (config.Config, error) {
	c, warnings, err := config.Load(file, os.Environ(), cmd.Flags())
	for _, warning := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "cmt-gateway: warning:", warning)
	}
	return c, err
}

func checkCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "check-config", Short: "Check the configuration and exit", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(cmd, *file)
			if err != nil {
				return err
			}
			if err := c.Validate(); err != nil {
				return fmt.Errorf("%s: %w", *file, err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the configuration is good")
			return nil
		},
	}
}
