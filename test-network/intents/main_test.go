//go:build network

package intents

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
)

// The durations of this ledger, in seconds: short enough to see an epoch end.
const (
	fenceEpochSeconds = 5
	fenceGraceSeconds = 3
)

// testnet is the network that all tests share.
var testnet *network

func TestMain(m *testing.M) {
	os.Exit(func() (code int) {
		root, err := os.MkdirTemp("", "cmti") // t.TempDir is too long for a socket's path
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(root)
		defer func() {
			if err := purge(root); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}()
		if testnet, err = up(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { testnet.close() }()
		code = m.Run()
		if err := testnet.audit(); err != nil {
			fmt.Fprintf(os.Stderr, "--- FAIL: the books of the whole ledger: %v\n", err)
			code = 1
		}
		if code != 0 {
			testnet.printLogs()
		}
		return code
	}())
}

// up builds our programs and brings a network up below a folder.
func up(root string) (*network, error) {
	programs := filepath.Join(root, "bin")
	if err := os.Mkdir(programs, 0o700); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", programs+"/",
		"../../network/cmd/cmt-network", "../../chaincode/cmd/cmt-chaincode", "../../gateway/cmd/cmt-gateway")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build our programs: %w\n%s", err, output)
	}
	file := filepath.Join(root, "topology.yaml")
	if err := writeTopology(file); err != nil {
		return nil, err
	}
	return start(root, "--topology", file, "--free-ports")
}

// start runs cmt-network up and opens the network.
func start(root string, arguments ...string) (*network, error) {
	var progress bytes.Buffer
	command := networkCommand(root, append([]string{"up"}, arguments...)...)
	command.Stderr = &progress
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("up: %w\n%s", err, progress.String())
	}
	facts, err := topology.ReadFacts(dataDir(root))
	if err != nil {
		return nil, err
	}
	return openNetwork(root, facts)
}

// writeTopology writes the local consortium with this ledger's genesis.
func writeTopology(file string) error {
	document, err := os.ReadFile("../topology/local.yaml")
	if err != nil {
		return err
	}
	local, err := topology.Parse(document)
	if err != nil {
		return err
	}
	local.Chaincode.Genesis.Argument["fence_epoch_seconds"] = fenceEpochSeconds
	local.Chaincode.Genesis.Argument["fence_grace_seconds"] = fenceGraceSeconds
	if document, err = local.Marshal(); err != nil {
		return err
	}
	return os.WriteFile(file, document, 0o600)
}

// down stops the network; arguments may purge it.
func down(root string, arguments ...string) error {
	if output, err := networkCommand(root, append([]string{"down"}, arguments...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("down: %w\n%s", err, output)
	}
	return nil
}

func purge(root string) error {
	if _, err := os.Stat(filepath.Join(root, "bin", "cmt-network")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return down(root, "--purge")
}

func dataDir(root string) string { return filepath.Join(root, "d") }

// networkCommand is cmt-network for the network below a folder.
func networkCommand(root string, arguments ...string) *exec.Cmd {
	return exec.Command(filepath.Join(root, "bin", "cmt-network"), append(arguments, "--data", dataDir(root))...)
}

// printLogs shows the end of the logs that say most.
func (n *network) printLogs() {
	names := []string{"supervisor"}
	for _, peer := range n.facts.Peers {
		names = append(names, "chaincode."+peer.Organisation)
	}
	for _, name := range names {
		tail, err := proc.Tail(topology.Layout{Root: n.facts.DataDir}.Log(name), 8)
		fmt.Fprintf(os.Stderr, "end of the log of %s (%v):\n%s\n", name, err, tail)
	}
}
