package topology_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/network/topology"
)

// local is the local consortium's file, which these tests vary.
func local(t *testing.T) string {
	t.Helper()
	document, err := os.ReadFile("../../test-network/topology/local.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

func resolve(t *testing.T, document string, options topology.Options) (*topology.Topology, error) {
	t.Helper()
	parsed, err := topology.Parse([]byte(document))
	if err != nil {
		return nil, err
	}
	return topology.Resolve(parsed, options)
}

func TestLocalTopology(t *testing.T) {
	resolved, err := resolve(t, local(t), topology.Options{BaseDir: "/base", ProgramsDir: "/bin"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range resolved.Nodes() {
		names = append(names, n.Name)
	}
	want := "orderer0.fivemiles orderer0.merchant1 orderer0.merchant2 orderer0.buyers " +
		"peer0.fivemiles peer0.merchant1 peer0.merchant2 chaincode.fivemiles chaincode.merchant1 chaincode.merchant2 " +
		"gateway.fivemiles gateway.merchant1 gateway.merchant2"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("nodes %s, want %s", got, want)
	}
	policy := "OutOf(2, 'FiveMilesMSP.peer', 'MerchantOneMSP.peer', 'MerchantTwoMSP.peer')"
	if resolved.EndorsementPolicy() != policy || resolved.LifecyclePolicy() != policy {
		t.Errorf("policies %s and %s, want %s", resolved.EndorsementPolicy(), resolved.LifecyclePolicy(), policy)
	}
	if resolved.Programs.Chaincode != "/bin/cmt-chaincode" || resolved.Programs.Gateway != "/bin/cmt-gateway" {
		t.Errorf("programs %+v, want those beside the executable", resolved.Programs)
	}
}

func TestMarshalAndParseAreTwins(t *testing.T) {
	resolved, err := resolve(t, local(t), topology.Options{BaseDir: "/base", ProgramsDir: "/bin"})
	if err != nil {
		t.Fatal(err)
	}
	document, err := resolved.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := topology.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(resolved, again) {
		t.Errorf("parsed again:\n%+v\nwant\n%+v", again, resolved)
	}
}

// Each row breaks the local topology by replacing one text, and names what the error must say.
func TestEveryMistakeIsNamed(t *testing.T) {
	for _, row := range []struct{ name, old, new, want string }{
		{"unknown key", "channel: cmt", "chanel: cmt", "field chanel not found"},
		{"wrong type", "max_message_count: 500", "max_message_count: many", "line"},
		{"two documents", "name: local", "---\nname: a\n---\nname: local", "more than one YAML document"},
		{"no name", "name: local\n", "", "name is missing"},
		{"bad channel", "channel: cmt", "channel: CMT", `channel "CMT"`},
		{"bad organisation", "name: buyers", "name: Buyers", `organisations[3].name "Buyers"`},
		{"same organisation", "name: chamber", "name: buyers", "organisations[4].name \"buyers\" is also organisations[3].name"},
		{"same MSP", "    msp_id: ChamberMSP", "    msp_id: BuyersMSP", "organisations[4].msp_id \"BuyersMSP\" is also"},
		{"ordering MSP of a peer MSP", "ordering_msp_id: BuyersOrdererMSP", "ordering_msp_id: FiveMilesMSP", "organisations[3].ordering_msp_id"},
		{"no ordering MSP", "    ordering_msp_id: BuyersOrdererMSP\n", "", "organisations[3].ordering_msp_id is missing"},
		{"too few orderers", "    orderers: [{name: orderer0, port: 7350, admin_port: 7351, operations_port: 7352}]\n", "", "too few orderers, 3"},
		{"duplicate port", "port: 7161, chaincode_port: 7162", "port: 7061, chaincode_port: 7162",
			"organisations[1].peers[0].port is 7061, as organisations[0].peers[0].port is"},
		{"missing port", "admin_port: 7251, ", "", "organisations[2].orderers[0].admin_port is missing"},
		{"port out of range", "gateway: {port: 8082}", "gateway: {port: 80820}", "organisations[2].gateway.port is 80820"},
		{"bad host", "gateway: {port: 8082}", `gateway: {host: "a b", port: 8082}`, "organisations[2].gateway.host"},
		{"no chaincode service", "    chaincode: {port: 7264}\n", "", "organisations[2].chaincode is missing"},
		{"gateway without a peer", "    msp_id: ChamberMSP", "    msp_id: ChamberMSP\n    gateway: {port: 9}", "organisations[4].gateway has no peer"},
		{"chaincode without a peer", "    msp_id: ChamberMSP", "    msp_id: ChamberMSP\n    chaincode: {port: 9}", "organisations[4].chaincode has no peer"},
		{"node names", "name: peer0, port: 7261", "name: crypto, port: 7261", "organisations[2].peers[0].name \"crypto\""},
		{"policy too wide", "required: 2", "required: 4", "policies.required is 4"},
		{"batch interval", "batch_interval: 50ms", "batch_interval: 0s", "ordering.batch_interval is 0s"},
		{"complaint before forwarding", "batch_interval: 50ms", "batch_interval: 50ms\n  complain_timeout: 500ms", "ordering.complain_timeout"},
		{"memory limit", "policies:", "tuning: {peer_memory_limit: lots}\npolicies:", "tuning.peer_memory_limit \"lots\""},
		{"cache of the state", "policies:", "tuning: {state_cache_mib: 31}\npolicies:", "tuning.state_cache_mib is 31"},
		{"genesis function", "function: consortium:Genesis", "function: \"drop table\"", "chaincode.genesis.function"},
		{"version", `version: "1.0"`, `version: "1 0"`, "chaincode.version"},
	} {
		t.Run(row.name, func(t *testing.T) {
			document := local(t)
			broken := strings.Replace(document, row.old, row.new, 1)
			if broken == document {
				t.Fatalf("local.yaml does not hold %q", row.old)
			}
			_, err := resolve(t, broken, topology.Options{BaseDir: "/base", ProgramsDir: "/bin"})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want an error that says %q", err, row.want)
			}
		})
	}
	if _, err := topology.Parse(nil); err == nil || !strings.Contains(err.Error(), "local.yaml") {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := topology.Parse(make([]byte, 2<<20)); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a file of 2 MiB: %v", err)
	}
}

func TestPorts(t *testing.T) {
	shifted, err := resolve(t, local(t), topology.Options{ProgramsDir: "/bin", BaseDir: "/", PortOffset: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if got := shifted.Organisations[0].Orderers[0]; got.Port != 8050 || got.AdminPort != 8051 || got.OperationsPort != 8052 {
		t.Errorf("shifted by 1000: %+v", got)
	}
	if _, err := resolve(t, local(t), topology.Options{PortOffset: -1}); err == nil {
		t.Error("a negative offset is taken")
	}
	next := 20000
	allocate := func(count int) ([]int, error) {
		var ports []int
		for range count {
			next++
			ports = append(ports, next)
		}
		return ports, nil
	}
	options := topology.Options{ProgramsDir: "/bin", BaseDir: "/", FreePorts: true, Allocate: allocate}
	free, err := resolve(t, local(t), options)
	if err != nil {
		t.Fatal(err)
	}
	options.Previous, options.KeepPorts = free, true
	again, err := resolve(t, local(t), options)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(free.Endpoints(), again.Endpoints()) {
		t.Error("free ports are not kept")
	}
	options.Previous = nil
	options.Allocate = func(int) ([]int, error) { return nil, errors.New("none left") }
	if _, err := resolve(t, local(t), options); err == nil || err.Error() != "none left" {
		t.Errorf("no free ports: %v", err)
	}
}

func TestWithoutGateways(t *testing.T) {
	resolved, err := resolve(t, local(t), topology.Options{ProgramsDir: "/bin", BaseDir: "/", WithoutGateways: true})
	if err != nil {
		t.Fatal(err)
	}
	if gateways := resolved.NodesOf(topology.KindGateway); len(gateways) != 0 {
		t.Errorf("gateways %v, want none", gateways)
	}
}

// The ledger's identifier is chosen once; what is sent and what is hashed are the same bytes.
func TestGenesisArgument(t *testing.T) {
	options := topology.Options{ProgramsDir: "/bin", BaseDir: "/"}
	first, err := resolve(t, local(t), options)
	if err != nil {
		t.Fatal(err)
	}
	id, ok := first.Chaincode.Genesis.Argument["ledger_id"].(string)
	if !ok || len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Fatalf("ledger_id %q, want 32 lower-case hexadecimal digits", id)
	}
	other, err := resolve(t, local(t), options)
	if err != nil {
		t.Fatal(err)
	}
	if other.Chaincode.Genesis.Argument["ledger_id"] == id {
		t.Error("two ledgers have one identifier")
	}
	options.Previous = first
	again, err := resolve(t, local(t), options)
	if err != nil {
		t.Fatal(err)
	}
	a, err := first.Chaincode.Genesis.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b, err := again.Chaincode.Genesis.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("the argument changed from %s to %s", a, b)
	}
	if !json.Valid(a) || strings.ContainsAny(string(a), "\n\t") {
		t.Errorf("the argument is not one line of JSON: %s", a)
	}
	given := topology.Genesis{Argument: map[string]any{"b": 1, "a": "<&>"}}
	if bytes, err := given.Bytes(); err != nil || string(bytes) != `{"a":"<&>","b":1}` {
		t.Errorf("got %s, %v", bytes, err)
	}
	if got, err := given.SHA256(); err != nil || len(got) != 64 {
		t.Errorf("SHA256 %s, %v", got, err)
	}
}

func TestFacts(t *testing.T) {
	dir := t.TempDir()
	if _, err := topology.ReadFacts(dir); err == nil || !strings.Contains(err.Error(), "cmt-network up") {
		t.Errorf("facts where there are none: %v", err)
	}
	resolved, err := resolve(t, local(t), topology.Options{ProgramsDir: "/bin", BaseDir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	l := topology.Layout{Root: dir}
	facts := topology.FactsOf(resolved, l, "/fabric/bin")
	document, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.Facts(), document, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := topology.ReadFacts(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(facts, read) {
		t.Errorf("read %+v, want %+v", read, facts)
	}
	for i, orderer := range read.Orderers {
		if orderer.ConsenterID != i+1 {
			t.Errorf("%s is consenter %d, want %d", orderer.Name, orderer.ConsenterID, i+1)
		}
	}
	if len(read.Organisations) != 5 || len(read.Peers) != 3 || len(read.Orderers) != 4 || len(read.Gateways) != 3 {
		t.Errorf("facts: %+v", read)
	}
}

func TestSocketPathFits(t *testing.T) {
	short := topology.Layout{Root: "/data"}
	if got := short.Socket(); got != "/data/supervisor/control.sock" {
		t.Errorf("socket %s", got)
	}
	seen := map[string]bool{}
	for i := range 3 {
		long := topology.Layout{Root: filepath.Join("/", strings.Repeat("d", 100), fmt.Sprint(i))}
		path := long.Socket()
		if len(path) > 107 || seen[path] || path != long.Socket() {
			t.Errorf("socket %q of %d bytes", path, len(path))
		}
		seen[path] = true
	}
}
