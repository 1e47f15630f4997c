package demo

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/wallet"
)

// person is somebody with an account, and the gateway that they go through.
type person struct {
	name                       string
	organisation, mspID, label string
	address                    spec.Address
	// gateway is nil for an organisation that has none.
	gateway *client.Client
	// key is the person's own, which no gateway has; nil when the account is an organisation's.
	key *wallet.Key
}

// signedValidity is how long what a person signs may still happen.
const signedValidity = 10 * time.Minute

// act carries out an operation: who has a key signs an intent, an organisation calls by its API key.
func (p *person) act(ctx context.Context, d *Demo, operation string, command proto.Message) (client.Receipt, error) {
	if p.key == nil {
		return p.do(ctx, operation, command, nil)
	}
	return p.sign(ctx, [16]byte(d.parameters.GetLedgerId()), operation, command)
}

// sign signs a command with the person's own key and hands it in at the gateway, which can neither forge nor alter it.
func (p *person) sign(ctx context.Context, ledgerID [16]byte, operation string, command proto.Message) (client.Receipt, error) {
	var balance spec.Balance
	if _, err := p.do(ctx, "token:GetBalance", &spec.GetBalance{Address: p.address.Bytes()}, &balance); err != nil {
		return client.Receipt{}, err
	}
	call := &spec.Call{Operation: spec.Find(operation), Command: command}
	signed, err := p.key.Sign(ledgerID, balance.GetNonce()+1, time.Now().Add(signedValidity).Unix(), call)
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

// do makes a call by the API key and reads its result, unless that is nil.
func (p *person) do(ctx context.Context, operation string, command, result proto.Message) (client.Receipt, error) {
	op := spec.Find(operation)
	call := &spec.Call{Operation: op, Command: command}
	if op.Kind == spec.Write {
		call.SubAccount = p.label
	}
	if result != nil {
		proto.Reset(result)
	}
	receipt, err := p.gateway.Do(ctx, call, result)
	if err != nil {
		return receipt, fmt.Errorf("%s: %s: %w", p.name, operation, err)
	}
	return receipt, nil
}

// sees waits until the person's gateway has a transaction that another one answered.
func (p *person) sees(ctx context.Context, transaction string) error {
	return poll(ctx, func() (bool, error) {
		var record struct {
			State string `json:"state"`
		}
		err := p.gateway.Get(ctx, "/v1/transactions/"+transaction, nil, &record)
		if err != nil {
			return spec.ErrorCode(err) != spec.NotFound, fmt.Errorf("%s: transaction %s: %w", p.name, transaction, err)
		}
		return record.State == "committed", nil
	})
}
