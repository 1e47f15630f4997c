package batch

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// maxHints is how many credits one intent may name.
const maxHints = spec.MaxHintedCredits

// foldEvery is how many of an account's open credits are folded at least with each of its intents that debit: more than
// one payment brings, so that credits do not pile up.
const foldEvery = 4

// maxBatchKeys bounds the keys that the intents of one batch name themselves, with every receiver of a payout, read or not. What is
// written once is not counted, one key an intent; the rest of what the chaincode reads in a round is for credits. Whom more of these
// would have served lacks funds for now and comes again.
const (
	maxBatchKeys    = 3 * spec.MaxBatchIntents
	maxBatchCredits = spec.MaxRoundKeys - maxBatchKeys - spec.MaxBatchIntents
)

// nameCredits names, for the first intent of each account that debits, open credits to fold.
func (b *Batcher) nameCredits(ctx context.Context, good []*entry) error {
	named, left := map[spec.Address]bool{}, maxBatchCredits
	for _, e := range good {
		e.signed.Hints.Credits, e.first = nil, false
		if named[e.intent.Actor] || !app.Debits(e.intent.Call.Operation) {
			continue
		}
		named[e.intent.Actor], e.first = true, true
		if b.model.CreditCount(e.intent.Actor) == 0 {
			continue // and its account is not read
		}
		needed, bounded := app.DebitOf(e.intent.Call.Command)
		wanted := foldEvery
		if e.tries[spec.InsufficientFunds] > 0 || !bounded { // a sweep asks for all it can get
			wanted = maxHints
		}
		funds, err := b.model.Funds(ctx, e.intent.Actor, maxHints)
		if err != nil {
			return err
		}
		have := funds.Account
		for n, credit := range funds.Credits {
			if left == 0 || n >= wanted && !have.Less(needed) {
				break
			}
			left--
			have, _ = have.Add(credit.Amount)
			e.signed.Hints.Credits = append(e.signed.Hints.Credits, credit.Name.Bytes())
		}
	}
	return nil
}

// maxRefills bounds how often an intent that lacked funds is tried with more credits.
const maxRefills = 3

// funds is the remedy of intents that lack funds: open credits that they did not name.
type funds struct{ model Model }

var _ app.Remedy = funds{}

// Hint leaves credits to nameCredits, which sees the whole batch.
func (f funds) Hint(context.Context, *spec.Call, *spec.Hints) {}

// Shared: credits and accounts are their owner's.
func (f funds) Shared(ledger.Key) bool { return false }

// Again carries those again whose account has open credits.
func (f funds) Again(ctx context.Context, _ uint64, refused []*app.RefusedIntent) {
	for _, r := range refused {
		if r.Tries >= maxRefills {
			continue
		}
		has, err := f.model.Funds(ctx, r.Actor, maxHints)
		if err != nil || has.CreditCount == 0 {
			continue
		}
		r.Again = true
		// One behind another of its account had no credits named: that was no try of its own.
		if r.First {
			r.Tries++
		}
	}
}
