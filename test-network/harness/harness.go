// Package harness stands a network of its own up for a package of tests: our programs, built fresh, and the local consortium with
// a genesis of the tests' choice, on free ports, below one folder. It knows cmt-network and the topology; it must never know
// what is tested.
package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/neighbours"
)

// Network is a network below a folder.
type Network struct{ root string }

// New returns the network that will be in a new folder. t.TempDir is too long for a socket's path.
func New() (*Network, error) {
	root, err := os.MkdirTemp("", "cmtt")
	if err != nil {
		return nil, err
	}
	return &Network{root: root}, nil
}

// Root is the network's folder, and free for what the tests keep.
func (n *Network) Root() string { return n.root }

// Data is the network's data directory.
func (n *Network) Data() string { return filepath.Join(n.root, "d") }

// Program returns the path of one of our programs.
func (n *Network) Program(name string) string { return filepath.Join(n.root, "bin", name) }

// Up builds our programs and brings the local consortium up with a changed genesis argument. It is called from the folder of
// a package of tests.
func (n *Network) Up(genesis func(local *topology.Topology, argument map[string]any)) (*topology.Facts, error) {
	programs := filepath.Join(n.root, "bin")
	if err := os.Mkdir(programs, 0o700); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", programs+"/",
		"../../network/cmd/cmt-network", "../../chaincode/cmd/cmt-chaincode", "../../gateway/cmd/cmt-gateway")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build our programs: %w\n%s", err, output)
	}
	document, err := os.ReadFile("../topology/local.yaml")
	if err != nil {
		return nil, err
	}
	local, err := topology.Parse(document)
	if err != nil {
		return nil, err
	}
	genesis(local, local.Chaincode.Genesis.Argument)
	if document, err = local.Marshal(); err != nil {
		return nil, err
	}
	file := filepath.Join(n.root, "topology.yaml")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		return nil, err
	}
	facts, err := n.Start("--topology", file, "--free-ports")
	if err != nil {
		return nil, err
	}
	return facts, neighbours.Introduce(context.Background(), facts, n.Program("cmt-gateway"))
}

// Start runs cmt-network up.
func (n *Network) Start(arguments ...string) (*topology.Facts, error) {
	var progress bytes.Buffer
	command := n.Command(append([]string{"up"}, arguments...)...)
	command.Stderr = &progress
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("up: %w\n%s", err, progress.String())
	}
	return topology.ReadFacts(n.Data())
}

// Stop runs cmt-network down.
func (n *Network) Stop(arguments ...string) error {
	if output, err := n.Command(append([]string{"down"}, arguments...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("down: %w\n%s", err, output)
	}
	return nil
}

// Remove stops what runs and removes the folder.
func (n *Network) Remove() error {
	var err error
	if _, missing := os.Stat(n.Program("cmt-network")); !errors.Is(missing, os.ErrNotExist) {
		err = n.Stop("--purge")
	}
	return errors.Join(err, os.RemoveAll(n.root))
}

// Command is cmt-network for this network.
func (n *Network) Command(arguments ...string) *exec.Cmd {
	return exec.Command(n.Program("cmt-network"), append(arguments, "--data", n.Data())...)
}

// logLines is how much of a log is shown.
const logLines = 8

// WriteLogs writes the end of the logs that say most: the supervisor's, the chaincodes' and the gateways'.
func (n *Network) WriteLogs(out io.Writer, facts *topology.Facts) {
	names := []string{"supervisor"}
	for _, peer := range facts.Peers {
		names = append(names, "chaincode."+peer.Organisation, "gateway."+peer.Organisation)
	}
	for _, name := range names {
		tail, err := proc.Tail(topology.Layout{Root: facts.DataDir}.Log(name), logLines)
		fmt.Fprintf(out, "end of the log of %s (%v):\n%s\n", name, err, tail)
	}
}
