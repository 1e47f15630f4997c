package proc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"time"
)

// stateFile records which processes the supervisor started, for the one that comes after it.
type stateFile struct {
	path string
}

type recordedState struct {
	Supervisor Identity            `json:"supervisor"`
	Processes  map[string]Identity `json:"processes"` // encoded in the order of the names
}

func (f stateFile) write(state recordedState) error {
	document, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(f.path, append(document, '\n'), 0o600)
}

func (f stateFile) read() (recordedState, error) {
	var state recordedState
	document, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal(document, &state); err != nil {
		return state, fmt.Errorf("%s: %w: end the processes it names and remove it", f.path, err)
	}
	return state, nil
}

// orphanGrace is how long what a killed supervisor left behind has to end after SIGTERM.
const orphanGrace = 10 * time.Second

// reap ends exactly the processes a supervisor that was killed left behind.
func (f stateFile) reap(ctx context.Context) error {
	state, err := f.read()
	if err != nil {
		return err
	}
	var orphans []Identity
	for _, identity := range state.Processes {
		if identity.Alive() {
			orphans = append(orphans, identity)
		}
	}
	sort.Slice(orphans, func(i, j int) bool { return orphans[i].PID < orphans[j].PID })
	return Terminate(ctx, orphans, orphanGrace)
}

// Terminate sends SIGTERM to processes, after the grace SIGKILL to those that remain, and waits until all are gone.
func Terminate(ctx context.Context, processes []Identity, grace time.Duration) error {
	signal := func(s syscall.Signal) error {
		var errs []error
		for _, process := range processes {
			if err := process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}
	gone := func() bool {
		for _, process := range processes {
			if process.Alive() {
				return false
			}
		}
		return true
	}
	if err := signal(syscall.SIGTERM); err != nil {
		return err
	}
	if until(ctx, grace, gone) {
		return nil
	}
	if err := signal(syscall.SIGKILL); err != nil {
		return err
	}
	if !until(ctx, grace, gone) {
		return fmt.Errorf("processes %v do not end: look at them with ps", processes)
	}
	return nil
}

// until asks often whether a condition holds, at most for that long.
func until(ctx context.Context, limit time.Duration, holds func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return holds()
		case <-tick.C:
		}
	}
	return true
}

// WriteFile replaces a file as a whole: readers see the old content or the new.
func WriteFile(path string, content []byte, mode os.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// Reap ends what a supervisor that was killed left behind in its folder; it says whether there was anything. It fails
// with a *LockedError while a supervisor runs.
func Reap(ctx context.Context, dir string) (bool, error) {
	file := stateFile{filepath.Join(dir, "state.json")}
	state, err := file.read()
	if err != nil || len(state.Processes) == 0 {
		return false, err
	}
	lock, err := TakeLock(filepath.Join(dir, "lock"), fmt.Sprintf("process %d, which ends what was left behind", os.Getpid()))
	if err != nil {
		return false, err
	}
	defer lock.Release()
	var found bool
	for _, identity := range state.Processes {
		found = found || identity.Alive()
	}
	return found, file.reap(ctx)
}
