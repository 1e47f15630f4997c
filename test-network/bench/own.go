package bench

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/cybermiles/cmt/network/topology"
)

// OwnNetwork brings up a network beside the shared one: arguments are those of cmt-network up besides --data and
// --free-ports. Whoever asked removes it by Remove; Close removes it when that did not happen.
func (l *Lab) OwnNetwork(ctx context.Context, name string, arguments ...string) (*Network, error) {
	program, err := l.Program(ctx, "cmt-network")
	if err != nil {
		return nil, err
	}
	gateway, err := l.Program(ctx, "cmt-gateway")
	if err != nil {
		return nil, err
	}
	n := &Network{lab: l, program: program, gatewayProgram: gateway, data: filepath.Join(l.Folder, name)}
	l.Say("a network of its own is brought up: %s", name)
	up := n.command(append([]string{"up", "--free-ports"}, arguments...)...)
	if err := l.Follow(up).Run(ctx); err != nil {
		return nil, errors.Join(err, n.remove(context.WithoutCancel(ctx)))
	}
	l.OnClose(n.Remove)
	return n, nil
}

// OnClose has Close call a function, the last that was given first; with --keep it is not called.
func (l *Lab) OnClose(end func(context.Context) error) { l.ends = append(l.ends, end) }

// Remove stops every process of an own network and removes its files. A second time does nothing.
func (n *Network) Remove(ctx context.Context) error {
	if n.removed {
		return nil
	}
	n.removed = true
	return n.remove(ctx)
}

// APIKeys makes API keys of one gateway: each is a caller with a rate limit of its own.
func (n *Network) APIKeys(ctx context.Context, gateway topology.GatewayFact, count int) ([]string, error) {
	keys := make([]string, count)
	for i := range keys {
		delete(n.keys, gateway.Organisation)
		var err error
		if keys[i], err = n.apiKey(ctx, gateway); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
