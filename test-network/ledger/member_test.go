//go:build network

package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cybermiles/cmt/network/topology"
)

// credential is somebody's certificate and key, in PEM.
type credential struct {
	mspID            string
	certificate, key string // files
}

func clientIdentity(org topology.OrganisationFact) credential {
	return credential{org.MSPID, org.ClientCertificate, org.ClientKey}
}

func adminIdentity(org topology.OrganisationFact) credential {
	return credential{org.MSPID, org.AdminCertificate, org.AdminKey}
}

// member is an identity at a peer, through Fabric's own client.
type member struct {
	n          *network
	mspID      string
	creator    []byte
	sign       identity.Sign
	connection *grpc.ClientConn
	gateway    *client.Gateway
	channel    *client.Network
	contract   *client.Contract
}

// member opens an identity at a peer, once.
func (n *network) member(who credential, at topology.PeerFact) (*member, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := who.certificate + " at " + at.Name
	if open := n.clients[name]; open != nil {
		return open, nil
	}
	certificatePEM, err := os.ReadFile(who.certificate)
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(who.key)
	if err != nil {
		return nil, err
	}
	certificate, err := identity.CertificateFromPEM(certificatePEM)
	if err != nil {
		return nil, err
	}
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	if err != nil {
		return nil, err
	}
	id, err := identity.NewX509Identity(who.mspID, certificate)
	if err != nil {
		return nil, err
	}
	m := &member{n: n, mspID: who.mspID}
	if m.sign, err = identity.NewPrivateKeySign(key); err != nil {
		return nil, err
	}
	if m.creator, err = proto.Marshal(&msp.SerializedIdentity{Mspid: who.mspID, IdBytes: id.Credentials()}); err != nil {
		return nil, err
	}
	if m.connection, err = n.connect(at); err != nil {
		return nil, err
	}
	if m.gateway, err = client.Connect(id, client.WithSign(m.sign), client.WithHash(hash.SHA256), client.WithClientConnection(m.connection)); err != nil {
		return nil, err
	}
	m.channel = m.gateway.GetNetwork(n.facts.Channel)
	m.contract = m.channel.GetContract(n.facts.Chaincode)
	n.clients[name] = m
	return m, nil
}

// proposal is a proposal made by hand, so that everything in it can be chosen.
func (m *member) proposal(chaincode string, at time.Time, args ...[]byte) *gateway.ProposedTransaction {
	nonce := make([]byte, 24)
	_, _ = rand.Read(nonce) // never fails
	id := sha256.Sum256(append(append([]byte{}, nonce...), m.creator...))
	called := &peer.ChaincodeID{Name: chaincode}
	channel := &common.ChannelHeader{
		Type: int32(common.HeaderType_ENDORSER_TRANSACTION), TxId: hex.EncodeToString(id[:]), Timestamp: timestamppb.New(at),
		ChannelId: m.n.facts.Channel, Extension: encode(&peer.ChaincodeHeaderExtension{ChaincodeId: called}),
	}
	header := &common.Header{
		ChannelHeader:   encode(channel),
		SignatureHeader: encode(&common.SignatureHeader{Creator: m.creator, Nonce: nonce}),
	}
	invocation := &peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: called, Input: &peer.ChaincodeInput{Args: args}}}
	bytes := encode(&peer.Proposal{Header: encode(header), Payload: encode(&peer.ChaincodeProposalPayload{Input: encode(invocation)})})
	digest := sha256.Sum256(bytes)
	signature, err := m.sign(digest[:])
	if err != nil {
		panic(err)
	}
	return &gateway.ProposedTransaction{
		TransactionId: channel.GetTxId(),
		Proposal:      &peer.SignedProposal{ProposalBytes: bytes, Signature: signature},
	}
}

// encode never fails: what it is given was made here.
func encode(message proto.Message) []byte {
	bytes, err := proto.Marshal(message)
	if err != nil {
		panic(err)
	}
	return bytes
}

// endorseAlone asks the one peer behind the connection, past its gateway.
func (m *member) endorseAlone(ctx context.Context, proposed *gateway.ProposedTransaction) (*peer.ProposalResponse, error) {
	response, err := peer.NewEndorserClient(m.connection).ProcessProposal(ctx, proposed.GetProposal())
	if err != nil {
		return nil, err
	}
	if code := response.GetResponse().GetStatus(); code != 200 {
		return nil, fmt.Errorf("status %d: %s", code, response.GetResponse().GetMessage())
	}
	return response, nil
}

// endorse has the peer's gateway endorse a proposal that was made by hand.
func (m *member) endorse(ctx context.Context, proposed *gateway.ProposedTransaction) (*client.Transaction, error) {
	proposal, err := m.gateway.NewSignedProposal(encode(proposed), proposed.GetProposal().GetSignature())
	if err != nil {
		return nil, err
	}
	return proposal.EndorseWithContext(ctx)
}
