package dependencies

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The rules hold for the module as it is. Packages that do not exist yet are bound by nothing.
func TestModule(t *testing.T) {
	graph := list(t)
	if _, listed := graph[Module+"/scripts/lint/dependencies"]; !listed {
		t.Fatalf("go list -deps did not even list this package: its output is not understood")
	}
	for _, rule := range Rules {
		for _, violation := range rule.Violations(graph) {
			t.Error(violation)
		}
	}
}

// list asks go for the module's packages, those of the real network included, and all that they import.
func list(t *testing.T) Graph {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	watch(t, root)
	command := exec.Command("go", "list", "-deps", "-e", "-tags", "network", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	command.Dir = root
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list -deps: %v\n%s", err, complaints.String())
	}
	graph := Graph{}
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		graph[fields[0]] = fields[1:]
	}
	return graph
}

// watch opens every folder of the module, so that go test sees what this test depends on: what `go list` reads in a process
// of its own would otherwise be unknown to it, and a stale pass would be taken from its cache.
func watch(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		}
		folder, err := os.Open(path)
		if err != nil {
			return err
		}
		return folder.Close()
	})
	if err != nil {
		t.Fatalf("walk the module: %v", err)
	}
}

// A graph of the packages as they are meant to be: no rule speaks up.
func allowed() Graph {
	return Graph{
		Module + "/chaincode/spec":              {"fmt", "google.golang.org/protobuf/proto"},
		Module + "/chaincode/spec/pb":           {"google.golang.org/protobuf/proto"},
		Module + "/chaincode/ledger":            {Module + "/chaincode/spec", Module + "/chaincode/ledger/escrow"},
		Module + "/chaincode/ledger/escrow":     {Module + "/chaincode/spec/pb"},
		Module + "/chaincode/intent":            {Module + "/chaincode/spec", "crypto/ed25519"},
		Module + "/chaincode/state":             {Module + "/chaincode/spec", Module + "/chaincode/ledger"},
		Module + "/chaincode/door":              {Module + "/chaincode/ledger", Module + "/chaincode/intent"},
		Module + "/chaincode/contract":          {Module + "/chaincode/state", Module + "/chaincode/intent", contractAPI + "/v2/contractapi"},
		Module + "/chaincode/simulate":          {Module + "/chaincode/state", Module + "/chaincode/ledger"},
		Module + "/chaincode/cmd/cmt-chaincode": {Module + "/chaincode/contract", shim + "/v2/shim"},
		Module + "/gateway/app":                 {Module + "/chaincode/spec", "example.com/metrics"},
		Module + "/gateway/fabric":              {Module + "/gateway/app", "github.com/hyperledger/fabric-gateway/pkg/client"},
		Module + "/gateway/batch":               {Module + "/gateway/app", Module + "/chaincode/intent"},
		Module + "/gateway/breaker":             {"time"},
		Module + "/gateway/neighbours":          {Module + "/gateway/app", Module + "/gateway/client", Module + "/gateway/breaker"},
		Module + "/gateway/store":               {Module + "/gateway/app", sqlite},
		Module + "/gateway/keys":                {Module + "/gateway/app"},
		Module + "/gateway/wallet":              {Module + "/chaincode/spec"},
		Module + "/gateway/httpapi":             {Module + "/gateway/app", Module + "/gateway/console", http},
		Module + "/gateway/console":             {Module + "/gateway/app", http},
		Module + "/gateway/cmd/cmt-gateway":     {Module + "/gateway/httpapi", Module + "/gateway/fabric", Module + "/gateway/store"},
		Module + "/network/topology":            {"fmt"},
		Module + "/network/render":              {Module + "/network/topology"},
		Module + "/network/proc":                {"os/exec"},
		Module + "/network/steps":               {Module + "/network/proc", "github.com/hyperledger/fabric-admin-sdk/pkg/chaincode"},
		Module + "/test-network":                {Module + "/network/topology", Module + "/gateway/app", Module + "/chaincode/contract"},
		contractAPI + "/v2/contractapi":         {shim + "/v2/shim"},
		sqlite:                                  {sql},
		"example.com/metrics":                   {http},
		"example.com/log":                       {"example.com/syslog"},
		"example.com/syslog":                    {process},
	}
}

func violations(graph Graph) []string {
	var found []string
	for _, rule := range Rules {
		for _, violation := range rule.Violations(graph) {
			found = append(found, rule.Tree+": "+strings.ReplaceAll(strings.Join(violation.Path, " "), Module+"/", ""))
		}
	}
	return found
}

func TestAllowed(t *testing.T) {
	if found := violations(allowed()); found != nil {
		t.Errorf("violations of a graph that keeps every rule:\n%s", strings.Join(found, "\n"))
	}
}

// Each case adds one import, and names all that must be said about it: the tree whose rule breaks, and the way.
var forbidden = []struct {
	from, to string
	want     []string
}{
	{"chaincode/spec", Module + "/chaincode/intent", []string{
		"chaincode/spec: chaincode/spec chaincode/intent"}},
	{"chaincode/spec/pb", Module + "/chaincode/ledger", []string{
		"chaincode/spec: chaincode/spec/pb chaincode/ledger"}},
	{"chaincode/ledger", Module + "/chaincode/state", []string{
		"chaincode/ledger: chaincode/ledger chaincode/state"}},
	{"chaincode/ledger", Module + "/chaincode/intent", []string{
		"chaincode/ledger: chaincode/ledger chaincode/intent"}},
	{"chaincode/ledger/escrow", "github.com/hyperledger/fabric-protos-go-apiv2/peer", []string{
		"chaincode/door: chaincode/door chaincode/ledger chaincode/ledger/escrow github.com/hyperledger/fabric-protos-go-apiv2/peer",
		"chaincode/ledger: chaincode/ledger chaincode/ledger/escrow github.com/hyperledger/fabric-protos-go-apiv2/peer",
		"chaincode/ledger: chaincode/ledger/escrow github.com/hyperledger/fabric-protos-go-apiv2/peer"}},
	{"chaincode/ledger", "example.com/log", []string{
		"chaincode/door: chaincode/door chaincode/ledger example.com/log example.com/syslog os/exec",
		"chaincode/ledger: chaincode/ledger example.com/log example.com/syslog os/exec",
		"chaincode/state: chaincode/state chaincode/ledger example.com/log example.com/syslog os/exec",
		"chaincode/simulate: chaincode/simulate chaincode/ledger example.com/log example.com/syslog os/exec"}},
	{"chaincode/door", Module + "/chaincode/state", []string{
		"chaincode/door: chaincode/door chaincode/state"}},
	{"chaincode/intent", "example.com/metrics", []string{
		"chaincode/door: chaincode/door chaincode/intent example.com/metrics net/http",
		"chaincode/intent: chaincode/intent example.com/metrics net/http"}},
	{"chaincode/intent", Module + "/chaincode/ledger", []string{
		"chaincode/intent: chaincode/intent chaincode/ledger"}},
	{"chaincode/state", Module + "/chaincode/intent", []string{
		"chaincode/state: chaincode/state chaincode/intent"}},
	{"chaincode/simulate", contractAPI + "/v2/contractapi", []string{
		"chaincode/simulate: chaincode/simulate " + contractAPI + "/v2/contractapi",
		"chaincode/simulate: chaincode/simulate " + contractAPI + "/v2/contractapi " + shim + "/v2/shim"}},
	{"chaincode/simulate", Module + "/chaincode/cmd/cmt-chaincode", []string{
		"chaincode/simulate: chaincode/simulate chaincode/cmd/cmt-chaincode",
		"chaincode/simulate: chaincode/simulate chaincode/cmd/cmt-chaincode chaincode/contract " + contractAPI + "/v2/contractapi",
		"chaincode/simulate: chaincode/simulate chaincode/cmd/cmt-chaincode " + shim + "/v2/shim"}},
	{"chaincode/contract", Module + "/chaincode/simulate", []string{
		"chaincode/contract: chaincode/contract chaincode/simulate"}},
	{"chaincode/contract", sqlite, []string{
		"chaincode/contract: chaincode/contract " + sqlite}},
	{"chaincode/cmd/cmt-chaincode", Module + "/gateway/keys", []string{
		"chaincode: chaincode/cmd/cmt-chaincode gateway/keys"}},
	{"gateway/app", http, []string{
		"gateway/app: gateway/app net/http"}},
	{"gateway/app", Module + "/gateway/store", []string{
		"gateway/app: gateway/app gateway/store",
		"gateway/app: gateway/app gateway/store " + sqlite,
		"gateway/fabric: gateway/fabric gateway/app gateway/store " + sqlite,
		"gateway/httpapi: gateway/httpapi gateway/app gateway/store " + sqlite,
		"gateway/console: gateway/console gateway/app gateway/store " + sqlite}},
	{"gateway/app", "github.com/hyperledger/fabric-gateway/pkg/client", []string{
		"gateway/app: gateway/app github.com/hyperledger/fabric-gateway/pkg/client",
		"gateway/httpapi: gateway/httpapi gateway/app github.com/hyperledger/fabric-gateway/pkg/client",
		"gateway/console: gateway/console gateway/app github.com/hyperledger/fabric-gateway/pkg/client"}},
	{"gateway/batch", Module + "/gateway/fabric", []string{
		"gateway/batch: gateway/batch gateway/fabric"}},
	{"gateway/breaker", Module + "/gateway/app", []string{
		"gateway/breaker: gateway/breaker gateway/app"}},
	{"gateway/neighbours", Module + "/gateway/batch", []string{
		"gateway/neighbours: gateway/neighbours gateway/batch"}},
	{"gateway/keys", Module + "/gateway/store", []string{
		"gateway/keys: gateway/keys gateway/store"}},
	{"gateway/wallet", http, []string{
		"gateway/wallet: gateway/wallet net/http"}},
	{"gateway/store", Module + "/gateway/keys", []string{
		"gateway/store: gateway/store gateway/keys"}},
	{"gateway/fabric", sql, []string{
		"gateway/fabric: gateway/fabric " + sql}},
	{"gateway/console", sqlite, []string{
		"gateway/httpapi: gateway/httpapi gateway/console " + sqlite,
		"gateway/console: gateway/console " + sqlite}},
	{"gateway/httpapi", "github.com/hyperledger/fabric-gateway/pkg/client", []string{
		"gateway/httpapi: gateway/httpapi github.com/hyperledger/fabric-gateway/pkg/client"}},
	{"gateway/cmd/cmt-gateway", Module + "/chaincode/contract", []string{
		"gateway: gateway/cmd/cmt-gateway chaincode/contract",
		"gateway: gateway/cmd/cmt-gateway chaincode/contract " + contractAPI + "/v2/contractapi"}},
	{"gateway/cmd/cmt-gateway", Module + "/network/topology", []string{
		"gateway: gateway/cmd/cmt-gateway network/topology"}},
	{"gateway/fabric", shim + "/v2/shim", []string{
		"gateway: gateway/cmd/cmt-gateway gateway/fabric " + shim + "/v2/shim",
		"gateway: gateway/fabric " + shim + "/v2/shim"}},
	{"network/steps", Module + "/chaincode/spec", []string{
		"network: network/steps chaincode/spec"}},
	{"network/steps", shim + "/v2/shim", []string{
		"network: network/steps " + shim + "/v2/shim"}},
	{"network/topology", "os/exec", []string{
		"network/topology: network/topology os/exec",
		"network/render: network/render network/topology os/exec"}},
	{"network/render", Module + "/network/proc", []string{
		"network/render: network/render network/proc",
		"network/render: network/render network/proc os/exec"}},
	{"network/proc", Module + "/network/topology", []string{
		"network/proc: network/proc network/topology"}},
	{"network/proc", Module + "/test-network", []string{
		"network: network/proc test-network",
		"network: network/proc test-network chaincode/contract " + contractAPI + "/v2/contractapi",
		"network: network/steps network/proc test-network chaincode/contract " + contractAPI + "/v2/contractapi",
		"network/proc: network/proc test-network",
		"network/proc: network/proc test-network chaincode/contract " + contractAPI + "/v2/contractapi"}},
}

func TestForbidden(t *testing.T) {
	for _, c := range forbidden {
		t.Run(c.from+" imports "+c.to, func(t *testing.T) {
			graph := allowed()
			from := Module + "/" + c.from
			graph[from] = append(graph[from], c.to)
			found := violations(graph)
			slices.Sort(found)
			slices.Sort(c.want)
			if !slices.Equal(found, c.want) {
				t.Errorf("found:\n%s\nwant:\n%s", strings.Join(found, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// A rule that no case breaks is there for show.
func TestEveryRuleCanBreak(t *testing.T) {
	broken := map[string]bool{}
	for _, c := range forbidden {
		for _, want := range c.want {
			tree, _, _ := strings.Cut(want, ":")
			broken[tree] = true
		}
	}
	for _, rule := range Rules {
		if !broken[rule.Tree] {
			t.Errorf("no case breaks the rule of %s", rule.Tree)
		}
	}
}
