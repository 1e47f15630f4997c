package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cybermiles/cmt/network/steps"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cmt-network": main})
}

// The scripts say what the command answers where nothing runs; what it does on a real network is in test-network.
func TestScripts(t *testing.T) {
	root, err := steps.FindRepository(".")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("CLONE", root)
			return nil
		},
	})
}

func TestAllocatePorts(t *testing.T) {
	ports, err := allocatePorts(40)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if seen[port] || port < lowestFreePort || port >= highestFreePort {
			t.Errorf("port %d", port)
		}
		seen[port] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d ports, want 40", len(seen))
	}
}

func TestStatusTable(t *testing.T) {
	status := &steps.Status{
		Problems: []string{}, Channel: "cmt", Chaincode: steps.ChaincodeStatus{Name: "cmt", Version: "1.0", Sequence: 1},
		Supervisor: 7, DataDir: "/data",
		Processes: []steps.ProcessStatus{{
			Name: "peer0.merchant1", Address: "127.0.0.1:7161", PID: 42, State: "running", Health: "ok", Height: 5, MemoryBytes: 80 << 20,
		}, {
			Name: "gateway.merchant1", Address: "127.0.0.1:8081", State: "backoff", Health: "backoff, last exit: exit status 1", Restarts: 3,
		}},
	}
	for ok, want := range map[bool]string{true: `NODE               ADDRESS         PID  STATE    HEALTH  HEIGHT  MEMORY  RESTARTS
peer0.merchant1    127.0.0.1:7161  42   running  ok      5       80 MiB  0
gateway.merchant1  127.0.0.1:8081  0    backoff  NOT OK  -       0 MiB   3
channel cmt, chaincode cmt version 1.0 sequence 1, memory 80 MiB, supervisor 7, data /data
status: ok
`, false: "status: NOT OK\n  gateway.merchant1: backoff, last exit: exit status 1\n"} {
		if status.OK = ok; !ok {
			status.Problems = []string{"gateway.merchant1: backoff, last exit: exit status 1"}
		}
		var out bytes.Buffer
		if err := printStatus(&out, status, false); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("printed\n%swant at its end\n%s", out.String(), want)
		}
	}
}

func TestQuoteIsOneWordOfAShell(t *testing.T) {
	if got, want := quote(`a'b $c`), `'a'\''b $c'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSourceThatDoesNotExist(t *testing.T) {
	l, err := (&settings{data: t.TempDir()}).layout()
	if err != nil {
		t.Fatal(err)
	}
	if from, err := readSource(l); from != nil || err != nil {
		t.Errorf("a source where nothing is: %v, %v", from, err)
	}
	if _, err := readTopology(source{Topology: "/nonexistent.yaml"}, nil, false); err == nil || !strings.Contains(err.Error(), "--topology") {
		t.Errorf("a topology that does not exist: %v", err)
	}
}
