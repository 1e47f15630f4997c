//go:build network

package ledger

import (
	"fmt"
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
	os.Exit(func() (code int) {
		stage, err := harness.New()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() {
			if err := stage.Remove(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}()
		if testnet, err = up(stage); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { testnet.close() }()
		code = m.Run()
		// The last word: whatever the tests did, the ledger adds up.
		if err := testnet.audit(); err != nil {
			fmt.Fprintf(os.Stderr, "--- FAIL: the audit of the whole ledger: %v\n", err)
			code = 1
		}
		if code != 0 {
			stage.WriteLogs(os.Stderr, testnet.facts)
		}
		return code
	}())
}

// up brings the local consortium up with this ledger's genesis.
func up(stage *harness.Network) (*network, error) {
	facts, err := stage.Up(func(local *topology.Topology, genesis map[string]any) {
		for field, seconds := range map[string]int{
			"ship_seconds": shipSeconds, "release_seconds": releaseSeconds, "protection_seconds": protectionSeconds,
			"fence_epoch_seconds": fenceEpochSeconds, "fence_grace_seconds": fenceGraceSeconds,
		} {
			genesis[field] = seconds
		}
		var members []any
		for _, member := range genesis["members"].([]any) {
			if member.(map[string]any)["msp_id"] != local.Organisation(stranger).MSPID {
				members = append(members, member)
			}
		}
		genesis["members"] = members
	})
	if err != nil {
		return nil, err
	}
	return newNetwork(stage, facts), nil
}
