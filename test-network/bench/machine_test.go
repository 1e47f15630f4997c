package bench

import (
	"runtime"
	"strings"
	"testing"
)

func TestMachineIsReadFromProc(t *testing.T) {
	if got := cpuModel([]byte("processor\t: 0\nmodel name\t: One CPU @ 2: fast\nmodel name\t: Two\n")); got != "One CPU @ 2: fast" {
		t.Errorf("model %q", got)
	}
	if got := cpuModel([]byte("processor\t: 0\nBogoMIPS\t: 50\n")); got != "unknown, "+runtime.GOARCH {
		t.Errorf("no model: %q", got)
	}
	if got, err := totalMiB([]byte("MemTotal:       2097152 kB\nMemFree: 1 kB\n")); err != nil || got != 2048 {
		t.Errorf("memory %d, %v", got, err)
	}
	if _, err := totalMiB([]byte("MemFree: 1 kB\n")); err == nil {
		t.Error("memory without a total")
	}
	if got, err := loadAverage([]byte("1.25 0.5 0.1 2/300 4242\n")); err != nil || got != 1.25 {
		t.Errorf("load %v, %v", got, err)
	}
	if _, err := loadAverage(nil); err == nil {
		t.Error("load of nothing")
	}
}

func TestThisMachine(t *testing.T) {
	machine, err := ThisMachine()
	if err != nil {
		t.Fatal(err)
	}
	if machine.CPU == "" || machine.Cores < 1 || machine.MemoryMiB < 64 || machine.Kernel == "" || !strings.HasPrefix(machine.Go, "go") && !strings.HasPrefix(machine.Go, "devel") {
		t.Errorf("%+v", machine)
	}
}
