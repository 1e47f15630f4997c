package render

import "github.com/cybermiles/cmt/network/topology"

// Profile is the configtxgen profile of the channel.
const Profile = "Consortium"

type memberData struct {
	MSPID     string
	MSP       string
	Anchors   []topology.Node
	Endpoints []string
}

type consenterData struct {
	ID       int
	Host     string
	Port     int
	MSPID    string
	Identity string
	TLS      string
}

type channelData struct {
	Channel           string
	Profile           string
	Members           []memberData
	OrderingMembers   []memberData
	Consenters        []consenterData
	Ordering          topology.Ordering
	LifecyclePolicy   string
	EndorsementPolicy string
}

// ConfigTx renders configtx.yaml: the channel as its genesis block will have it.
func ConfigTx(t *topology.Topology, l topology.Layout) (File, error) {
	data := channelData{
		Channel: t.Channel, Profile: Profile, Ordering: t.Ordering,
		LifecyclePolicy: t.LifecyclePolicy(), EndorsementPolicy: t.EndorsementPolicy(),
	}
	for i := range t.Organisations {
		org := &t.Organisations[i]
		member := memberData{MSPID: org.MSPID, MSP: l.PublicMSP(org.Name)}
		for _, peer := range t.NodesOf(topology.KindPeer) {
			if peer.Organisation == org.Name {
				member.Anchors = append(member.Anchors, peer)
			}
		}
		data.Members = append(data.Members, member)
		if len(org.Orderers) > 0 {
			ordering := memberData{MSPID: org.OrderingMSPID, MSP: l.PublicOrderingMSP(org.Name)}
			for _, orderer := range t.NodesOf(topology.KindOrderer) {
				if orderer.Organisation == org.Name {
					ordering.Endpoints = append(ordering.Endpoints, orderer.Address())
				}
			}
			data.OrderingMembers = append(data.OrderingMembers, ordering)
		}
	}
	for i, n := range t.NodesOf(topology.KindOrderer) {
		data.Consenters = append(data.Consenters, consenterData{
			ID: i + 1, Host: n.Host, Port: n.Port, MSPID: n.MSPID, Identity: l.ConsenterIdentity(n), TLS: l.ConsenterTLS(n),
		})
	}
	content, err := execute("configtx.yaml.tmpl", data)
	return File{l.ConfigTx(), privateFile, content}, err
}

type cryptogenData struct {
	Name     string
	Domain   string
	Ordering bool
	Nodes    []topology.Node
}

// Cryptogen renders cryptogen's configuration of one organisation: its peers' and users' MSP, or its ordering MSP.
func Cryptogen(t *topology.Topology, org *topology.Organisation, ordering bool) ([]byte, error) {
	data := cryptogenData{Name: org.Name, Domain: t.DomainOf(org.Name), Ordering: ordering}
	kind := topology.KindPeer
	if ordering {
		data.Domain, kind = t.OrderingDomainOf(org.Name), topology.KindOrderer
	}
	for _, n := range t.NodesOf(kind) {
		if n.Organisation == org.Name {
			data.Nodes = append(data.Nodes, n)
		}
	}
	return execute("cryptogen.yaml.tmpl", data)
}
