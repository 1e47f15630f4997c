package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/network/steps"
	"github.com/cybermiles/cmt/network/topology"
)

func newUp(s *settings) *cobra.Command {
	var asked source
	command := &cobra.Command{
		Use:   "up",
		Short: "Bring the network up; on a network that is up, change nothing",
		Long: `Bring the network up: build Fabric's programs once, make keys and channel, start every process, join, deploy
the chaincode, initialise the ledger, start the gateways. It returns when everything is ready; a supervisor stays in the
background and starts again what dies.

Every step checks before it applies, so up on a running network changes nothing, and up after anything was killed
completes it. A program or setting that changed restarts the processes it concerns. Progress goes to stderr.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return up(command, s, asked) },
	}
	command.Flags().IntVar(&asked.PortOffset, "port-offset", 0, "add this to every port of the topology")
	command.Flags().BoolVar(&asked.FreePorts, "free-ports", false, "choose free ports on the first up and keep them")
	command.Flags().BoolVar(&asked.WithoutGateways, "without-gateways", false, "leave the gateways out")
	return command
}

func up(command *cobra.Command, s *settings, asked source) error {
	began := time.Now()
	l, err := s.layout()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.Root, 0o700); err != nil {
		return err
	}
	held, err := lock(l, "up")
	if err != nil {
		return err
	}
	defer held.Release()
	t, from, err := s.wanted(command, l, asked)
	if err != nil {
		return err
	}
	network, err := s.network(t, l)
	if err != nil {
		return err
	}
	defer network.Close()
	if err := network.CheckChannel(); err != nil {
		return err
	}
	if err := keep(l, *from, t); err != nil {
		return err
	}
	if err := network.Up(command.Context()); err != nil {
		return fmt.Errorf("%w; what is done stays done, up goes on from there", err)
	}
	fmt.Fprintf(os.Stderr, "up: ok in %.1f s; stop it with: %s down --data %s\n", time.Since(began).Seconds(), os.Args[0], l.Root)
	return nil
}

// wanted is the topology to bring up and where it comes from: the flags, else the last up, else the local consortium.
func (s *settings) wanted(command *cobra.Command, l topology.Layout, asked source) (*topology.Topology, *source, error) {
	from, err := readSource(l)
	if err != nil {
		return nil, nil, err
	}
	var previous *topology.Topology
	if from != nil {
		if previous, err = resolved(l); err != nil {
			return nil, nil, err
		}
	} else {
		from = &source{}
	}
	keepPorts := from.FreePorts
	flags := command.Flags()
	if flags.Changed("port-offset") {
		from.PortOffset = asked.PortOffset
	}
	if flags.Changed("free-ports") {
		from.FreePorts = asked.FreePorts
	}
	if flags.Changed("without-gateways") {
		from.WithoutGateways = asked.WithoutGateways
	}
	switch {
	case s.topology != "":
		if from.Topology, err = filepath.Abs(s.topology); err != nil {
			return nil, nil, err
		}
	case from.Topology == "":
		root, err := repository()
		if err != nil {
			return nil, nil, err
		}
		from.Topology = filepath.Join(root, "test-network", "topology", "local.yaml")
	case previous != nil:
		if _, err := os.Stat(from.Topology); errors.Is(err, os.ErrNotExist) {
			return previous, from, nil // the file is gone; the network keeps what it had
		}
	}
	t, err := readTopology(*from, previous, keepPorts)
	return t, from, err
}

func newDown(s *settings) *cobra.Command {
	var purge bool
	command := &cobra.Command{
		Use:   "down",
		Short: "Stop every process; with --purge also remove ledgers, keys and logs",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			l, err := s.layout()
			if err != nil {
				return err
			}
			if _, err := os.Stat(l.Root); errors.Is(err, os.ErrNotExist) {
				fmt.Fprintf(os.Stderr, "down: there is no network in %s\n", l.Root)
				return nil
			}
			held, err := lock(l, "down")
			if err != nil {
				return err
			}
			defer held.Release()
			if err := steps.Down(command.Context(), l, steps.NewProgress(os.Stderr)); err != nil {
				return err
			}
			if purge {
				return steps.Purge(l)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&purge, "purge", false, "also remove ledgers, keys, configuration and logs")
	return command
}

func newRestart(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "restart [NODE...]",
		Short: "Stop and start processes, all when none is named, and wait until the network is ready",
		RunE: func(command *cobra.Command, names []string) error {
			network, err := s.open()
			if err != nil {
				return err
			}
			defer network.Close()
			held, err := lock(network.Layout, "restart")
			if err != nil {
				return err
			}
			defer held.Release()
			return network.Restart(command.Context(), names)
		},
	}
}
