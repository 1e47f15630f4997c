package payments

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/config"
	"github.com/cybermiles/cmt/gateway/fabric"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
)

// The bounds of one transaction of the plain token, generous: a slow one is measured, not lost.
const (
	plainStepTimeout   = 30 * time.Second
	plainCommitTimeout = time.Minute
)

// fabricClient is a client as Fabric's tutorials make one.
type fabricClient struct {
	gateway *client.Gateway
}

// dial connects to the n-th peer as a client of its organisation.
func dial(facts *topology.Facts, n int) (*fabricClient, error) {
	at := facts.Peers[n]
	org, err := organisation(facts, at.MSPID)
	if err != nil {
		return nil, err
	}
	certificatePEM, err1 := os.ReadFile(org.ClientCertificate)
	keyPEM, err2 := os.ReadFile(org.ClientKey)
	caPEM, err3 := os.ReadFile(at.TLSCA)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	certificate, err1 := identity.CertificateFromPEM(certificatePEM)
	key, err2 := identity.PrivateKeyFromPEM(keyPEM)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	id, err1 := identity.NewX509Identity(org.MSPID, certificate)
	sign, err2 := identity.NewPrivateKeySign(key)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caPEM)
	connection, err := grpc.NewClient("passthrough:///"+at.Address,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: at.TLSServerName, MinVersion: tls.VersionTLS12})))
	if err != nil {
		return nil, err
	}
	opened, err := client.Connect(id, client.WithSign(sign), client.WithHash(hash.SHA256), client.WithClientConnection(connection),
		client.WithEndorseTimeout(plainStepTimeout), client.WithSubmitTimeout(plainStepTimeout), client.WithCommitStatusTimeout(plainCommitTimeout))
	return &fabricClient{opened}, err
}

func (c *fabricClient) contract(facts *topology.Facts) *client.Contract {
	return c.gateway.GetNetwork(facts.Channel).GetContract(facts.Chaincode)
}

func organisation(facts *topology.Facts, mspID string) (topology.OrganisationFact, error) {
	for _, one := range facts.Organisations {
		if one.MSPID == mspID {
			return one, nil
		}
	}
	return topology.OrganisationFact{}, fmt.Errorf("the network has no organisation %s", mspID)
}

// describe adds what the peers said to an error of their gateway.
func describe(err error) error {
	for _, detail := range status.Convert(err).Details() {
		if one, ok := detail.(*gateway.ErrorDetail); ok {
			err = fmt.Errorf("%w; %s: %s", err, one.GetMspId(), one.GetMessage())
		}
	}
	return err
}

// ledgerOf is the gateway's ledger of the n-th peer's organisation, with the settings that cmt-gateway has by itself.
func ledgerOf(facts *topology.Facts, n int, log *slog.Logger) (*fabric.Ledger, error) {
	org, err := organisation(facts, facts.Peers[n].MSPID)
	if err != nil {
		return nil, err
	}
	standard := config.Default()
	timeouts := standard.Timeouts
	options := fabric.Options{
		Channel: facts.Channel, Chaincode: facts.Chaincode, MSPID: org.MSPID, Certificate: org.ClientCertificate, Key: org.ClientKey,
		Endorsements: standard.Endorsements, Probe: "consortium:GetParameters", Log: log,
		Timeouts: fabric.Timeouts{
			EndorseAttempt: timeouts.EndorseAttempt, Endorse: timeouts.Endorse, Order: timeouts.Order, Submit: timeouts.Submit,
			CommitStatus: timeouts.CommitStatus, Evaluate: timeouts.Evaluate, Outcome: timeouts.Outcome,
		},
		Breaker: breaker.Options{First: standard.Breaker.First, Longest: standard.Breaker.Longest},
	}
	for i := range facts.Peers {
		at := facts.Peers[(n+i)%len(facts.Peers)]
		options.Peers = append(options.Peers, fabric.Peer{MSPID: at.MSPID, Address: at.Address, TLSCA: at.TLSCA, TLSServerName: at.TLSServerName})
		options.Endorsers = append(options.Endorsers, at.MSPID)
	}
	for _, at := range facts.Orderers {
		options.Orderers = append(options.Orderers, fabric.Orderer{Address: at.Address, TLSCA: at.TLSCA, TLSServerName: at.TLSServerName})
	}
	return fabric.NewLedger(options)
}

// agreeLimit bounds how long a peer may be behind the others.
const agreeLimit = time.Minute

// agreed waits until all peers have the same number of blocks, and compares the last one's hash. It returns the height.
func agreed(ctx context.Context, facts *topology.Facts) (height uint64, err error) {
	err = bench.Await(ctx, agreeLimit, "peers of one height", func(ctx context.Context) error {
		var first []byte
		for n, at := range facts.Peers {
			own := &topology.Facts{Channel: facts.Channel, Chaincode: facts.Chaincode, Organisations: facts.Organisations, Peers: []topology.PeerFact{at}}
			ledger, err := ledgerOf(own, 0, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer ledger.Close()
			has, err := ledger.Height(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", at.Name, err)
			}
			last, err := ledger.HashOf(ctx, has-1)
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", at.Name, err)
			case n == 0:
				height, first = has, last
			case has != height:
				return fmt.Errorf("%s has %d blocks, %s %d", at.Name, has, facts.Peers[0].Name, height)
			case !bytes.Equal(last, first):
				return fmt.Errorf("%s and %s differ in block %d", at.Name, facts.Peers[0].Name, has-1)
			}
		}
		return nil
	})
	return height, err
}
