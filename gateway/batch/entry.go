package batch

import (
	"slices"
	"sync/atomic"
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
	// home is the member to whose gateway it is handed over, 0 when it is carried here; handed counts how often it was.
	home   uint32
	handed int
	// stays: another gateway handed it over to this one meanwhile, so that handing it over would go round.
	stays atomic.Bool
	// receivers are the accounts that it pays directly when they are at home here; none when it pays blindly.
	receivers map[ledger.Key]bool
	// parties are who and what it is about, for the count of the crowd.
	parties []ledger.Key
	// counted: the crowd counts it.
	counted bool
	size    int
	// weight is how many keys the batch reads or writes because of it, at least.
	weight int
	// attempts counts transactions that bore it and came to nothing, contests those that lost at a shared key; tries has what
	// remedies were tried.
	attempts, contests int
	tries              map[spec.Code]int
	// first: it is its account's first in the batch, and so has its credits named.
	first bool
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
	// The hints are the batcher's to give, but for the lots and for opening accounts here, and the message the submitter's own.
	signed = &spec.SignedIntent{
		Intent: signed.GetIntent(), Scheme: signed.GetScheme(), PublicKey: signed.GetPublicKey(), Signature: signed.GetSignature(),
		Hints: &spec.Hints{Lot: signed.GetHints().GetLot(), Lots: signed.GetHints().GetLots(), Open: signed.GetHints().GetOpen()},
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

// payAtHome has receivers paid directly when the home of one of them is here, or when they are to be opened here. Then their
// accounts are keys that no other batch in flight may touch. Which they are, the operation's rule says: those keys that the
// hint adds.
func (e *entry) payAtHome(witness *Witness, guest func(spec.Address) bool) {
	open := e.signed.Hints.Open
	e.payBlindly()
	blind := e.keys
	e.signed.Hints.Direct, e.signed.Hints.Open = true, open
	e.nameKeys()
	e.receivers, e.weight = map[ledger.Key]bool{}, len(e.keys)
	e.parties = e.keys[:min(len(e.keys), maxParties)]
	direct, elsewhere := open, false
	for _, key := range e.keys {
		if slices.Contains(blind, key) {
			continue
		}
		e.receivers[key] = true
		address, err := spec.AddressFromBytes([]byte(key.ID))
		direct = direct || err == nil && guest(address)
		elsewhere = elsewhere || witness.ChangedByOthers(key, 0)
	}
	if !direct || elsewhere {
		// A guest who also acts elsewhere would cost who pays it their batch.
		e.payBlindly()
	}
}

// payBlindly gives the receivers credits after all, because others are about to pay one of them as well.
func (e *entry) payBlindly() {
	e.signed.Hints.Direct, e.signed.Hints.Open = false, false
	e.receivers = nil
	e.nameKeys()
}

// finish tells the outcome, once.
func (e *entry) finish(receipt Receipt, err error) {
	e.receipt, e.err = receipt, err
	close(e.done)
}
