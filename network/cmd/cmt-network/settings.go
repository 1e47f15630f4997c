package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/steps"
	"github.com/cybermiles/cmt/network/topology"
)

// settings are the flags every command takes.
type settings struct {
	data         string
	topology     string
	fabricSource string
}

// source records where a data directory's topology came from, so that a later up reads the same file in the same way.
type source struct {
	Topology        string `json:"topology"` // absolute path
	PortOffset      int    `json:"port_offset"`
	FreePorts       bool   `json:"free_ports"`
	WithoutGateways bool   `json:"without_gateways"`
}

// repository is the clone the command runs in or was built in.
func repository() (string, error) {
	folders := []string{"."}
	if program, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(program))
	}
	return steps.FindRepository(folders...)
}

// layout is the data directory's.
func (s *settings) layout() (topology.Layout, error) {
	data := s.data
	if data == "" {
		root, err := repository()
		if err != nil {
			return topology.Layout{}, err
		}
		data = filepath.Join(root, ".data", "network")
	}
	absolute, err := filepath.Abs(data)
	return topology.Layout{Root: absolute}, err
}

// fabric says where Fabric's programs come from: the environment, the topology, or the clone's pinned ones.
func (s *settings) fabric(t *topology.Topology) (steps.Fabric, error) {
	if dir := os.Getenv("CMT_FABRIC_BIN"); dir != "" {
		absolute, err := filepath.Abs(dir)
		return steps.Fabric{BinDir: absolute}, err
	}
	if t != nil && t.Fabric.BinDir != "" {
		return steps.Fabric{BinDir: t.Fabric.BinDir}, nil
	}
	if s.fabricSource != "" {
		absolute, err := filepath.Abs(s.fabricSource)
		return steps.Fabric{Source: absolute}, err
	}
	root, err := repository()
	return steps.Fabric{Source: filepath.Join(root, "network", "fabric")}, err
}

// resolved reads the topology the data directory keeps since its last up.
func resolved(l topology.Layout) (*topology.Topology, error) {
	document, err := os.ReadFile(l.Topology())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no network in %s: run %s up --data %s", l.Root, os.Args[0], l.Root)
	}
	if err != nil {
		return nil, err
	}
	t, err := topology.Parse(document)
	if err == nil {
		err = t.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Topology(), err)
	}
	return t, nil
}

// readTopology reads and resolves a topology file for a data directory. The previous network may be nil; keepPorts says
// that its ports were chosen by --free-ports.
func readTopology(from source, previous *topology.Topology, keepPorts bool) (*topology.Topology, error) {
	document, err := os.ReadFile(from.Topology)
	if err != nil {
		return nil, fmt.Errorf("topology: %w: give --topology FILE", err)
	}
	parsed, err := topology.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from.Topology, err)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t, err := topology.Resolve(parsed, topology.Options{
		BaseDir: filepath.Dir(from.Topology), ProgramsDir: filepath.Dir(program), PortOffset: from.PortOffset,
		FreePorts: from.FreePorts, KeepPorts: keepPorts, WithoutGateways: from.WithoutGateways, Previous: previous,
		Allocate: allocatePorts,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from.Topology, err)
	}
	return t, nil
}

// readSource reads how the data directory's last up was asked for; nil when there was none.
func readSource(l topology.Layout) (*source, error) {
	document, err := os.ReadFile(l.Source())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var from source
	if err := json.Unmarshal(document, &from); err != nil {
		return nil, fmt.Errorf("%s: %w: remove it and give --topology", l.Source(), err)
	}
	return &from, nil
}

// keep writes the topology and its source into the data directory.
func keep(l topology.Layout, from source, t *topology.Topology) error {
	document, err := t.Marshal()
	if err != nil {
		return err
	}
	origin, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		proc.WriteFile(l.Topology(), document, 0o600),
		proc.WriteFile(l.Source(), append(origin, '\n'), 0o600))
}

// open opens the network of the data directory.
func (s *settings) open() (*steps.Network, error) {
	l, err := s.layout()
	if err != nil {
		return nil, err
	}
	t, err := resolved(l)
	if err != nil {
		return nil, err
	}
	return s.network(t, l)
}

func (s *settings) network(t *topology.Topology, l topology.Layout) (*steps.Network, error) {
	fabric, err := s.fabric(t)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return steps.New(t, l, fabric, program, steps.NewProgress(os.Stderr)), nil
}

// lock keeps other commands from changing the network at the same time.
func lock(l topology.Layout, command string) (*proc.Lock, error) {
	taken, err := proc.TakeLock(l.Lock(), fmt.Sprintf("cmt-network %s, process %d", command, os.Getpid()))
	var locked *proc.LockedError
	if errors.As(err, &locked) {
		return nil, fmt.Errorf("another command changes the network in %s (%s): wait until it is done, or end it", l.Root, locked.Holder)
	}
	return taken, err
}

const (
	// Ports are chosen below the range from which Linux takes those of outgoing connections (from 32768), so that none
	// is taken between the choice and the start.
	lowestFreePort, highestFreePort = 20_000, 32_000
	portAttempts                    = 5_000
)

// allocatePorts finds ports that nobody listens on.
func allocatePorts(count int) ([]int, error) {
	chosen := map[int]bool{}
	var ports []int
	for range portAttempts {
		if len(ports) == count {
			return ports, nil
		}
		port := lowestFreePort + rand.IntN(highestFreePort-lowestFreePort)
		if chosen[port] {
			continue
		}
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			return nil, err
		}
		chosen[port] = true
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no %d free ports from %d to %d: stop what holds them", count, lowestFreePort, highestFreePort)
}
