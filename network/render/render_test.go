package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cybermiles/cmt/network/render"
	"github.com/cybermiles/cmt/network/topology"
)

var update = flag.Bool("update", false, "write the golden files")

var layout = topology.Layout{Root: "/data"}

func local(t *testing.T) *topology.Topology {
	t.Helper()
	document, err := os.ReadFile("../../test-network/topology/local.yaml")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := topology.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := topology.Resolve(parsed, topology.Options{BaseDir: "/base", ProgramsDir: "/bin"})
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

func node(t *testing.T, topo *topology.Topology, name string) topology.Node {
	t.Helper()
	for _, n := range topo.Nodes() {
		if n.Name == name {
			return n
		}
	}
	t.Fatalf("no node %s", name)
	return topology.Node{}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./network/render -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at the difference after: go test ./network/render -update; git diff %s\n%s", name, path, got)
	}
}

// Every kind of file, for the local consortium in /data.
func TestGolden(t *testing.T) {
	topo := local(t)
	files := map[string]func() (render.File, error){
		"orderer.yaml":  func() (render.File, error) { return render.Orderer(topo, layout, node(t, topo, "orderer0.buyers")) },
		"core.yaml":     func() (render.File, error) { return render.Peer(topo, layout, node(t, topo, "peer0.merchant1")) },
		"configtx.yaml": func() (render.File, error) { return render.ConfigTx(topo, layout) },
		"gateway.yaml":  func() (render.File, error) { return render.Gateway(topo, layout, node(t, topo, "gateway.merchant1")) },
		"cli-core.yaml": func() (render.File, error) { return render.CLI(layout, "chamber") },
		"connection.json": func() (render.File, error) {
			return render.ConnectionProfile(topo, layout, topo.Organisation("merchant1"))
		},
	}
	for name, make := range files {
		t.Run(name, func(t *testing.T) {
			file, err := make()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, file.Content)
			if file.Mode != 0o600 {
				t.Errorf("mode %v, want 0600", file.Mode)
			}
			var value any
			if err := yaml.Unmarshal(file.Content, &value); err != nil { // JSON is YAML too
				t.Errorf("not YAML: %v", err)
			}
		})
	}
}

func TestCryptogen(t *testing.T) {
	topo := local(t)
	for name, ordering := range map[string]bool{"cryptogen-peer.yaml": false, "cryptogen-orderer.yaml": true} {
		content, err := render.Cryptogen(topo, topo.Organisation("merchant1"), ordering)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, content)
	}
	content, err := render.Cryptogen(topo, topo.Organisation("chamber"), false)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "cryptogen-no-node.yaml", content)
}

func TestBuilderIsExecutable(t *testing.T) {
	files, err := render.Builder(layout, "merchant1")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimPrefix(file.Path, "/data/orgs/merchant1/builder/"))
		if file.Mode != fs.FileMode(0o700) || !bytes.HasPrefix(file.Content, []byte("#!/bin/sh\n")) {
			t.Errorf("%s has mode %v and begins %.10q", file.Path, file.Mode, file.Content)
		}
	}
	if got := strings.Join(names, " "); got != "bin/detect bin/build bin/release" {
		t.Errorf("files %s", got)
	}
}

func TestChaincodeConnection(t *testing.T) {
	topo := local(t)
	content, err := render.ChaincodeConnection(node(t, topo, "chaincode.merchant1"), []byte("KEY\n"), []byte("CERT\n"), []byte("ROOT\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got render.Connection
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	want := render.Connection{
		Address: "127.0.0.1:7164", DialTimeout: "5s", TLSRequired: true, ClientAuthRequired: true,
		ClientKey: "KEY\n", ClientCert: "CERT\n", RootCert: "ROOT\n",
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Odd paths must not break out of the texts they are put into.
func TestPathsAreQuoted(t *testing.T) {
	topo := local(t)
	odd := topology.Layout{Root: `/da "ta: #x`}
	file, err := render.Peer(topo, odd, node(t, topo, "peer0.merchant1"))
	if err != nil {
		t.Fatal(err)
	}
	var core struct {
		Peer struct {
			FileSystemPath string `yaml:"fileSystemPath"`
		} `yaml:"peer"`
	}
	if err := yaml.Unmarshal(file.Content, &core); err != nil {
		t.Fatal(err)
	}
	if want := odd.Root + "/orgs/merchant1/peer0/ledger"; core.Peer.FileSystemPath != want {
		t.Errorf("path %q, want %q", core.Peer.FileSystemPath, want)
	}
}

// No organisation's text names a file in another's folder.
func TestNobodyReadsAnothersFolder(t *testing.T) {
	topo := local(t)
	for _, n := range topo.Nodes() {
		var file render.File
		var err error
		switch n.Kind {
		case topology.KindOrderer:
			file, err = render.Orderer(topo, layout, n)
		case topology.KindPeer:
			file, err = render.Peer(topo, layout, n)
		case topology.KindGateway:
			file, err = render.Gateway(topo, layout, n)
		case topology.KindChaincode:
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, org := range topo.Organisations {
			if org.Name != n.Organisation && bytes.Contains(file.Content, []byte(layout.Organisation(org.Name)+"/")) {
				t.Errorf("%s of %s names the folder of %s", file.Path, n.Name, org.Name)
			}
		}
	}
}
