package proc

import (
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// child keeps one process running until it is told to stop.
type child struct {
	spec    Spec
	starter *starter
	changed func(*child) // called after each start and end, without the lock

	stop chan struct{} // closed: end the process and do not start it again
	kick chan struct{} // ends a pause
	done chan struct{} // closed when the process has ended for good
	once sync.Once

	mu       sync.Mutex
	status   Status
	identity Identity
}

func newChild(spec Spec, starter *starter, changed func(*child)) *child {
	c := &child{
		spec: spec, starter: starter, changed: changed,
		stop: make(chan struct{}), kick: make(chan struct{}, 1), done: make(chan struct{}),
		status: Status{Name: spec.Name, State: StateBackoff, Fingerprint: spec.Fingerprint},
	}
	return c
}

// run starts the process again and again. The first attempt has been made when first is closed.
func (c *child) run(first chan<- struct{}) {
	defer close(c.done)
	var pauses backoff
	for {
		began := time.Now()
		cmd, err := c.starter.start(&c.spec)
		if err == nil {
			c.started(cmd.Process.Pid, began)
		} else {
			c.ended(err.Error())
		}
		if first != nil {
			close(first)
			first = nil
		}
		if err == nil {
			c.ended(c.wait(cmd))
		}
		if !c.pause(jitter(pauses.next(time.Since(began)))) {
			return
		}
	}
}

// wait returns how the process ended; it ends it when the child is to stop.
func (c *child) wait(cmd *exec.Cmd) string {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // ProcessState says it all
	}()
	select {
	case <-exited:
		return cmd.ProcessState.String()
	case <-c.stop:
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // fails only if it ended just now
	deadline := time.NewTimer(c.spec.StopTimeout)
	defer deadline.Stop()
	select {
	case <-exited:
	case <-deadline.C:
		_ = cmd.Process.Kill()
		<-exited
	}
	return cmd.ProcessState.String()
}

// pause waits before the next start; false means never again.
func (c *child) pause(length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-c.stop:
		c.set(func(s *Status) { s.State = StateStopped })
		return false
	case <-c.kick:
	case <-timer.C:
	}
	c.set(func(s *Status) { s.Restarts++ })
	return true
}

func (c *child) started(pid int, at time.Time) {
	identity, err := Identify(pid)
	if err != nil { // it has ended already; wait will say how
		identity = Identity{}
	}
	c.mu.Lock()
	c.identity = identity
	c.status.State, c.status.PID, c.status.Started = StateRunning, pid, at
	c.mu.Unlock()
	c.changed(c)
}

func (c *child) ended(how string) {
	c.mu.Lock()
	c.identity = Identity{}
	c.status.State, c.status.PID, c.status.LastExit = StateBackoff, 0, how
	c.mu.Unlock()
	c.changed(c)
}

func (c *child) set(change func(*Status)) {
	c.mu.Lock()
	change(&c.status)
	c.mu.Unlock()
	c.changed(c)
}

func (c *child) snapshot() (Status, Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status, c.identity
}

// end stops the process for good and returns when it is gone.
func (c *child) end() {
	c.once.Do(func() { close(c.stop) })
	<-c.done
}

// hurry ends a pause before the next start, if there is one.
func (c *child) hurry() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}
