package bench

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cybermiles/cmt/network/proc"
)

func TestCPUTimeReadsProcStat(t *testing.T) {
	// proc(5): pid (comm) state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime ...
	const stat = "4242 (%s) S 1 4242 4242 0 -1 4194560 5000 0 10 0 731 269 999 999 20 0 12 0 360000 2000000000 20000"
	for _, name := range []string{"peer", "a b", "a) S 1 2 3 (b", ""} {
		got, err := cpuTime(strings.Replace(stat, "%s", name, 1))
		if err != nil || got != 10*time.Second {
			t.Errorf("%q: %v, %v, want 10 s", name, got, err)
		}
	}
	for _, bad := range []string{"", "4242 (peer) S 1 2", "no parenthesis", strings.Replace(stat, "731", "x", 1), strings.Replace(stat, "269", "-1", 1)} {
		if got, err := cpuTime(bad); err == nil {
			t.Errorf("%q: read as %v", bad, got)
		}
	}
}

func process(t *testing.T, name, kind string, pid int) Process {
	t.Helper()
	identity, err := proc.Identify(pid)
	if err != nil {
		t.Fatal(err)
	}
	return Process{Name: name, Kind: kind, Identity: identity}
}

func TestMeasureTellsWorkFromRest(t *testing.T) {
	busy := exec.Command("sh", "-c", "while :; do :; done")
	idle := exec.Command("sleep", "60")
	for _, command := range []*exec.Cmd{busy, idle} {
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = command.Process.Kill(), command.Wait() }()
	}
	load, err := Measure(context.Background(), []Process{
		process(t, "busy", "work", busy.Process.Pid), process(t, "idle", "rest", idle.Process.Pid),
	}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	cpu, memory := load.ByKind()
	if len(cpu) != 2 || cpu[0].Name != "work" || cpu[1].Name != "rest" {
		t.Fatalf("CPU by kind: %v", cpu)
	}
	// On a busy machine the loop gets its share only; a sleeper gets nothing at all.
	if cpu[0].Value < 5 || cpu[1].Value > 2 {
		t.Errorf("%.1f %% of a core for a loop, %.1f %% for a sleeper", cpu[0].Value, cpu[1].Value)
	}
	if sum := cpu[0].Value + cpu[1].Value; load.PercentOfCore() < sum-0.01 || load.PercentOfCore() > sum+0.01 {
		t.Errorf("%.2f %% in all, %.2f %% by kind", load.PercentOfCore(), sum)
	}
	if memory[0].Value <= 0 || memory[1].Value <= 0 || load.ResidentMiB() < memory[0].Value+memory[1].Value-0.01 {
		t.Errorf("memory %.2f MiB, by kind %v", load.ResidentMiB(), memory)
	}
}

func TestLoadAddsUpByKind(t *testing.T) {
	load := Load{
		Processes: []Process{{Kind: "peer"}, {Kind: "orderer"}, {Kind: "peer"}},
		Length:    10 * time.Second,
		CPU:       []time.Duration{time.Second, 500 * time.Millisecond, 2 * time.Second},
		Resident:  []int64{1 << 20, 2 << 20, 3 << 20},
	}
	if got := load.PercentOfCore(); got != 35 {
		t.Errorf("%.1f %%, want 35", got)
	}
	if got := load.ResidentMiB(); got != 6 {
		t.Errorf("%.1f MiB, want 6", got)
	}
	cpu, memory := load.ByKind()
	if cpu[0] != (Part{"peer", 30}) || cpu[1] != (Part{"orderer", 5}) || memory[0] != (Part{"peer", 4}) || memory[1] != (Part{"orderer", 2}) {
		t.Errorf("%v, %v", cpu, memory)
	}
}

func TestMeasureFailsWhenAProcessEnds(t *testing.T) {
	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	gone := process(t, "gone", "test", sleeper.Process.Pid)
	if err := sleeper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = sleeper.Wait() // it was killed
	if _, err := Measure(context.Background(), []Process{gone}, time.Millisecond); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%v", err)
	}
	reused := process(t, "reused", "test", os.Getpid())
	reused.Identity.StartTicks++ // another process with this pid
	if _, err := Measure(context.Background(), []Process{reused}, time.Millisecond); err == nil || !strings.Contains(err.Error(), "reused") {
		t.Errorf("%v", err)
	}
}
