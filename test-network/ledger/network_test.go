//go:build network

package ledger

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/harness"
)

// patience bounds every wait for something that should come soon.
const patience = 20 * time.Second

// network is the running network and the clients of it that tests have opened.
type network struct {
	*harness.Network
	facts *topology.Facts

	mu          sync.Mutex
	connections map[string]*grpc.ClientConn // by peer
	clients     map[string]*member          // by identity and peer
	keys        map[string]string           // API keys, by gateway, scopes and accounts
}

func newNetwork(stage *harness.Network, facts *topology.Facts) *network {
	return &network{
		Network: stage, facts: facts,
		connections: map[string]*grpc.ClientConn{}, clients: map[string]*member{}, keys: map[string]string{},
	}
}

func (n *network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, client := range n.clients {
		_ = client.gateway.Close()
	}
	for _, connection := range n.connections {
		_ = connection.Close()
	}
}

// organisation returns the facts of a member.
func (n *network) organisation(name string) topology.OrganisationFact {
	for _, one := range n.facts.Organisations {
		if one.Name == name {
			return one
		}
	}
	panic("no organisation " + name)
}

// organisationOf returns the facts of the member with a membership service provider.
func (n *network) organisationOf(mspID string) topology.OrganisationFact {
	for _, one := range n.facts.Organisations {
		if one.MSPID == mspID {
			return one
		}
	}
	panic("no organisation of " + mspID)
}

// peerOf returns the organisation's peer; one without any uses the first.
func (n *network) peerOf(organisation string) topology.PeerFact {
	for _, one := range n.facts.Peers {
		if one.Organisation == organisation {
			return one
		}
	}
	return n.facts.Peers[0]
}

// connect returns the connection to a peer; the caller holds the lock.
func (n *network) connect(peer topology.PeerFact) (*grpc.ClientConn, error) {
	if open := n.connections[peer.Name]; open != nil {
		return open, nil
	}
	ca, err := os.ReadFile(peer.TLSCA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", peer.TLSCA)
	}
	redial := backoff.DefaultConfig
	redial.BaseDelay, redial.MaxDelay = 100*time.Millisecond, time.Second
	connection, err := grpc.NewClient(peer.Address,
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: redial, MinConnectTimeout: time.Second}),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: peer.TLSServerName})))
	if err == nil {
		n.connections[peer.Name] = connection
	}
	return connection, err
}

// chainInfo asks one peer, and no other, how far its chain goes.
func (n *network) chainInfo(ctx context.Context, peer topology.PeerFact) (*common.BlockchainInfo, error) {
	asker, err := n.member(clientIdentity(n.organisation(peer.Organisation)), peer)
	if err != nil {
		return nil, err
	}
	answer, err := asker.endorseAlone(ctx, asker.proposal("qscc", time.Now(), []byte("GetChainInfo"), []byte(n.facts.Channel)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", peer.Name, err)
	}
	var info common.BlockchainInfo
	err = proto.Unmarshal(answer.GetResponse().GetPayload(), &info)
	return &info, err
}

// height is how many blocks every peer has; it waits until they agree.
func (n *network) height(t *testing.T) uint64 {
	t.Helper()
	var height uint64
	eventually(t, patience, func(ctx context.Context) error {
		var err error
		height, _, err = n.agreement(ctx)
		return err
	})
	return height
}

// agreement returns height and last block hash if all peers tell the same.
func (n *network) agreement(ctx context.Context) (uint64, []byte, error) {
	var first *common.BlockchainInfo
	for _, peer := range n.facts.Peers {
		info, err := n.chainInfo(ctx, peer)
		if err != nil {
			return 0, nil, err
		}
		if first == nil {
			first = info
		}
		if !proto.Equal(first, info) {
			return 0, nil, fmt.Errorf("%s is at height %d with %x, %s at %d with %x", n.facts.Peers[0].Name, first.GetHeight(), first.GetCurrentBlockHash(),
				peer.Name, info.GetHeight(), info.GetCurrentBlockHash())
		}
	}
	return first.GetHeight(), first.GetCurrentBlockHash(), nil
}

// await waits until every peer has a block: what is endorsed next sees the same everywhere.
func (n *network) await(t *testing.T, block uint64) {
	t.Helper()
	for _, peer := range n.facts.Peers {
		eventually(t, patience, func(ctx context.Context) error {
			info, err := n.chainInfo(ctx, peer)
			if err == nil && info.GetHeight() <= block {
				err = fmt.Errorf("%s has %d blocks and not block %d", peer.Name, info.GetHeight(), block)
			}
			return err
		})
	}
}

// eventually asks until a condition holds and fails the test with its last error after the limit.
func eventually(t *testing.T, limit time.Duration, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %v", limit, last)
		case <-tick.C:
		}
	}
}

// short returns a context that ends within patience.
func short(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
