package simulate

import (
	"fmt"
	"math/big"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// act is one command of a transaction and who gives it: the contract call, or one intent of a batch.
type act struct {
	actor spec.Address
	call  *spec.Call
	// nonce is the intent's; a contract call has none, which is 0.
	nonce uint64
	// opened are the accounts that the transaction opened up to this command, where it pays directly.
	opened map[spec.Address]bool
}

// payment is what a command pays somebody, who need not have acted ever.
type payment struct {
	to     []byte
	amount *big.Int
}

// payments returns what the command pays to whomever it names.
func (a *act) payments() []payment {
	switch c := a.call.Command.(type) {
	case *spec.Transfer:
		return []payment{{c.To, new(big.Int).SetBytes(c.Amount)}}
	case *spec.Payout:
		var all []payment
		for _, p := range c.Payments {
			all = append(all, payment{p.To, new(big.Int).SetBytes(p.Amount)})
		}
		return all
	case *spec.TransferFrom:
		return []payment{{c.To, new(big.Int).SetBytes(c.Amount)}}
	}
	return nil
}

// acts returns what the proposal asks for, in its order. An intent of a batch is nobody's, nil, when its form or its
// signature does not hold or its time is over.
func (p Proposal) acts(ledgerID [16]byte) ([]*act, error) {
	if p.Function == spec.BatchFunction {
		return p.intents(ledgerID)
	}
	op := spec.Find(p.Function)
	if op == nil {
		return nil, fmt.Errorf("simulate: %s is not in the operation table", p.Function)
	}
	call, err := spec.DecodeCall(op, p.Argument)
	if err != nil {
		return nil, err
	}
	return []*act{{actor: spec.SubAccountAddress(p.MSPID, call.SubAccount), call: call}}, nil
}

func (p Proposal) intents(ledgerID [16]byte) ([]*act, error) {
	var batch spec.Batch
	if err := proto.Unmarshal(p.Argument, &batch); err != nil {
		return nil, fmt.Errorf("simulate: %s without a batch: %w", p.Function, err)
	}
	acts := make([]*act, len(batch.Intents))
	decoded := make([]*intent.Intent, len(batch.Intents))
	for i, signed := range batch.Intents {
		in, err := intent.Decode(ledgerID, signed)
		if err != nil || in.ValidUntil < p.Time {
			continue
		}
		decoded[i] = in
	}
	for i, refusal := range intent.Check(decoded) {
		if in := decoded[i]; in != nil && refusal == nil {
			acts[i] = &act{actor: in.Actor, call: in.Call, nonce: in.Nonce, opened: map[spec.Address]bool{}}
		}
	}
	return acts, nil
}

// lookedAt returns the receivers whose accounts the relay hints to read.
func (a *act) lookedAt() [][]byte {
	if a.nonce == 0 || !a.call.Hints.GetDirect() && !a.call.Hints.GetOpen() {
		return nil
	}
	var receivers [][]byte
	for _, p := range a.payments() {
		receivers = append(receivers, p.to)
	}
	return receivers
}

// sweptGuest returns the account of somebody else whose credits a member's sweep folds, or nil.
func (a *act) sweptGuest() []byte {
	if c, sweeps := a.call.Command.(*spec.Sweep); sweeps && a.nonce == 0 && len(c.Account) > 0 {
		return c.Account
	}
	return nil
}
