package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-admin-sdk/pkg/channel"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
)

// Status is a network as it is now. Fields are only ever added.
type Status struct {
	OK         bool            `json:"ok"`       // everything is as it should be
	Problems   []string        `json:"problems"` // why not, one line each
	Network    string          `json:"network"`
	DataDir    string          `json:"data_dir"`
	Channel    string          `json:"channel"`
	Chaincode  ChaincodeStatus `json:"chaincode"`
	Supervisor int             `json:"supervisor"` // pid; 0: none runs
	Processes  []ProcessStatus `json:"processes"`  // orderers, peers, chaincode services, gateways
}

// ChaincodeStatus is the definition in force; version and sequence are empty and 0 while there is none or no peer says.
type ChaincodeStatus struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Sequence int64  `json:"sequence"`
}

// ProcessStatus is one process.
type ProcessStatus struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"` // orderer, peer, chaincode, gateway
	Organisation string `json:"organisation"`
	Address      string `json:"address"`
	PID          int    `json:"pid"`    // 0 unless running
	State        string `json:"state"`  // running, backoff, stopped, absent
	Health       string `json:"health"` // ok, or why not
	Height       uint64 `json:"height"` // blocks; 0 for chaincode services and gateways
	MemoryBytes  int64  `json:"memory_bytes"`
	Restarts     int    `json:"restarts"` // by the supervisor, since it was started or restarted on request
	LastExit     string `json:"last_exit"`
	Log          string `json:"log"`
}

const (
	stateAbsent = "absent"
	healthOK    = "ok"
	// statusLimit bounds the whole question: probes run at once and each has probeTimeout.
	statusLimit = 10 * time.Second
)

// Status asks every process at once.
func (n *Network) Status(ctx context.Context) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	status := &Status{
		Problems: []string{}, Network: n.Topology.Name, DataDir: n.Layout.Root, Channel: n.Topology.Channel,
		Chaincode: ChaincodeStatus{Name: n.Topology.Chaincode.Name},
	}
	running := map[string]proc.Status{}
	list, supervisor, err := n.supervisor.Status(ctx)
	switch {
	case errors.Is(err, proc.ErrNotRunning):
		status.problem("no supervisor is running: run cmt-network up --data %s", n.Layout.Root)
	case err != nil:
		return nil, err
	}
	status.Supervisor = supervisor.PID
	for _, one := range list {
		running[one.Name] = one
	}
	nodes := n.Topology.Nodes()
	status.Processes = make([]ProcessStatus, len(nodes))
	indices := make([]int, len(nodes))
	for i := range nodes {
		indices[i] = i
	}
	_ = each(indices, func(i int) error {
		status.Processes[i] = n.processStatus(ctx, nodes[i], running)
		return nil
	})
	for _, process := range status.Processes {
		if process.Health != healthOK {
			status.problem("%s: %s", process.Name, process.Health)
		}
	}
	if supervisor.PID != 0 {
		n.chaincodeStatus(ctx, status)
	}
	status.OK = len(status.Problems) == 0
	return status, nil
}

func (s *Status) problem(format string, arguments ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, arguments...))
}

func (n *Network) processStatus(ctx context.Context, node topology.Node, running map[string]proc.Status) ProcessStatus {
	process := ProcessStatus{
		Name: node.Name, Kind: string(node.Kind), Organisation: node.Organisation, Address: node.Address(),
		State: stateAbsent, Health: "not running", Log: n.Layout.Log(node.Name),
	}
	known, ok := running[node.Name]
	if !ok {
		return process
	}
	process.PID, process.State, process.Restarts, process.LastExit = known.PID, string(known.State), known.Restarts, known.LastExit
	if known.State != proc.StateRunning {
		process.Health = fmt.Sprintf("%s, last exit: %s", known.State, known.LastExit)
		return process
	}
	process.MemoryBytes = proc.ResidentBytes(known.PID)
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := n.healthy(ctx, node)
	if err == nil {
		process.Height, err = n.height(ctx, node)
	}
	process.Health = healthOK
	if err != nil {
		process.Health = err.Error()
	}
	return process
}

// height is the number of blocks an orderer or peer has.
func (n *Network) height(ctx context.Context, node topology.Node) (uint64, error) {
	switch node.Kind {
	case topology.KindOrderer:
		place, joined, err := n.participation(ctx, node)
		if err == nil && !joined {
			err = fmt.Errorf("not in the channel %s: run up", n.Topology.Channel)
		}
		return place.Height, err
	case topology.KindPeer:
		at, err := n.peerAdmin(node)
		if err != nil {
			return 0, err
		}
		info, err := channel.GetBlockChainInfo(ctx, at.connection, at.admin, n.Topology.Channel)
		if err == nil && info.GetHeight() == 0 {
			err = fmt.Errorf("not in the channel %s: run up", n.Topology.Channel)
		}
		return info.GetHeight(), err
	case topology.KindChaincode, topology.KindGateway:
	}
	return 0, nil
}

// chaincodeStatus asks the peers in turn until one says which definition is in force.
func (n *Network) chaincodeStatus(ctx context.Context, status *Status) {
	var last error
	for _, node := range n.Topology.NodesOf(topology.KindPeer) {
		at, err := n.peerAdmin(node)
		if err != nil {
			last = err
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		definition, err := n.committed(ctx, at)
		cancel()
		if err != nil {
			last = err
			continue
		}
		if definition == nil {
			status.problem("the chaincode %s is not committed: run up", n.Topology.Chaincode.Name)
			return
		}
		status.Chaincode.Version, status.Chaincode.Sequence = definition.GetVersion(), definition.GetSequence()
		if definition.GetVersion() != n.Topology.Chaincode.Version {
			status.problem("the chaincode is at version %s, the topology wants %s: run up",
				definition.GetVersion(), n.Topology.Chaincode.Version)
		}
		return
	}
	status.problem("no peer says which chaincode is in force: %v", last)
}
