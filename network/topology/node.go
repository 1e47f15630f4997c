package topology

// Kind is what a node does.
type Kind string

// The kinds of nodes, in the order in which they start.
const (
	KindOrderer   Kind = "orderer"
	KindPeer      Kind = "peer"
	KindChaincode Kind = "chaincode"
	KindGateway   Kind = "gateway"
)

// Node is one process of the network.
type Node struct {
	Name         string // unique, for example peer0.fivemiles
	Short        string // unique within the organisation, for example peer0
	Kind         Kind
	Organisation string
	MSPID        string // of orderers: the ordering MSP
	Host         string
	Port         int
	AdminPort    int // orderers: channel participation; peers: the chaincode listener; else 0
	Operations   int // orderers and peers; else 0
}

// Address is where the node's clients reach it, host:port.
func (n Node) Address() string { return address(n.Host, n.Port) }

// AdminAddress is where an orderer's channel participation answers, host:port.
func (n Node) AdminAddress() string { return address(n.Host, n.AdminPort) }

// OperationsAddress is where health and metrics answer, host:port.
func (n Node) OperationsAddress() string { return address(n.Host, n.Operations) }

func nodeName(short, organisation string) string { return short + "." + organisation }

// Nodes lists every process in the order in which they start: orderers, peers, chaincode services, gateways; within a
// kind in the topology's order.
func (t *Topology) Nodes() []Node {
	nodes := t.NodesOf(KindOrderer)
	for _, kind := range []Kind{KindPeer, KindChaincode, KindGateway} {
		nodes = append(nodes, t.NodesOf(kind)...)
	}
	return nodes
}

// NodesOf lists the nodes of one kind in the topology's order.
func (t *Topology) NodesOf(kind Kind) []Node {
	var nodes []Node
	for i := range t.Organisations {
		nodes = append(nodes, t.Organisations[i].nodesOf(kind)...)
	}
	return nodes
}

func (o *Organisation) nodesOf(kind Kind) []Node {
	node := func(short, msp, host string, port int) Node {
		return Node{Name: nodeName(short, o.Name), Short: short, Kind: kind, Organisation: o.Name, MSPID: msp, Host: host, Port: port}
	}
	var nodes []Node
	switch kind {
	case KindOrderer:
		for _, orderer := range o.Orderers {
			n := node(orderer.Name, o.OrderingMSPID, orderer.Host, orderer.Port)
			n.AdminPort, n.Operations = orderer.AdminPort, orderer.OperationsPort
			nodes = append(nodes, n)
		}
	case KindPeer:
		for _, peer := range o.Peers {
			n := node(peer.Name, o.MSPID, peer.Host, peer.Port)
			n.AdminPort, n.Operations = peer.ChaincodePort, peer.OperationsPort
			nodes = append(nodes, n)
		}
	case KindChaincode:
		if o.Chaincode != nil {
			nodes = append(nodes, node(string(kind), o.MSPID, o.Chaincode.Host, o.Chaincode.Port))
		}
	case KindGateway:
		if o.Gateway != nil {
			nodes = append(nodes, node(string(kind), o.MSPID, o.Gateway.Host, o.Gateway.Port))
		}
	}
	return nodes
}

// Organisation returns the organisation of that name, or nil.
func (t *Topology) Organisation(name string) *Organisation {
	for i := range t.Organisations {
		if t.Organisations[i].Name == name {
			return &t.Organisations[i]
		}
	}
	return nil
}

// PeerOrganisations lists the organisations that run peers, in the topology's order.
func (t *Topology) PeerOrganisations() []*Organisation {
	var with []*Organisation
	for i := range t.Organisations {
		if len(t.Organisations[i].Peers) > 0 {
			with = append(with, &t.Organisations[i])
		}
	}
	return with
}

// Domain is the organisation's name in its certificates, of the peers' and users' MSP.
func (t *Topology) DomainOf(organisation string) string { return organisation + "." + t.Domain }

// OrderingDomainOf is the name in the certificates of the organisation's ordering MSP.
func (t *Topology) OrderingDomainOf(organisation string) string {
	return organisation + ".ordering." + t.Domain
}

// ServerName is the name a node's TLS certificate carries beside its addresses.
func (t *Topology) ServerName(n Node) string {
	if n.Kind == KindOrderer {
		return n.Short + "." + t.OrderingDomainOf(n.Organisation)
	}
	return n.Short + "." + t.DomainOf(n.Organisation)
}
