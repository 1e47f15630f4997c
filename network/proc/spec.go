package proc

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"time"
)

// Spec is one process to keep running.
type Spec struct {
	Name        string        `json:"name"`
	Path        string        `json:"path"` // absolute path of the program
	Args        []string      `json:"args,omitempty"`
	Env         []string      `json:"env,omitempty"` // the whole environment, KEY=value
	Dir         string        `json:"dir"`
	Log         string        `json:"log"` // appended to; rotated to Log+".1"
	LogMaxBytes int64         `json:"log_max_bytes"`
	StopRank    int           `json:"stop_rank"`    // at shutdown lower ranks stop first, equal ones together
	StopTimeout time.Duration `json:"stop_timeout"` // from SIGTERM to SIGKILL
	Fingerprint string        `json:"fingerprint"`  // of whatever should restart the process when it changes
}

var processName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func (s *Spec) validate() error {
	switch {
	case !processName.MatchString(s.Name):
		return fmt.Errorf("process name %q: use lower-case letters, digits, dots and dashes, at most 64", s.Name)
	case !filepath.IsAbs(s.Path):
		return fmt.Errorf("process %s: program %q: give an absolute path", s.Name, s.Path)
	case s.Log == "" || s.LogMaxBytes <= 0:
		return fmt.Errorf("process %s: give a log file and its greatest size", s.Name)
	case s.StopTimeout <= 0:
		return fmt.Errorf("process %s: give the time from SIGTERM to SIGKILL", s.Name)
	}
	return nil
}

// State is what a process does just now.
type State string

// The states of a process.
const (
	StateRunning State = "running"
	StateBackoff State = "backoff" // died; waits before it is started again
	StateStopped State = "stopped" // stopped on request
)

// Status is what the supervisor knows of one process.
type Status struct {
	Name        string    `json:"name"`
	State       State     `json:"state"`
	PID         int       `json:"pid"` // 0 unless running
	Started     time.Time `json:"started"`
	Restarts    int       `json:"restarts"`  // since it was first asked for or restarted on request
	LastExit    string    `json:"last_exit"` // how it last ended, empty if it never did
	Fingerprint string    `json:"fingerprint"`
}

// Action is what Ensure did.
type Action string

// What Ensure did.
const (
	ActionStarted   Action = "started"
	ActionRestarted Action = "restarted" // its fingerprint differed
	ActionUnchanged Action = "unchanged"
)

// ErrUnknownProcess says that the supervisor was never asked to run a process of that name.
var ErrUnknownProcess = errors.New("no such process")
