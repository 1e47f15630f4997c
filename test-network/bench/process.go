package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cybermiles/cmt/network/proc"
)

// tickLength is the unit of CPU times in /proc: USER_HZ, 100 a second on every Linux that Go runs on.
const tickLength = 10 * time.Millisecond

// Process is one that is measured, by what it is for.
type Process struct {
	Name     string
	Kind     string
	Identity proc.Identity
}

// Load is what processes used in a time. CPU is in order of the processes.
type Load struct {
	Processes []Process
	Length    time.Duration
	CPU       []time.Duration
	Resident  []int64 // bytes, at the end; pages that several processes share count in each
}

// Measure watches processes for a time. It fails when one of them ends meanwhile.
func Measure(ctx context.Context, processes []Process, length time.Duration) (*Load, error) {
	before, err := cpuTimes(processes)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-timer.C:
	}
	after, err := cpuTimes(processes)
	if err != nil {
		return nil, err
	}
	load := &Load{Processes: processes, Length: time.Since(began)}
	for i, process := range processes {
		load.CPU = append(load.CPU, after[i]-before[i])
		load.Resident = append(load.Resident, proc.ResidentBytes(process.Identity.PID))
	}
	return load, nil
}

// PercentOfCore is the CPU time of all processes: 100 is one core all the time.
func (l *Load) PercentOfCore() float64 {
	var sum time.Duration
	for _, one := range l.CPU {
		sum += one
	}
	return 100 * float64(sum) / float64(l.Length)
}

// ResidentMiB is the memory of all processes.
func (l *Load) ResidentMiB() float64 {
	var sum int64
	for _, one := range l.Resident {
		sum += one
	}
	return float64(sum) / (1 << 20)
}

// ByKind is the load of the processes of each kind, in the order in which the kinds first come.
func (l *Load) ByKind() (percentOfCore, residentMiB Parts) {
	index := map[string]int{}
	for i, process := range l.Processes {
		at, known := index[process.Kind]
		if !known {
			at = len(percentOfCore)
			index[process.Kind] = at
			percentOfCore = append(percentOfCore, Part{Name: process.Kind})
			residentMiB = append(residentMiB, Part{Name: process.Kind})
		}
		percentOfCore[at].Value += 100 * float64(l.CPU[i]) / float64(l.Length)
		residentMiB[at].Value += float64(l.Resident[i]) / (1 << 20)
	}
	return percentOfCore, residentMiB
}

// cpuTimes reads what each process has used since it started, and that it is still the one it was.
func cpuTimes(processes []Process) ([]time.Duration, error) {
	times := make([]time.Duration, len(processes))
	for i, process := range processes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.Identity.PID))
		if err == nil {
			times[i], err = cpuTime(string(stat))
		}
		if err == nil && !process.Identity.Alive() {
			err = os.ErrProcessDone
		}
		if err != nil {
			return nil, fmt.Errorf("%s, process %d, while it was measured: %w", process.Name, process.Identity.PID, err)
		}
	}
	return times, nil
}

// cpuTime is user and system time of a line of /proc/PID/stat, all threads together.
func cpuTime(stat string) (time.Duration, error) {
	// The second field is the program's name in parentheses and may hold anything, parentheses included.
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	const user, system = 11, 12 // fields 14 and 15 of proc(5), counted from the third
	if end < 0 || len(fields) <= system {
		return 0, errors.New("/proc/PID/stat has an unexpected form")
	}
	var ticks uint64
	for _, field := range []string{fields[user], fields[system]} {
		value, err := strconv.ParseUint(field, 10, 63)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		ticks += value
	}
	return time.Duration(ticks) * tickLength, nil
}
