package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
)

// followEvery is how often a followed log file is looked at.
const followEvery = 200 * time.Millisecond

func newLogs(s *settings) *cobra.Command {
	var follow bool
	var lines int
	command := &cobra.Command{
		Use:   "logs [NODE]",
		Short: "Print the end of a process's log, or of all; -f goes on as it grows",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, names []string) error {
			l, err := s.layout()
			if err != nil {
				return err
			}
			t, err := resolved(l)
			if err != nil {
				return err
			}
			out := command.OutOrStdout()
			if len(names) == 0 {
				if follow {
					return errors.New("logs -f follows one process: name it, as status shows it")
				}
				return allLogs(out, t, l, lines)
			}
			known := names[0] == "supervisor"
			for _, node := range t.Nodes() {
				known = known || node.Name == names[0]
			}
			if !known {
				return fmt.Errorf("no process %q: the names are supervisor and those that status shows", names[0])
			}
			return oneLog(command.Context(), out, l.Log(names[0]), lines, follow)
		},
	}
	command.Flags().BoolVarP(&follow, "follow", "f", false, "go on as the log grows")
	command.Flags().IntVarP(&lines, "lines", "n", 20, "how many lines, within the last 64 KiB")
	return command
}

func allLogs(out io.Writer, t *topology.Topology, l topology.Layout, lines int) error {
	names := []string{"supervisor"}
	for _, node := range t.Nodes() {
		names = append(names, node.Name)
	}
	for _, name := range names {
		tail, err := proc.Tail(l.Log(name), lines)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if _, err := fmt.Fprintf(out, "==> %s\n%s\n", l.Log(name), tail); err != nil {
			return err
		}
	}
	return nil
}

func oneLog(ctx context.Context, out io.Writer, path string, lines int, follow bool) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: the process was never started", err)
	}
	defer file.Close()
	at, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	tail, err := proc.Tail(path, lines)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, tail); err != nil || !follow {
		return err
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if info.Size() < at { // rotated: the file was emptied
			at = 0
		}
		n, err := io.Copy(out, io.NewSectionReader(file, at, info.Size()-at))
		if err != nil {
			return err
		}
		at += n
	}
}
