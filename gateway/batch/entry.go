package batch

import (
	"time"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// Receipt says what became of an intent that happened.
type Receipt = app.IntentReceipt

// entry is one intent on its way.
type entry struct {
	id     spec.ID
	signed *spec.SignedIntent
	intent *intent.Intent
	// keys are what it may collide over; they are asked for anew whenever its hints change.
	keys []ledger.Key
	// guest is the receiver's account when it is at home here and is paid directly.
	guest ledger.Key
	size  int
	// attempts counts transactions that bore it and came to nothing; refills those that lacked its credits.
	attempts, refills int
	// named: credits were named for it, as for the first of its account in a batch.
	named bool
	// suspect: it was in a batch that lost to somebody outside, and is carried in a small one until it is through. limit is
	// the most intents of such a batch.
	suspect bool
	limit   int
	// notBefore is the back-off of one that lost alone.
	notBefore time.Time

	done    chan struct{}
	receipt Receipt
	err     error
}

func newEntry(ledgerID [16]byte, signed *spec.SignedIntent) (*entry, error) {
	// The hints are the batcher's to give, but for the lot, and the message the submitter's own.
	signed = &spec.SignedIntent{
		Intent: signed.GetIntent(), Scheme: signed.GetScheme(), PublicKey: signed.GetPublicKey(), Signature: signed.GetSignature(),
		Hints: &spec.Hints{Lot: signed.GetHints().GetLot()},
	}
	decoded, err := intent.Decode(ledgerID, signed)
	if err != nil {
		return nil, err
	}
	return &entry{
		id: decoded.ID(), signed: signed, intent: decoded,
		// The bytes that the batch spends on it besides its hints, generously.
		size: len(signed.Intent) + len(signed.PublicKey) + len(signed.Signature) + 32,
		done: make(chan struct{}),
	}, nil
}

// ledgerIntent is the intent as the rules take it.
func (e *entry) ledgerIntent() *ledger.Intent {
	return &ledger.Intent{Actor: e.intent.Actor, Nonce: e.intent.Nonce, ValidUntil: e.intent.ValidUntil, Call: e.intent.Call}
}

// payAtHome has a payment's receiver paid directly when its home is here. Then its account is one more that no other batch in
// flight may touch.
func (e *entry) payAtHome(witness *Witness) {
	payment, ok := e.intent.Call.Command.(*spec.Transfer)
	if !ok {
		return
	}
	to, err := spec.AddressFromBytes(payment.GetTo())
	if err != nil || !witness.Guest(to) {
		return
	}
	e.signed.Hints.Direct = true
	e.guest = ledger.AccountKey(to)
}

// payBlindly gives the receiver a credit after all, because others are about to pay it as well.
func (e *entry) payBlindly() {
	e.signed.Hints.Direct = false
	e.guest = ledger.Key{}
	e.nameKeys()
}

// finish tells the outcome, once.
func (e *entry) finish(receipt Receipt, err error) {
	e.receipt, e.err = receipt, err
	close(e.done)
}
