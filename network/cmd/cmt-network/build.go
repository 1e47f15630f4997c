package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/network/steps"
)

func newBuild(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Build Fabric's programs once for this user, and print the folder they are in",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			fabric, err := s.fabric(nil)
			if err != nil {
				return err
			}
			progress := steps.NewProgress(os.Stderr)
			if err := steps.Run(command.Context(), progress, []steps.Step{fabric.Step(progress)}); err != nil {
				return err
			}
			dir, err := fabric.Dir()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), dir)
			return err
		},
	}
}
