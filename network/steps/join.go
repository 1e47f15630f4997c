package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/hyperledger/fabric-admin-sdk/pkg/channel"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/network/topology"
)

// participation is what an orderer says of a channel.
type participation struct {
	Status            string `json:"status"` // active, onboarding, inactive, failed
	ConsensusRelation string `json:"consensusRelation"`
	Height            uint64 `json:"height"` // blocks
}

func (n *Network) participationURL(node topology.Node) string {
	return "https://" + node.AdminAddress() + "/participation/v1/channels"
}

// participation asks an orderer for its place in the channel; joined is false when it has none.
func (n *Network) participation(ctx context.Context, node topology.Node) (place participation, joined bool, err error) {
	client, err := n.members.probes.client(n.Topology.OperationsFact(n.Layout, node))
	if err != nil {
		return place, false, err
	}
	body, err := get(ctx, client, n.participationURL(node))
	if err != nil {
		return place, false, err
	}
	var list struct {
		Channels []struct {
			Name string `json:"name"`
		} `json:"channels"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return place, false, fmt.Errorf("%s: %w", node.Name, err)
	}
	for _, entry := range list.Channels {
		joined = joined || entry.Name == n.Topology.Channel
	}
	if !joined {
		return place, false, nil
	}
	body, err = get(ctx, client, n.participationURL(node)+"/"+n.Topology.Channel)
	if err != nil {
		return place, true, err
	}
	if err := json.Unmarshal(body, &place); err != nil {
		return place, true, fmt.Errorf("%s: %w", node.Name, err)
	}
	return place, true, nil
}

// joinOrderers hands the genesis block to every orderer that is not in the channel, and waits until all take part.
func (n *Network) joinOrderers(ctx context.Context) (bool, error) {
	block, err := os.ReadFile(n.Layout.GenesisBlock())
	if err != nil {
		return false, err
	}
	var changed atomic.Bool
	err = each(n.Topology.NodesOf(topology.KindOrderer), func(node topology.Node) error {
		return await(ctx, joinLimit, node.Name, func(ctx context.Context) error {
			place, joined, err := n.participation(ctx, node)
			if err != nil {
				return err
			}
			if !joined {
				changed.Store(true)
				if err := n.joinOrderer(ctx, node, block); err != nil {
					return err
				}
				place, _, err = n.participation(ctx, node)
			}
			if err == nil && place.Status != "active" {
				err = fmt.Errorf("its place in the channel is %q", place.Status)
			}
			return err
		})
	})
	return changed.Load(), err
}

func (n *Network) joinOrderer(ctx context.Context, node topology.Node, block []byte) error {
	client, err := n.members.probes.client(n.Topology.OperationsFact(n.Layout, node))
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("config-block", "config.block")
	if err != nil {
		return err
	}
	if _, err := part.Write(block); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.participationURL(node), &body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	_, err = do(client, request, http.StatusCreated)
	return err
}

// joinPeers hands the genesis block to every peer that is not in the channel, in turn: two peers that greet each other
// at the same moment drop one of their two connections, and gossip waits 5 s (fixed) for an answer that went with it.
func (n *Network) joinPeers(ctx context.Context) (bool, error) {
	document, err := os.ReadFile(n.Layout.GenesisBlock())
	if err != nil {
		return false, err
	}
	block := new(common.Block)
	if err := proto.Unmarshal(document, block); err != nil {
		return false, fmt.Errorf("%s: %w: remove it and run up again", n.Layout.GenesisBlock(), err)
	}
	var changed atomic.Bool
	err = n.inTurn(ctx, func(ctx context.Context, peer peerAdmin) error {
		return await(ctx, joinLimit, peer.node.Name, func(ctx context.Context) error {
			channels, err := channel.ListChannelOnPeer(ctx, peer.connection, peer.admin)
			if err != nil {
				return err
			}
			for _, joined := range channels {
				if joined.GetChannelId() == n.Topology.Channel {
					return nil
				}
			}
			changed.Store(true)
			return channel.JoinChannel(ctx, peer.connection, peer.admin, block)
		})
	})
	return changed.Load(), err
}
