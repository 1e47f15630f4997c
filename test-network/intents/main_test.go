//go:build network

package intents

import (
	"fmt"
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
	facts, err := stage.Up(func(_ *topology.Topology, genesis map[string]any) {
		genesis["fence_epoch_seconds"], genesis["fence_grace_seconds"] = fenceEpochSeconds, fenceGraceSeconds
	})
	if err != nil {
		return nil, err
	}
	return openNetwork(stage, facts)
}
