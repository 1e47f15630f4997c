package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/steps"
	"github.com/cybermiles/cmt/network/topology"
)

// downLimit bounds the end of a network, which must not hang when the bench is interrupted.
const downLimit = 2 * time.Minute

// Network is one of the bench's own, of the demo's topology, on free ports, in the bench's folder.
type Network struct {
	lab                           *Lab
	program, gatewayProgram, data string
	keys                          map[string]string // API keys by organisation
	removed                       bool
}

func (n *Network) command(arguments ...string) Command {
	return Command{Dir: n.lab.Repository, Args: append(append([]string{n.program}, arguments...), "--data", n.data)}
}

// Up brings the network up and says how long it took.
func (n *Network) Up(ctx context.Context) (time.Duration, error) {
	used, err := n.lab.Follow(n.command("up", "--free-ports")).Measure(ctx)
	return used.Wall, err
}

// Down stops every process; the ledger stays.
func (n *Network) Down(ctx context.Context) error { return n.command("down").Run(ctx) }

// Stop ends a process and keeps the supervisor from starting it again; Up starts it.
func (n *Network) Stop(ctx context.Context, name string) error {
	return proc.NewClient(topology.Layout{Root: n.data}.Socket()).Stop(ctx, name)
}

// remove stops every process and removes what they left.
func (n *Network) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, downLimit)
	defer cancel()
	n.lab.Say("the network is removed")
	return n.command("down", "--purge").Run(ctx)
}

// Facts is what clients of the network need.
func (n *Network) Facts() (*topology.Facts, error) { return topology.ReadFacts(n.data) }

// Status is the network as it is; an error only when it cannot be told.
func (n *Network) Status(ctx context.Context) (*steps.Status, error) {
	out, err := n.command("status", "--json").Output(ctx)
	var status steps.Status
	if json.Unmarshal(out, &status) != nil || status.Network == "" {
		return nil, errors.Join(errors.New("cmt-network status --json printed no status"), err)
	}
	return &status, nil // an exit status 1 is in its field ok
}

// AwaitOK waits until everything is as it should be.
func (n *Network) AwaitOK(ctx context.Context, limit time.Duration) (status *steps.Status, err error) {
	err = Await(ctx, limit, "a network in order", func(ctx context.Context) (err error) {
		if status, err = n.Status(ctx); err == nil && !status.OK {
			err = errors.New(strings.Join(status.Problems, "; "))
		}
		return err
	})
	return status, err
}

// Processes are all processes of a running network, the supervisor included.
func (n *Network) Processes(ctx context.Context) ([]Process, error) {
	status, err := n.Status(ctx)
	if err != nil {
		return nil, err
	}
	var processes []Process
	add := func(name, kind string, pid int) error {
		identity, err := proc.Identify(pid)
		if err != nil {
			return fmt.Errorf("%s, process %d: %w", name, pid, err)
		}
		processes = append(processes, Process{Name: name, Kind: kind, Identity: identity})
		return nil
	}
	for _, one := range status.Processes {
		if one.PID == 0 {
			continue // stopped on request
		}
		if err := add(one.Name, one.Kind, one.PID); err != nil {
			return nil, err
		}
	}
	return processes, add("supervisor", "supervisor", status.Supervisor)
}
