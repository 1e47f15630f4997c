package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/render"
	"github.com/cybermiles/cmt/network/topology"
)

// cryptoTask is one run of cryptogen: one MSP of one organisation.
type cryptoTask struct {
	org      *topology.Organisation
	ordering bool
	to       string
}

func (n *Network) cryptoTasks() []cryptoTask {
	var tasks []cryptoTask
	for i := range n.Topology.Organisations {
		org := &n.Topology.Organisations[i]
		tasks = append(tasks, cryptoTask{org, false, n.Layout.Crypto(org.Name)})
		if len(org.Orderers) > 0 {
			tasks = append(tasks, cryptoTask{org, true, n.Layout.OrderingCrypto(org.Name)})
		}
	}
	return tasks
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// cryptoDone says whether every key and every public copy is there. Each tree is renamed into place when complete.
func (n *Network) cryptoDone(context.Context) (bool, error) {
	var paths []string
	for _, task := range n.cryptoTasks() {
		paths = append(paths, task.to)
	}
	for i := range n.Topology.Organisations {
		paths = append(paths, n.Layout.Public(n.Topology.Organisations[i].Name))
	}
	for _, service := range n.Topology.NodesOf(topology.KindChaincode) {
		paths = append(paths, linkDir(n.Layout, service.Organisation))
	}
	for _, path := range paths {
		if done, err := exists(path); !done || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (n *Network) generateCrypto(ctx context.Context) (bool, error) {
	for i := range n.Topology.Organisations {
		if err := os.MkdirAll(n.Layout.Organisation(n.Topology.Organisations[i].Name), 0o700); err != nil {
			return false, err
		}
	}
	err := each(n.cryptoTasks(), func(task cryptoTask) error { return n.cryptogen(ctx, task) })
	if err != nil {
		return false, err
	}
	for i := range n.Topology.Organisations {
		if err := n.publish(&n.Topology.Organisations[i]); err != nil {
			return false, err
		}
	}
	return true, each(n.Topology.NodesOf(topology.KindChaincode), func(service topology.Node) error {
		return generateLink(n.Layout, service)
	})
}

// cryptogen makes one tree in a temporary folder and renames it, so that a tree that is there is whole.
func (n *Network) cryptogen(ctx context.Context, task cryptoTask) error {
	if done, err := exists(task.to); done || err != nil {
		return err
	}
	document, err := render.Cryptogen(n.Topology, task.org, task.ordering)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(task.to), 0o700); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(task.to), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	config := filepath.Join(temporary, "cryptogen.yaml")
	if err := os.WriteFile(config, document, 0o600); err != nil {
		return err
	}
	if err := run(ctx, n.bin, "cryptogen", nil, "generate", "--config", config, "--output", temporary); err != nil {
		return err
	}
	tree := filepath.Join(temporary, "peerOrganizations", n.Topology.DomainOf(task.org.Name))
	if task.ordering {
		tree = filepath.Join(temporary, "ordererOrganizations", n.Topology.OrderingDomainOf(task.org.Name))
	}
	return os.Rename(tree, task.to)
}

// run runs one of Fabric's short programs; its error carries the end of what the program said.
func run(ctx context.Context, bin, name string, env []string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, name), arguments...)
	cmd.Env = append(os.Environ(), env...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, complaint(string(output)))
	}
	return nil
}

// colours are what Fabric's programs paint their lines with.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// complaint is the end of what a program said before the stack trace it ends with, as one line.
func complaint(output string) string {
	const keep = 4
	said, _, _ := strings.Cut(colours.ReplaceAllString(output, ""), "\ngoroutine ")
	var lines []string
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-keep):], "; ")
}

// publish copies what others may read of an organisation: certificates, never keys.
func (n *Network) publish(org *topology.Organisation) error {
	to := n.Layout.Public(org.Name)
	if done, err := exists(to); done || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(to), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	place := func(final string) string { return filepath.Join(temporary, filepath.Base(final)) }
	crypto := n.Layout.Crypto(org.Name)
	errs := []error{
		copyMSP(filepath.Join(crypto, "msp"), place(n.Layout.PublicMSP(org.Name))),
		copyFile(filepath.Join(crypto, "tlsca", "tlsca."+n.Topology.DomainOf(org.Name)+"-cert.pem"), place(n.Layout.TLSCA(org.Name))),
	}
	if len(org.Orderers) > 0 {
		crypto, domain := n.Layout.OrderingCrypto(org.Name), n.Topology.OrderingDomainOf(org.Name)
		errs = append(errs,
			copyMSP(filepath.Join(crypto, "msp"), place(n.Layout.PublicOrderingMSP(org.Name))),
			copyFile(filepath.Join(crypto, "tlsca", "tlsca."+domain+"-cert.pem"), place(n.Layout.OrderingTLSCA(org.Name))))
	}
	for _, orderer := range n.Topology.NodesOf(topology.KindOrderer) {
		if orderer.Organisation != org.Name {
			continue
		}
		own := n.Topology.NodeCrypto(n.Layout, orderer)
		errs = append(errs,
			copyFile(topology.Certificate(own, n.Topology.ServerName(orderer)), place(n.Layout.ConsenterIdentity(orderer))),
			copyFile(filepath.Join(own, "tls", "server.crt"), place(n.Layout.ConsenterTLS(orderer))))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.Join(os.Chmod(temporary, 0o755), os.Rename(temporary, to))
}

// copyMSP copies the parts of a verifying MSP; a keystore is none of them.
func copyMSP(from, to string) error {
	for _, part := range []string{"cacerts", "tlscacerts"} {
		entries, err := os.ReadDir(filepath.Join(from, part))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := copyFile(filepath.Join(from, part, entry.Name()), filepath.Join(to, part, entry.Name())); err != nil {
				return err
			}
		}
	}
	return copyFile(filepath.Join(from, "config.yaml"), filepath.Join(to, "config.yaml"))
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return proc.WriteFile(to, content, 0o644)
}
