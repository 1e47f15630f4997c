package topology

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
)

// portOffsetMax keeps every shifted port below the ephemeral range of Linux, which starts at 32768.
const portOffsetMax = 20_000

// Options are what Resolve needs to turn a topology file into the network of one data directory.
type Options struct {
	BaseDir         string // of relative paths in the file: the file's folder
	ProgramsDir     string // of programs the file does not name: the folder of the cmt-network executable
	PortOffset      int    // added to every port
	FreePorts       bool   // choose every port anew
	KeepPorts       bool   // but not those that Previous has, which were chosen so
	WithoutGateways bool
	Previous        *Topology                               // the network this data directory held, or nil
	Allocate        func(count int) (free []int, err error) // finds free ports, for FreePorts
}

// Resolve completes a parsed topology: absolute paths, ports, the ledger's identifier. What Previous chose (identifier,
// free ports) is kept. The result is validated, and Parse(Marshal(result)) equals it.
func Resolve(t *Topology, options Options) (*Topology, error) {
	document, err := t.Marshal()
	if err != nil {
		return nil, err
	}
	resolved, err := Parse(document) // a deep copy: the caller's stays as the file says
	if err != nil {
		return nil, err
	}
	if options.WithoutGateways {
		for i := range resolved.Organisations {
			resolved.Organisations[i].Gateway = nil
		}
	}
	resolved.resolvePaths(options)
	if err := resolved.resolvePorts(options); err != nil {
		return nil, err
	}
	if err := resolved.resolveLedgerID(options.Previous); err != nil {
		return nil, err
	}
	if err := resolved.Validate(); err != nil {
		return nil, err
	}
	return resolved, nil
}

func (t *Topology) resolvePaths(options Options) {
	program := func(path *string, name string) {
		switch {
		case *path == "":
			*path = filepath.Join(options.ProgramsDir, name)
		case !filepath.IsAbs(*path):
			*path = filepath.Join(options.BaseDir, *path)
		}
	}
	program(&t.Programs.Chaincode, "cmt-chaincode")
	program(&t.Programs.Gateway, "cmt-gateway")
	if dir := &t.Fabric.BinDir; *dir != "" && !filepath.IsAbs(*dir) {
		*dir = filepath.Join(options.BaseDir, *dir)
	}
}

func (t *Topology) resolvePorts(options Options) error {
	if options.PortOffset < 0 || options.PortOffset > portOffsetMax {
		return fmt.Errorf("--port-offset %d: give a number from 0 to %d", options.PortOffset, portOffsetMax)
	}
	if !options.FreePorts {
		for _, e := range t.endpoints() {
			if *e.port != 0 {
				*e.port += options.PortOffset
			}
		}
		return nil
	}
	if options.PortOffset != 0 {
		return errors.New("--port-offset and --free-ports exclude each other: give one of them")
	}
	kept := map[string]int{}
	if options.KeepPorts && options.Previous != nil {
		for _, e := range options.Previous.endpoints() {
			kept[e.key()] = *e.port
		}
	}
	var open []endpoint
	for _, e := range t.endpoints() {
		if port, ok := kept[e.key()]; ok {
			*e.port = port
			continue
		}
		open = append(open, e)
	}
	if len(open) == 0 {
		return nil
	}
	free, err := options.Allocate(len(open))
	if err != nil {
		return err
	}
	for i, e := range open {
		*e.port = free[i]
	}
	return nil
}

// key names a port whatever place its organisation has in the file.
func (e endpoint) key() string { return e.node + " " + filepath.Ext(e.field) }

func (t *Topology) resolveLedgerID(previous *Topology) error {
	genesis := t.Chaincode.Genesis
	if genesis == nil || !genesis.needsLedgerID() {
		return nil
	}
	genesis.Argument = maps.Clone(genesis.Argument)
	if genesis.Argument == nil {
		genesis.Argument = map[string]any{}
	}
	if previous != nil && previous.Chaincode.Genesis != nil && !previous.Chaincode.Genesis.needsLedgerID() {
		genesis.Argument[ledgerIDField] = previous.Chaincode.Genesis.Argument[ledgerIDField]
		return nil
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("choose a ledger identifier: %w: check the system's random source", err)
	}
	genesis.Argument[ledgerIDField] = hex.EncodeToString(id[:])
	return nil
}
