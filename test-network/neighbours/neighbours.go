// Package neighbours gives the gateways of a local network API keys to each other, as their operators would. It knows cmt-gateway's
// command line and where the topology puts the keys; it must never know what the gateways do with them.
package neighbours

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cybermiles/cmt/network/topology"
)

// Introduce makes every pair of gateways the keys that are not there yet. Gateways that run take them up by themselves.
func Introduce(ctx context.Context, facts *topology.Facts, gatewayProgram string) error {
	layout := topology.Layout{Root: facts.DataDir}
	for _, gateway := range facts.Gateways {
		for _, other := range facts.Gateways {
			if other.Organisation == gateway.Organisation {
				continue
			}
			file := layout.NeighbourKey(gateway.Organisation, other.Organisation)
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				if err != nil {
					return err
				}
				continue
			}
			if err := introduce(ctx, gateway, other, gatewayProgram, file); err != nil {
				return fmt.Errorf("a key for the gateway of %s to that of %s: %w", gateway.Organisation, other.Organisation, err)
			}
		}
	}
	return nil
}

// introduce has the other gateway make a key and puts it where the gateway looks for it.
func introduce(ctx context.Context, gateway, other topology.GatewayFact, program, file string) error {
	command := exec.CommandContext(ctx, program, "key", "create", "--config", other.Config, "--name", "gateway of "+gateway.Organisation, "--scopes", "relay,read")
	var said strings.Builder
	command.Stderr = &said
	key, err := command.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, strings.TrimSpace(said.String()))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, key, 0o600)
}
