package render

import (
	"path/filepath"
	"time"

	"github.com/cybermiles/cmt/network/topology"
)

// nodeData is what the templates of an orderer and of a peer read.
type nodeData struct {
	Network   string
	Node      topology.Node
	Dir       string
	MSP       string
	TLSKey    string
	TLSCert   string
	TLSCA     string
	Bootstrap string
	Builder   string
	Tuning    topology.Tuning
}

func newNodeData(t *topology.Topology, l topology.Layout, n topology.Node) nodeData {
	crypto := t.NodeCrypto(l, n)
	return nodeData{
		Network: t.Name, Node: n, Dir: l.Node(n),
		MSP:    filepath.Join(crypto, "msp"),
		TLSKey: filepath.Join(crypto, "tls", "server.key"), TLSCert: filepath.Join(crypto, "tls", "server.crt"),
		TLSCA: filepath.Join(crypto, "tls", "ca.crt"), Builder: l.Builder(n.Organisation), Tuning: t.Tuning,
	}
}

// Orderer renders orderer.yaml.
func Orderer(t *topology.Topology, l topology.Layout, n topology.Node) (File, error) {
	content, err := execute("orderer.yaml.tmpl", newNodeData(t, l, n))
	return File{filepath.Join(l.Node(n), "orderer.yaml"), privateFile, content}, err
}

// Peer renders core.yaml. A peer bootstraps gossip from the first peer of its organisation.
func Peer(t *topology.Topology, l topology.Layout, n topology.Node) (File, error) {
	data := newNodeData(t, l, n)
	data.Bootstrap = n.Address()
	for _, other := range t.NodesOf(topology.KindPeer) {
		if other.Organisation == n.Organisation {
			data.Bootstrap = other.Address()
			break
		}
	}
	content, err := execute("core.yaml.tmpl", data)
	return File{filepath.Join(l.Node(n), "core.yaml"), privateFile, content}, err
}

// Builder renders the three programs of the organisation's external builder.
func Builder(l topology.Layout, organisation string) ([]File, error) {
	var files []File
	for _, name := range []string{"detect", "build", "release"} {
		content, err := execute(name+".sh.tmpl", nil)
		if err != nil {
			return nil, err
		}
		files = append(files, File{filepath.Join(l.Builder(organisation), "bin", name), privateProgram, content})
	}
	return files, nil
}

// CLI renders the core.yaml that Fabric's peer command wants beside its environment.
func CLI(l topology.Layout, organisation string) (File, error) {
	content, err := execute("cli-core.yaml.tmpl", nil)
	return File{filepath.Join(l.CLI(organisation), "core.yaml"), privateFile, content}, err
}

// dialTimeout is how long a peer tries to reach its chaincode service before a call fails.
const dialTimeout = 5 * time.Second

// Connection is the connection.json of a chaincode package: where the peer finds the service, and the keys of the
// mutual TLS between them.
type Connection struct {
	Address            string `json:"address"`
	DialTimeout        string `json:"dial_timeout"`
	TLSRequired        bool   `json:"tls_required"`
	ClientAuthRequired bool   `json:"client_auth_required"`
	ClientKey          string `json:"client_key"`  // PEM
	ClientCert         string `json:"client_cert"` // PEM
	RootCert           string `json:"root_cert"`   // PEM
}

// ChaincodeConnection renders connection.json for a service from the PEM texts of the link's certificates.
func ChaincodeConnection(service topology.Node, clientKey, clientCert, rootCert []byte) ([]byte, error) {
	return encodeJSON(Connection{
		Address: service.Address(), DialTimeout: dialTimeout.String(), TLSRequired: true, ClientAuthRequired: true,
		ClientKey: string(clientKey), ClientCert: string(clientCert), RootCert: string(rootCert),
	})
}
