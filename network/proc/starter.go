package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

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
