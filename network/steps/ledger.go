package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hyperledger/fabric-admin-sdk/pkg/discovery"
	"github.com/hyperledger/fabric-admin-sdk/pkg/identity"
	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/cybermiles/cmt/network/topology"
)

// probeFunction is what is evaluated to learn that a chaincode answers when no genesis check names anything better; every
// contract-api chaincode has it, and a refusal of the name is an answer too.
const probeFunction = "org.hyperledger.fabric:GetMetadata"

// errNotInitialised is the code of the chaincode's error on a ledger without genesis.
const errNotInitialised = "not_initialised"

// contract is the chaincode as an identity sees it through one peer.
type contract struct {
	gateway *client.Gateway
	*client.Contract
	mspID string
}

func (n *Network) contract(connection grpc.ClientConnInterface, who identity.SigningIdentity) (*contract, error) {
	opened, err := client.Connect(who, client.WithClientConnection(connection), client.WithHash(hash.NONE), client.WithSign(who.Sign))
	if err != nil {
		return nil, err
	}
	return &contract{opened, opened.GetNetwork(n.Topology.Channel).GetContract(n.Topology.Chaincode.Name), who.MspID()}, nil
}

// checkArgument is what chaincode.genesis.check is called with: our contracts take one JSON object each.
const checkArgument = "{}"

// evaluateOwn runs a function on the organisation's own peers only.
func (c *contract) evaluateOwn(ctx context.Context, function string) error {
	_, err := c.EvaluateWithContext(ctx, function, client.WithArguments(checkArgument), client.WithEndorsingOrganizations(c.mspID))
	return err
}

// chaincodeMessage returns the text a chaincode refused a call with, and whether it was the chaincode that refused. The
// peer's gateway puts "chaincode response N, " before it, in the details of the status.
func chaincodeMessage(err error) (string, bool) {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return "", false
	}
	texts := []string{carrier.GRPCStatus().Message()}
	for _, detail := range carrier.GRPCStatus().Details() {
		if one, ok := detail.(*gateway.ErrorDetail); ok {
			texts = append(texts, one.GetMessage())
		}
	}
	for _, text := range texts {
		if _, after, found := strings.Cut(text, "chaincode response "); found {
			if _, message, found := strings.Cut(after, ", "); found {
				return message, true
			}
		}
	}
	return "", false
}

// errorCode is the code of our chaincode's errors, which are one line of JSON.
func errorCode(message string) string {
	var problem struct {
		Code string `json:"code"`
	}
	if json.Unmarshal([]byte(message), &problem) != nil {
		return ""
	}
	return problem.Code
}

// awaitChaincode waits until every peer sees every other one with the chaincode, so that its gateway can endorse, and
// until the chaincode answers every peer.
func (n *Network) awaitChaincode(ctx context.Context) (bool, error) {
	want := len(n.Topology.NodesOf(topology.KindPeer))
	function := probeFunction
	if genesis := n.Topology.Chaincode.Genesis; genesis != nil {
		function = genesis.Check
	}
	interest := &peer.ChaincodeInterest{Chaincodes: []*peer.ChaincodeCall{{Name: n.Topology.Chaincode.Name}}}
	return false, n.atPeers(ctx, func(ctx context.Context, at peerAdmin) error {
		if err := await(ctx, readyLimit, at.node.Name, func(ctx context.Context) error {
			result, err := discovery.NewPeer(at.connection, at.admin).PeerMembershipQuery(ctx, n.Topology.Channel, interest)
			if err != nil {
				return err
			}
			var seen int
			for _, org := range result.GetPeersByOrg() {
				seen += len(org.GetPeers())
			}
			if seen < want {
				return fmt.Errorf("it sees %d of %d peers with the chaincode", seen, want)
			}
			return nil
		}); err != nil {
			return err
		}
		who, err := n.members.client(at.node.Organisation)
		if err != nil {
			return err
		}
		callee, err := n.contract(at.connection, who)
		if err != nil {
			return err
		}
		defer callee.gateway.Close()
		return await(ctx, readyLimit, at.node.Name, func(ctx context.Context) error {
			err := callee.evaluateOwn(ctx, function)
			if _, answered := chaincodeMessage(err); answered {
				return nil
			}
			return err
		})
	})
}

// initialiseLedger makes the genesis call on a fresh ledger, as the client user of the first organisation with a peer.
func (n *Network) initialiseLedger(ctx context.Context) (bool, error) {
	genesis := n.Topology.Chaincode.Genesis
	if genesis == nil {
		return false, nil
	}
	argument, err := genesis.Bytes()
	if err != nil {
		return false, err
	}
	node := n.Topology.NodesOf(topology.KindPeer)[0]
	connection, err := n.members.connect(node)
	if err != nil {
		return false, err
	}
	who, err := n.members.client(node.Organisation)
	if err != nil {
		return false, err
	}
	callee, err := n.contract(connection, who)
	if err != nil {
		return false, err
	}
	defer callee.gateway.Close()
	var changed bool
	err = await(ctx, readyLimit, genesis.Function, func(ctx context.Context) error {
		err := callee.evaluateOwn(ctx, genesis.Check)
		message, answered := chaincodeMessage(err)
		switch {
		case err == nil:
			return nil
		case !answered:
			return err
		case errorCode(message) != errNotInitialised:
			return &permanentError{fmt.Errorf("%s answers: %s: correct chaincode.genesis.check", genesis.Check, message)}
		}
		changed = true
		_, err = callee.SubmitWithContext(ctx, genesis.Function, client.WithBytesArguments(argument))
		if message, answered := chaincodeMessage(err); answered {
			return &permanentError{fmt.Errorf("%s answers: %s: correct chaincode.genesis.argument", genesis.Function, message)}
		}
		return err
	})
	return changed, err
}
