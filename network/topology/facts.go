package topology

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Facts is what a client needs to know to use a running network: the content of network.json in its data directory.
// All paths are absolute. Fields are only ever added.
type Facts struct {
	Network       string             `json:"network"`
	Channel       string             `json:"channel"`
	Chaincode     string             `json:"chaincode"`
	DataDir       string             `json:"data_dir"`
	FabricBin     string             `json:"fabric_bin"` // folder of peer, orderer, configtxgen, cryptogen, osnadmin
	Organisations []OrganisationFact `json:"organisations"`
	Peers         []PeerFact         `json:"peers"`
	Orderers      []OrdererFact      `json:"orderers"`
	Gateways      []GatewayFact      `json:"gateways"`
}

// OrganisationFact is one member of the consortium.
type OrganisationFact struct {
	Name              string `json:"name"`
	MSPID             string `json:"msp_id"`
	AdminMSP          string `json:"admin_msp"`  // folder: signcerts, keystore
	ClientMSP         string `json:"client_msp"` // folder: signcerts, keystore; NodeOU client
	ClientCertificate string `json:"client_certificate"`
	ClientKey         string `json:"client_key"`
	AdminCertificate  string `json:"admin_certificate"`
	AdminKey          string `json:"admin_key"`
	ConnectionProfile string `json:"connection_profile"`
}

// OperationsFact is where a node answers /healthz and /metrics, by mutual TLS with the organisation's own certificate.
type OperationsFact struct {
	URL           string `json:"url"`
	TLSCA         string `json:"tls_ca"`
	TLSServerName string `json:"tls_server_name"`
	ClientCert    string `json:"client_cert"`
	ClientKey     string `json:"client_key"`
}

// PeerFact is one peer.
type PeerFact struct {
	Name          string         `json:"name"`
	Organisation  string         `json:"organisation"`
	MSPID         string         `json:"msp_id"`
	Address       string         `json:"address"` // host:port, gRPC over TLS
	TLSCA         string         `json:"tls_ca"`
	TLSServerName string         `json:"tls_server_name"`
	Operations    OperationsFact `json:"operations"`
}

// OrdererFact is one orderer.
type OrdererFact struct {
	Name          string         `json:"name"`
	Organisation  string         `json:"organisation"`
	MSPID         string         `json:"msp_id"`
	ConsenterID   int            `json:"consenter_id"` // as the metric consensus_BFT_leader_id counts
	Address       string         `json:"address"`      // host:port, gRPC over TLS
	TLSCA         string         `json:"tls_ca"`
	TLSServerName string         `json:"tls_server_name"`
	AdminURL      string         `json:"admin_url"` // channel participation, by the same certificates as operations
	Operations    OperationsFact `json:"operations"`
}

// GatewayFact is one REST gateway.
type GatewayFact struct {
	Name         string `json:"name"`
	Organisation string `json:"organisation"`
	MSPID        string `json:"msp_id"`
	URL          string `json:"url"`
	Config       string `json:"config"` // its configuration file
	Data         string `json:"data"`   // its own folder
}

// ReadFacts reads the facts of the network in a data directory.
func ReadFacts(dataDir string) (*Facts, error) {
	root, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory %q: %w", dataDir, err)
	}
	document, err := os.ReadFile(Layout{Root: root}.Facts())
	if err != nil {
		return nil, fmt.Errorf("no network in %s: %w: run cmt-network up --data %s", root, err, root)
	}
	var facts Facts
	if err := json.Unmarshal(document, &facts); err != nil {
		return nil, fmt.Errorf("%s: %w: run cmt-network up --data %s to write it again", Layout{Root: root}.Facts(), err, root)
	}
	return &facts, nil
}

// FactsOf derives the facts of a resolved topology in a data directory.
func FactsOf(t *Topology, l Layout, fabricBin string) *Facts {
	facts := &Facts{
		Network: t.Name, Channel: t.Channel, Chaincode: t.Chaincode.Name, DataDir: l.Root, FabricBin: fabricBin,
		Organisations: []OrganisationFact{}, Peers: []PeerFact{}, Orderers: []OrdererFact{}, Gateways: []GatewayFact{},
	}
	for i := range t.Organisations {
		facts.Organisations = append(facts.Organisations, t.organisationFact(l, &t.Organisations[i]))
	}
	for _, n := range t.NodesOf(KindPeer) {
		facts.Peers = append(facts.Peers, PeerFact{
			Name: n.Name, Organisation: n.Organisation, MSPID: n.MSPID, Address: n.Address(),
			TLSCA: l.TLSCA(n.Organisation), TLSServerName: t.ServerName(n), Operations: t.OperationsFact(l, n),
		})
	}
	for i, n := range t.NodesOf(KindOrderer) {
		facts.Orderers = append(facts.Orderers, OrdererFact{
			Name: n.Name, Organisation: n.Organisation, MSPID: n.MSPID, ConsenterID: i + 1, Address: n.Address(),
			TLSCA: l.OrderingTLSCA(n.Organisation), TLSServerName: t.ServerName(n),
			AdminURL: "https://" + n.AdminAddress(), Operations: t.OperationsFact(l, n),
		})
	}
	for _, n := range t.NodesOf(KindGateway) {
		facts.Gateways = append(facts.Gateways, GatewayFact{
			Name: n.Name, Organisation: n.Organisation, MSPID: n.MSPID, URL: "http://" + n.Address(),
			Config: l.GatewayConfig(n.Organisation), Data: filepath.Join(l.Gateway(n.Organisation), "data"),
		})
	}
	return facts
}

func (t *Topology) organisationFact(l Layout, org *Organisation) OrganisationFact {
	admin, client := t.AdminCrypto(l, org.Name), t.ClientCrypto(l, org.Name)
	return OrganisationFact{
		Name: org.Name, MSPID: org.MSPID,
		AdminMSP: filepath.Join(admin, "msp"), ClientMSP: filepath.Join(client, "msp"),
		ClientCertificate: Certificate(client, filepath.Base(client)), ClientKey: Key(client),
		AdminCertificate: Certificate(admin, filepath.Base(admin)), AdminKey: Key(admin),
		ConnectionProfile: l.Profile(org.Name),
	}
}

// OperationsFact says how to reach the operations port of an orderer or peer.
func (t *Topology) OperationsFact(l Layout, n Node) OperationsFact {
	ca, admin := l.TLSCA(n.Organisation), t.AdminCrypto(l, n.Organisation)
	if n.Kind == KindOrderer {
		ca, admin = l.OrderingTLSCA(n.Organisation), t.OrderingAdminCrypto(l, n.Organisation)
	}
	return OperationsFact{
		URL: "https://" + n.OperationsAddress(), TLSCA: ca, TLSServerName: t.ServerName(n),
		ClientCert: filepath.Join(admin, "tls", "client.crt"), ClientKey: filepath.Join(admin, "tls", "client.key"),
	}
}
