package render

import (
	"path/filepath"

	"github.com/cybermiles/cmt/network/topology"
)

type gatewayData struct {
	Organisation string
	MSPID        string
	Listen       string
	Data         string
	Channel      string
	Chaincode    string
	Certificate  string
	Key          string
	Peers        []topology.PeerFact
	Orderers     []topology.OrdererFact
	Neighbours   []neighbourData
}

type neighbourData struct{ MSPID, URL, KeyFile string }

// Gateway renders gateway.yaml: the organisation's own peers first, then the others'; orderers in the order of their numbers.
func Gateway(t *topology.Topology, l topology.Layout, n topology.Node) (File, error) {
	client := t.ClientCrypto(l, n.Organisation)
	data := gatewayData{
		Organisation: n.Organisation, MSPID: n.MSPID, Listen: n.Address(),
		Data: filepath.Join(l.Gateway(n.Organisation), "data"), Channel: t.Channel, Chaincode: t.Chaincode.Name,
		Certificate: topology.Certificate(client, filepath.Base(client)), Key: topology.Key(client),
		Peers: ownPeersFirst(t, l, n.Organisation), Orderers: topology.FactsOf(t, l, "").Orderers,
	}
	for _, other := range t.NodesOf(topology.KindGateway) {
		if other.Organisation != n.Organisation {
			data.Neighbours = append(data.Neighbours, neighbourData{other.MSPID, "http://" + other.Address(), l.NeighbourKey(n.Organisation, other.Organisation)})
		}
	}
	content, err := execute("gateway.yaml.tmpl", data)
	return File{l.GatewayConfig(n.Organisation), privateFile, content}, err
}

func ownPeersFirst(t *topology.Topology, l topology.Layout, organisation string) []topology.PeerFact {
	var own, others []topology.PeerFact
	for _, peer := range topology.FactsOf(t, l, "").Peers {
		if peer.Organisation == organisation {
			own = append(own, peer)
		} else {
			others = append(others, peer)
		}
	}
	return append(own, others...)
}

// The connection profile is the common one of the Fabric clients; its maps are encoded in the order of their keys.
type (
	profile struct {
		Name          string                         `json:"name"`
		Version       string                         `json:"version"`
		Client        profileClient                  `json:"client"`
		Channels      map[string]profileChannel      `json:"channels"`
		Organizations map[string]profileOrganization `json:"organizations"`
		Orderers      map[string]profileNode         `json:"orderers"`
		Peers         map[string]profileNode         `json:"peers"`
	}
	profileClient struct {
		Organization string          `json:"organization"`
		Connection   profileTimeouts `json:"connection"`
	}
	profileTimeouts struct {
		Timeout map[string]map[string]string `json:"timeout"`
	}
	profileChannel struct {
		Orderers []string                      `json:"orderers"`
		Peers    map[string]profileChannelPeer `json:"peers"`
	}
	profileChannelPeer struct {
		EndorsingPeer  bool `json:"endorsingPeer"`
		ChaincodeQuery bool `json:"chaincodeQuery"`
		LedgerQuery    bool `json:"ledgerQuery"`
		EventSource    bool `json:"eventSource"`
	}
	profileOrganization struct {
		MSPID string   `json:"mspid"`
		Peers []string `json:"peers"`
	}
	profileNode struct {
		URL         string             `json:"url"`
		TLSCACerts  profilePath        `json:"tlsCACerts"`
		GRPCOptions profileGRPCOptions `json:"grpcOptions"`
	}
	profilePath struct {
		Path string `json:"path"`
	}
	profileGRPCOptions struct {
		SSLTargetNameOverride string `json:"ssl-target-name-override"`
		HostnameOverride      string `json:"hostnameOverride"`
	}
)

// ConnectionProfile renders the organisation's connection profile for Fabric clients. It names no key.
func ConnectionProfile(t *topology.Topology, l topology.Layout, org *topology.Organisation) (File, error) {
	facts := topology.FactsOf(t, l, "")
	p := profile{
		Name: t.Name + "-" + org.Name, Version: "1.0.0",
		Client: profileClient{
			Organization: org.Name,
			Connection:   profileTimeouts{map[string]map[string]string{"peer": {"endorser": "30"}}},
		},
		Organizations: map[string]profileOrganization{org.Name: {MSPID: org.MSPID, Peers: []string{}}},
		Orderers:      map[string]profileNode{}, Peers: map[string]profileNode{},
	}
	channel := profileChannel{Orderers: []string{}, Peers: map[string]profileChannelPeer{}}
	for _, peer := range facts.Peers {
		p.Peers[peer.Name] = newProfileNode(peer.Address, peer.TLSCA, peer.TLSServerName)
		own := peer.Organisation == org.Name
		channel.Peers[peer.Name] = profileChannelPeer{EndorsingPeer: true, ChaincodeQuery: true, LedgerQuery: true, EventSource: own}
		if own {
			entry := p.Organizations[org.Name]
			entry.Peers = append(entry.Peers, peer.Name)
			p.Organizations[org.Name] = entry
		}
	}
	for _, orderer := range facts.Orderers {
		p.Orderers[orderer.Name] = newProfileNode(orderer.Address, orderer.TLSCA, orderer.TLSServerName)
		channel.Orderers = append(channel.Orderers, orderer.Name)
	}
	p.Channels = map[string]profileChannel{t.Channel: channel}
	content, err := encodeJSON(p)
	return File{l.Profile(org.Name), privateFile, content}, err
}

func newProfileNode(address, ca, name string) profileNode {
	return profileNode{URL: "grpcs://" + address, TLSCACerts: profilePath{ca}, GRPCOptions: profileGRPCOptions{name, name}}
}
