package main

import (
	"log/slog"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/network/proc"
)

// newSupervise is what up starts in the background; people have no use for it.
func newSupervise(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:    "supervise",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			l, err := s.layout()
			if err != nil {
				return err
			}
			syscall.Umask(0o077) // ledgers, databases and logs are their organisation's alone
			log := slog.New(slog.NewTextHandler(os.Stderr, nil))
			return proc.NewSupervisor(l.Supervisor(), l.Socket(), log).Run(command.Context())
		},
	}
}
