package crowd

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/config"
	"github.com/cybermiles/cmt/gateway/fabric"
	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/bench"
)

// Organisation returns what a network says of a member.
func Organisation(facts *topology.Facts, mspID string) (topology.OrganisationFact, error) {
	for _, one := range facts.Organisations {
		if one.MSPID == mspID {
			return one, nil
		}
	}
	return topology.OrganisationFact{}, fmt.Errorf("the network has no organisation %s", mspID)
}

// LedgerOf is the gateway's ledger of the n-th peer's organisation, with the settings that cmt-gateway has by itself.
func LedgerOf(facts *topology.Facts, n int, log *slog.Logger) (*fabric.Ledger, error) {
	org, err := Organisation(facts, facts.Peers[n].MSPID)
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

// Agreed waits until all peers have the same number of blocks, and compares the last one's hash. It returns the height.
func Agreed(ctx context.Context, facts *topology.Facts) (height uint64, err error) {
	err = bench.Await(ctx, agreeLimit, "peers of one height", func(ctx context.Context) error {
		var first []byte
		for n, at := range facts.Peers {
			own := &topology.Facts{Channel: facts.Channel, Chaincode: facts.Chaincode, Organisations: facts.Organisations, Peers: []topology.PeerFact{at}}
			ledger, err := LedgerOf(own, 0, slog.New(slog.DiscardHandler))
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
