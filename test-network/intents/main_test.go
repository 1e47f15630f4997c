//go:build network

package intents

import (
	"os"
	"testing"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/harness"
)

// The durations of this ledger, in seconds: short enough to see an epoch end.
const (
	fenceEpochSeconds = 5
	fenceGraceSeconds = 3
)

// testnet is the network that all tests share.
var testnet *network

func TestMain(m *testing.M) {
	os.Exit(harness.Tests{
		Genesis: func(_ *topology.Topology, argument map[string]any) {
			argument["fence_epoch_seconds"], argument["fence_grace_seconds"] = fenceEpochSeconds, fenceGraceSeconds
		},
		Open: func(stage *harness.Network, facts *topology.Facts) (err error) {
			testnet, err = openNetwork(stage, facts)
			return err
		},
		Close: func() { testnet.close() },
		Audit: func() error { return testnet.audit() },
	}.Run(m))
}
