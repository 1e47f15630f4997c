package steps

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/render"
	"github.com/cybermiles/cmt/network/topology"
)

// errChannelChanged: a channel's configuration is in its ledger and cannot be replaced by a file.
var errChannelChanged = errors.New("the topology changes the channel itself (organisations, orderers, addresses of " +
	"nodes, block cutting or policies), whose ledger exists: put those settings back, or clear the ledger with down --purge")

// configuration renders every file of the network but the topology itself.
func (n *Network) configuration() ([]render.File, error) {
	var files []render.File
	var errs []error
	add := func(file render.File, err error) {
		files, errs = append(files, file), append(errs, err)
	}
	add(render.ConfigTx(n.Topology, n.Layout))
	for _, node := range n.Topology.Nodes() {
		switch node.Kind {
		case topology.KindOrderer:
			add(render.Orderer(n.Topology, n.Layout, node))
		case topology.KindPeer:
			add(render.Peer(n.Topology, n.Layout, node))
		case topology.KindGateway:
			add(render.Gateway(n.Topology, n.Layout, node))
		case topology.KindChaincode: // configured by its environment
		}
	}
	for i := range n.Topology.Organisations {
		org := &n.Topology.Organisations[i]
		add(render.ConnectionProfile(n.Topology, n.Layout, org))
		add(render.CLI(n.Layout, org.Name))
		if len(org.Peers) > 0 {
			builder, err := render.Builder(n.Layout, org.Name)
			files, errs = append(files, builder...), append(errs, err)
		}
	}
	return files, errors.Join(errs...)
}

// writeConfiguration writes the files that differ.
func (n *Network) writeConfiguration(context.Context) (bool, error) {
	files, err := n.configuration()
	if err != nil {
		return false, err
	}
	for _, gateway := range n.Topology.NodesOf(topology.KindGateway) {
		if err := os.MkdirAll(filepath.Join(n.Layout.Gateway(gateway.Organisation), "data"), 0o700); err != nil {
			return false, err
		}
	}
	var changed bool
	for _, file := range files {
		wrote, err := writeChanged(file)
		if err != nil {
			return changed, err
		}
		changed = changed || wrote
	}
	return changed, nil
}

func writeChanged(file render.File) (bool, error) {
	old, err := os.ReadFile(file.Path)
	if err == nil && bytes.Equal(old, file.Content) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(file.Path), 0o700); err != nil {
		return false, err
	}
	return true, proc.WriteFile(file.Path, file.Content, file.Mode)
}

// channelFingerprint is of the channel's configuration without the data directory's path.
func (n *Network) channelFingerprint() ([]byte, error) {
	file, err := render.ConfigTx(n.Topology, topology.Layout{Root: "/data"})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(n.Topology.Channel+"\n"), file.Content...))
	return []byte(hex.EncodeToString(sum[:]) + "\n"), nil
}

func (n *Network) channelFingerprintPath() string {
	return filepath.Join(n.Layout.Channel(), "fingerprint")
}

// CheckChannel fails when the topology would change a channel whose ledger exists.
func (n *Network) CheckChannel() error {
	made, err := exists(n.Layout.GenesisBlock())
	if !made || err != nil {
		return err
	}
	now, err := n.channelFingerprint()
	if err != nil {
		return err
	}
	then, err := os.ReadFile(n.channelFingerprintPath())
	if err != nil {
		return err
	}
	if !bytes.Equal(now, then) {
		return errChannelChanged
	}
	return nil
}

func (n *Network) genesisBlockDone(context.Context) (bool, error) {
	return exists(n.Layout.GenesisBlock())
}

// generateGenesisBlock makes block 0. The fingerprint goes first: a block that is there has one.
func (n *Network) generateGenesisBlock(ctx context.Context) (bool, error) {
	fingerprint, err := n.channelFingerprint()
	if err != nil {
		return false, err
	}
	if err := proc.WriteFile(n.channelFingerprintPath(), fingerprint, 0o600); err != nil {
		return false, err
	}
	temporary := n.Layout.GenesisBlock() + ".new"
	if err := run(ctx, n.bin, "configtxgen", []string{"FABRIC_CFG_PATH=" + n.Layout.Channel()},
		"-configPath", n.Layout.Channel(), "-profile", render.Profile, "-channelID", n.Topology.Channel,
		"-outputBlock", temporary); err != nil {
		return false, err
	}
	return true, os.Rename(temporary, n.Layout.GenesisBlock())
}

// writeFacts writes network.json for clients.
func (n *Network) writeFacts(context.Context) (bool, error) {
	document, err := json.MarshalIndent(topology.FactsOf(n.Topology, n.Layout, n.bin), "", "  ")
	if err != nil {
		return false, err
	}
	return writeChanged(render.File{Path: n.Layout.Facts(), Mode: 0o600, Content: append(document, '\n')})
}
