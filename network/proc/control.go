package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	maxRequestBytes = 1 << 20         // a spec with its environment is a few kilobytes
	requestTimeout  = 5 * time.Second // to read a request or write an answer, which are local
	protocolVersion = 1               // raised when a request or an answer changes its meaning
)

type operation string

const (
	opStatus   operation = "status"
	opEnsure   operation = "ensure"
	opStop     operation = "stop"
	opRestart  operation = "restart"
	opShutdown operation = "shutdown"
)

type request struct {
	Version int       `json:"version"`
	Op      operation `json:"op"`
	Name    string    `json:"name,omitempty"`
	Spec    *Spec     `json:"spec,omitempty"`
}

type response struct {
	Error      string   `json:"error,omitempty"`
	Unknown    bool     `json:"unknown,omitempty"` // the error is ErrUnknownProcess
	Action     Action   `json:"action,omitempty"`
	Supervisor Identity `json:"supervisor"`
	Processes  []Status `json:"processes,omitempty"`
}

// control serves a supervisor's socket: one request and one answer a connection, each one JSON document.
type control struct {
	supervisor *Supervisor
	listener   net.Listener
	group      sync.WaitGroup
}

func listen(path string, supervisor *Supervisor) (*control, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err // whoever listened is dead: we hold the lock
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c := &control{supervisor: supervisor, listener: listener}
	c.group.Go(c.serve)
	return c, nil
}

func (c *control) close() error {
	err := c.listener.Close()
	c.group.Wait()
	return err
}

func (c *control) serve() {
	for {
		connection, err := c.listener.Accept()
		if err != nil {
			return // closed
		}
		c.group.Go(func() { c.answer(connection) })
	}
}

func (c *control) answer(connection net.Conn) {
	defer connection.Close()
	_ = connection.SetReadDeadline(time.Now().Add(requestTimeout))
	var asked request
	var answer response
	if err := json.NewDecoder(&limitedReader{connection, maxRequestBytes}).Decode(&asked); err != nil {
		answer.Error = fmt.Sprintf("request: %v", err)
	} else {
		answer = c.do(asked)
	}
	answer.Supervisor = c.supervisor.self
	_ = connection.SetWriteDeadline(time.Now().Add(requestTimeout))
	_ = json.NewEncoder(connection).Encode(answer) // who does not listen needs no answer
}

func (c *control) do(asked request) response {
	if asked.Version != protocolVersion {
		return response{Error: fmt.Sprintf("this supervisor speaks version %d, not %d: run down with the program that "+
			"started it, or end its process, then up", protocolVersion, asked.Version)}
	}
	var answer response
	var err error
	switch asked.Op {
	case opStatus:
		answer.Processes = c.supervisor.statuses()
	case opEnsure:
		if asked.Spec == nil {
			return response{Error: "ensure: spec is missing"}
		}
		answer.Action, err = c.supervisor.ensure(*asked.Spec)
	case opStop:
		err = c.supervisor.stop(asked.Name)
	case opRestart:
		err = c.supervisor.restart(asked.Name)
	case opShutdown:
		c.supervisor.stopAll()
	default:
		err = fmt.Errorf("unknown request %q", asked.Op)
	}
	if err != nil {
		answer.Error, answer.Unknown = err.Error(), errors.Is(err, ErrUnknownProcess)
	}
	return answer
}

// limitedReader fails, rather than ends, when the limit is passed.
type limitedReader struct {
	net.Conn
	left int
}

func (r *limitedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes", maxRequestBytes)
	}
	n, err := r.Conn.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}
