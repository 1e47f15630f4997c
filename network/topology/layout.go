package topology

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
)

// maxSocketPath is the longest path Linux takes for a Unix socket, less its closing zero byte.
const maxSocketPath = 107

// Layout says where each file of a network lies under its data directory. Keys are only below Organisation; what
// others may read of an organisation (its certificates) is copied below Public.
type Layout struct {
	Root string // absolute
}

// Topology is the resolved topology, kept for later commands.
func (l Layout) Topology() string { return filepath.Join(l.Root, "topology.yaml") }

// Source records the file and flags the resolved topology came from.
func (l Layout) Source() string { return filepath.Join(l.Root, "source.json") }

// Facts is the description for clients; see ReadFacts.
func (l Layout) Facts() string { return filepath.Join(l.Root, "network.json") }

// Lock is held by the one command that changes the network.
func (l Layout) Lock() string { return filepath.Join(l.Root, "lock") }

// Logs is the folder of the log files, one a process.
func (l Layout) Logs() string { return filepath.Join(l.Root, "logs") }

// Log is the log file of a node.
func (l Layout) Log(node string) string { return filepath.Join(l.Logs(), node+".log") }

// Supervisor is the folder of the supervisor's state and lock.
func (l Layout) Supervisor() string { return filepath.Join(l.Root, "supervisor") }

// Socket is where the supervisor listens. A data directory too deep for a socket's path gets one below the
// temporary folder, named after the directory and the user.
func (l Layout) Socket() string {
	path := filepath.Join(l.Supervisor(), "control.sock")
	if len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(l.Root))
	return filepath.Join(os.TempDir(), "cmt-"+strconv.Itoa(os.Getuid()), hex.EncodeToString(sum[:10])+".sock")
}

// Channel is the folder of configtx.yaml and the genesis block.
func (l Layout) Channel() string { return filepath.Join(l.Root, "channel") }

// ConfigTx is configtxgen's input; its folder is configtxgen's configuration path.
func (l Layout) ConfigTx() string { return filepath.Join(l.Channel(), "configtx.yaml") }

// GenesisBlock is the channel's block 0.
func (l Layout) GenesisBlock() string { return filepath.Join(l.Channel(), "genesis.block") }

// Organisation is the organisation's own folder, 0700: keys, configuration and ledgers of its nodes.
func (l Layout) Organisation(name string) string { return filepath.Join(l.Root, "orgs", name) }

// Crypto is the organisation's cryptogen tree of the peers' and users' MSP: ca, tlsca, msp, peers, users.
func (l Layout) Crypto(organisation string) string {
	return filepath.Join(l.Organisation(organisation), "crypto", "peer")
}

// OrderingCrypto is the organisation's cryptogen tree of its ordering MSP: ca, tlsca, msp, orderers, users.
func (l Layout) OrderingCrypto(organisation string) string {
	return filepath.Join(l.Organisation(organisation), "crypto", "orderer")
}

// Node is the folder of one orderer or peer: its configuration and its ledger.
func (l Layout) Node(n Node) string { return filepath.Join(l.Organisation(n.Organisation), n.Short) }

// Builder is the folder of the organisation's external builder for chaincode services.
func (l Layout) Builder(organisation string) string {
	return filepath.Join(l.Organisation(organisation), "builder")
}

// Chaincode is the folder of the organisation's chaincode package and the keys of its service.
func (l Layout) Chaincode(organisation string) string {
	return filepath.Join(l.Organisation(organisation), "chaincode")
}

// Gateway is the folder of the organisation's gateway: gateway.yaml and data.
func (l Layout) Gateway(organisation string) string {
	return filepath.Join(l.Organisation(organisation), "gateway")
}

// GatewayConfig is the gateway's configuration file.
func (l Layout) GatewayConfig(organisation string) string {
	return filepath.Join(l.Gateway(organisation), "gateway.yaml")
}

// NeighbourKey is where the organisation's gateway looks for its API key to another one's gateway.
func (l Layout) NeighbourKey(organisation, other string) string {
	return filepath.Join(l.Gateway(organisation), "neighbours", other+".key")
}

// CLI is the configuration path of Fabric's peer command for the organisation's people.
func (l Layout) CLI(organisation string) string {
	return filepath.Join(l.Organisation(organisation), "cli")
}

// Profile is the organisation's connection profile.
func (l Layout) Profile(organisation string) string {
	return filepath.Join(l.Organisation(organisation), "connection.json")
}

// Public is the folder of certificates of an organisation that everybody may read.
func (l Layout) Public(organisation string) string {
	return filepath.Join(l.Root, "public", organisation)
}

// PublicMSP is the verifying MSP of the organisation's peers and users: no keys.
func (l Layout) PublicMSP(organisation string) string {
	return filepath.Join(l.Public(organisation), "msp")
}

// PublicOrderingMSP is the verifying MSP of the organisation's orderers: no keys.
func (l Layout) PublicOrderingMSP(organisation string) string {
	return filepath.Join(l.Public(organisation), "ordering-msp")
}

// TLSCA is the root certificate of the TLS of the organisation's peers.
func (l Layout) TLSCA(organisation string) string {
	return filepath.Join(l.Public(organisation), "tlsca.pem")
}

// OrderingTLSCA is the root certificate of the TLS of the organisation's orderers.
func (l Layout) OrderingTLSCA(organisation string) string {
	return filepath.Join(l.Public(organisation), "ordering-tlsca.pem")
}

// ConsenterIdentity is the public signing certificate of an orderer.
func (l Layout) ConsenterIdentity(n Node) string {
	return filepath.Join(l.Public(n.Organisation), n.Short+"-identity.pem")
}

// ConsenterTLS is the public TLS certificate of an orderer.
func (l Layout) ConsenterTLS(n Node) string {
	return filepath.Join(l.Public(n.Organisation), n.Short+"-tls.pem")
}

// NodeCrypto is an orderer's or peer's own folder of keys: msp and tls.
func (t *Topology) NodeCrypto(l Layout, n Node) string {
	if n.Kind == KindOrderer {
		return filepath.Join(l.OrderingCrypto(n.Organisation), "orderers", t.ServerName(n))
	}
	return filepath.Join(l.Crypto(n.Organisation), "peers", t.ServerName(n))
}

// AdminCrypto is the folder of the organisation's administrator: msp and tls.
func (t *Topology) AdminCrypto(l Layout, organisation string) string {
	return filepath.Join(l.Crypto(organisation), "users", "Admin@"+t.DomainOf(organisation))
}

// ClientCrypto is the folder of the organisation's client user (NodeOU client): msp and tls.
func (t *Topology) ClientCrypto(l Layout, organisation string) string {
	return filepath.Join(l.Crypto(organisation), "users", "User1@"+t.DomainOf(organisation))
}

// OrderingAdminCrypto is the folder of the administrator of the organisation's ordering MSP: msp and tls.
func (t *Topology) OrderingAdminCrypto(l Layout, organisation string) string {
	return filepath.Join(l.OrderingCrypto(organisation), "users", "Admin@"+t.OrderingDomainOf(organisation))
}

// Certificate is the signing certificate of a person or node whose folder of keys holds msp, for the name in it.
func Certificate(crypto, commonName string) string {
	return filepath.Join(crypto, "msp", "signcerts", commonName+"-cert.pem")
}

// Key is the private signing key of a person or node whose folder of keys holds msp.
func Key(crypto string) string { return filepath.Join(crypto, "msp", "keystore", "priv_sk") }
