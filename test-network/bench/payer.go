package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/network/topology"
)

// Payer is an organisation that pays from its own account through its own gateway.
type Payer struct {
	Organisation string
	Address      spec.Address
	Gateway      *client.Client
}

// Payers are the organisations with a gateway, in the order of the topology.
func (n *Network) Payers(ctx context.Context) ([]*Payer, error) {
	facts, err := n.Facts()
	if err != nil {
		return nil, err
	}
	var payers []*Payer
	for _, gateway := range facts.Gateways {
		key, err := n.apiKey(ctx, gateway)
		if err != nil {
			return nil, err
		}
		payers = append(payers, &Payer{
			Organisation: gateway.Organisation, Address: spec.OrganisationAddress(gateway.MSPID), Gateway: client.New(gateway.URL, key),
		})
	}
	if len(payers) == 0 {
		return nil, errors.New("the network has no gateway")
	}
	return payers, nil
}

// apiKey makes a gateway's API key, once a network.
func (n *Network) apiKey(ctx context.Context, gateway topology.GatewayFact) (string, error) {
	if key := n.keys[gateway.Organisation]; key != "" {
		return key, nil
	}
	out, err := Command{Dir: n.lab.Repository, Args: []string{
		n.gatewayProgram, "key", "create", "--config", gateway.Config, "--name", "bench", "--scopes", "all", "--accounts", "*",
	}}.Output(ctx)
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(out))
	if key == "" {
		return "", fmt.Errorf("cmt-gateway key create printed no key for %s", gateway.Organisation)
	}
	if n.keys == nil {
		n.keys = map[string]string{}
	}
	n.keys[gateway.Organisation] = key
	return key, nil
}

// Pay moves an amount, under a reference of its own, and returns when it is committed.
func (p *Payer) Pay(ctx context.Context, to spec.Address, amount spec.Amount) (client.Receipt, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return client.Receipt{}, err
	}
	receipt, err := p.Gateway.Do(ctx, &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{
		Reference: "bench-" + hex.EncodeToString(random[:]), To: to.Bytes(), Amount: amount.Bytes(),
	}}, nil)
	if err != nil {
		return receipt, fmt.Errorf("a payment through the gateway of %s: %w", p.Organisation, err)
	}
	if receipt.Transaction == "" || receipt.Block == 0 {
		return receipt, fmt.Errorf("a payment through the gateway of %s: the answer has no transaction and block", p.Organisation)
	}
	return receipt, nil
}

// Free is what the organisation could spend: its account and its open credits.
func (p *Payer) Free(ctx context.Context) (spec.Amount, error) {
	var view spec.Balance
	if _, err := p.Gateway.Do(ctx, &spec.Call{
		Operation: spec.Find("token:GetBalance"), Command: &spec.GetBalance{Address: p.Address.Bytes()},
	}, &view); err != nil {
		return spec.Amount{}, fmt.Errorf("the balance of %s: %w", p.Organisation, err)
	}
	account, err1 := spec.AmountFromBytes(view.Account)
	credits, err2 := spec.AmountFromBytes(view.Credits)
	free, ok := account.Add(credits)
	if !ok {
		return free, errors.New("a balance exceeds the cap")
	}
	return free, errors.Join(err1, err2)
}
