package bench

import (
	"context"
	"errors"
	"path/filepath"
)

// OwnNetwork brings up a network beside the shared one: arguments are those of cmt-network up besides --data and
// --free-ports. Whoever asked removes it by Remove; Close removes it when that did not happen.
func (l *Lab) OwnNetwork(ctx context.Context, name string, arguments ...string) (*Network, error) {
	program, err := l.Program(ctx, "cmt-network")
	if err != nil {
		return nil, err
	}
	n := &Network{lab: l, program: program, data: filepath.Join(l.Folder, name)}
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

// Data is the network's data directory.
func (n *Network) Data() string { return n.data }
