package fabric

import (
	"context"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-protos-go-apiv2/discovery"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// discoveryInterval is how often organisations with peers are asked for: a new member's endorses after at most this.
const discoveryInterval = 30 * time.Second

// discoveryTimeout bounds one question.
const discoveryTimeout = 5 * time.Second

// Discover keeps the endorsing organisations up to date until ctx ends; where they are configured it does nothing.
func (l *Ledger) Discover(ctx context.Context) error {
	if len(l.options.Endorsers) > 0 {
		return nil
	}
	for try := 0; ; try++ {
		found, err := l.organisationsWithPeers(ctx)
		if err == nil && len(found) >= l.options.Endorsements {
			l.endorsers.learn(found)
			timer := time.NewTimer(discoveryInterval)
			select {
			case <-timer.C:
				try = 0
				continue
			case <-ctx.Done():
				timer.Stop()
				return nil
			}
		}
		l.log.Debug("discovery knows too few organisations with peers", "found", found, "error", err)
		if !pause(ctx, try) {
			return nil
		}
	}
}

// organisationsWithPeers asks the peer's discovery service who has living peers in the channel.
func (l *Ledger) organisationsWithPeers(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: l.signer.id.MspID(), IdBytes: l.signer.id.Credentials()})
	if err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&discovery.Request{
		Authentication: &discovery.AuthInfo{ClientIdentity: creator},
		Queries:        []*discovery.Query{{Channel: l.options.Channel, Query: &discovery.Query_PeerQuery{PeerQuery: &discovery.PeerMembershipQuery{}}}},
	})
	if err != nil {
		return nil, err
	}
	signature, err := l.signer.sign(hash.SHA256(payload))
	if err != nil {
		return nil, err
	}
	conn := l.preferred()
	response, err := discovery.NewDiscoveryClient(conn.grpc).Discover(ctx, &discovery.SignedRequest{Payload: payload, Signature: signature})
	l.reported(conn, err)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, result := range response.GetResults() {
		if refused := result.GetError(); refused != nil {
			return nil, fmt.Errorf("discovery refused: %s", refused.GetContent())
		}
		for mspID, peers := range result.GetMembers().GetPeersByOrg() {
			if len(peers.GetPeers()) > 0 {
				found = append(found, mspID)
			}
		}
	}
	return found, nil
}
