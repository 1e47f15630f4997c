package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/network/steps"
)

func newStatus(s *settings) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "status",
		Short: "Show every process; exit 1 when something is not as it should be",
		Long: `Show every process: kind, organisation, address, pid, state, health, height, memory, restarts; and the
chaincode in force. The exit status is 1 when something is not as it should be.

With --json, one object:
  ok           true when everything is as it should be
  problems     why not, one text each
  network, data_dir, channel
  chaincode    {name, version, sequence}
  supervisor   its pid, 0 when none runs
  processes    [{name, kind (orderer, peer, chaincode, gateway), organisation, address, pid,
                 state (running, backoff, stopped, absent), health ("ok", or why not),
                 height (blocks; 0 for chaincode and gateway), memory_bytes, restarts, last_exit, log}]
Fields are only ever added.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			network, err := s.open()
			if err != nil {
				return err
			}
			defer network.Close()
			status, err := network.Status(command.Context())
			if err != nil {
				return err
			}
			if err := printStatus(command.OutOrStdout(), status, asJSON); err != nil {
				return err
			}
			if !status.OK {
				return errNotOK
			}
			return nil
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return command
}

func printStatus(out io.Writer, status *steps.Status, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(status)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tADDRESS\tPID\tSTATE\tHEALTH\tHEIGHT\tMEMORY\tRESTARTS")
	var memory int64
	for _, p := range status.Processes {
		height, health := "-", p.Health
		if p.Height > 0 {
			height = fmt.Sprint(p.Height)
		}
		if health != "ok" {
			health = "NOT OK" // the reason follows below the table
		}
		memory += p.MemoryBytes
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%d MiB\t%d\n",
			p.Name, p.Address, p.PID, p.State, health, height, p.MemoryBytes>>20, p.Restarts)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "channel %s, chaincode %s version %s sequence %d, memory %d MiB, supervisor %d, data %s\n", status.Channel,
		status.Chaincode.Name, status.Chaincode.Version, status.Chaincode.Sequence, memory>>20, status.Supervisor, status.DataDir)
	if status.OK {
		_, err := fmt.Fprintln(out, "status: ok")
		return err
	}
	_, err := fmt.Fprintf(out, "status: NOT OK\n  %s\n", strings.Join(status.Problems, "\n  "))
	return err
}
