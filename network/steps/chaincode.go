package steps

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"

	"github.com/hyperledger/fabric-admin-sdk/pkg/chaincode"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/network/topology"
)

// packages makes the package of every organisation with peers.
func (n *Network) packages() (map[string]*chaincodePackage, error) {
	all := map[string]*chaincodePackage{}
	for _, service := range n.Topology.NodesOf(topology.KindChaincode) {
		made, err := n.packageOf(service)
		if err != nil {
			return nil, err
		}
		all[service.Organisation] = made
	}
	return all, nil
}

// installChaincode installs its organisation's package on every peer that has not got it.
func (n *Network) installChaincode(ctx context.Context) (bool, error) {
	packages, err := n.packages()
	if err != nil {
		return false, err
	}
	var changed atomic.Bool
	err = n.atPeers(ctx, func(ctx context.Context, at peerAdmin) error {
		own := packages[at.node.Organisation]
		return await(ctx, joinLimit, at.node.Name, func(ctx context.Context) error {
			client := chaincode.NewPeer(at.connection, at.admin)
			installed, err := client.QueryInstalled(ctx)
			if err != nil {
				return err
			}
			for _, one := range installed.GetInstalledChaincodes() {
				if one.GetPackageId() == own.id {
					return nil
				}
			}
			changed.Store(true)
			_, err = client.Install(ctx, bytes.NewReader(own.content))
			return err
		})
	})
	return changed.Load(), err
}

// definition is the chaincode as the topology wants it, at a sequence.
func (n *Network) definition(sequence int64) (*chaincode.Definition, error) {
	policy, err := chaincode.NewApplicationPolicy(n.Topology.EndorsementPolicy(), "")
	if err != nil {
		return nil, &permanentError{fmt.Errorf("policies.endorsement %q: %w: correct it", n.Topology.EndorsementPolicy(), err)}
	}
	return &chaincode.Definition{
		ChannelName: n.Topology.Channel, Name: n.Topology.Chaincode.Name, Version: n.Topology.Chaincode.Version,
		Sequence: sequence, ApplicationPolicy: policy,
	}, nil
}

// committed returns the definition in force at a peer, nil when there is none.
func (n *Network) committed(ctx context.Context, at peerAdmin) (*lifecycle.QueryChaincodeDefinitionsResult_ChaincodeDefinition, error) {
	all, err := chaincode.NewGateway(at.connection, at.admin).QueryCommitted(ctx, n.Topology.Channel)
	if err != nil {
		return nil, err
	}
	for _, one := range all.GetChaincodeDefinitions() {
		if one.GetName() == n.Topology.Chaincode.Name {
			return one, nil
		}
	}
	return nil, nil
}

// wanted is the definition the topology wants, at the sequence it has when it is in force, else at the next.
func (n *Network) wanted(ctx context.Context, at peerAdmin) (want *chaincode.Definition, inForce bool, err error) {
	now, err := n.committed(ctx, at)
	if err != nil {
		return nil, false, err
	}
	if want, err = n.definition(1); err != nil || now == nil {
		return want, false, err
	}
	same, err := samePolicy(want.ApplicationPolicy, now.GetValidationParameter())
	if err != nil {
		return nil, false, err
	}
	want.Sequence = now.GetSequence()
	if inForce = same && now.GetVersion() == want.Version; !inForce {
		want.Sequence++
	}
	return want, inForce, nil
}

func samePolicy(policy *peer.ApplicationPolicy, encoded []byte) (bool, error) {
	other := new(peer.ApplicationPolicy)
	if err := proto.Unmarshal(encoded, other); err != nil {
		return false, fmt.Errorf("the committed endorsement policy: %w", err)
	}
	return proto.Equal(policy, other), nil
}

// approveChaincode lets every organisation with a peer approve the definition with its own package.
func (n *Network) approveChaincode(ctx context.Context) (bool, error) {
	packages, err := n.packages()
	if err != nil {
		return false, err
	}
	done := map[string]bool{}
	var changed atomic.Bool
	var first []topology.Node // an approval is the organisation's, so one of its peers is asked
	for _, node := range n.Topology.NodesOf(topology.KindPeer) {
		if !done[node.Organisation] {
			done[node.Organisation] = true
			first = append(first, node)
		}
	}
	err = n.atPeers(ctx, func(ctx context.Context, at peerAdmin) error {
		var asked bool
		for _, node := range first {
			asked = asked || node.Name == at.node.Name
		}
		if !asked {
			return nil
		}
		return await(ctx, readyLimit, at.node.Name, func(ctx context.Context) error {
			want, _, err := n.wanted(ctx, at)
			if err != nil {
				return err
			}
			want.PackageID = packages[at.node.Organisation].id
			gateway := chaincode.NewGateway(at.connection, at.admin)
			if approved(ctx, gateway, want) {
				return nil
			}
			changed.Store(true)
			return gateway.Approve(ctx, want)
		})
	})
	return changed.Load(), err
}

// approved says whether the organisation's last approval is of exactly this definition and package. That there is none
// is an error of the query, which is not told from others: approving again is then the way to learn what is wrong.
func approved(ctx context.Context, gateway *chaincode.Gateway, want *chaincode.Definition) bool {
	last, err := gateway.QueryApproved(ctx, want.ChannelName, want.Name, want.Sequence)
	if err != nil {
		return false
	}
	same, err := samePolicy(want.ApplicationPolicy, last.GetValidationParameter())
	return err == nil && same && last.GetVersion() == want.Version &&
		last.GetSource().GetLocalPackage().GetPackageId() == want.PackageID
}

// commitChaincode commits the definition once, and waits until every peer has it.
func (n *Network) commitChaincode(ctx context.Context) (bool, error) {
	var changed bool
	at, err := n.peerAdmin(n.Topology.NodesOf(topology.KindPeer)[0])
	if err != nil {
		return false, err
	}
	err = await(ctx, readyLimit, at.node.Name, func(ctx context.Context) error {
		want, inForce, err := n.wanted(ctx, at)
		if inForce || err != nil {
			return err
		}
		changed = true
		return chaincode.NewGateway(at.connection, at.admin).Commit(ctx, want)
	})
	if err != nil {
		return changed, err
	}
	return changed, n.atPeers(ctx, func(ctx context.Context, at peerAdmin) error {
		return await(ctx, readyLimit, at.node.Name, func(ctx context.Context) error {
			_, inForce, err := n.wanted(ctx, at)
			if err == nil && !inForce {
				err = fmt.Errorf("the chaincode definition has not reached it yet")
			}
			return err
		})
	})
}
