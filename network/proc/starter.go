package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how late a sleep of a child may end. With the kernel's 50 µs the monitor of a Go program that is neither idle nor busy
// wakes up ten thousand times a second, up to a fifth of what a peer does; no timer of a node is that exact.
const timerSlack = time.Millisecond

// starter starts every child from one operating system thread. The kernel sends a child its parent-death signal when
// the thread that created it ends, not the process, so that thread has to live as long as the supervisor.
type starter struct {
	requests chan startRequest
}

type startRequest struct {
	cmd   *exec.Cmd
	reply chan error
}

func newStarter() *starter {
	s := &starter{requests: make(chan startRequest)}
	go func() {
		runtime.LockOSThread()
		// A thread that may not have it, which no kernel says today, starts children whose timers are as exact as ever.
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack.Nanoseconds()), 0, 0, 0)
		for request := range s.requests {
			request.reply <- request.cmd.Start()
		}
	}()
	return s
}

// close ends the thread, and with it every child that still runs.
func (s *starter) close() { close(s.requests) }

// start starts the program with its output appended to its log file.
func (s *starter) start(spec *Spec) (*exec.Cmd, error) {
	if err := os.MkdirAll(filepath.Dir(spec.Log), 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(spec.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own descriptor by then
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env, cmd.Dir = spec.Env, spec.Dir
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	request := startRequest{cmd, make(chan error, 1)}
	s.requests <- request
	if err := <-request.reply; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	return cmd, nil
}
