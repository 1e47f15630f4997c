package payments

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
)

// beside starts a gateway of the n-th peer's organisation beside the first one, and waits until it knows what that one knows.
func (c *consortium) beside(ctx context.Context, n int, folder string) (*relay, error) {
	second, err := newRelay(ctx, c.facts, n, folder)
	if err != nil {
		return nil, err
	}
	height, err := c.relay.ledger.Height(ctx)
	if err == nil {
		err = second.store.AwaitBlock(ctx, height-1)
	}
	if err != nil {
		return nil, errors.Join(err, second.close(ctx))
	}
	return second, nil
}

// knows makes another gateway a neighbour of this one: its API is served on loopback until the returned function ends it.
func (g *relay) knows(ctx context.Context, other *relay) (end func() error, err error) {
	keeper, err := keys.Open(ctx, other.store, filepath.Join(other.folder, "master.key"))
	if err != nil {
		return nil, err
	}
	standard := config.Default()
	intents := app.NewIntents(app.IntentSettings{Wait: standard.Timeouts.Write, ModelWait: standard.Timeouts.Model}, other.store, other.store, keeper, other.log)
	intents.Start(other.parameters.LedgerID, other.batcher)
	key, _, err := other.store.CreateKey(ctx, "neighbour", []spec.Scope{spec.ScopeRelay, spec.ScopeRead}, []string{app.AllAccounts})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(g.folder, other.mspID+".key")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	// Only what neighbours ask is served: the use cases of an organisation's own account are not there.
	server := &http.Server{Handler: httpapi.New(httpapi.Options{Intents: intents, Authenticator: other.store, Registry: prometheus.NewRegistry(), Log: other.log})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	g.neighbours.Meet(neighbours.Neighbour{MSPID: other.mspID, URL: "http://" + listener.Addr().String(), KeyFile: file})
	g.neighbours.Name(other.mspID, other.index)
	return func() error {
		err := server.Close()
		if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
		return err
	}, nil
}
