package bench

import (
	"time"

	"github.com/cybermiles/cmt/network/proc"
)

// Watch measures processes from Begin to End, however long that is.
type Watch struct {
	processes []Process
	began     time.Time
	before    []time.Duration
}

// Begin begins to watch.
func Begin(processes []Process) (*Watch, error) {
	before, err := cpuTimes(processes)
	return &Watch{processes: processes, began: time.Now(), before: before}, err
}

// End is the load since Begin. It fails when one of the processes ended meanwhile.
func (w *Watch) End() (*Load, error) {
	after, err := cpuTimes(w.processes)
	if err != nil {
		return nil, err
	}
	load := &Load{Processes: w.processes, Length: time.Since(w.began)}
	for i, process := range w.processes {
		load.CPU = append(load.CPU, after[i]-w.before[i])
		load.Resident = append(load.Resident, proc.ResidentBytes(process.Identity.PID))
	}
	return load, nil
}

// CPUByKind is the CPU time of the processes of each kind.
func (l *Load) CPUByKind() map[string]time.Duration {
	sums := map[string]time.Duration{}
	for i, process := range l.Processes {
		sums[process.Kind] += l.CPU[i]
	}
	return sums
}
