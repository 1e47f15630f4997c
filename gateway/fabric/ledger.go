package fabric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// Ledger is the app's ledger over one or more peers.
type Ledger struct {
	options     Options
	signer      *signer
	connections []*connection
	endorsers   *endorsers
	orderers    *orderers
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
	if l.orderers, err = dialOrderers(options.Orderers); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Close ends the connections.
func (l *Ledger) Close() {
	for _, conn := range l.connections {
		conn.close()
	}
	if l.orderers != nil {
		_ = l.orderers.close() // nothing is left to be told of an error here
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

// preferred returns the first connection that has not failed; when all have, the first.
func (l *Ledger) preferred() *connection {
	for _, conn := range l.connections {
		if !conn.breaker.Open() {
			return conn
		}
	}
	return l.connections[0]
}

// reported tells a connection's breaker how a call over it went. Only a lost connection or a mute peer speaks against it:
// when a call ran out of time, the peer itself is asked for something simple.
func (l *Ledger) reported(conn *connection, err error) {
	switch {
	case err == nil:
		conn.breaker.Success()
	case conn.lost() || outOfTime(err) && !l.alive(conn):
		if !conn.breaker.Open() {
			l.log.Warn("a peer does not answer", "peer", conn.peer.Address, "error", err)
		}
		conn.breaker.Failure()
	}
}

// aliveTimeout is how long a peer may take to say how many blocks it has.
const aliveTimeout = 500 * time.Millisecond

// alive asks the peer itself, whatever the caller's own deadline.
func (l *Ledger) alive(conn *connection) bool {
	ctx, cancel := context.WithTimeout(context.Background(), aliveTimeout)
	defer cancel()
	_, err := conn.network.GetContract(querySystemChaincode).EvaluateWithContext(ctx, "GetChainInfo",
		client.WithArguments(l.options.Channel), client.WithEndorsingOrganizations(conn.peer.MSPID))
	return err == nil
}

func outOfTime(err error) bool {
	return status.Code(err) == codes.DeadlineExceeded || errors.Is(err, context.DeadlineExceeded)
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
