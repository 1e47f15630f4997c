package proc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"
)

// ErrNotRunning says that no supervisor listens on the socket.
var ErrNotRunning = errors.New("no supervisor is running")

// maxAnswerTime bounds the slowest request, a shutdown of every rank with all deadlines missed.
const maxAnswerTime = 3 * time.Minute

// Client asks a supervisor.
type Client struct {
	socket string
}

// NewClient makes a client of the supervisor that listens on a socket.
func NewClient(socket string) *Client { return &Client{socket} }

// Status lists the processes in the order of their names, and says who the supervisor is.
func (c *Client) Status(ctx context.Context) ([]Status, Identity, error) {
	answer, err := c.ask(ctx, request{Op: opStatus})
	if err != nil {
		return nil, Identity{}, err
	}
	return answer.Processes, answer.Supervisor, nil
}

// Ensure makes a process run as the spec says: it starts it, restarts it when its fingerprint differs, or does nothing.
func (c *Client) Ensure(ctx context.Context, spec Spec) (Action, error) {
	answer, err := c.ask(ctx, request{Op: opEnsure, Spec: &spec})
	if err != nil {
		return "", err
	}
	return answer.Action, nil
}

// Stop ends a process and keeps it down. It fails with ErrUnknownProcess for a name never ensured.
func (c *Client) Stop(ctx context.Context, name string) error {
	_, err := c.ask(ctx, request{Op: opStop, Name: name})
	return err
}

// Restart stops a process and starts it again. It fails with ErrUnknownProcess for a name never ensured.
func (c *Client) Restart(ctx context.Context, name string) error {
	_, err := c.ask(ctx, request{Op: opRestart, Name: name})
	return err
}

// Shutdown stops every process in the order of the ranks, then the supervisor, and returns when it is gone.
func (c *Client) Shutdown(ctx context.Context) error {
	answer, err := c.ask(ctx, request{Op: opShutdown})
	if err != nil {
		return err
	}
	if !until(ctx, orphanGrace, func() bool { return !answer.Supervisor.Alive() }) {
		return fmt.Errorf("the supervisor, process %d, does not end: look at its log, or kill it", answer.Supervisor.PID)
	}
	return nil
}

func (c *Client) ask(ctx context.Context, asked request) (*response, error) {
	ctx, cancel := context.WithTimeout(ctx, maxAnswerTime)
	defer cancel()
	asked.Version = protocolVersion
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "unix", c.socket)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { _ = connection.SetDeadline(time.Unix(1, 0)) })()
	if err := json.NewEncoder(connection).Encode(asked); err != nil {
		return nil, fmt.Errorf("ask the supervisor: %w", err)
	}
	var answer response
	if err := json.NewDecoder(connection).Decode(&answer); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("the supervisor's answer: %w", err)
	}
	if answer.Unknown {
		return nil, fmt.Errorf("%w: %s", ErrUnknownProcess, asked.Name)
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return &answer, nil
}
