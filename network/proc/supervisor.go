package proc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"
)

// rotateEvery is how often log files are measured. At 10 MB/s of output a file grows 100 MB in between.
const rotateEvery = 10 * time.Second

// Supervisor owns processes. Make it with NewSupervisor, run it with Run.
type Supervisor struct {
	dir    string // of state and lock
	socket string
	log    *slog.Logger

	starter  *starter
	state    stateFile
	self     Identity
	shutdown chan struct{}
	once     sync.Once

	mu       sync.Mutex // guards children and the writing of the state
	children map[string]*child
	ensuring sync.Mutex // one change at a time
}

// NewSupervisor makes a supervisor that keeps its lock and state in dir and listens on socket.
func NewSupervisor(dir, socket string, log *slog.Logger) *Supervisor {
	return &Supervisor{
		dir: dir, socket: socket, log: log,
		state:    stateFile{filepath.Join(dir, "state.json")},
		shutdown: make(chan struct{}),
		children: map[string]*child{},
	}
}

// Run ends what an earlier supervisor left behind, then serves requests until it is told to shut down or the context
// ends; then it stops all processes in the order of their ranks. A second supervisor of one folder is refused.
func (s *Supervisor) Run(ctx context.Context) error {
	lock, err := TakeLock(filepath.Join(s.dir, "lock"), fmt.Sprintf("the supervisor, process %d", os.Getpid()))
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := s.state.reap(ctx); err != nil {
		return err
	}
	if s.self, err = Identify(os.Getpid()); err != nil {
		return err
	}
	s.starter = newStarter()
	defer s.starter.close()
	if err := s.record(); err != nil {
		return err
	}
	control, err := listen(s.socket, s)
	if err != nil {
		return err
	}
	s.log.Info("supervising", "dir", s.dir, "socket", s.socket)
	tick := time.NewTicker(rotateEvery)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-s.shutdown:
			running = false
		case <-tick.C:
			s.rotateLogs()
		}
	}
	s.stopAll()
	err = s.record()
	return errors.Join(err, control.close())
}

// ensure makes a process run as its spec says.
func (s *Supervisor) ensure(spec Spec) (Action, error) {
	if err := spec.validate(); err != nil {
		return "", err
	}
	s.ensuring.Lock()
	defer s.ensuring.Unlock()
	select {
	case <-s.shutdown:
		return "", errors.New("the supervisor is shutting down: run up again when it is gone")
	default:
	}
	action := ActionStarted
	if old := s.child(spec.Name); old != nil {
		status, _ := old.snapshot()
		switch {
		case status.State == StateStopped:
		case old.spec.Fingerprint == spec.Fingerprint:
			if status.State == StateBackoff {
				old.hurry()
			}
			return ActionUnchanged, nil
		default:
			action = ActionRestarted
		}
		old.end()
	}
	s.launch(spec)
	return action, nil
}

// restart stops a process and starts it again with the spec it has.
func (s *Supervisor) restart(name string) error {
	s.ensuring.Lock()
	defer s.ensuring.Unlock()
	old := s.child(name)
	if old == nil {
		return fmt.Errorf("%w: %s", ErrUnknownProcess, name)
	}
	old.end()
	s.launch(old.spec)
	return nil
}

// stop ends a process and keeps it down.
func (s *Supervisor) stop(name string) error {
	s.ensuring.Lock()
	defer s.ensuring.Unlock()
	old := s.child(name)
	if old == nil {
		return fmt.Errorf("%w: %s", ErrUnknownProcess, name)
	}
	old.end()
	return nil
}

func (s *Supervisor) launch(spec Spec) {
	c := newChild(spec, s.starter, s.changed)
	s.mu.Lock()
	s.children[spec.Name] = c
	s.mu.Unlock()
	first := make(chan struct{})
	go c.run(first)
	<-first
}

// stopAll ends every process, rank by rank.
func (s *Supervisor) stopAll() {
	s.once.Do(func() { close(s.shutdown) })
	s.ensuring.Lock()
	defer s.ensuring.Unlock()
	ranks := map[int][]*child{}
	var order []int
	for _, c := range s.all() {
		rank := c.spec.StopRank
		if ranks[rank] == nil {
			order = append(order, rank)
		}
		ranks[rank] = append(ranks[rank], c)
	}
	sort.Ints(order)
	for _, rank := range order {
		var group sync.WaitGroup
		for _, c := range ranks[rank] {
			group.Go(c.end)
		}
		group.Wait()
	}
}

func (s *Supervisor) child(name string) *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.children[name]
}

// all lists the children in the order of their names.
func (s *Supervisor) all() []*child {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*child, 0, len(s.children))
	for _, c := range s.children {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].spec.Name < list[j].spec.Name })
	return list
}

func (s *Supervisor) statuses() []Status {
	list := []Status{}
	for _, c := range s.all() {
		status, _ := c.snapshot()
		list = append(list, status)
	}
	return list
}

// changed is told by a child that its process started or ended.
func (s *Supervisor) changed(c *child) {
	status, _ := c.snapshot()
	s.log.Info("process", "name", status.Name, "state", status.State, "pid", status.PID, "last_exit", status.LastExit)
	if err := s.record(); err != nil {
		s.log.Error("cannot record the processes: look at the disk", "error", err)
	}
}

// record writes which processes run now.
func (s *Supervisor) record() error {
	state := recordedState{Supervisor: s.self, Processes: map[string]Identity{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.children {
		if _, identity := c.snapshot(); identity.PID != 0 {
			state.Processes[name] = identity
		}
	}
	return s.state.write(state)
}

func (s *Supervisor) rotateLogs() {
	for _, c := range s.all() {
		if err := rotateLog(c.spec.Log, c.spec.LogMaxBytes); err != nil {
			s.log.Error("cannot rotate a log file: look at the disk", "name", c.spec.Name, "error", err)
		}
	}
}
