package fabric

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Orderer is a node of the ordering service.
type Orderer struct {
	// Address is host:port; TLSCA the file of the certificates that its TLS certificate descends from, in PEM.
	Address, TLSCA, TLSServerName string
}

// orderers are the consenters in the order of their numbers. A transaction goes to the one that leads, by the word of the last
// block: a peer's gateway would tell all of them, each of which checks and keeps what only the leader proposes.
type orderers struct {
	connections []*grpc.ClientConn

	mu sync.Mutex
	// view is the BFT protocol's; seen: a block told it.
	view uint64
	seen bool
}

func dialOrderers(nodes []Orderer) (*orderers, error) {
	o := &orderers{}
	for _, node := range nodes {
		conn, err := dialTLS(node.Address, node.TLSCA, node.TLSServerName)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("orderer %s: %w", node.Address, err), o.close())
		}
		o.connections = append(o.connections, conn)
	}
	return o, nil
}

func (o *orderers) close() error {
	var err error
	for _, conn := range o.connections {
		err = errors.Join(err, conn.Close())
	}
	return err
}

// see learns from a block who leads.
func (o *orderers) see(block *common.Block) {
	view, ok := viewOf(block)
	if !ok {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.view, o.seen = view, true
}

// leader returns the connection of the one that leads, nil when nobody said who that is.
func (o *orderers) leader() *grpc.ClientConn {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.seen || len(o.connections) == 0 {
		return nil
	}
	// Without rotation, which the channel's configuration leaves off, the view's number says it.
	return o.connections[o.view%uint64(len(o.connections))]
}

// errNoLeader: nobody knows who leads.
var errNoLeader = errors.New("no block has told which orderer leads")

// order gives a signed envelope to the orderer that leads, which may lose it: whoever does not see it committed soon tells all.
func (o *orderers) order(ctx context.Context, envelope *common.Envelope) error {
	conn := o.leader()
	if conn == nil {
		return errNoLeader
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := orderer.NewAtomicBroadcastClient(conn).Broadcast(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(envelope); err != nil {
		return err
	}
	answer, err := stream.Recv()
	if err != nil {
		return err
	}
	if answer.GetStatus() != common.Status_SUCCESS {
		return fmt.Errorf("the orderer answers %s: %s", answer.GetStatus(), answer.GetInfo())
	}
	return nil
}

// signedEnvelope reads a prepared transaction and signs its envelope.
func (s *signer) signedEnvelope(prepared []byte) (*common.Envelope, error) {
	var transaction gateway.PreparedTransaction
	if err := proto.Unmarshal(prepared, &transaction); err != nil {
		return nil, fmt.Errorf("read a prepared transaction: %w", err)
	}
	envelope := transaction.GetEnvelope()
	digest := sha256.Sum256(envelope.GetPayload())
	signature, err := s.sign(digest[:])
	if err != nil {
		return nil, fmt.Errorf("sign a transaction: %w", err)
	}
	envelope.Signature = signature
	return envelope, nil
}

// viewField is view_id of smartbftprotos.ViewMetadata, which Fabric's public protos leave out.
const viewField = 1

// viewOf reads the BFT view that a block was agreed in from what its signatures cover; false when there is none.
func viewOf(block *common.Block) (view uint64, ok bool) {
	metadata := block.GetMetadata().GetMetadata()
	if len(metadata) <= int(common.BlockMetadataIndex_SIGNATURES) {
		return 0, false
	}
	var signed common.Metadata
	var covered common.OrdererBlockMetadata
	if proto.Unmarshal(metadata[common.BlockMetadataIndex_SIGNATURES], &signed) != nil || proto.Unmarshal(signed.GetValue(), &covered) != nil {
		return 0, false
	}
	rest := covered.GetConsenterMetadata()
	for ok = len(rest) > 0; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return 0, false
		}
		rest = rest[n:]
		if number == viewField && kind == protowire.VarintType {
			if view, n = protowire.ConsumeVarint(rest); n < 0 {
				return 0, false
			}
		} else if n = protowire.ConsumeFieldValue(number, kind, rest); n < 0 {
			return 0, false
		}
		rest = rest[n:]
	}
	return view, ok
}
