package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
)

// At shutdown whoever calls stops before whom it calls.
var stopRanks = map[topology.Kind]int{
	topology.KindGateway: 1, topology.KindChaincode: 3, topology.KindPeer: 2, topology.KindOrderer: 4,
}

// stopTimeout is from SIGTERM to SIGKILL; a peer closes its databases in well under a second.
const stopTimeout = 10 * time.Second

// supervised says whether a supervisor answers.
func (n *Network) supervised(ctx context.Context) (bool, error) {
	_, _, err := n.supervisor.Status(ctx)
	if errors.Is(err, proc.ErrNotRunning) {
		return false, nil
	}
	return err == nil, err
}

func (n *Network) startSupervisor(ctx context.Context) (bool, error) {
	log := filepath.Join(n.Layout.Logs(), "supervisor.log")
	return true, proc.Detach(ctx, n.Program, []string{"supervise", "--data", n.Layout.Root}, log, n.Layout.Socket())
}

// startNodes starts orderers, peers and chaincode services and waits until they are healthy.
func (n *Network) startNodes(ctx context.Context) (bool, error) {
	var nodes []topology.Node
	for _, kind := range []topology.Kind{topology.KindOrderer, topology.KindChaincode} {
		nodes = append(nodes, n.Topology.NodesOf(kind)...)
	}
	changed, err := n.ensure(ctx, nodes)
	if err != nil {
		return changed, err
	}
	// One after the other, for the reason joinPeers gives.
	for _, peer := range n.Topology.NodesOf(topology.KindPeer) {
		started, err := n.ensure(ctx, []topology.Node{peer})
		if err == nil {
			err = n.awaitHealthy(ctx, peer)
		}
		if changed = changed || started; err != nil {
			return changed, err
		}
	}
	return changed, each(nodes, func(node topology.Node) error { return n.awaitHealthy(ctx, node) })
}

func (n *Network) startGateways(ctx context.Context) (bool, error) {
	nodes := n.Topology.NodesOf(topology.KindGateway)
	changed, err := n.ensure(ctx, nodes)
	if err != nil {
		return changed, err
	}
	return changed, each(nodes, func(node topology.Node) error { return n.awaitHealthy(ctx, node) })
}

// ensure hands the supervisor what these nodes should run; nodes that do are left alone.
func (n *Network) ensure(ctx context.Context, nodes []topology.Node) (bool, error) {
	running, err := n.statuses(ctx)
	if err != nil {
		return false, err
	}
	if err := n.checkPorts(nodes, running); err != nil {
		return false, err
	}
	var changed bool
	for _, node := range nodes {
		spec, err := n.spec(node)
		if err != nil {
			return changed, err
		}
		action, err := n.supervisor.Ensure(ctx, spec)
		if err != nil {
			return changed, fmt.Errorf("%s: %w", node.Name, err)
		}
		if action == proc.ActionRestarted {
			n.Progress.Note("%s restarted: its program or settings changed", node.Name)
		}
		changed = changed || action != proc.ActionUnchanged
	}
	return changed, nil
}

func (n *Network) statuses(ctx context.Context) (map[string]proc.Status, error) {
	list, _, err := n.supervisor.Status(ctx)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]proc.Status, len(list))
	for _, status := range list {
		byName[status.Name] = status
	}
	return byName, nil
}

// checkPorts reports the first port that something else holds, of the nodes that are yet to be started.
func (n *Network) checkPorts(nodes []topology.Node, running map[string]proc.Status) error {
	starting := map[string]bool{}
	for _, node := range nodes {
		status, known := running[node.Name]
		starting[node.Name] = !known || status.State == proc.StateStopped
	}
	for _, endpoint := range n.Topology.Endpoints() {
		if !starting[endpoint.Node] {
			continue
		}
		listener, err := net.Listen("tcp", endpoint.Address)
		if err != nil {
			return fmt.Errorf("%s of %s, %s, cannot be used (%w): stop what holds it, set another port, or run up with "+
				"--port-offset or --free-ports", endpoint.Field, endpoint.Node, endpoint.Address, err)
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}

// spec is the process of a node: its program, environment, and a fingerprint of all that should restart it.
func (n *Network) spec(node topology.Node) (proc.Spec, error) {
	spec := proc.Spec{
		Name: node.Name, Log: n.Layout.Log(node.Name), LogMaxBytes: n.Topology.Tuning.LogMaxBytes,
		StopRank: stopRanks[node.Kind], StopTimeout: stopTimeout, Env: append(baseEnvironment(), collecting(n.Topology.Tuning, node.Kind)...),
	}
	tuning := n.Topology.Tuning
	var config string
	switch node.Kind {
	case topology.KindOrderer, topology.KindPeer:
		spec.Dir = n.Layout.Node(node)
		spec.Env = append(spec.Env, "FABRIC_CFG_PATH="+spec.Dir, "FABRIC_LOGGING_SPEC="+tuning.LogSpec,
			"FABRIC_LOGGING_FORMAT=%{time:2006-01-02T15:04:05.000Z07:00} %{level:.4s} [%{module}] %{message}")
		if node.Kind == topology.KindOrderer {
			spec.Path, config = filepath.Join(n.bin, "orderer"), filepath.Join(spec.Dir, "orderer.yaml")
		} else {
			spec.Path, config = filepath.Join(n.bin, "peer"), filepath.Join(spec.Dir, "core.yaml")
			spec.Args = []string{"node", "start"}
		}
	case topology.KindChaincode:
		environment, err := n.chaincodeEnvironment(node)
		if err != nil {
			return spec, err
		}
		spec.Path, spec.Dir = n.Topology.Programs.Chaincode, n.Layout.Chaincode(node.Organisation)
		spec.Env = append(spec.Env, environment...)
	case topology.KindGateway:
		config = n.Layout.GatewayConfig(node.Organisation)
		spec.Path, spec.Dir = n.Topology.Programs.Gateway, n.Layout.Gateway(node.Organisation)
		spec.Args = []string{"--config", config}
	}
	var err error
	spec.Fingerprint, err = fingerprint(spec, config)
	return spec, err
}

// collecting says when a process collects garbage. By Go's rule a heap stays as small as twice what lives, and its pages are its own;
// at a limit the runtime gives pages back that it soon needs again, which cost orderers a quarter of their time. What lives in a
// chaincode service is next to nothing, so that by the same rule it would do little else.
func collecting(tuning topology.Tuning, kind topology.Kind) []string {
	switch kind {
	case topology.KindOrderer:
		return []string{"GOMEMLIMIT=" + tuning.OrdererMemoryLimit}
	case topology.KindChaincode:
		return []string{"GOGC=off", "GOMEMLIMIT=" + tuning.ChaincodeMemoryLimit}
	case topology.KindGateway:
		return []string{"GOMEMLIMIT=" + tuning.GatewayMemoryLimit}
	}
	return []string{"GOMEMLIMIT=" + tuning.PeerMemoryLimit}
}

// baseEnvironment is what every process has of the caller's: where programs and temporary files are.
func baseEnvironment() []string {
	var environment []string
	for _, name := range []string{"PATH", "TMPDIR", "TZ"} {
		if value, given := os.LookupEnv(name); given {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// fingerprint covers program, arguments, settings and configuration file, but not PATH, TMPDIR and TZ, which differ
// from caller to caller.
func fingerprint(spec proc.Spec, config string) (string, error) {
	hash := sha256.New()
	var settings []string
	for _, setting := range spec.Env {
		if name, _, _ := strings.Cut(setting, "="); name != "PATH" && name != "TMPDIR" && name != "TZ" {
			settings = append(settings, setting)
		}
	}
	spec.Env = settings
	document, err := json.Marshal(spec)
	if err != nil {
		return "", err
	}
	hash.Write(document)
	for _, path := range []string{spec.Path, config} {
		if path == "" {
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(hash, file)
		if err := errors.Join(err, file.Close()); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// maxStartFailures is how often a process may die while it is waited for before the wait gives up.
const maxStartFailures = 3

// awaitHealthy waits until a node says that it is ready, and gives up early when it keeps dying.
func (n *Network) awaitHealthy(ctx context.Context, node topology.Node) error {
	before := -1
	return await(ctx, startLimit, node.Name, func(ctx context.Context) error {
		err := n.healthy(ctx, node)
		if err == nil {
			return nil
		}
		running, statusErr := n.statuses(ctx)
		if statusErr != nil {
			return &permanentError{statusErr}
		}
		status := running[node.Name]
		if before < 0 {
			before = status.Restarts
		}
		if status.Restarts-before >= maxStartFailures || status.State == proc.StateStopped {
			tail, _ := proc.Tail(n.Layout.Log(node.Name), 3)
			return &permanentError{fmt.Errorf("%s keeps ending (%s): correct what its log %s says: %s",
				node.Name, status.LastExit, n.Layout.Log(node.Name), tail)}
		}
		return err
	})
}

// Restart stops processes, all of them when none is named, and brings the network up again, which starts them in the
// right order.
func (n *Network) Restart(ctx context.Context, names []string) error {
	nodes := n.Topology.Nodes()
	known := map[string]bool{}
	all := len(names) == 0
	for _, node := range nodes {
		known[node.Name] = true
		if all {
			names = append(names, node.Name)
		}
	}
	for _, name := range names {
		if !known[name] {
			return fmt.Errorf("no process %q: the names are those that status shows", name)
		}
	}
	step := Step{Name: "stop", Limit: startLimit, Apply: func(ctx context.Context) (bool, error) {
		return true, each(names, func(name string) error {
			err := n.supervisor.Stop(ctx, name)
			if errors.Is(err, proc.ErrUnknownProcess) || errors.Is(err, proc.ErrNotRunning) {
				return nil // it does not run
			}
			return err
		})
	}}
	if err := Run(ctx, n.Progress, []Step{step}); err != nil {
		return err
	}
	return n.Up(ctx)
}
