package gatewaytest

import (
	"os"
	"path/filepath"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/neighbours"
)

// retryNeighbour is when a neighbour that did not answer is tried again.
const retryNeighbour = 50 * time.Millisecond

// Join makes gateways each other's neighbours.
func Join(t T, gateways ...*Gateway) {
	for _, other := range gateways {
		index, err := app.MemberIndex(t.Context(), other.Ledger, other.MSPID)
		if err != nil {
			t.Fatal(err)
		}
		other.witness.SetHome(index)
		for _, g := range gateways {
			if g == other {
				continue
			}
			file := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(file, []byte(other.Key(t, []spec.Scope{spec.ScopeRelay, spec.ScopeRead})+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			g.others.Meet(neighbours.Neighbour{MSPID: other.MSPID, URL: other.Server.URL, KeyFile: file})
			g.others.Name(other.MSPID, index)
		}
	}
}
