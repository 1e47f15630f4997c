package bench

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where the figures come from. Fields are only ever added.
type Machine struct {
	CPU       string  `json:"cpu"` // model name
	Cores     int     `json:"cores"`
	MemoryMiB int64   `json:"memory_mib"`
	Kernel    string  `json:"kernel"`
	Go        string  `json:"go"`
	Load1m    float64 `json:"load_1m"` // load average before the first scenario: above 0.3 or so others share the machine
}

// ThisMachine reads the machine from /proc.
func ThisMachine() (Machine, error) {
	machine := Machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	for _, part := range []struct {
		file string
		read func([]byte) error
	}{
		{"/proc/cpuinfo", func(text []byte) error { machine.CPU = cpuModel(text); return nil }},
		{"/proc/meminfo", func(text []byte) (err error) { machine.MemoryMiB, err = totalMiB(text); return err }},
		{"/proc/sys/kernel/osrelease", func(text []byte) error { machine.Kernel = string(bytes.TrimSpace(text)); return nil }},
		{"/proc/loadavg", func(text []byte) (err error) { machine.Load1m, err = loadAverage(text); return err }},
	} {
		text, err := os.ReadFile(part.file)
		if err == nil {
			err = part.read(text)
		}
		if err != nil {
			return machine, fmt.Errorf("describe the machine: %s: %w", part.file, err)
		}
	}
	return machine, nil
}

// String is one line for people.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %d MiB, Linux %s, %s, load %.2f", m.CPU, m.Cores, m.MemoryMiB, m.Kernel, m.Go, m.Load1m)
}

// cpuModel is the first processor's model. Not every architecture names one.
func cpuModel(cpuinfo []byte) string {
	for line := range strings.Lines(string(cpuinfo)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown, " + runtime.GOARCH
}

func totalMiB(meminfo []byte) (int64, error) {
	for line := range strings.Lines(string(meminfo)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib >> 10, err
		}
	}
	return 0, fmt.Errorf("no line MemTotal in kB")
}

func loadAverage(loadavg []byte) (float64, error) {
	first, _, _ := strings.Cut(string(loadavg), " ")
	return strconv.ParseFloat(first, 64)
}
