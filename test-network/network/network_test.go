//go:build network

package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/steps"
	"github.com/cybermiles/cmt/network/topology"
)

// The tests of one network follow each other on it, as an operator's day would.
func TestNetwork(t *testing.T) {
	f := newFixture(t)
	t.Run("up brings everything up", func(t *testing.T) { f.t = t; upBringsEverythingUp(t, f) })
	if t.Failed() {
		return
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *fixture)
	}{
		{"up again changes nothing", upAgainChangesNothing},
		{"keys stay with their organisation", keysStayWithTheirOrganisation},
		{"up keeps nothing of its caller open", upKeepsNothingOpen},
		{"env works with Fabric's own peer command", envWorks},
		{"a killed process is started again", killedProcessIsStartedAgain},
		{"killed peers have the same state", killedPeersHaveTheSameState},
		{"the next transaction commits after the leader is killed", leaderFailover},
		{"up completes after the supervisor is killed", upAfterSupervisorIsKilled},
		{"restart starts a process anew", restartStartsAnew},
		{"down and up keep the ledger", downAndUpKeepTheLedger},
		{"a changed program is restarted", changedProgramIsRestarted},
		{"a new version is approved and committed", newVersionIsCommitted},
		{"a changed channel is refused", changedChannelIsRefused},
		{"down leaves no process, purge no file", downAndPurgeLeaveNothing},
	} {
		t.Run(test.name, func(t *testing.T) { f.t = t; test.run(t, f) })
	}
	f.t = t
}

func upBringsEverythingUp(t *testing.T, f *fixture) {
	f.up()
	status := f.status()
	if !status.OK {
		t.Fatalf("status: %s", strings.Join(status.Problems, "; "))
	}
	count := map[string]int{}
	var memory int64
	for _, one := range status.Processes {
		count[one.Kind]++
		memory += one.MemoryBytes
	}
	for kind, want := range map[string]int{"orderer": 4, "peer": 3, "chaincode": 3, "gateway": 3} {
		if count[kind] != want {
			t.Errorf("%d processes of the kind %s, want %d", count[kind], kind, want)
		}
	}
	const mostMemory = 2 << 30 // of the whole network, idle
	if memory > mostMemory {
		t.Errorf("the network holds %d MiB, more than %d", memory>>20, mostMemory>>20)
	}
	for _, organisation := range []string{"fivemiles", "merchant1", "merchant2"} {
		if err := put(f.contract(organisation), organisation, "first"); err != nil {
			t.Errorf("a transaction by %s: %v", organisation, err)
		}
	}
}

func pids(status *steps.Status) map[string]int {
	all := map[string]int{"supervisor": status.Supervisor}
	for _, one := range status.Processes {
		all[one.Name] = one.PID
	}
	return all
}

func upAgainChangesNothing(t *testing.T, f *fixture) {
	before := f.status()
	began := time.Now()
	progress := f.up()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("up on a running network took %v, more than 10 s", took)
	}
	if strings.Contains("\n"+progress, "\nok ") {
		t.Errorf("a step changed something:\n%s", progress)
	}
	after := f.status()
	if fmt.Sprint(pids(before)) != fmt.Sprint(pids(after)) {
		t.Errorf("processes changed from %v to %v", pids(before), pids(after))
	}
	if a, b := process(t, before, "peer0.fivemiles").Height, process(t, after, "peer0.fivemiles").Height; a != b {
		t.Errorf("the height went from %d to %d", a, b)
	}
}

// Folders of keys are their owner's alone, and no text in one organisation's folder names a key in another's.
func keysStayWithTheirOrganisation(t *testing.T, f *fixture) {
	l := topology.Layout{Root: f.data}
	facts, err := topology.ReadFacts(f.data)
	if err != nil {
		t.Fatal(err)
	}
	for _, org := range facts.Organisations {
		info, err := os.Stat(l.Organisation(org.Name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, want 0700", l.Organisation(org.Name), info.Mode().Perm())
		}
		for _, other := range facts.Organisations {
			if other.Name != org.Name {
				noneNames(t, l.Organisation(org.Name), l.Organisation(other.Name)+"/")
			}
		}
	}
	for _, root := range []string{filepath.Join(f.data, "public"), l.Channel()} {
		noneNames(t, root, "PRIVATE KEY")
	}
	for _, one := range f.status().Processes {
		environment := string(read(t, fmt.Sprintf("/proc/%d/environ", one.PID))) + string(read(t, fmt.Sprintf("/proc/%d/cmdline", one.PID)))
		for _, org := range facts.Organisations {
			if org.Name != one.Organisation && strings.Contains(environment, l.Organisation(org.Name)+"/") {
				t.Errorf("the environment of %s names the folder of %s", one.Name, org.Name)
			}
		}
	}
}

// noneNames fails when a configuration or certificate below a folder holds a text.
func noneNames(t *testing.T, root, text string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.Contains(path, "/ledger/") || strings.Contains(path, "/wal/") {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, []byte(text)) {
			t.Errorf("%s names %q", path, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A shell's $(cmt-network up), and whoever waits for any descriptor it gave, must not wait for the supervisor.
func upKeepsNothingOpen(t *testing.T, f *fixture) {
	if _, err := f.run("down"); err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	command := f.command("up")
	command.Stdout, command.Stderr, command.ExtraFiles = write, write, []*os.File{write}
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if err := read.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, read); err != nil {
		t.Fatalf("somebody still holds what up was given: %v", err)
	}
	f.awaitOK(10 * time.Second)
}

func envWorks(t *testing.T, f *fixture) {
	for organisation, msp := range map[string]string{"merchant1": "MerchantOneMSP", "chamber": "ChamberMSP"} {
		lines, err := f.run("env", organisation)
		if err != nil {
			t.Fatal(err)
		}
		shell := exec.Command("sh", "-euc", lines+`
peer chaincode query -C "$CHANNEL" -n cmt -c '{"Args":["get","fivemiles"]}'
CORE_PEER_MSPCONFIGPATH=$ORG_CLIENT_MSP
peer chaincode invoke -o "$ORDERER" --tls --cafile "$ORDERER_CA" -C "$CHANNEL" -n cmt $ENDORSERS --waitForEvent -c '{"Args":["put","shell","of '"$CORE_PEER_LOCALMSPID"'"]}'
peer chaincode query -C "$CHANNEL" -n cmt -c '{"Args":["get","shell"]}'`)
		output, err := shell.CombinedOutput()
		if err != nil || !strings.Contains(string(output), "first") || !strings.Contains(string(output), "of "+msp) {
			t.Errorf("peer as %s: %v\n%s", organisation, err, output)
		}
	}
}

func killedProcessIsStartedAgain(t *testing.T, f *fixture) {
	for _, name := range []string{"orderer0.buyers", "peer0.merchant2", "chaincode.merchant1", "gateway.fivemiles"} {
		before := process(t, f.status(), name)
		kill(t, before.PID)
		var status *steps.Status
		took := eventually(t, 20*time.Second, func() error {
			status = f.status()
			if !status.OK {
				return errors.New(strings.Join(status.Problems, "; "))
			}
			if process(t, status, name).PID == before.PID {
				return errors.New("status still shows the killed process")
			}
			return nil
		})
		if after := process(t, status, name); after.Restarts != before.Restarts+1 {
			t.Errorf("%s: %d restarts after one kill, %d before", name, after.Restarts, before.Restarts)
		}
		t.Logf("%s is healthy again %.1f s after kill -9", name, took.Seconds())
	}
	for _, organisation := range []string{"fivemiles", "merchant1", "merchant2"} {
		contract := f.contract(organisation)
		eventually(t, 20*time.Second, func() error { return put(contract, organisation, "after kills") })
	}
}

// Peers write their state behind. Whatever one that is killed had not written it has again from its blocks: snapshots, which Fabric makes of
// a state and whose hashes peers compare, are the same on those that were killed after many blocks, at different ones, as on one that was not.
func killedPeersHaveTheSameState(t *testing.T, f *fixture) {
	contract := f.contract("fivemiles")
	write := func(round int) {
		for n := range 20 {
			key := fmt.Sprintf("state%d", n%7)
			eventually(t, 20*time.Second, func() error { return put(contract, key, fmt.Sprintf("%d of round %d", n, round)) })
		}
	}
	for round, name := range []string{"peer0.merchant1", "peer0.merchant2", "peer0.merchant1"} {
		write(round)
		kill(t, process(t, f.status(), name).PID)
		f.awaitOK(20 * time.Second)
	}
	write(3)
	organisations := []string{"fivemiles", "merchant1", "merchant2"}
	eventually(t, 20*time.Second, func() error {
		heights := map[uint64]bool{}
		status := f.status()
		for _, organisation := range organisations {
			heights[process(t, status, "peer0."+organisation).Height] = true
		}
		if len(heights) > 1 {
			return fmt.Errorf("the peers are at heights %v", heights)
		}
		return nil
	})
	snapshots := map[string]string{}
	for _, organisation := range organisations {
		lines, err := f.run("env", organisation)
		if err != nil {
			t.Fatal(err)
		}
		request := exec.Command("sh", "-euc", lines+`
peer snapshot submitrequest -c "$CHANNEL" -b 0 --peerAddress "$CORE_PEER_ADDRESS" --tlsRootCertFile "$CORE_PEER_TLS_ROOTCERT_FILE"`)
		if output, err := request.CombinedOutput(); err != nil {
			t.Fatalf("a snapshot of %s: %v\n%s", organisation, err, output)
		}
		pattern := filepath.Join(topology.Layout{Root: f.data}.Organisation(organisation), "peer0", "snapshots", "completed", "*", "*", "_snapshot_signable_metadata.json")
		eventually(t, 20*time.Second, func() error {
			found, err := filepath.Glob(pattern)
			if err == nil && len(found) != 1 {
				err = fmt.Errorf("%d snapshots at %s", len(found), pattern)
			}
			if err == nil {
				snapshots[organisation] = string(read(t, found[0]))
			}
			return err
		})
	}
	for _, organisation := range organisations[1:] {
		if snapshots[organisation] != snapshots[organisations[0]] {
			t.Errorf("the state of %s, which was killed:\n%s\nand that of %s, which was not:\n%s", organisation, snapshots[organisation], organisations[0], snapshots[organisations[0]])
		}
	}
}

var leaderID = regexp.MustCompile(`(?m)^consensus_BFT_leader_id\{channel="cmt"\} (\d+)$`)

// leader is the orderer that leads, as the orderers say.
func leader(t *testing.T, f *fixture) topology.OrdererFact {
	t.Helper()
	facts, err := topology.ReadFacts(f.data)
	if err != nil {
		t.Fatal(err)
	}
	votes := map[int]int{}
	for _, orderer := range facts.Orderers {
		metrics, err := operations(t, orderer.Operations, "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		if match := leaderID.FindStringSubmatch(metrics); match != nil {
			id, err := strconv.Atoi(match[1])
			if err != nil {
				t.Fatal(err)
			}
			votes[id]++
		}
	}
	for _, orderer := range facts.Orderers {
		if votes[orderer.ConsenterID] > len(facts.Orderers)/2 {
			return orderer
		}
	}
	t.Fatalf("the orderers name no leader by majority: %v", votes)
	return topology.OrdererFact{}
}

func leaderFailover(t *testing.T, f *fixture) {
	contract := f.contract("merchant1")
	if err := put(contract, "failover", "before"); err != nil {
		t.Fatal(err)
	}
	const bound = 15 * time.Second // the goal, 6 s, is the benchmark's to report
	supervisor := proc.NewClient(topology.Layout{Root: f.data}.Socket())
	for _, stays := range []bool{false, true} {
		led := leader(t, f)
		if stays {
			if err := supervisor.Stop(context.Background(), led.Name); err != nil {
				t.Fatal(err)
			}
		} else {
			kill(t, process(t, f.status(), led.Name).PID)
		}
		took := eventually(t, bound, func() error { return put(contract, "failover", "after") })
		t.Logf("the leader %s ended, stays down %v: the next transaction commits after %.1f s", led.Name, stays, took.Seconds())
		if took > bound {
			t.Errorf("the next transaction took %v, more than %v", took, bound)
		}
		again := eventually(t, bound, func() error { return put(contract, "failover", "again") })
		t.Logf("and the one after that within %.1f s", again.Seconds())
		if stays {
			f.up()
		}
		f.awaitOK(20 * time.Second)
	}
}

func upAfterSupervisorIsKilled(t *testing.T, f *fixture) {
	before := f.status()
	var children []proc.Identity
	for _, one := range before.Processes {
		identity, err := proc.Identify(one.PID)
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, identity)
	}
	kill(t, before.Supervisor)
	eventually(t, 15*time.Second, func() error {
		for i, child := range children {
			if child.Alive() {
				return fmt.Errorf("%s outlives its supervisor", before.Processes[i].Name)
			}
		}
		return nil
	})
	if status := f.status(); status.OK {
		t.Error("status is ok without a supervisor")
	}
	f.up()
	after, _ := f.awaitOK(10 * time.Second)
	if a, b := process(t, before, "peer0.fivemiles").Height, process(t, after, "peer0.fivemiles").Height; b < a {
		t.Errorf("the height fell from %d to %d", a, b)
	}
}

func restartStartsAnew(t *testing.T, f *fixture) {
	before := f.status()
	if _, err := f.run("restart", "peer0.merchant1"); err != nil {
		t.Fatal(err)
	}
	after, _ := f.awaitOK(10 * time.Second)
	for name, pid := range pids(after) {
		if changed := pids(before)[name] != pid; changed != (name == "peer0.merchant1") {
			t.Errorf("%s: pid %d before, %d after", name, pids(before)[name], pid)
		}
	}
	if _, err := f.run("restart", "nobody"); err == nil || !strings.Contains(err.Error(), "status shows") {
		t.Errorf("restart of an unknown process: %v", err)
	}
}

func downAndUpKeepTheLedger(t *testing.T, f *fixture) {
	if err := put(f.contract("fivemiles"), "kept", "yes"); err != nil {
		t.Fatal(err)
	}
	before := f.status()
	if _, err := f.run("down"); err != nil {
		t.Fatal(err)
	}
	f.up()
	after, _ := f.awaitOK(10 * time.Second)
	for _, one := range before.Processes {
		if got := process(t, after, one.Name).Height; got < one.Height {
			t.Errorf("%s: height %d before, %d after", one.Name, one.Height, got)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	value, err := f.contract("merchant2").EvaluateWithContext(ctx, "get", client.WithArguments("kept"))
	if err != nil || string(value) != "yes" {
		t.Errorf("the ledger says %q, %v", value, err)
	}
}

// A rebuilt program is what up is to run.
func changedProgramIsRestarted(t *testing.T, f *fixture) {
	path := filepath.Join(programs, "ready")
	old := read(t, path)
	if err := proc.WriteFile(path, append(bytes.Clone(old), 0), 0o755); err != nil { // a byte behind an ELF file is ignored
		t.Fatal(err)
	}
	defer func() {
		if err := proc.WriteFile(path, old, 0o755); err != nil {
			t.Error(err)
		}
	}()
	before := f.status()
	f.up()
	after, _ := f.awaitOK(10 * time.Second)
	for _, one := range after.Processes {
		if changed := process(t, before, one.Name).PID != one.PID; changed != (one.Kind == "gateway") {
			t.Errorf("%s: restarted %v", one.Name, changed)
		}
	}
}

func (f *fixture) change(change func(*topology.Topology)) *topology.Topology {
	f.t.Helper()
	document := read(f.t, f.topology)
	t, err := topology.Parse(document)
	if err != nil {
		f.t.Fatal(err)
	}
	old, err := topology.Parse(document)
	if err != nil {
		f.t.Fatal(err)
	}
	change(t)
	f.write(t)
	return old
}

func newVersionIsCommitted(t *testing.T, f *fixture) {
	f.change(func(t *topology.Topology) { t.Chaincode.Version = "1.1" })
	f.up()
	if status := f.status(); !status.OK || status.Chaincode.Version != "1.1" || status.Chaincode.Sequence != 2 {
		t.Errorf("status: %+v", status)
	}
	if err := put(f.contract("merchant2"), "version", "1.1"); err != nil {
		t.Error(err)
	}
}

func changedChannelIsRefused(t *testing.T, f *fixture) {
	old := f.change(func(t *topology.Topology) { t.Ordering.MaxMessageCount++ })
	defer f.write(old)
	if _, err := f.run("up", "--topology", f.topology); err == nil || !strings.Contains(err.Error(), "down --purge") {
		t.Errorf("up with another block cutting: %v", err)
	}
	if status := f.status(); !status.OK {
		t.Errorf("the refusal left its mark: %v", status.Problems)
	}
}

func downAndPurgeLeaveNothing(t *testing.T, f *fixture) {
	status := f.status()
	if _, err := f.run("down", "--purge"); err != nil {
		t.Fatal(err)
	}
	for name, pid := range pids(status) {
		if _, err := proc.Identify(pid); err == nil {
			t.Errorf("%s still runs as %d", name, pid)
		}
	}
	if _, err := os.Stat(f.data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data directory is still there: %v", err)
	}
	if _, err := f.run("down"); err != nil {
		t.Errorf("down where nothing is: %v", err)
	}
	if _, err := f.run("status"); err == nil || !strings.Contains(err.Error(), "cmt-network up") {
		t.Errorf("status where nothing is: %v", err)
	}
}

// Whenever up is killed, the next one completes it.
func TestUpCompletesAnUpThatWasKilled(t *testing.T) {
	f := newFixture(t)
	for _, line := range []string{"fabric programs", "keys and certificates", "channel genesis block", "supervisor",
		"orderers, peers", "orderers join", "install chaincode", "commit chaincode", "ledger genesis"} {
		killUpAfter(t, f, line)
	}
	f.up()
	if status := f.status(); !status.OK {
		t.Fatalf("status: %s", strings.Join(status.Problems, "; "))
	}
	if err := put(f.contract("fivemiles"), "a", "b"); err != nil {
		t.Error(err)
	}
}

// killUpAfter runs up and kills it as soon as its progress names a step.
func killUpAfter(t *testing.T, f *fixture, step string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	command := f.command("up", "--topology", f.topology, "--free-ports")
	command.Stderr = write
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	var progress strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(progress.String(), step) {
		n, err := read.Read(buffer)
		progress.Write(buffer[:n])
		if err != nil {
			t.Fatalf("up ended before %q: %v\n%s", step, err, progress.String())
		}
	}
	if err := command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
}

func TestOnlyOneCommandChangesANetwork(t *testing.T) {
	f := newFixture(t)
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := proc.TakeLock(topology.Layout{Root: f.data}.Lock(), "the test")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.run("up", "--topology", f.topology, "--free-ports")
	if err == nil || !strings.Contains(err.Error(), "the test") {
		t.Errorf("up beside another: %v", err)
	}
	held.Release()
}

func TestUpSaysWhichPortIsTaken(t *testing.T) {
	f := newFixture(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	// The first port there is: those after it may be a running demonstration's.
	f.change(func(t *topology.Topology) { t.Organisations[0].Orderers[0].Port = port })
	_, err = f.run("up", "--topology", f.topology)
	if err == nil || !strings.Contains(err.Error(), "organisations[0].orderers[0].port of orderer0.fivemiles") || !strings.Contains(err.Error(), "--free-ports") {
		t.Errorf("up with a taken port: %v", err)
	}
}
