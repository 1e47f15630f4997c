//go:build network

package ledger

import (
	"os"
	"testing"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/harness"
)

// The durations of this ledger, in seconds: short enough to see them end, long enough that what has to happen before one
// does so on a busy machine.
const (
	shipSeconds       = 12
	releaseSeconds    = 3
	protectionSeconds = 18
	fenceEpochSeconds = 5
	fenceGraceSeconds = 3
)

// stranger is the organisation that has a place in the channel and none on the ledger.
const stranger = "chamber"

// testnet is the network that all tests share.
var testnet *network

func TestMain(m *testing.M) {
	os.Exit(harness.Tests{
		Genesis: genesis,
		Open: func(stage *harness.Network, facts *topology.Facts) error {
			testnet = newNetwork(stage, facts)
			return nil
		},
		Close: func() { testnet.close() },
		Audit: func() error { return testnet.audit() },
	}.Run(m))
}

// genesis is this ledger's: short durations, and one organisation of the channel left out.
func genesis(local *topology.Topology, argument map[string]any) {
	for field, seconds := range map[string]int{
		"ship_seconds": shipSeconds, "release_seconds": releaseSeconds, "protection_seconds": protectionSeconds,
		"fence_epoch_seconds": fenceEpochSeconds, "fence_grace_seconds": fenceGraceSeconds, "hold_seconds": 600, "auction_seconds": 600, "auction_extension_seconds": 5,
	} {
		argument[field] = seconds
	}
	var members []any
	for _, member := range argument["members"].([]any) {
		if member.(map[string]any)["msp_id"] != local.Organisation(stranger).MSPID {
			members = append(members, member)
		}
	}
	argument["members"] = members
}
