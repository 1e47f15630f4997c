package fabric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/connectivity"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// Ledger is the app's ledger over one or more peers.
type Ledger struct {
	options     Options
	signer      *signer
	connections []*connection
	endorsers   *endorsers
	log         *slog.Logger
}

var _ app.Ledger = (*Ledger)(nil)

// NewLedger loads the identity and prepares the connections; nothing is connected yet.
func NewLedger(options Options) (*Ledger, error) {
	if len(options.Peers) == 0 {
		return nil, errors.New("no peer is configured")
	}
	signer, err := loadSigner(options.MSPID, options.Certificate, options.Key)
	if err != nil {
		return nil, err
	}
	l := &Ledger{options: options, signer: signer, log: options.Log, endorsers: newEndorsers(options.Endorsers, options.Endorsements, options.Breaker)}
	for _, peer := range options.Peers {
		conn, err := dial(peer, signer, &options)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.connections = append(l.connections, conn)
	}
	return l, nil
}

// Close ends the connections.
func (l *Ledger) Close() {
	for _, conn := range l.connections {
		conn.close()
	}
}

// Connect begins connecting to the first peer and waits until it answers or ctx ends.
func (l *Ledger) Connect(ctx context.Context) error {
	own := l.connections[0]
	own.grpc.Connect()
	for {
		state := own.grpc.GetState()
		if state == connectivity.Ready {
			return nil
		}
		if !own.grpc.WaitForStateChange(ctx, state) {
			return fmt.Errorf("peer %s is not connected: %s", own.peer.Address, state)
		}
	}
}

// Ready says why the ledger cannot be asked; nil when it can.
func (l *Ledger) Ready(ctx context.Context) error {
	_, err := l.Height(ctx)
	return err
}

// LeftOut returns the organisations that are left out of endorsing because they failed.
func (l *Ledger) LeftOut() []string { return l.endorsers.leftOut() }

// preferred returns the first connection that did not just fail; when all did, the first.
func (l *Ledger) preferred() *connection {
	for _, conn := range l.connections {
		if conn.breaker.Allow() {
			return conn
		}
	}
	return l.connections[0]
}

// reported tells a connection's breaker how a call over it went: only a lost connection speaks against the peer.
func (l *Ledger) reported(conn *connection, err error) {
	switch {
	case err == nil:
		conn.breaker.Success()
	case conn.lost():
		conn.breaker.Failure()
	default:
		conn.breaker.Success()
	}
}

// pause waits a moment, longer each time, so that tries do not follow each other at once; false when ctx ended.
func pause(ctx context.Context, try int) bool {
	longest := min(25*time.Millisecond<<min(try, 8), 500*time.Millisecond)
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// encode returns the one argument of a call.
func encode(call *spec.Call) ([]byte, error) {
	argument, err := call.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", call.Operation.FullName(), err)
	}
	return argument, nil
}
