// Command cmt-bench runs the benches of test-network/bench and prints their figures. scripts/bench builds and calls it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/first"
	"github.com/cybermiles/cmt/test-network/bench/flash"
	"github.com/cybermiles/cmt/test-network/bench/payments"
)

// benches are all there are.
func benches() bench.Registry { return bench.Registry{first.Bench(), payments.Bench(), flash.Bench()} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := newCommand(benches()).ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

type options struct {
	json string
	only []string
	root string

	nightly  bool
	seconds  int
	settings bench.Settings
}

func newCommand(registry bench.Registry) *cobra.Command {
	var o options
	command := &cobra.Command{
		Use:   "scripts/bench NAME [--json FILE] [--only SCENARIO,...]",
		Short: "Run a bench and print its figures, their goals and whether they were reached",
		Long: `Run a bench and print its figures, their goals and whether they were reached. A missed goal is no failure: the exit
status is 1 only when something broke. Everything a bench starts is its own, in a temporary folder and on free ports, and
is stopped at its end, also after Ctrl-C.

` + registry.Describe(),
		SilenceUsage: true, SilenceErrors: true, DisableFlagsInUseLine: true,
		Args: func(command *cobra.Command, names []string) error {
			switch {
			case len(names) == 0:
				fmt.Fprintln(command.ErrOrStderr(), command.UsageString())
				return errors.New("name a bench")
			case len(names) > 1:
				return fmt.Errorf("one bench at a time, not %q", names)
			}
			return nil
		},
		RunE: func(command *cobra.Command, names []string) error {
			chosen, err := registry.Find(names[0])
			if err == nil {
				chosen, err = chosen.Only(o.only, o.nightly)
			}
			if err != nil {
				return err
			}
			return o.run(command.Context(), chosen, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.SetUsageTemplate("usage: {{.UseLine}}\n\n" + registry.Describe() + "\n{{.Flags.FlagUsages}}")
	command.SetHelpTemplate("{{.Long}}\nusage: {{.UseLine}}\n\n{{.Flags.FlagUsages}}")
	command.Flags().StringVar(&o.json, "json", "", "also write the figures and the machine to `FILE`")
	command.Flags().StringSliceVar(&o.only, "only", nil, "run these scenarios only: `SCENARIO,...`")
	command.Flags().BoolVar(&o.nightly, "nightly", false, "also run the scenarios that take long")
	command.Flags().IntVar(&o.seconds, "seconds", 0, "measure for `N` seconds, where a scenario measures a window")
	command.Flags().IntVar(&o.settings.Accounts, "accounts", 0, "let `N` accounts act, where a scenario needs many")
	command.Flags().IntVar(&o.settings.Units, "units", 0, "sell `N` units, where a scenario is a sale")
	command.Flags().IntVar(&o.settings.Buyers, "buyers", 0, "let `N` buyers come for them")
	command.Flags().BoolVar(&o.settings.Keep, "keep", false, "leave networks and folders as they are at the end")
	command.Flags().StringVar(&o.root, "root", ".", "the clone whose programs are measured") // scripts/bench gives it
	_ = command.Flags().MarkHidden("root")                                                   // fails for an unknown flag only
	command.CompletionOptions.DisableDefaultCmd = true
	return command
}

func (o *options) run(ctx context.Context, chosen bench.Bench, out, progress io.Writer) (err error) {
	if o.json != "" {
		if err := bench.CheckFile(o.json); err != nil {
			return err
		}
	}
	machine, err := bench.ThisMachine()
	if err != nil {
		return err
	}
	lab, err := bench.NewLab(o.root, progress)
	if err != nil {
		return err
	}
	lab.Settings = o.settings
	lab.Settings.Length = time.Duration(o.seconds) * time.Second
	lab.Say("%s on %s", chosen.Name, machine)
	results, err := chosen.Run(ctx, lab)
	// The signal that ended the bench must not keep what it started from ending.
	closed := lab.Close(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", errors.Join(err, closed))
	}
	err = errors.Join(err, closed)
	if o.json != "" {
		document := bench.Document{Machine: machine, Results: results}
		err = errors.Join(err, document.WriteFile(o.json))
	}
	return errors.Join(err, bench.WriteTable(out, results))
}
