package proc

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// detachTimeout is how long a new supervisor has to answer; it may first have to end what another left behind.
const detachTimeout = 30 * time.Second

// Detach starts a program that runs a supervisor in a session of its own, with nothing of the caller's open, and
// returns when the supervisor answers on the socket. Its output is appended to the log file.
func Detach(ctx context.Context, program string, args []string, log, socket string) error {
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		return err
	}
	output, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	if err := closeInheritedOnExec(); err != nil {
		return err
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = filepath.Dir(log)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
	dead := func() bool {
		select {
		case <-exited:
			return true
		default:
			return false
		}
	}
	client := NewClient(socket)
	var last error
	if until(ctx, detachTimeout, func() bool { _, _, last = client.Status(ctx); return last == nil || dead() }) && last == nil {
		return nil
	}
	tail, _ := Tail(log, 3)
	return fmt.Errorf("the supervisor does not answer: %w: see %s, which ends with: %s", last, log, tail)
}

// closeInheritedOnExec keeps descriptors this process was given by its caller (a pipe of a shell, a lock) from its
// children. Go marks those it opens itself.
func closeInheritedOnExec() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
