package topology

import (
	"fmt"
	"net"
	"strconv"
)

// endpoint is one port somebody listens on, with the field of the topology that sets it.
type endpoint struct {
	node  string // the node that listens
	field string // path of the port's field, for error messages
	host  *string
	port  *int
}

// Endpoint is a listening address of a node and the field of the topology that sets it.
type Endpoint struct {
	Node    string
	Field   string
	Address string // host:port
}

// Endpoints lists every address of the network in the topology's order.
func (t *Topology) Endpoints() []Endpoint {
	var all []Endpoint
	for _, e := range t.endpoints() {
		all = append(all, Endpoint{Node: e.node, Field: e.field, Address: address(*e.host, *e.port)})
	}
	return all
}

func (t *Topology) endpoints() []endpoint {
	var all []endpoint
	for i := range t.Organisations {
		org := &t.Organisations[i]
		at := fmt.Sprintf("organisations[%d]", i)
		for j := range org.Orderers {
			o := &org.Orderers[j]
			node, at := nodeName(o.Name, org.Name), fmt.Sprintf("%s.orderers[%d]", at, j)
			all = append(all,
				endpoint{node, at + ".port", &o.Host, &o.Port},
				endpoint{node, at + ".admin_port", &o.Host, &o.AdminPort},
				endpoint{node, at + ".operations_port", &o.Host, &o.OperationsPort})
		}
		for j := range org.Peers {
			p := &org.Peers[j]
			node, at := nodeName(p.Name, org.Name), fmt.Sprintf("%s.peers[%d]", at, j)
			all = append(all,
				endpoint{node, at + ".port", &p.Host, &p.Port},
				endpoint{node, at + ".chaincode_port", &p.Host, &p.ChaincodePort},
				endpoint{node, at + ".operations_port", &p.Host, &p.OperationsPort})
		}
		if c := org.Chaincode; c != nil {
			all = append(all, endpoint{nodeName(string(KindChaincode), org.Name), at + ".chaincode.port", &c.Host, &c.Port})
		}
		if g := org.Gateway; g != nil {
			all = append(all, endpoint{nodeName(string(KindGateway), org.Name), at + ".gateway.port", &g.Host, &g.Port})
		}
	}
	return all
}

func address(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}
