package first

import (
	"strings"
	"testing"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
)

func TestBenchHasTheScenariosThatOthersReadByName(t *testing.T) {
	var names []string
	for _, scenario := range Bench().Scenarios {
		if scenario.Run == nil || scenario.Summary == "" {
			t.Errorf("%s is not complete", scenario.Name)
		}
		names = append(names, scenario.Name)
	}
	if got := strings.Join(names, " "); got != "cold_demo warm_demo up write idle failover" {
		t.Errorf("scenarios %s", got)
	}
}

// The lines are those of scripts/demo --once in a cold clone, shortened.
func TestPhasesOfTheDemo(t *testing.T) {
	phases := phases()
	for i, line := range strings.Split(`build: cmt-network cmt-chaincode (the first time takes a minute or two)
go: downloading google.golang.org/grpc v1.75.0
go: downloading google.golang.org/protobuf v1.36.12
build: ok in 60 s: .bin/
The network
      building Fabric v3.1.1, once for this user: one to three minutes
ok    fabric programs           61.20 s
ok    keys and certificates      0.08 s
same  chaincode answers          0.01 s
up: ok in 65.0 s; stop it with: cmt-network down
The people make keys, which no gateway ever sees
  alice confirms; the store is paid              block 9
ok    stop every process         0.50 s
demo: ok in 130 s`, "\n") {
		phases.Line(time.Duration(i+1)*time.Second, line)
	}
	var got []string
	for _, part := range phases.Seconds() {
		got = append(got, part.Name)
	}
	if names := strings.Join(got, " "); names != "modules build fabric network stories_and_down" {
		t.Errorf("phases %s", names)
	}
	if took, ok := phases.Ended("stories_and_down"); !ok || took != 14*time.Second {
		t.Errorf("ended at %v, %v", took, ok)
	}
}

func TestReceiverIsNobodysWhoFoldsCredits(t *testing.T) {
	facts := &topology.Facts{
		Organisations: []topology.OrganisationFact{{MSPID: "A"}, {MSPID: "B"}, {MSPID: "C"}},
		Gateways:      []topology.GatewayFact{{MSPID: "A"}, {MSPID: "B"}},
	}
	to, err := receiver(facts)
	if err != nil || to != spec.SubAccountAddress("C", "bench") {
		t.Errorf("%v, %v", to, err)
	}
	facts.Gateways = append(facts.Gateways, topology.GatewayFact{MSPID: "C"})
	if _, err := receiver(facts); err == nil {
		t.Error("a receiver although all have gateways")
	}
}
