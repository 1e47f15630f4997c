//go:build network

package demo

import (
	"os"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/network/topology"
	"github.com/cybermiles/cmt/test-network/harness"
)

// The network of the stories, and where its programs are.
var (
	stage *harness.Network
	facts *topology.Facts
)

// The genesis stays as it is: the stories must have time enough in it.
func TestMain(m *testing.M) {
	os.Exit(harness.Tests{
		Genesis: func(*topology.Topology, map[string]any) {},
		Open: func(n *harness.Network, f *topology.Facts) error {
			stage, facts = n, f
			return nil
		},
		Close: func() {},
		Audit: func() error { return nil }, // each run's books are one
	}.Run(m))
}

// What the demo leaves behind is enough to be played again on.
func TestTheStoriesHappenAgainOnTheSameLedger(t *testing.T) {
	for run := range 2 {
		var out strings.Builder
		d := &Demo{Facts: facts, GatewayProgram: stage.Program("cmt-gateway"), NetworkProgram: stage.Program("cmt-network"), Out: &out}
		if err := d.Run(t.Context()); err != nil {
			t.Fatalf("run %d: %v\n%s", run, err, out.String())
		}
		document := d.Document()
		if len(document.Gateways) != 3 || document.Supply != "500000000" || !strings.Contains(out.String(), document.Order) || !strings.Contains(out.String(), document.Listing) {
			t.Errorf("run %d leaves %+v", run, document)
		}
	}
}
