package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Identity tells one process from every other that ever has its pid: the kernel's boot, and the start time in clock
// ticks since that boot.
type Identity struct {
	PID        int    `json:"pid"`
	StartTicks uint64 `json:"start_ticks"`
	Boot       string `json:"boot"`
}

// Identify reads the identity of a running process. A zombie is as good as gone.
func Identify(pid int) (Identity, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Identity{}, err
	}
	// The second field is the program's name in parentheses and may hold anything, parentheses included.
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	const state, startTicks = 0, 19 // fields 3 and 22 of proc(5), counted from the third
	if end < 0 || len(fields) <= startTicks {
		return Identity{}, fmt.Errorf("/proc/%d/stat has an unexpected form", pid)
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return Identity{}, os.ErrProcessDone
	}
	ticks, err := strconv.ParseUint(fields[startTicks], 10, 64)
	if err != nil {
		return Identity{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Identity{}, err
	}
	return Identity{PID: pid, StartTicks: ticks, Boot: strings.TrimSpace(string(boot))}, nil
}

// Alive says whether exactly this process still runs.
func (i Identity) Alive() bool {
	if i.PID <= 0 {
		return false
	}
	now, err := Identify(i.PID)
	return err == nil && now == i
}

// Signal sends a signal if exactly this process still runs.
func (i Identity) Signal(signal syscall.Signal) error {
	if !i.Alive() {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(i.PID, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", i.PID, err)
	}
	return nil
}

// ResidentBytes is the memory the process holds, in bytes; 0 when it is gone.
func ResidentBytes(pid int) int64 {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
