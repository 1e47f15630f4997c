package steps

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
)

// fake is a step that counts what is done to it.
func fake(name string, log *[]string, done bool, checkErr, applyErr error) Step {
	return Step{
		Name: name,
		Check: func(context.Context) (bool, error) {
			*log = append(*log, "check "+name)
			return done, checkErr
		},
		Apply: func(context.Context) (bool, error) {
			*log = append(*log, "apply "+name)
			return true, applyErr
		},
	}
}

func TestRunAppliesOnlyWhatIsNotDone(t *testing.T) {
	var log []string
	var out bytes.Buffer
	err := Run(context.Background(), NewProgress(&out), []Step{
		fake("a", &log, true, nil, nil),
		fake("b", &log, false, nil, nil),
		{Name: "c", Apply: func(context.Context) (bool, error) { return false, nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(log, ", "); got != "check a, check b, apply b" {
		t.Errorf("done: %s", got)
	}
	for i, want := range []string{"same  a ", "ok    b ", "same  c "} {
		if line := strings.Split(out.String(), "\n")[i]; !strings.HasPrefix(line, want) || !strings.HasSuffix(line, " s") {
			t.Errorf("line %d is %q, want %q and a duration", i, line, want)
		}
	}
}

func TestRunStopsAtTheFirstFailure(t *testing.T) {
	broken := errors.New("broken")
	for name, step := range map[string]func(*[]string) Step{
		"check": func(log *[]string) Step { return fake("b", log, false, broken, nil) },
		"apply": func(log *[]string) Step { return fake("b", log, false, nil, broken) },
	} {
		var log []string
		var out bytes.Buffer
		err := Run(context.Background(), NewProgress(&out), []Step{step(&log), fake("c", &log, false, nil, nil)})
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "b: ") {
			t.Errorf("%s: got %v", name, err)
		}
		if strings.Contains(strings.Join(log, " "), "check c") || !strings.HasPrefix(out.String(), "FAIL  b ") {
			t.Errorf("%s: done %v, said %q", name, log, out.String())
		}
	}
}

func TestRunBoundsAStep(t *testing.T) {
	step := Step{Name: "slow", Limit: time.Millisecond, Apply: func(ctx context.Context) (bool, error) {
		<-ctx.Done()
		return false, ctx.Err()
	}}
	if err := Run(context.Background(), NewProgress(io.Discard), []Step{step}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAwaitReportsTheLastError(t *testing.T) {
	var asked int
	err := await(context.Background(), 120*time.Millisecond, "the thing", func(ctx context.Context) error {
		asked++
		if ctx.Err() != nil {
			return ctx.Err() // says only that time is up
		}
		return fmt.Errorf("not at %d", asked)
	})
	if err == nil || !strings.Contains(err.Error(), "the thing: not within 120ms: not at ") {
		t.Errorf("got %v", err)
	}
	asked = 0
	err = await(context.Background(), time.Minute, "the thing", func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || asked != 3 {
		t.Errorf("asked %d times, got %v", asked, err)
	}
	never := errors.New("never")
	err = await(context.Background(), time.Minute, "the thing", func(context.Context) error { return &permanentError{never} })
	if !errors.Is(err, never) {
		t.Errorf("got %v", err)
	}
}

func TestEachRunsAllAndReturnsTheFirstErrorInOrder(t *testing.T) {
	var ran atomic.Int32
	err := each([]int{1, 2, 3}, func(i int) error {
		ran.Add(1)
		if i == 1 {
			return nil
		}
		return fmt.Errorf("error %d", i)
	})
	if ran.Load() != 3 || err == nil || err.Error() != "error 2" {
		t.Errorf("ran %d, got %v", ran.Load(), err)
	}
}

// The texts are those the pinned peer's gateway sends.
func TestChaincodeMessage(t *testing.T) {
	detailed := func(message string) error {
		s, err := status.New(codes.Aborted, "failed to endorse transaction, see attached details for more info").
			WithDetails(&gateway.ErrorDetail{Address: "127.0.0.1:7061", MspId: "FiveMilesMSP", Message: message})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Errorf("wrapped: %w", s.Err())
	}
	for _, row := range []struct {
		err      error
		message  string
		answered bool
		code     string
	}{
		{detailed(`chaincode response 500, {"code":"not_initialised","detail":"a, b"}`), `{"code":"not_initialised","detail":"a, b"}`, true, "not_initialised"},
		{detailed("chaincode response 500, plain"), "plain", true, ""},
		{detailed("failed to execute chaincode: timeout"), "", false, ""},
		{status.Error(codes.Unavailable, "no combination of peers can be derived"), "", false, ""},
		{errors.New("chaincode response 500, not from gRPC"), "", false, ""},
		{nil, "", false, ""},
	} {
		message, answered := chaincodeMessage(row.err)
		if message != row.message || answered != row.answered || errorCode(message) != row.code {
			t.Errorf("%v: got %q, %v, code %q", row.err, message, answered, errorCode(message))
		}
	}
}

func testNetwork(t *testing.T) *Network {
	t.Helper()
	document, err := os.ReadFile("../../test-network/topology/local.yaml")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := topology.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	resolved, err := topology.Resolve(parsed, topology.Options{BaseDir: dir, ProgramsDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	n := New(resolved, topology.Layout{Root: filepath.Join(dir, "data")}, Fabric{BinDir: dir}, filepath.Join(dir, "cmt-network"), NewProgress(io.Discard))
	n.bin = dir
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestPackageIsReproducibleAndWhole(t *testing.T) {
	n := testNetwork(t)
	ids := map[string]bool{}
	for _, service := range n.Topology.NodesOf(topology.KindChaincode) {
		if err := generateLink(n.Layout, service); err != nil {
			t.Fatal(err)
		}
		first, err := n.packageOf(service)
		if err != nil {
			t.Fatal(err)
		}
		if err := generateLink(n.Layout, service); err != nil { // there already: changes nothing
			t.Fatal(err)
		}
		second, err := n.packageOf(service)
		if err != nil {
			t.Fatal(err)
		}
		if first.id != second.id || !bytes.Equal(first.content, second.content) {
			t.Error("the same certificates give another package")
		}
		if !strings.HasPrefix(first.id, "cmt:") || ids[first.id] {
			t.Errorf("package identifier %s", first.id)
		}
		ids[first.id] = true
		outer := unpack(t, first.content)
		if got := string(outer["metadata.json"]); got != `{"type":"ccaas","label":"cmt"}` {
			t.Errorf("metadata %s", got)
		}
		var connection map[string]any
		if err := json.Unmarshal(unpack(t, outer["code.tar.gz"])["connection.json"], &connection); err != nil {
			t.Fatal(err)
		}
		if connection["address"] != service.Address() || connection["client_auth_required"] != true {
			t.Errorf("connection %v", connection)
		}
	}
}

func unpack(t *testing.T, content []byte) map[string][]byte {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for reader := tar.NewReader(zip); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}

// Each end of the link accepts the other and nobody else's certificate.
func TestLinkCertificates(t *testing.T) {
	n := testNetwork(t)
	services := n.Topology.NodesOf(topology.KindChaincode)
	for _, service := range services[:2] {
		if err := generateLink(n.Layout, service); err != nil {
			t.Fatal(err)
		}
	}
	own, other := linkDir(n.Layout, services[0].Organisation), linkDir(n.Layout, services[1].Organisation)
	if err := handshake(t, own, own); err != nil {
		t.Errorf("the peer's own service refuses it: %v", err)
	}
	if err := handshake(t, own, other); err == nil {
		t.Error("a service takes another organisation's peer")
	}
	info, err := os.Stat(filepath.Join(own, "client.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v, %v; want 0600", info.Mode().Perm(), err)
	}
}

// handshake connects a client with the keys of one link to the service of another, which the client trusts.
func handshake(t *testing.T, server, client string) error {
	t.Helper()
	load := func(dir, name string) (tls.Certificate, *x509.CertPool) {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		pool, err := certificatePool(filepath.Join(dir, "ca.crt"))
		if err != nil {
			t.Fatal(err)
		}
		return pair, pool
	}
	serverPair, serverPool := load(server, "server")
	clientPair, _ := load(client, "client")
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{serverPair}, ClientCAs: serverPool, ClientAuth: tls.RequireAndVerifyClientCert,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan error, 1)
	go func() {
		connection, err := listener.Accept()
		if err == nil {
			err = connection.(*tls.Conn).Handshake()
			connection.Close()
		}
		accepted <- err
	}()
	connection, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{Certificates: []tls.Certificate{clientPair}, RootCAs: serverPool})
	if err == nil {
		defer connection.Close()
	}
	return errors.Join(err, <-accepted)
}

// What should restart a process changes its fingerprint; who asks does not.
func TestFingerprint(t *testing.T) {
	n := testNetwork(t)
	for _, name := range []string{"peer", "orderer"} {
		if err := os.WriteFile(filepath.Join(n.bin, name), []byte("program"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.writeConfiguration(context.Background()); err != nil {
		t.Fatal(err)
	}
	peer := n.Topology.NodesOf(topology.KindPeer)[0]
	spec := func() proc.Spec {
		t.Helper()
		spec, err := n.spec(peer)
		if err != nil {
			t.Fatal(err)
		}
		return spec
	}
	first := spec()
	t.Setenv("PATH", "/elsewhere")
	if spec().Fingerprint != first.Fingerprint {
		t.Error("the caller's PATH restarts a peer")
	}
	for _, entry := range spec().Env {
		if strings.HasPrefix(entry, "HOME=") {
			t.Errorf("a peer gets %s of its caller", entry)
		}
	}
	n.Topology.Tuning.PeerMemoryLimit = "321MiB"
	tuned := spec()
	if tuned.Fingerprint == first.Fingerprint {
		t.Error("another memory limit does not restart a peer")
	}
	n.Topology.Tuning.ExecuteTimeout += time.Second
	if changed, err := n.writeConfiguration(context.Background()); err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	configured := spec()
	if configured.Fingerprint == tuned.Fingerprint {
		t.Error("another core.yaml does not restart a peer")
	}
	if err := os.WriteFile(filepath.Join(n.bin, "peer"), []byte("program 2"), 0o700); err != nil {
		t.Fatal(err)
	}
	if spec().Fingerprint == configured.Fingerprint {
		t.Error("another program does not restart a peer")
	}
	if changed, err := n.writeConfiguration(context.Background()); err != nil || changed {
		t.Errorf("writing the same again: changed %v, %v", changed, err)
	}
}

func TestFabricSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	err := Run(context.Background(), NewProgress(io.Discard), []Step{Fabric{BinDir: dir}.Step(NewProgress(io.Discard))})
	if err == nil || !strings.Contains(err.Error(), "fabric.bin_dir") {
		t.Errorf("an empty folder: %v", err)
	}
	for _, name := range fabricPrograms {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := Run(context.Background(), NewProgress(io.Discard), []Step{Fabric{BinDir: dir}.Step(NewProgress(io.Discard))}); err != nil {
		t.Error(err)
	}
	if _, err := (Fabric{Source: dir}).Dir(); err == nil || !strings.Contains(err.Error(), "--fabric-source") {
		t.Errorf("no pinned module: %v", err)
	}
}

func TestComplaint(t *testing.T) {
	output := "\x1b[34mINFO\x1b[0m loading\nPANI cannot parse\npanic: cannot parse\n\ngoroutine 1 [running]:\nmain.main()\n"
	if got, want := complaint(output), "INFO loading; PANI cannot parse; panic: cannot parse"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPurgeTakesOnlyWhatIsOurs(t *testing.T) {
	dir := t.TempDir()
	l := topology.Layout{Root: dir}
	users := filepath.Join(dir, "mine.txt")
	for _, path := range []string{users, filepath.Join(dir, "orgs")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Purge(l); err != nil {
		t.Fatal(err)
	}
	if there, err := exists(filepath.Join(dir, "orgs")); !there || err != nil {
		t.Errorf("a folder without a network was cleared: %v", err)
	}
	if err := os.WriteFile(l.Topology(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Purge(l); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "mine.txt" {
		t.Errorf("left %v, %v; want mine.txt", entries, err)
	}
}

func TestFindRepository(t *testing.T) {
	root, err := FindRepository(".")
	if err != nil {
		t.Fatal(err)
	}
	if there, err := exists(filepath.Join(root, "network", "fabric", "go.mod")); !there || err != nil {
		t.Errorf("%s is not the clone: %v", root, err)
	}
	if _, err := FindRepository(t.TempDir()); err == nil || !strings.Contains(err.Error(), "--topology") {
		t.Errorf("outside of a clone: %v", err)
	}
}
