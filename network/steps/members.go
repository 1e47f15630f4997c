package steps

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/hyperledger/fabric-admin-sdk/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"

	"github.com/cybermiles/cmt/network/topology"
)

// maxMessageBytes is what peers accept and send.
const maxMessageBytes = 100 << 20

// members opens connections to peers, and identities, once each.
type members struct {
	topology *topology.Topology
	layout   topology.Layout
	probes   probes

	mu          sync.Mutex
	connections map[string]*grpc.ClientConn
}

func newMembers(t *topology.Topology, l topology.Layout) *members {
	return &members{topology: t, layout: l, connections: map[string]*grpc.ClientConn{}}
}

func (m *members) close() error {
	m.probes.close()
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, connection := range m.connections {
		errs = append(errs, connection.Close())
	}
	return errors.Join(errs...)
}

// connect returns the connection to a peer. It connects when it is first used.
func (m *members) connect(peer topology.Node) (*grpc.ClientConn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if connection, ok := m.connections[peer.Name]; ok {
		return connection, nil
	}
	pool, err := certificatePool(m.layout.TLSCA(peer.Organisation))
	if err != nil {
		return nil, err
	}
	// A peer's port opens after its operations port answers: the default first pause of one second is too long here.
	redial := grpc.ConnectParams{MinConnectTimeout: 3 * time.Second, Backoff: backoff.Config{
		BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: time.Second,
	}}
	connection, err := grpc.NewClient(peer.Address(), grpc.WithConnectParams(redial),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: m.topology.ServerName(peer),
		})),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes), grpc.MaxCallSendMsgSize(maxMessageBytes)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", peer.Name, err)
	}
	m.connections[peer.Name] = connection
	return connection, nil
}

// admin is the organisation's administrator.
func (m *members) admin(organisation string) (identity.SigningIdentity, error) {
	return m.load(organisation, m.topology.AdminCrypto(m.layout, organisation))
}

// client is the organisation's client user.
func (m *members) client(organisation string) (identity.SigningIdentity, error) {
	return m.load(organisation, m.topology.ClientCrypto(m.layout, organisation))
}

func (m *members) load(organisation, crypto string) (identity.SigningIdentity, error) {
	certificate, err := identity.ReadCertificate(topology.Certificate(crypto, filepath.Base(crypto)))
	if err != nil {
		return nil, err
	}
	key, err := identity.ReadPrivateKey(topology.Key(crypto))
	if err != nil {
		return nil, err
	}
	return identity.NewPrivateKeySigningIdentity(m.topology.Organisation(organisation).MSPID, certificate, key)
}

// atPeers runs a function at every peer at once, with its connection and its organisation's administrator.
func (n *Network) atPeers(ctx context.Context, do func(context.Context, peerAdmin) error) error {
	return each(n.Topology.NodesOf(topology.KindPeer), func(node topology.Node) error {
		at, err := n.peerAdmin(node)
		if err != nil {
			return err
		}
		return do(ctx, at)
	})
}

// inTurn runs a function at every peer, one after the other.
func (n *Network) inTurn(ctx context.Context, do func(context.Context, peerAdmin) error) error {
	for _, node := range n.Topology.NodesOf(topology.KindPeer) {
		at, err := n.peerAdmin(node)
		if err != nil {
			return err
		}
		if err := do(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// peerAdmin is a peer and who administers it.
type peerAdmin struct {
	node       topology.Node
	connection *grpc.ClientConn
	admin      identity.SigningIdentity
}

func (n *Network) peerAdmin(node topology.Node) (peerAdmin, error) {
	connection, err := n.members.connect(node)
	if err != nil {
		return peerAdmin{}, err
	}
	admin, err := n.members.admin(node.Organisation)
	return peerAdmin{node, connection, admin}, err
}
