package payments

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
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
	org, err := crowd.Organisation(facts, at.MSPID)
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

// describe adds what the peers said to an error of their gateway.
func describe(err error) error {
	for _, detail := range status.Convert(err).Details() {
		if one, ok := detail.(*gateway.ErrorDetail); ok {
			err = fmt.Errorf("%w; %s: %s", err, one.GetMspId(), one.GetMessage())
		}
	}
	return err
}
