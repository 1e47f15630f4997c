package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/network/topology"
)

// keyFile keeps the demo's API keys between runs, beside the network's own data and as private as that.
func keyFile(facts *topology.Facts) string { return filepath.Join(facts.DataDir, "demo-keys.json") }

// ReadKeys returns the API keys of earlier runs, by organisation.
func ReadKeys(facts *topology.Facts) (map[string]string, error) {
	keys := map[string]string{}
	data, err := os.ReadFile(keyFile(facts))
	if err == nil {
		err = json.Unmarshal(data, &keys)
	}
	if err != nil {
		return nil, fmt.Errorf("API keys of earlier runs: %w: scripts/demo makes them", err)
	}
	return keys, nil
}

// apiKeys returns one API key a gateway, by organisation. Keys of earlier runs are used again; a gateway stores only their
// hashes.
func apiKeys(ctx context.Context, facts *topology.Facts, gatewayProgram string) (map[string]string, error) {
	keys, err := ReadKeys(facts)
	if errors.Is(err, fs.ErrNotExist) {
		keys, err = map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, gateway := range facts.Gateways {
		if key := keys[gateway.Organisation]; key != "" && keyWorks(ctx, gateway.URL, key) {
			continue
		}
		command := exec.CommandContext(ctx, gatewayProgram, "key", "create", "--config", gateway.Config, "--name", "demo", "--scopes", "all", "--accounts", "*")
		command.Stderr = os.Stderr
		out, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(command.Args, " "), err)
		}
		keys[gateway.Organisation] = strings.TrimSpace(string(out))
	}
	data, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return nil, err
	}
	return keys, os.WriteFile(keyFile(facts), data, 0o600)
}

// keyWorks asks the gateway for something that needs no more than a known key.
func keyWorks(ctx context.Context, url, key string) bool {
	op := spec.Find("token:GetSupply")
	_, err := client.New(url, key).Do(ctx, &spec.Call{Operation: op, Command: &spec.GetSupply{}}, &spec.Supply{})
	return err == nil
}
