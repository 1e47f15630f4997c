package fabric

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/cybermiles/cmt/gateway/breaker"
)

const (
	// keepaliveTime finds a peer that fell silent; peers refuse pings more often than once a minute.
	keepaliveTime    = 65 * time.Second
	keepaliveTimeout = 10 * time.Second
	// reconnectLongest is the longest pause between two tries to connect: a restarted peer is back within it.
	reconnectLongest = 2 * time.Second
	// maxMessageBytes bounds what a peer may send; a block of Fabric's largest default batch fits.
	maxMessageBytes = 128 << 20
)

// signer is the gateway's identity and what signs in its name.
type signer struct {
	id   *identity.X509Identity
	sign identity.Sign
}

func loadSigner(mspID, certificateFile, keyFile string) (*signer, error) {
	certificatePEM, err := os.ReadFile(certificateFile)
	if err != nil {
		return nil, fmt.Errorf("read the identity's certificate: %w", err)
	}
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	if err != nil {
		return nil, fmt.Errorf("parse the identity's certificate %s: %w", certificateFile, err)
	}
	id, err := identity.NewX509Identity(mspID, certificate)
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the identity's key: %w", err)
	}
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("parse the identity's key %s: %w", keyFile, err)
	}
	sign, err := identity.NewPrivateKeySign(key)
	return &signer{id: id, sign: sign}, err
}

// connection is one peer's gateway service.
type connection struct {
	peer    Peer
	grpc    *grpc.ClientConn
	gateway *client.Gateway
	network *client.Network
	breaker *breaker.Breaker
}

// dial prepares a connection; it is made when first used, and made again whenever it is lost.
func dial(peer Peer, signer *signer, options *Options) (*connection, error) {
	conn, err := dialTLS(peer.Address, peer.TLSCA, peer.TLSServerName)
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", peer.Address, err)
	}
	gateway, err := client.Connect(signer.id, client.WithSign(signer.sign), client.WithHash(hash.SHA256), client.WithClientConnection(conn))
	if err != nil {
		return nil, err
	}
	return &connection{peer: peer, grpc: conn, gateway: gateway, network: gateway.GetNetwork(options.Channel), breaker: breaker.New(options.Breaker)}, nil
}

// dialTLS prepares a connection to a node.
func dialTLS(address, caFile, serverName string) (*grpc.ClientConn, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", caFile)
	}
	reconnect := backoff.DefaultConfig
	reconnect.BaseDelay, reconnect.MaxDelay = 100*time.Millisecond, reconnectLongest
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: serverName, MinVersion: tls.VersionTLS12})),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: reconnectLongest}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare a connection: %w", err)
	}
	return conn, nil
}

// lost reports whether the connection itself is broken, rather than something behind it.
func (c *connection) lost() bool { return c.grpc.GetState() != connectivity.Ready }

func (c *connection) close() {
	// Nothing is left to be told of an error here.
	_ = c.gateway.Close()
	_ = c.grpc.Close()
}
