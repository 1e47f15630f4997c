package app

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// maxHints is how many credits one call may name (spec.Hints).
const maxHints = 64

// maxRefills bounds how often a call that lacked funds looks for more credits: once for a read model that lags, and once
// for what came in between.
const maxRefills = 2

// maxCreditPages bounds how many pages of credits are asked of a peer for one call.
const maxCreditPages = 20

// Debits reports whether an operation folds the actor's credits; the table says so by what it may lack.
func Debits(op *spec.Operation) bool {
	return slices.Contains(op.Errors, spec.InsufficientFunds) || slices.Contains(op.Errors, spec.NoCredits)
}

// DebitOf returns how much a command takes from the actor; false when it folds whatever is named.
func DebitOf(command proto.Message) (spec.Amount, bool) {
	var data []byte
	switch c := command.(type) {
	case *spec.PlaceOrder:
		data = c.GetTotal()
	case *spec.PlaceCart:
		data = c.GetTotal()
	case *spec.Payout:
		return payoutTotal(c)
	case *spec.Approve:
		return raise(c)
	case *spec.MakeOffer:
		data = c.GetTotal()
	case interface{ GetAmount() []byte }:
		data = c.GetAmount()
	default:
		return spec.Amount{}, false
	}
	amount, err := spec.AmountFromBytes(data)
	return amount, err == nil
}

// raise is what an allowance is raised by.
func raise(c *spec.Approve) (spec.Amount, bool) {
	amount, err1 := spec.AmountFromBytes(c.GetAmount())
	expected, err2 := spec.AmountFromBytes(c.GetExpected())
	more, rises := amount.Sub(expected)
	if !rises {
		more = spec.Amount{}
	}
	return more, err1 == nil && err2 == nil
}

// payoutTotal adds up what a payout pays; what is beyond the cap nobody has.
func payoutTotal(c *spec.Payout) (spec.Amount, bool) {
	total := spec.Amount{}
	for _, payment := range c.GetPayments() {
		amount, err := spec.AmountFromBytes(payment.GetAmount())
		sum, possible := total.Add(amount)
		if err != nil || !possible {
			return spec.Cap, err == nil
		}
		total = sum
	}
	return total, true
}

// hintCredits names open credits as the read model knows them: none when the account covers the amount, else the biggest
// first until it is covered. A sweep names as many as it may.
func (a *attempt) hintCredits(ctx context.Context) {
	if !Debits(a.call.Operation) {
		return
	}
	funds, err := a.service.model.Funds(ctx, a.actor, maxHints)
	if err != nil {
		a.service.log.Error("the read model does not know an account's funds", "account", a.actor, "error", err)
		return
	}
	a.nameCredits(funds.Account, funds.Credits)
}

// nameCredits writes the hint and reports whether account and named credits cover the call.
func (a *attempt) nameCredits(account spec.Amount, credits []Credit) bool {
	needed, bounded := DebitOf(a.call.Command)
	have := account
	var names [][]byte
	for _, credit := range credits {
		if len(names) == maxHints || bounded && !have.Less(needed) {
			break
		}
		names = append(names, credit.Name.Bytes())
		if sum, ok := have.Add(credit.Amount); ok {
			have = sum
		}
	}
	a.call.Hints.Credits = names
	return !have.Less(needed)
}

// remedyFunds asks a peer for the actor's credits, as the read model may lag. When the 64 biggest do not reach but all
// together do, some are folded by sweeps first.
func (a *attempt) remedyFunds(ctx context.Context, refusal error) (bool, error) {
	if !a.credits || a.refills >= maxRefills {
		return false, refusal
	}
	a.refills++
	account, credits, err := a.service.openCredits(ctx, a.actor)
	if err != nil {
		a.service.log.Warn("could not ask for open credits", "account", a.actor, "error", err)
		return false, refusal
	}
	if len(credits) == 0 {
		return false, refusal
	}
	if a.nameCredits(account, credits) {
		return true, nil
	}
	if needed, _ := DebitOf(a.call.Command); total(account, credits).Less(needed) {
		return false, refusal
	}
	return a.sweepThenName(ctx, account, credits, refusal)
}

// sweepThenName folds the biggest credits, 64 at a time, until account and 64 more cover what is needed.
func (a *attempt) sweepThenName(ctx context.Context, account spec.Amount, credits []Credit, refusal error) (bool, error) {
	for !a.nameCredits(account, credits) {
		batch := credits[:min(maxHints, len(credits))]
		if len(batch) == 0 {
			return false, refusal
		}
		if err := a.service.fold(ctx, a.call.SubAccount, batch); err != nil {
			var unknown *UnknownOutcome
			if errors.As(err, &unknown) {
				// The sweep's outcome is not the call's: the call itself was never sent.
				return false, spec.Errorf(spec.Unavailable, "credits had to be folded first, and that did not come to an end")
			}
			return false, err
		}
		account = total(account, batch)
		credits = credits[len(batch):]
	}
	return true, nil
}

// fold submits one sweep of the named credits; the caller holds the account's lane.
func (s *Service) fold(ctx context.Context, label string, credits []Credit) error {
	names := make([][]byte, len(credits))
	for i, credit := range credits {
		names[i] = credit.Name.Bytes()
	}
	op := spec.Find(spec.TokenContract + ":Sweep")
	call := &spec.Call{Operation: op, SubAccount: label, Hints: &spec.Hints{Credits: names}, Command: &spec.Sweep{}}
	commit, err := s.ledger.Submit(ctx, call, announceNobody)
	s.meter.Submitted(op.FullName(), outcomeLabel(err))
	if err != nil {
		return err
	}
	s.awaitModel(ctx, commit.Block)
	return nil
}

// openCredits asks a peer what lies in an account and which credits are open, the biggest first.
func (s *Service) openCredits(ctx context.Context, address spec.Address) (spec.Amount, []Credit, error) {
	var balance spec.Balance
	if err := s.ask(ctx, "GetBalance", &spec.GetBalance{Address: address.Bytes()}, &balance); err != nil {
		return spec.Amount{}, nil, err
	}
	account, err := spec.AmountFromBytes(balance.GetAccount())
	if err != nil {
		return spec.Amount{}, nil, err
	}
	var credits []Credit
	command := &spec.ListCredits{Address: address.Bytes()}
	for range maxCreditPages {
		var page spec.CreditPage
		if err := s.ask(ctx, "ListCredits", command, &page); err != nil {
			return spec.Amount{}, nil, err
		}
		for _, found := range page.GetCredits() {
			credit, err := creditFromView(found)
			if err != nil {
				return spec.Amount{}, nil, err
			}
			credits = append(credits, credit)
		}
		if command.Cursor = page.GetNextCursor(); command.Cursor == "" {
			break
		}
	}
	slices.SortStableFunc(credits, BiggestFirst)
	return account, credits, nil
}

// ask evaluates one of the token contract's queries and reads its view.
func (s *Service) ask(ctx context.Context, name string, command, view proto.Message) error {
	call := &spec.Call{Operation: spec.Find(spec.TokenContract + ":" + name), Command: command}
	result, err := s.ledger.Evaluate(ctx, call)
	if err != nil {
		return err
	}
	return spec.DecodeJSON(result, view)
}

func creditFromView(view *spec.Credit) (Credit, error) {
	name, err := spec.CreditNameFromBytes(view.GetCredit())
	if err != nil {
		return Credit{}, err
	}
	amount, err := spec.AmountFromBytes(view.GetAmount())
	return Credit{Name: name, Amount: amount}, err
}

// BiggestFirst orders credits by their amounts.
func BiggestFirst(a, b Credit) int {
	switch {
	case b.Amount.Less(a.Amount):
		return -1
	case a.Amount.Less(b.Amount):
		return 1
	}
	return 0
}

// total adds credits to an account; a sum beyond the cap, which cannot be on a ledger, counts as the cap.
func total(account spec.Amount, credits []Credit) spec.Amount {
	for _, credit := range credits {
		sum, ok := account.Add(credit.Amount)
		if !ok {
			return spec.Cap
		}
		account = sum
	}
	return account
}
