// Command cmt-demo stands up the local network, plays the stories of package demo on it over REST, and shows that they add up.
// scripts/demo builds the programs and calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/demo"
)

const usage = `usage: scripts/demo [--once | --env | --down] [--data DIR] [--json FILE]

Builds what is needed, stands up the network, and plays stories on it through the REST API: a purchase, a shipment whose
release nobody asks for, a local hand-off, a service by milestones, a haggled price, an auction, a dispute, a return. Then
it checks the books. The network stays up; run it again for more of them on the same ledger.

  --once       use a network of its own, on free ports, and leave neither process nor folder behind
  --env        print the running demo's gateways and API keys, to be evaluated by a shell
  --down       stop the network; its ledger stays
  --data DIR   where the network lives (default .data/network)
  --json FILE  write what a client needs to go on: gateways with API keys, peers, orderers, accounts, identifiers
`

func main() {
	start := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := parse(os.Args[1:])
	if err == nil {
		err = options.run(ctx)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo: failed:", err)
		stop()
		os.Exit(1)
	}
	if options.env {
		return
	}
	fmt.Printf("demo: ok in %.0f s\n", time.Since(start).Seconds()+options.buildSeconds)
}

// options are the command line's; buildSeconds is what scripts/demo spent before, so that the last line tells all.
type options struct {
	once, env, down bool
	data, json      string
	root            string
	buildSeconds    float64
}

func parse(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	flags.BoolVar(&o.once, "once", false, "")
	flags.BoolVar(&o.env, "env", false, "")
	flags.BoolVar(&o.down, "down", false, "")
	flags.StringVar(&o.data, "data", "", "")
	flags.StringVar(&o.json, "json", "", "")
	flags.StringVar(&o.root, "root", ".", "")
	flags.Float64Var(&o.buildSeconds, "build-seconds", 0, "")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unknown argument %q: see scripts/demo --help", flags.Arg(0))
	case o.once && (o.down || o.env) || o.down && o.env:
		return nil, errors.New("--once, --env and --down exclude each other: --once stops what it started by itself")
	case o.once && o.data != "":
		return nil, errors.New("--once and --data exclude each other: --once uses a folder of its own")
	case (o.down || o.env) && o.json != "":
		return nil, errors.New("--json goes with the stories: leave --down and --env away")
	}
	return o, nil
}

// path returns a path in the clone, as the caller would write it.
func (o *options) path(parts ...string) string {
	path := filepath.Join(append([]string{o.root}, parts...)...)
	if here, err := os.Getwd(); err == nil {
		if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
			return relative
		}
	}
	return path
}

func (o *options) run(ctx context.Context) (err error) {
	if o.data == "" {
		o.data = o.path(".data", "network")
	}
	if o.down {
		return o.network(ctx, "down")
	}
	if o.env {
		return o.printEnvironment()
	}
	up := []string{"up"}
	if o.once {
		if o.data, err = os.MkdirTemp("", "cmt-demo-"); err != nil {
			return err
		}
		up = append(up, "--free-ports")
		defer func() {
			// The signal that ended the demo must not keep its network from ending.
			err = errors.Join(err, o.network(context.WithoutCancel(ctx), "down", "--purge"), os.RemoveAll(o.data))
		}()
	}
	fmt.Println("The network")
	if err := o.network(ctx, up...); err != nil {
		return err
	}
	facts, err := topology.ReadFacts(o.data)
	if err != nil {
		return err
	}
	fmt.Println()
	d := &demo.Demo{Facts: facts, GatewayProgram: o.path(".bin", "cmt-gateway"), NetworkProgram: o.path(".bin", "cmt-network"), Out: os.Stdout}
	if err := d.Run(ctx); err != nil {
		return err
	}
	if o.json != "" {
		if err := demo.WriteDocument(o.json, d.Document()); err != nil {
			return err
		}
	}
	if !o.once {
		o.farewell(facts)
	}
	return nil
}

// network runs cmt-network on the demo's data; its progress goes where the demo's does.
func (o *options) network(ctx context.Context, args ...string) error {
	program := o.path(".bin", "cmt-network")
	command := exec.CommandContext(ctx, program, append(args, "--data", o.data)...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", program, args[0], err)
	}
	return nil
}

func (o *options) farewell(facts *topology.Facts) {
	fmt.Println("\nThe network runs on.")
	for _, gateway := range facts.Gateways {
		fmt.Printf("  %-10s %s/docs\n", gateway.Organisation, gateway.URL)
	}
	script, data := o.path("scripts", "demo"), ""
	if o.data != o.path(".data", "network") {
		data = " --data " + o.data
	}
	fmt.Printf("  look:     %s status --data %s\n", o.path(".bin", "cmt-network"), o.data)
	fmt.Printf("  use:      eval \"$(%s --env%s)\"; %s listings\n", script, data, o.path(".bin", "cmt"))
	fmt.Printf("  again:    %s%s\n", script, data)
	fmt.Printf("  stop:     %s --down%s\n\n", script, data)
}

// printEnvironment prints what cmt and curl want to know: 5miles' gateway and key, as CMT_GATEWAY and CMT_API_KEY, and those of
// the store's organisation.
func (o *options) printEnvironment() error {
	facts, err := topology.ReadFacts(o.data)
	if err != nil {
		return err
	}
	keys, err := demo.ReadKeys(facts)
	if err != nil {
		return err
	}
	for _, side := range []struct{ organisation, prefix string }{{demo.Operator, "CMT"}, {demo.Store, "STORE"}} {
		for _, gateway := range facts.Gateways {
			if gateway.Organisation == side.organisation {
				fmt.Printf("export %s_GATEWAY=%s %s_API_KEY=%s\n", side.prefix, gateway.URL, side.prefix, keys[side.organisation])
			}
		}
	}
	return nil
}
