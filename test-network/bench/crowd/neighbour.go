package crowd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/config"
	"github.com/cybermiles/cmt/gateway/httpapi"
	"github.com/cybermiles/cmt/gateway/keys"
	"github.com/cybermiles/cmt/gateway/neighbours"
	"github.com/cybermiles/cmt/network/topology"
)

// Beside starts a gateway of the n-th peer's organisation beside this one, and waits until it knows what this one knows.
func (g *Relay) Beside(ctx context.Context, facts *topology.Facts, n int, folder string) (*Relay, error) {
	second, err := NewRelay(ctx, facts, n, folder)
	if err != nil {
		return nil, err
	}
	height, err := g.Ledger.Height(ctx)
	if err == nil {
		err = second.Store.AwaitBlock(ctx, height-1)
	}
	if err != nil {
		return nil, errors.Join(err, second.Close(ctx))
	}
	return second, nil
}

// Knows makes another gateway a neighbour of this one: its API is served on loopback until the returned function ends it.
func (g *Relay) Knows(ctx context.Context, other *Relay) (end func() error, err error) {
	keeper, err := keys.Open(ctx, other.Store, filepath.Join(other.Folder, "master.key"))
	if err != nil {
		return nil, err
	}
	standard := config.Default()
	intents := app.NewIntents(app.IntentSettings{Wait: standard.Timeouts.Write, ModelWait: standard.Timeouts.Model}, other.Store, other.Store, keeper, other.log)
	intents.Start(other.Parameters.LedgerID, other.batcher)
	key, _, err := other.Store.CreateKey(ctx, "neighbour", []spec.Scope{spec.ScopeRelay, spec.ScopeRead}, []string{app.AllAccounts})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(g.Folder, other.MSPID+".key")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	// Only what neighbours ask is served: the use cases of an organisation's own account are not there.
	server := &http.Server{Handler: httpapi.New(httpapi.Options{Intents: intents, Authenticator: other.Store, Registry: prometheus.NewRegistry(), Log: other.log})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	g.neighbours.Meet(neighbours.Neighbour{MSPID: other.MSPID, URL: "http://" + listener.Addr().String(), KeyFile: file})
	g.neighbours.Name(other.MSPID, other.index)
	return func() error {
		err := server.Close()
		if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
		return err
	}, nil
}
