package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
)

// Network is one network in one data directory.
type Network struct {
	Topology *topology.Topology // resolved
	Layout   topology.Layout
	Fabric   Fabric
	Program  string // the cmt-network executable, which also runs as the supervisor
	Progress *Progress

	bin        string // folder of Fabric's programs
	supervisor *proc.Client
	members    *members
}

// New makes a network. Close it.
func New(t *topology.Topology, l topology.Layout, f Fabric, program string, progress *Progress) *Network {
	return &Network{
		Topology: t, Layout: l, Fabric: f, Program: program, Progress: progress,
		supervisor: proc.NewClient(l.Socket()), members: newMembers(t, l),
	}
}

// Close ends the network's connections, not the network.
func (n *Network) Close() error { return n.members.close() }

const (
	localLimit = time.Minute      // steps that only write files and run short programs
	startLimit = 60 * time.Second // processes until they are healthy
	joinLimit  = 60 * time.Second
	readyLimit = 60 * time.Second // gossip, chaincode, gateways
)

// Up brings the whole network up. It returns when every process is ready for its clients.
func (n *Network) Up(ctx context.Context) error {
	if err := n.checkPrograms(); err != nil {
		return err
	}
	var err error
	if n.bin, err = n.Fabric.Dir(); err != nil {
		return err
	}
	return Run(ctx, n.Progress, []Step{
		n.Fabric.Step(n.Progress),
		{Name: "keys and certificates", Limit: localLimit, Check: n.cryptoDone, Apply: n.generateCrypto},
		{Name: "configuration", Limit: localLimit, Apply: n.writeConfiguration},
		{Name: "channel genesis block", Limit: localLimit, Check: n.genesisBlockDone, Apply: n.generateGenesisBlock},
		{Name: "supervisor", Limit: startLimit, Check: n.supervised, Apply: n.startSupervisor},
		{Name: "orderers, peers, services", Limit: startLimit, Apply: n.startNodes},
		{Name: "orderers join channel", Limit: joinLimit, Apply: n.joinOrderers},
		{Name: "peers join channel", Limit: joinLimit, Apply: n.joinPeers},
		{Name: "install chaincode", Limit: joinLimit, Apply: n.installChaincode},
		{Name: "approve chaincode", Limit: readyLimit, Apply: n.approveChaincode},
		{Name: "commit chaincode", Limit: readyLimit, Apply: n.commitChaincode},
		{Name: "chaincode answers", Limit: readyLimit, Apply: n.awaitChaincode},
		{Name: "ledger genesis", Limit: readyLimit, Apply: n.initialiseLedger},
		{Name: "gateways", Limit: readyLimit, Apply: n.startGateways},
		{Name: "facts for clients", Limit: localLimit, Apply: n.writeFacts},
	})
}

// checkPrograms reports the first of our programs that is missing.
func (n *Network) checkPrograms() error {
	for _, p := range []struct {
		kind                topology.Kind
		field, path, source string
		otherwise           string
	}{
		{topology.KindChaincode, "programs.chaincode", n.Topology.Programs.Chaincode, "./chaincode/cmd/cmt-chaincode", ""},
		{topology.KindGateway, "programs.gateway", n.Topology.Programs.Gateway, "./gateway/cmd/cmt-gateway", ", or run up --without-gateways"},
	} {
		if len(n.Topology.NodesOf(p.kind)) == 0 {
			continue
		}
		if err := executable(p.path); err != nil {
			return fmt.Errorf("%s: %w: build it with go build -o %s %s%s", p.field, err, p.path, p.source, p.otherwise)
		}
	}
	return nil
}

// Down stops every process in order and the supervisor, and returns when they are gone.
func (n *Network) Down(ctx context.Context) error {
	return Down(ctx, n.Layout, n.Progress)
}

// Down stops the network of a data directory, whatever its topology.
func Down(ctx context.Context, l topology.Layout, progress *Progress) error {
	return Run(ctx, progress, []Step{{
		Name: "stop every process",
		Apply: func(ctx context.Context) (bool, error) {
			err := proc.NewClient(l.Socket()).Shutdown(ctx)
			if errors.Is(err, proc.ErrNotRunning) {
				return proc.Reap(ctx, l.Supervisor())
			}
			return true, err
		},
	}})
}

// Purge removes everything of a stopped network from its data directory, and the directory when nothing else is in it.
func Purge(l topology.Layout) error {
	if _, err := os.Stat(l.Topology()); errors.Is(err, fs.ErrNotExist) {
		return nil // no network was ever here: what lies here is not ours
	}
	for _, name := range []string{
		filepath.Join(l.Root, "orgs"), filepath.Join(l.Root, "public"), l.Channel(), l.Logs(), l.Supervisor(),
		l.Facts(), l.Source(), l.Topology(), l.Lock(),
	} {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	_ = os.Remove(l.Root) // fails when something of the user's is in it, which stays
	return nil
}
