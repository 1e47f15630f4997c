package proc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cybermiles/cmt/network/proc"
)

// The test program plays the supervised processes too: the environment says which.
func TestMain(m *testing.M) {
	switch os.Getenv("PROC_TEST_ROLE") {
	case "":
		os.Exit(m.Run())
	case "obey": // ends at SIGTERM, and says so
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("ready")
		<-signals
		note("ended")
	case "ignore": // only SIGKILL ends it
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		select {}
	case "fail":
		fmt.Println("failing")
		os.Exit(3)
	}
}

// note appends a line to the file the environment names, so that a test sees an order.
func note(what string) {
	file, err := os.OpenFile(os.Getenv("PROC_TEST_NOTES"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	fmt.Fprintf(file, "%s %s\n", os.Getenv("PROC_TEST_NAME"), what)
	file.Close()
}

// stage is a running supervisor in a folder of its own.
type stage struct {
	t      *testing.T
	dir    string
	client *proc.Client
	ended  chan error
	cancel context.CancelFunc
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "proc") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, dir: dir}
	s.start()
	t.Cleanup(func() {
		s.cancel()
		<-s.ended
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *stage) socket() string { return filepath.Join(s.dir, "s.sock") }

func (s *stage) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.ended, s.client = cancel, make(chan error, 1), proc.NewClient(s.socket())
	supervisor := proc.NewSupervisor(s.dir, s.socket(), slog.New(slog.DiscardHandler))
	ended := s.ended
	go func() {
		ended <- supervisor.Run(ctx)
		close(ended)
	}()
	eventually(s.t, func() error { _, _, err := s.client.Status(ctx); return err })
}

func (s *stage) spec(name, role string) proc.Spec {
	return proc.Spec{
		Name: name, Path: testProgram(s.t), Dir: s.dir, Log: filepath.Join(s.dir, name+".log"), LogMaxBytes: 1 << 20,
		Env:         []string{"PROC_TEST_ROLE=" + role, "PROC_TEST_NAME=" + name, "PROC_TEST_NOTES=" + filepath.Join(s.dir, "notes")},
		StopTimeout: 5 * time.Second, Fingerprint: "1",
	}
}

func testProgram(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *stage) ensure(spec proc.Spec, want proc.Action) {
	s.t.Helper()
	if got, err := s.client.Ensure(context.Background(), spec); err != nil || got != want {
		s.t.Fatalf("ensure %s: %s, %v; want %s", spec.Name, got, err, want)
	}
}

func (s *stage) status(name string) proc.Status {
	s.t.Helper()
	list, _, err := s.client.Status(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range list {
		if one.Name == name {
			return one
		}
	}
	s.t.Fatalf("no status of %s", name)
	return proc.Status{}
}

// running waits until a process has written that it is ready, so that its signals are set up.
func (s *stage) running(name string) proc.Identity {
	s.t.Helper()
	var identity proc.Identity
	eventually(s.t, func() error {
		log, err := os.ReadFile(filepath.Join(s.dir, name+".log"))
		if err != nil {
			return err
		}
		status := s.status(name)
		if status.State != proc.StateRunning || strings.Count(string(log), "ready") != status.Restarts+1 {
			return fmt.Errorf("%+v, log %q", status, log)
		}
		identity, err = proc.Identify(status.PID)
		return err
	})
	return identity
}

func eventually(t *testing.T, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %v", err)
		}
		time.Sleep(5 * time.Millisecond) // between two askings of a condition
	}
}

func TestAKilledProcessIsStartedAgain(t *testing.T) {
	s := newStage(t)
	s.ensure(s.spec("a", "obey"), proc.ActionStarted)
	before := s.running("a")
	if err := before.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if status := s.status("a"); status.Restarts != 1 || status.State != proc.StateRunning {
			return fmt.Errorf("%+v", status)
		}
		return nil
	})
	after := s.running("a")
	if after == before || s.status("a").LastExit != "signal: killed" {
		t.Errorf("process %v before, %v after, status %+v", before, after, s.status("a"))
	}
}

func TestAProcessThatKeepsFailingWaitsLonger(t *testing.T) {
	s := newStage(t)
	s.ensure(s.spec("a", "fail"), proc.ActionStarted)
	began := time.Now()
	eventually(t, func() error {
		if status := s.status("a"); status.Restarts < 2 {
			return fmt.Errorf("%+v", status)
		}
		return nil
	})
	// 250 ms and 500 ms, less a quarter of jitter.
	if took := time.Since(began); took < 560*time.Millisecond {
		t.Errorf("two restarts within %v", took)
	}
	if status := s.status("a"); status.LastExit != "exit status 3" {
		t.Errorf("%+v", status)
	}
	missing := s.spec("b", "obey")
	missing.Path = "/nonexistent/program"
	s.ensure(missing, proc.ActionStarted)
	if status := s.status("b"); status.State != proc.StateBackoff || !strings.Contains(status.LastExit, "/nonexistent/program") {
		t.Errorf("a program that does not exist: %+v", status)
	}
}

func TestEnsureRestartsOnlyWhatChanged(t *testing.T) {
	s := newStage(t)
	spec := s.spec("a", "obey")
	s.ensure(spec, proc.ActionStarted)
	first := s.running("a")
	s.ensure(spec, proc.ActionUnchanged)
	if !first.Alive() {
		t.Error("ensuring the same ended it")
	}
	spec.Fingerprint = "2"
	s.ensure(spec, proc.ActionRestarted)
	if first.Alive() {
		t.Error("the old process still runs")
	}
	if err := s.client.Stop(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	if status := s.status("a"); status.State != proc.StateStopped || status.PID != 0 {
		t.Errorf("stopped: %+v", status)
	}
	s.ensure(spec, proc.ActionStarted)
}

func TestRestartGivesANewProcess(t *testing.T) {
	s := newStage(t)
	s.ensure(s.spec("a", "obey"), proc.ActionStarted)
	before := s.running("a")
	if err := s.client.Restart(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	if status := s.status("a"); before.Alive() || status.PID == before.PID || status.Restarts != 0 {
		t.Errorf("%+v", status)
	}
	for _, err := range []error{s.client.Restart(context.Background(), "x"), s.client.Stop(context.Background(), "x")} {
		if !errors.Is(err, proc.ErrUnknownProcess) {
			t.Errorf("an unknown process: %v", err)
		}
	}
}

func TestChildrenMaySleepAMillisecondLonger(t *testing.T) {
	s := newStage(t)
	s.ensure(s.spec("a", "obey"), proc.ActionStarted)
	slack, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", s.running("a").PID))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(slack)); got != "1000000" {
		t.Errorf("timer slack %s ns", got)
	}
}

func TestWhoIgnoresSIGTERMIsKilled(t *testing.T) {
	s := newStage(t)
	spec := s.spec("a", "ignore")
	spec.StopTimeout = 100 * time.Millisecond
	s.ensure(spec, proc.ActionStarted)
	identity := s.running("a")
	if err := s.client.Stop(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	if identity.Alive() {
		t.Error("it still runs")
	}
}

func TestShutdownFollowsTheRanks(t *testing.T) {
	s := newStage(t)
	for i, name := range []string{"last", "middle", "first"} {
		spec := s.spec(name, "obey")
		spec.StopRank = 3 - i
		s.ensure(spec, proc.ActionStarted)
		s.running(name)
	}
	// The supervisor lives in this process, so Shutdown, which waits for its end, is asked with little patience.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.client.Shutdown(ctx)
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	notes, err := os.ReadFile(filepath.Join(s.dir, "notes"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(notes), "first ended\nmiddle ended\nlast ended\n"; got != want {
		t.Errorf("ended in the order\n%swant\n%s", got, want)
	}
	if _, _, err := s.client.Status(context.Background()); !errors.Is(err, proc.ErrNotRunning) {
		t.Errorf("after shutdown: %v", err)
	}
}

func TestASecondSupervisorIsRefused(t *testing.T) {
	s := newStage(t)
	err := proc.NewSupervisor(s.dir, s.socket()+"2", slog.New(slog.DiscardHandler)).Run(context.Background())
	var locked *proc.LockedError
	if !errors.As(err, &locked) || !strings.Contains(locked.Holder, fmt.Sprint(os.Getpid())) {
		t.Errorf("got %v", err)
	}
	if _, err := proc.Reap(context.Background(), s.dir); err != nil {
		t.Errorf("reaping where nothing is recorded: %v", err)
	}
	s.ensure(s.spec("a", "obey"), proc.ActionStarted)
	if _, err := proc.Reap(context.Background(), s.dir); !errors.As(err, &locked) {
		t.Errorf("reaping beside a supervisor: %v", err)
	}
}

// A supervisor that was killed leaves its record; the next one ends exactly the processes in it.
func TestOrphansAreEnded(t *testing.T) {
	s := newStage(t)
	s.cancel()
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	orphan, bystander := startDetached(t), startDetached(t)
	reused := bystander // another process now has a pid of the record
	reused.StartTicks--
	record, err := json.Marshal(map[string]any{"processes": map[string]proc.Identity{"orphan": orphan, "reused": reused}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "state.json"), record, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	if orphan.Alive() {
		t.Error("the orphan still runs")
	}
	if !bystander.Alive() {
		t.Error("a process that only has the pid of an orphan was ended")
	}
}

func startDetached(t *testing.T) proc.Identity {
	t.Helper()
	command := exec.Command(testProgram(t))
	command.Env = []string{"PROC_TEST_ROLE=obey"}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = command.Wait(); close(ended) }()
	t.Cleanup(func() { _ = command.Process.Kill(); <-ended })
	if _, err := output.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	identity, err := proc.Identify(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func TestBadSpecsAreRefused(t *testing.T) {
	s := newStage(t)
	for name, spoil := range map[string]func(*proc.Spec){
		"name":    func(spec *proc.Spec) { spec.Name = "../a" },
		"path":    func(spec *proc.Spec) { spec.Path = "program" },
		"log":     func(spec *proc.Spec) { spec.Log = "" },
		"timeout": func(spec *proc.Spec) { spec.StopTimeout = 0 },
	} {
		spec := s.spec("a", "obey")
		spoil(&spec)
		if _, err := s.client.Ensure(context.Background(), spec); err == nil {
			t.Errorf("a bad %s is taken", name)
		}
	}
}

func TestLockTellsItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := proc.TakeLock(path, "the first")
	if err != nil {
		t.Fatal(err)
	}
	_, err = proc.TakeLock(path, "the second")
	var locked *proc.LockedError
	if !errors.As(err, &locked) || locked.Holder != "the first" {
		t.Errorf("got %v", err)
	}
	first.Release()
	second, err := proc.TakeLock(path, "the second")
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, row := range []struct {
		content string
		lines   int
		want    string
	}{
		{"", 3, ""},
		{"one\n", 3, "one"},
		{"one\ntwo\nthree\n", 2, "two\nthree"},
		{"one\ntwo\nthree", 1, "three"},
		{strings.Repeat("x", 100<<10) + "\nlast\n", 1, "last"},
	} {
		if err := os.WriteFile(path, []byte(row.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := proc.Tail(path, row.lines); err != nil || got != row.want {
			t.Errorf("the last %d lines of %.20q are %q, %v; want %q", row.lines, row.content, got, err, row.want)
		}
	}
}

func TestWriteFileReplacesAsAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"a long first content", "second"} {
		if err := proc.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, []byte(content)) {
			t.Errorf("got %q, %v; want %q", got, err, content)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
