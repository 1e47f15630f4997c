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
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/wallet"
	"github.com/cybermiles/cmt/network/topology"
)

// person is somebody with an account, and the gateway that they go through.
type person struct {
	name    string
	label   string
	address spec.Address
	gateway *client.Client
	// key is the person's own, which no gateway has; nil when the account is an organisation's.
	key *wallet.Key
}

// signedValidity is how long what a person signs may still happen.
const signedValidity = 10 * time.Minute

// sign signs a command with the person's own key and hands it in at the gateway, which can neither forge nor alter it.
func (p *person) sign(ctx context.Context, operation string, command proto.Message) (client.Receipt, error) {
	var balance spec.Balance
	if _, err := p.do(ctx, "token:GetBalance", &spec.GetBalance{Address: p.address.Bytes()}, &balance); err != nil {
		return client.Receipt{}, err
	}
	var parameters spec.Parameters
	if _, err := p.do(ctx, "consortium:GetParameters", &spec.GetParameters{}, &parameters); err != nil {
		return client.Receipt{}, err
	}
	call := &spec.Call{Operation: spec.Find(operation), Command: command}
	signed, err := p.key.Sign([16]byte(parameters.LedgerId), balance.Nonce+1, time.Now().Add(signedValidity).Unix(), call)
	if err != nil {
		return client.Receipt{}, fmt.Errorf("%s: sign %s: %w", p.name, operation, err)
	}
	results, err := p.gateway.Relay(ctx, signed)
	if err == nil && results[0].Problem != nil {
		err = results[0].Problem
	}
	if err != nil {
		return client.Receipt{}, fmt.Errorf("%s: %s: %w", p.name, operation, err)
	}
	return client.Receipt{Transaction: results[0].Transaction, Block: results[0].Block}, nil
}

// do carries out an operation as this person and reads its result.
func (p *person) do(ctx context.Context, operation string, command, result proto.Message) (client.Receipt, error) {
	op := spec.Find(operation)
	call := &spec.Call{Operation: op, Command: command}
	if op.Kind == spec.Write {
		call.SubAccount = p.label
	}
	proto.Reset(result)
	receipt, err := p.gateway.Do(ctx, call, result)
	if err != nil {
		return receipt, fmt.Errorf("%s: %s: %w", p.name, operation, err)
	}
	return receipt, nil
}

// balance returns what the person has, in the account and in open credits, and what orders hold of it.
func (p *person) balance(ctx context.Context) (free, held spec.Amount, err error) {
	var view spec.Balance
	if _, err := p.do(ctx, "token:GetBalance", &spec.GetBalance{Address: p.address.Bytes()}, &view); err != nil {
		return free, held, err
	}
	if !view.Complete {
		return free, held, fmt.Errorf("%s has more credits than one answer counts", p.name)
	}
	account, err1 := spec.AmountFromBytes(view.Account)
	credits, err2 := spec.AmountFromBytes(view.Credits)
	held, err3 := spec.AmountFromBytes(view.Held)
	free, ok := account.Add(credits)
	if !ok {
		err = errors.New("a balance exceeds the cap")
	}
	return free, held, errors.Join(err, err1, err2, err3)
}

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
