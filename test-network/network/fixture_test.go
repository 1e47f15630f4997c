//go:build network

package network

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/steps"
	"github.com/cybermiles/cmt/network/topology"
)

// programs is the folder of cmt-network, echo and ready, built once for all tests.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if programs, err = os.MkdirTemp("", "cmtp"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(programs)
		for name, source := range map[string]string{
			"cmt-network": "../../network/cmd/cmt-network", "echo": "./echo", "ready": "./ready",
		} {
			build := exec.Command("go", "build", "-o", filepath.Join(programs, name), source)
			if output, err := build.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "build %s: %v\n%s", source, err, output)
				return 1
			}
		}
		return m.Run()
	}())
}

// fixture is one network's data directory and topology file.
type fixture struct {
	t        *testing.T
	data     string
	topology string
}

// newFixture makes the local consortium with our test programs, and ends whatever runs in it when the test is over.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	root, err := os.MkdirTemp("", "cmtn") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, data: filepath.Join(root, "d"), topology: filepath.Join(root, "topology.yaml")}
	t.Cleanup(func() {
		if t.Failed() {
			for _, log := range []string{"supervisor", "peer0.fivemiles", "orderer0.fivemiles"} {
				tail, _ := proc.Tail(topology.Layout{Root: f.data}.Log(log), 15)
				t.Logf("end of the log of %s:\n%s", log, tail)
			}
		}
		if _, err := f.run("down", "--purge"); err != nil {
			t.Errorf("down: %v", err)
		}
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	document, err := os.ReadFile("../topology/local.yaml")
	if err != nil {
		t.Fatal(err)
	}
	local, err := topology.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	local.Programs = topology.Programs{Chaincode: filepath.Join(programs, "echo"), Gateway: filepath.Join(programs, "ready")}
	f.write(local)
	return f
}

func (f *fixture) write(t *topology.Topology) {
	f.t.Helper()
	document, err := t.Marshal()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.topology, document, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// command is cmt-network with the fixture's data directory.
func (f *fixture) command(arguments ...string) *exec.Cmd {
	return exec.Command(filepath.Join(programs, "cmt-network"), append(arguments, "--data", f.data)...)
}

// run runs a command to its end and returns its standard output. The error carries the standard error.
func (f *fixture) run(arguments ...string) (string, error) {
	var out, progress bytes.Buffer
	command := f.command(arguments...)
	command.Stdout, command.Stderr = &out, &progress
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("cmt-network %s: %w\n%s", strings.Join(arguments, " "), err, progress.String())
	}
	return out.String(), nil
}

// up brings the network up and returns its progress lines.
func (f *fixture) up() string {
	f.t.Helper()
	var progress bytes.Buffer
	command := f.command("up", "--topology", f.topology, "--free-ports")
	command.Stderr = &progress
	began := time.Now()
	if err := command.Run(); err != nil {
		f.t.Fatalf("up: %v\n%s", err, progress.String())
	}
	f.t.Logf("up took %.1f s", time.Since(began).Seconds())
	return progress.String()
}

func (f *fixture) status() *steps.Status {
	f.t.Helper()
	out, err := f.run("status", "--json")
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		f.t.Fatal(err)
	}
	var status steps.Status
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		f.t.Fatalf("status: %v\n%s", err, out)
	}
	if status.OK != (exit == nil) {
		f.t.Fatalf("status says ok=%v and exits with %v", status.OK, err)
	}
	return &status
}

func process(t *testing.T, status *steps.Status, name string) steps.ProcessStatus {
	t.Helper()
	for _, one := range status.Processes {
		if one.Name == name {
			return one
		}
	}
	t.Fatalf("status does not show %s", name)
	return steps.ProcessStatus{}
}

// eventually asks until a condition holds and fails the test with its last error after the limit.
func eventually(t *testing.T, limit time.Duration, condition func() error) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		err := condition()
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %v", limit, err)
		}
		time.Sleep(50 * time.Millisecond) // between two askings of a condition
	}
}

// awaitOK waits until status finds everything as it should be.
func (f *fixture) awaitOK(limit time.Duration) (*steps.Status, time.Duration) {
	f.t.Helper()
	var status *steps.Status
	took := eventually(f.t, limit, func() error {
		if status = f.status(); !status.OK {
			return errors.New(strings.Join(status.Problems, "; "))
		}
		return nil
	})
	return status, took
}

// kill ends a process as a crash would, and waits until it is gone.
func kill(t *testing.T, pid int) {
	t.Helper()
	identity, err := proc.Identify(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, func() error {
		if identity.Alive() {
			return errors.New("the killed process still runs")
		}
		return nil
	})
}

// contract opens the chaincode as an organisation's client user at its own peer.
func (f *fixture) contract(organisation string) *client.Contract {
	f.t.Helper()
	facts, err := topology.ReadFacts(f.data)
	if err != nil {
		f.t.Fatal(err)
	}
	var peer topology.PeerFact
	for _, one := range facts.Peers {
		if one.Organisation == organisation {
			peer = one
		}
	}
	var member topology.OrganisationFact
	for _, one := range facts.Organisations {
		if one.Name == organisation {
			member = one
		}
	}
	connection, err := grpc.NewClient(peer.Address, grpc.WithTransportCredentials(
		credentials.NewTLS(&tls.Config{RootCAs: pool(f.t, peer.TLSCA), ServerName: peer.TLSServerName})))
	if err != nil {
		f.t.Fatal(err)
	}
	certificate, err := identity.CertificateFromPEM(read(f.t, member.ClientCertificate))
	if err != nil {
		f.t.Fatal(err)
	}
	key, err := identity.PrivateKeyFromPEM(read(f.t, member.ClientKey))
	if err != nil {
		f.t.Fatal(err)
	}
	who, err := identity.NewX509Identity(member.MSPID, certificate)
	if err != nil {
		f.t.Fatal(err)
	}
	sign, err := identity.NewPrivateKeySign(key)
	if err != nil {
		f.t.Fatal(err)
	}
	gateway, err := client.Connect(who, client.WithSign(sign), client.WithHash(hash.SHA256), client.WithClientConnection(connection))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = errors.Join(gateway.Close(), connection.Close()) })
	return gateway.GetNetwork(facts.Channel).GetContract(facts.Chaincode)
}

// put submits one transaction and returns when it is committed.
func put(contract *client.Contract, key, value string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	_, err := contract.SubmitWithContext(ctx, "put", client.WithArguments(key, value))
	return err
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func pool(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	certificates := x509.NewCertPool()
	if !certificates.AppendCertsFromPEM(read(t, path)) {
		t.Fatalf("%s holds no certificate", path)
	}
	return certificates
}

// operations asks a node's operations port with its organisation's certificate.
func operations(t *testing.T, fact topology.OperationsFact, path string) (string, error) {
	t.Helper()
	own, err := tls.LoadX509KeyPair(fact.ClientCert, fact.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: pool(t, fact.TLSCA), ServerName: fact.TLSServerName, Certificates: []tls.Certificate{own},
	}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Get(fact.URL + path)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}
