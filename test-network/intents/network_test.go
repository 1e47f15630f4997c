//go:build network

package intents

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/harness"
)

// patience bounds every wait for something that should come soon.
const patience = 30 * time.Second

// network is the running network with one client of each member that runs a peer, at its own peer.
type network struct {
	*harness.Network
	facts    *topology.Facts
	members  map[string]*member
	ledgerID [16]byte

	mu sync.Mutex
	// accounts are all that ever had a chance to own something.
	accounts map[spec.Address]bool
}

// member is an organisation's client, through Fabric's own.
type member struct {
	n          *network
	mspID      string
	connection *grpc.ClientConn
	gateway    *client.Gateway
	contract   *client.Contract
	system     *client.Contract
}

func openNetwork(stage *harness.Network, facts *topology.Facts) (*network, error) {
	n := &network{Network: stage, facts: facts, members: map[string]*member{}, accounts: map[spec.Address]bool{}}
	for _, fact := range facts.Peers {
		m, err := n.open(fact)
		if err != nil {
			return nil, err
		}
		n.members[fact.Organisation] = m
	}
	for _, organisation := range facts.Organisations {
		n.knows(spec.OrganisationAddress(organisation.MSPID))
	}
	var view spec.Parameters
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.members["fivemiles"].ask(ctx, "consortium:GetParameters", &spec.GetParameters{}, &view); err != nil {
		return nil, err
	}
	n.ledgerID = [16]byte(view.LedgerId)
	return n, nil
}

func (n *network) open(at topology.PeerFact) (*member, error) {
	var org topology.OrganisationFact
	for _, one := range n.facts.Organisations {
		if one.Name == at.Organisation {
			org = one
		}
	}
	ca, err1 := os.ReadFile(at.TLSCA)
	certificatePEM, err2 := os.ReadFile(org.ClientCertificate)
	keyPEM, err3 := os.ReadFile(org.ClientKey)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", at.TLSCA)
	}
	certificate, err1 := identity.CertificateFromPEM(certificatePEM)
	key, err2 := identity.PrivateKeyFromPEM(keyPEM)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	id, err1 := identity.NewX509Identity(org.MSPID, certificate)
	sign, err2 := identity.NewPrivateKeySign(key)
	connection, err3 := grpc.NewClient(at.Address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: at.TLSServerName})))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	m := &member{n: n, mspID: org.MSPID, connection: connection}
	var err error
	if m.gateway, err = client.Connect(id, client.WithSign(sign), client.WithHash(hash.SHA256), client.WithClientConnection(connection)); err != nil {
		return nil, err
	}
	channel := m.gateway.GetNetwork(n.facts.Channel)
	m.contract, m.system = channel.GetContract(n.facts.Chaincode), channel.GetContract("qscc")
	return m, nil
}

func (n *network) close() {
	for _, m := range n.members {
		_ = m.gateway.Close()
		_ = m.connection.Close()
	}
}

// knows notes an account for the audit.
func (n *network) knows(a spec.Address) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.accounts[a] = true
}

// endorse has peers endorse a function's call; endorsers that lag behind each other are asked again.
func (m *member) endorse(ctx context.Context, function string, argument []byte) (*client.Transaction, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		proposal, err := m.contract.NewProposal(function, client.WithBytesArguments(argument))
		if err != nil {
			return nil, err
		}
		transaction, err := proposal.EndorseWithContext(ctx)
		if err == nil || !strings.Contains(err.Error(), "ProposalResponsePayloads do not match") {
			return transaction, refused(err)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}

// commit sends a transaction, waits for its block at every peer and returns the validation code.
func (m *member) commit(ctx context.Context, transaction *client.Transaction) (peer.TxValidationCode, error) {
	commit, err := transaction.SubmitWithContext(ctx)
	if err != nil {
		return 0, err
	}
	done, err := commit.StatusWithContext(ctx)
	if err != nil {
		return 0, err
	}
	return done.Code, m.n.await(ctx, done.BlockNumber)
}

// ask makes a query.
func (m *member) ask(ctx context.Context, operation string, command, result proto.Message) error {
	argument, err := (&spec.Call{Operation: spec.Find(operation), Command: command}).Encode()
	if err != nil {
		return err
	}
	answer, err := m.contract.EvaluateWithContext(ctx, operation, client.WithBytesArguments(argument), client.WithEndorsingOrganizations(m.mspID))
	if err != nil {
		return fmt.Errorf("%s: %w", operation, refused(err))
	}
	return spec.DecodeJSON(answer, result)
}

// call makes a contract call that must be valid, and returns its transaction.
func (m *member) call(t *testing.T, operation, label string, command proto.Message) string {
	t.Helper()
	argument, err := (&spec.Call{Operation: spec.Find(operation), SubAccount: label, Hints: &spec.Hints{}, Command: command}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	transaction, err := m.endorse(short(t), operation, argument)
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	if code, err := m.commit(short(t), transaction); err != nil || code != peer.TxValidationCode_VALID {
		t.Fatalf("%s: %v, %v", operation, code, err)
	}
	return transaction.TransactionID()
}

// chain asks the member's own peer how far its chain goes.
func (m *member) chain(ctx context.Context) (*common.BlockchainInfo, error) {
	answer, err := m.system.EvaluateWithContext(ctx, "GetChainInfo", client.WithArguments(m.n.facts.Channel), client.WithEndorsingOrganizations(m.mspID))
	if err != nil {
		return nil, refused(err)
	}
	var info common.BlockchainInfo
	return &info, proto.Unmarshal(answer, &info)
}

// await waits until every peer has a block: what is endorsed next sees the same everywhere.
func (n *network) await(ctx context.Context, block uint64) error {
	for _, m := range n.members {
		if err := until(ctx, func() error {
			info, err := m.chain(ctx)
			if err == nil && info.Height <= block {
				err = fmt.Errorf("%s has %d blocks and not block %d", m.mspID, info.Height, block)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// until asks until a condition holds and returns its last error when ctx ends.
func until(ctx context.Context, condition func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// refused returns the chaincode's refusal in a client's error if there is one.
func refused(err error) error {
	if err == nil {
		return nil
	}
	for _, detail := range status.Convert(err).Details() {
		if one, ok := detail.(*gateway.ErrorDetail); ok {
			if refusal, ok := spec.ParseError(one.GetMessage()); ok {
				return refusal
			}
			err = fmt.Errorf("%w: %s", err, one.GetMessage())
		}
	}
	return err
}

// short returns a context that ends within patience.
func short(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// balance returns all that an account has: in itself, in credits, and held by its orders.
func (n *network) balance(ctx context.Context, of spec.Address) (spec.Amount, error) {
	var view spec.Balance
	if err := n.members["fivemiles"].ask(ctx, "token:GetBalance", &spec.GetBalance{Address: of.Bytes()}, &view); err != nil {
		return spec.Amount{}, err
	}
	if !view.Complete {
		return spec.Amount{}, fmt.Errorf("%s has more than one answer holds", of)
	}
	var sum spec.Amount
	for _, octets := range [][]byte{view.Account, view.Credits, view.Held} {
		part, err := spec.AmountFromBytes(octets)
		if err != nil {
			return spec.Amount{}, err
		}
		sum, _ = sum.Add(part)
	}
	return sum, nil
}

// audit: all peers agree, and what everyone has is the supply.
func (n *network) audit() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := until(ctx, func() error {
		var first *common.BlockchainInfo
		for _, m := range n.members {
			info, err := m.chain(ctx)
			if err != nil {
				return err
			}
			if first == nil {
				first = info
			}
			if !proto.Equal(first, info) {
				return fmt.Errorf("peers disagree: %v and %v", first, info)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	var supply spec.Supply
	if err := n.members["fivemiles"].ask(ctx, "token:GetSupply", &spec.GetSupply{}, &supply); err != nil {
		return err
	}
	var sum spec.Amount
	for account := range n.accounts {
		has, err := n.balance(ctx, account)
		if err != nil {
			return err
		}
		sum, _ = sum.Add(has)
	}
	want, err := spec.AmountFromBytes(supply.Supply)
	if err == nil && sum != want {
		err = fmt.Errorf("%d accounts have %s CMT together, the supply is %s", len(n.accounts), sum, want)
	}
	return err
}

// reference returns a reference that was never used.
func reference() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return "intents-" + hex.EncodeToString(random[:])
}

// creditOf names the first credit that a transaction gave.
func creditOf(transaction string) []byte {
	id, err := hex.DecodeString(transaction)
	if err != nil {
		panic(err)
	}
	return spec.CreditName{Tx: [20]byte(id[:20])}.Bytes()
}
