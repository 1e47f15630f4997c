package ledger

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func payoutKeys(t *task, c *spec.Payout) []Key {
	keys := t.debitKeys()
	for _, payment := range c.Payments {
		keys = append(keys, t.receiverKeys(address(payment.To))...)
	}
	if c.Reference == "" {
		return keys
	}
	return append(keys, PayoutKey(spec.NewID(spec.PayoutType, t.actor, c.Reference)))
}

// payout debits the actor once and pays each receiver as a transfer would.
func payout(t *task, c *spec.Payout) (proto.Message, error) {
	if err := t.needsReference(c.Reference); err != nil {
		return nil, err
	}
	id := spec.NewID(spec.PayoutType, t.actor, c.Reference)
	if c.Reference != "" && has(t, PayoutKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.PayoutType))
	}
	total, err := t.payoutTotal(c.Payments)
	if err != nil {
		return nil, err
	}
	if err := t.debit(total); err != nil {
		return nil, err
	}
	for _, payment := range c.Payments {
		t.credit(address(payment.To), amount(payment.Amount), spec.CreditKind_CREDIT_KIND_TRANSFER)
	}
	fact := Payout{From: t.actor, Count: uint32(len(c.Payments)), Total: total, Memo: c.Memo, Time: t.tx.Time}
	view := fact.view(id)
	if c.Reference == "" {
		view.Payout = nil
		return view, nil
	}
	t.put(PayoutKey(id), fact)
	return view, nil
}

// payoutTotal checks the payments, in the order of the catalogue, and adds them up.
func (t *task) payoutTotal(payments []*spec.Payment) (total spec.Amount, err error) {
	for i, payment := range payments {
		if address(payment.To) == t.actor {
			return total, spec.FieldErrorf(spec.SameAccount, fmt.Sprintf("payments[%d].to", i), "must not be the payer's own account")
		}
	}
	for i, payment := range payments {
		if err := t.atLeastMinimum(amount(payment.Amount), fmt.Sprintf("payments[%d].amount", i)); err != nil {
			return total, err
		}
	}
	for _, payment := range payments {
		sum, possible := total.Add(amount(payment.Amount))
		if !possible {
			return total, spec.FieldErrorf(spec.InsufficientFunds, "", "the payments together exceed all CMT there can be")
		}
		total = sum
	}
	return total, nil
}

func getPayoutKeys(_ *task, c *spec.GetPayout) []Key {
	return []Key{PayoutKey(identifier(c.Payout))}
}

func getPayout(t *task, c *spec.GetPayout) (proto.Message, error) {
	id := identifier(c.Payout)
	fact, ok := get[Payout](t, PayoutKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "payout", "there is no %s", id.Text(spec.PayoutType))
	}
	return fact.view(id), nil
}

func (f Payout) view(id spec.ID) *spec.PayoutView {
	return &spec.PayoutView{Payout: id[:], From: f.From.Bytes(), Count: f.Count, Total: f.Total.Bytes(), Memo: f.Memo, Time: f.Time}
}
