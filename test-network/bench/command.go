package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// commandGrace is how long a command that was told to end has to stop what it started.
	commandGrace = 90 * time.Second
	// quietReportEvery is how often a command that prints nothing is said to be alive.
	quietReportEvery = 15 * time.Second
	// maxLineBytes bounds a line of a command's output; longer ones are cut into several.
	maxLineBytes = 64 << 10
	// tailLines is how much of a failed command's output its error quotes.
	tailLines = 15
)

// Command is a program run to its end, in a process group of its own, so that what it started ends with it.
type Command struct {
	Dir  string
	Env  []string // nil: the caller's
	Args []string // the program first
	// Line gets each line of output and error output, and how long after the start it came. May be nil.
	Line func(at time.Duration, line string)
	// Still is called now and then while no line comes. May be nil.
	Still func(at time.Duration)
}

// Run runs the command. Its error quotes the end of the output. When ctx ends, the group is told to end (SIGTERM) and has
// commandGrace to clean up.
func (c Command) Run(ctx context.Context) error {
	_, err := c.run(ctx, nil)
	return err
}

// Output runs the command and returns its standard output; lines are then those of the error output.
func (c Command) Output(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	_, err := c.run(ctx, &out)
	return out.Bytes(), err
}

// Used is what a command took: time, and CPU time of itself and of all descendants that were waited for. A network that it
// leaves running is not in it.
type Used struct {
	Wall time.Duration
	CPU  time.Duration
}

// Measure runs the command and says what it took.
func (c Command) Measure(ctx context.Context) (Used, error) { return c.run(ctx, nil) }

func (c Command) run(ctx context.Context, stdout io.Writer) (used Used, err error) {
	command := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	command.Dir, command.Env = c.Dir, c.Env
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return signalGroup(command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = commandGrace
	lines := &lineWriter{began: time.Now(), each: c.Line}
	progress, err := drainTo(lines)
	if err != nil {
		return used, err
	}
	out := progress
	if stdout != nil {
		if out, err = drainTo(stdout); err != nil {
			return used, errors.Join(err, progress.end())
		}
	}
	command.Stdout, command.Stderr = out.write, progress.write
	stop := c.watch(lines)
	err = command.Run()
	if ctx.Err() != nil && command.Process != nil {
		_ = signalGroup(command.Process.Pid, syscall.SIGKILL) // whoever did not follow and would keep the output open
	}
	err = errors.Join(err, progress.end())
	if out != progress {
		err = errors.Join(err, out.end())
	}
	stop()
	lines.flush()
	used.Wall = time.Since(lines.began)
	if state := command.ProcessState; state != nil {
		used.CPU = state.UserTime() + state.SystemTime()
	}
	if ctx.Err() != nil {
		return used, context.Cause(ctx)
	}
	if err != nil {
		name := strings.Join(append([]string{filepath.Base(c.Args[0])}, c.Args[1:]...), " ")
		return used, fmt.Errorf("%s: %w\n%s", name, err, strings.Join(lines.tail, "\n"))
	}
	return used, nil
}

// drain is a pipe whose other end is copied somewhere. It is a file for os/exec, which then waits for the program alone, and
// not for whoever else has the pipe.
type drain struct {
	write  *os.File
	copied chan error
}

func drainTo(to io.Writer) (*drain, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	d := &drain{write: write, copied: make(chan error, 1)}
	go func() {
		_, err := io.Copy(to, read)
		d.copied <- errors.Join(err, read.Close())
	}()
	return d, nil
}

// end waits until everyone who could write has ended, and all is copied.
func (d *drain) end() error { return errors.Join(d.write.Close(), <-d.copied) }

// watch calls Still while no line comes, until the returned function is called.
func (c Command) watch(lines *lineWriter) (stop func()) {
	if c.Still == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(quietReportEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if lines.silence() >= quietReportEvery {
					c.Still(time.Since(lines.began))
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

func signalGroup(leader int, signal syscall.Signal) error {
	err := syscall.Kill(-leader, signal)
	if errors.Is(err, syscall.ESRCH) {
		return nil // all of it has ended
	}
	return err
}

// lineWriter cuts what is written into lines and keeps the last ones.
type lineWriter struct {
	began time.Time
	each  func(time.Duration, string)

	mu      sync.Mutex
	last    time.Time
	partial []byte
	tail    []string
}

func (w *lineWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = time.Now()
	w.partial = append(w.partial, text...)
	for {
		line, rest, whole := bytes.Cut(w.partial, []byte("\n"))
		if !whole && len(w.partial) < maxLineBytes {
			return len(text), nil
		}
		if !whole {
			line, rest = w.partial, nil
		}
		w.partial = bytes.Clone(rest)
		w.line(string(line))
	}
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.partial) > 0 {
		w.line(string(w.partial))
		w.partial = nil
	}
}

func (w *lineWriter) line(line string) {
	line = strings.TrimRight(line, "\r")
	if w.tail = append(w.tail, line); len(w.tail) > tailLines {
		w.tail = w.tail[1:]
	}
	if w.each != nil {
		w.each(time.Since(w.began), line)
	}
}

func (w *lineWriter) silence() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.IsZero() {
		return time.Since(w.began)
	}
	return time.Since(w.last)
}
