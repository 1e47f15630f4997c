package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// IntentReceipt says what became of an intent that happened.
type IntentReceipt struct {
	ID          spec.ID
	Transaction string
	Block       uint64
}

// TakenIntent is an intent on its way: Wait returns its outcome, or ctx's error while the intent goes on without its
// submitter. With Err it was not taken in.
type TakenIntent struct {
	ID   spec.ID
	Wait func(ctx context.Context) (IntentReceipt, error)
	Err  error
}

// Carrier carries signed intents to the ledger. The errors are the catalogue's or *UnknownOutcome.
type Carrier interface {
	// Take takes intents in, in their order, each or none of it. Those that were handed over by another gateway are carried here and
	// never handed on.
	Take(signed []*spec.SignedIntent, handed bool) []TakenIntent
	// Waiting reports whether an intent was taken in and has no outcome yet.
	Waiting(id spec.ID) bool
}

// IntentRecord is what the gateway knows of an intent; its state is TransactionUnknown when that is nothing.
type IntentRecord struct {
	ID    spec.ID
	State IntentState
	// Transaction and Block are the last ones that bore it.
	Transaction string
	Block       uint64
	// Refusal says why it was refused there.
	Refusal *spec.Error
}

// IntentState says what is known of an intent.
type IntentState string

// The states. Refused is not final: who has the intent may hand it in again for as long as it is valid.
const (
	IntentCommitted IntentState = "committed"
	IntentRefused   IntentState = "refused"
	IntentPending   IntentState = "pending"
	IntentUnknown   IntentState = "unknown"
)

// IntentModel is what the use cases ask of the read model about intents.
type IntentModel interface {
	// Intent returns what the blocks said of an intent.
	Intent(ctx context.Context, id spec.ID) (IntentRecord, error)
	// Nonce returns the highest nonce that an account's key used.
	Nonce(ctx context.Context, address spec.Address) (uint64, error)
	AwaitBlock(ctx context.Context, number uint64) error
}

// IntentSettings bound the use cases.
type IntentSettings struct {
	// Wait is how long an answer waits for the outcome, ModelWait how long for the read model to take its block.
	Wait, ModelWait time.Duration
	// LaneLimit is how many requests may wait for one kept key, LaneWait how long.
	LaneLimit int
	LaneWait  time.Duration
}

// Intents are the use cases of the second door: commands that keys signed. Until Start nothing is carried.
type Intents struct {
	settings IntentSettings
	model    IntentModel
	journal  Journal
	keeper   Keeper
	log      *slog.Logger
	lanes    *Lanes
	way      atomic.Pointer[way]
}

// way is how intents get to the ledger, or why they do not.
type way struct {
	ledgerID [16]byte
	carrier  Carrier
	err      error
}

// NewIntents returns the use cases over their ports.
func NewIntents(settings IntentSettings, model IntentModel, journal Journal, keeper Keeper, log *slog.Logger) *Intents {
	s := &Intents{settings: settings, model: model, journal: journal, keeper: keeper, log: log, lanes: NewLanes(settings.LaneLimit)}
	s.Stop(errors.New("the ledger's parameters were not read yet"))
	return s
}

// Start lets intents of the ledger go to the carrier.
func (s *Intents) Start(ledgerID [16]byte, carrier Carrier) {
	s.way.Store(&way{ledgerID: ledgerID, carrier: carrier})
}

// Stop says why intents are not carried.
func (s *Intents) Stop(reason error) { s.way.Store(&way{err: reason}) }

// Ready says why intents are not carried; nil when they are.
func (s *Intents) Ready(context.Context) error { return s.way.Load().err }

func (s *Intents) open() (*way, error) {
	found := s.way.Load()
	if found.err != nil {
		return nil, spec.Errorf(spec.Unavailable, "intents are not carried yet: %v", found.err)
	}
	return found, nil
}

// IntentOutcome is what became of one intent that was handed in.
type IntentOutcome struct {
	IntentReceipt
	// Named is false when the intent's form was so wrong that it has no identifier.
	Named bool
	Err   error
}

// Relay hands signed intents in, in their order, and waits for all. An intent that happened before has the outcome that it
// had then. The error is that nothing was taken in because too much waits, or that nothing is carried.
func (s *Intents) Relay(ctx context.Context, signed []*spec.SignedIntent) ([]IntentOutcome, error) {
	return s.relay(ctx, signed, false, s.settings.Wait)
}

// RelayHanded is Relay for another gateway, which handed the intents over: they are not handed on, and the answer does not wait
// long for those that take their time; OutcomeUnknown says that they are on their way.
func (s *Intents) RelayHanded(ctx context.Context, signed []*spec.SignedIntent) ([]IntentOutcome, error) {
	return s.relay(ctx, signed, true, min(handedWait, s.settings.Wait))
}

// handedWait is how long the answer to intents of another gateway waits for the slowest of them.
const handedWait = 2 * time.Second

func (s *Intents) relay(ctx context.Context, signed []*spec.SignedIntent, handed bool, wait time.Duration) ([]IntentOutcome, error) {
	way, err := s.open()
	if err != nil {
		return nil, err
	}
	for _, one := range signed {
		ready(one)
	}
	taken := way.carrier.Take(signed, handed)
	if full := allRefusedForNow(taken); full != nil {
		return nil, full
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	outcomes := make([]IntentOutcome, len(taken))
	var last uint64
	for i, one := range taken {
		outcomes[i] = s.await(waiting, one)
		last = max(last, outcomes[i].Block)
	}
	s.awaitModel(ctx, last)
	for i := range outcomes {
		s.recall(ctx, &outcomes[i])
	}
	return outcomes, nil
}

// ready makes an intent ready to be carried: a P-256 signature gets the lower s.
func ready(signed *spec.SignedIntent) {
	if signed.GetScheme() == spec.Scheme_SCHEME_P256 {
		signed.Signature = intent.NormaliseP256(signed.GetSignature())
	}
}

// allRefusedForNow returns the refusal when not one was taken in, and all because too much waits.
func allRefusedForNow(taken []TakenIntent) error {
	for _, one := range taken {
		if spec.ErrorCode(one.Err) != spec.RateLimited {
			return nil
		}
	}
	return taken[0].Err
}

func (s *Intents) await(ctx context.Context, taken TakenIntent) IntentOutcome {
	out := IntentOutcome{IntentReceipt: IntentReceipt{ID: taken.ID}, Named: taken.ID != spec.ID{}, Err: taken.Err}
	if out.Err != nil {
		return out
	}
	receipt, err := taken.Wait(ctx)
	switch {
	case err == nil:
		out.IntentReceipt = receipt
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		out.Err = spec.Errorf(spec.OutcomeUnknown, "intent %s is still on its way; ask for it under its identifier", taken.ID.Text(spec.IntentType))
	default:
		// The block in which it was refused is waited for before the read model is asked about it.
		out.Block, out.Err = receipt.Block, err
	}
	return out
}

// recall finds what became earlier of an intent that is refused because it happened already.
func (s *Intents) recall(ctx context.Context, out *IntentOutcome) {
	if spec.ErrorCode(out.Err) != spec.NonceUsed || out.Err == nil {
		return
	}
	record, err := s.model.Intent(ctx, out.ID)
	if err != nil {
		s.log.Error("the read model does not know an intent's outcome", "intent", out.ID.Text(spec.IntentType), "error", err)
		return
	}
	if record.State == IntentCommitted {
		out.Transaction, out.Block, out.Err = record.Transaction, record.Block, nil
	}
}

// awaitModel gives the read model a moment to take the block.
func (s *Intents) awaitModel(ctx context.Context, block uint64) {
	if block == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.settings.ModelWait)
	defer cancel()
	if err := s.model.AwaitBlock(ctx, block); err != nil {
		s.log.Warn("the read model lags behind an answered intent", "block", block, "error", err)
	}
}

// Intent tells what became of an intent: what the blocks say, unless it is on its way through this gateway. The error is
// NotFound when nobody here knows it.
func (s *Intents) Intent(ctx context.Context, id spec.ID) (IntentRecord, error) {
	// Asked first: an intent that lands in between is in the blocks afterwards.
	found := s.way.Load()
	pending := found.err == nil && found.carrier.Waiting(id)
	record, err := s.model.Intent(ctx, id)
	switch {
	case err != nil:
		return record, err
	case record.State == IntentCommitted:
		return record, nil
	case pending:
		return IntentRecord{ID: id, State: IntentPending}, nil
	case record.State == IntentUnknown:
		return record, spec.Errorf(spec.NotFound, "no block that this gateway has seen holds intent %s, and it is not on its way here", id.Text(spec.IntentType))
	}
	return record, nil
}

// Prepared is an intent that nobody signed yet.
type Prepared struct {
	// Intent is its bytes, Message what the key signs, SHA256 the message's hash, which P-256 keys in hardware ask for.
	Intent, Message []byte
	SHA256          [32]byte
	// Summary says in words what it does.
	Summary string
}

// Prepare returns what a key has to sign for a command.
func (s *Intents) Prepare(nonce uint64, validUntil int64, op *spec.Operation, command proto.Message) (Prepared, error) {
	way, err := s.open()
	if err != nil {
		return Prepared{}, err
	}
	body, err := intent.Encode(nonce, validUntil, &spec.Call{Operation: op, Command: command})
	if err != nil {
		return Prepared{}, err
	}
	message := intent.Message(way.ledgerID, body)
	summary, err := summaryOf(nonce, validUntil, op, command)
	return Prepared{Intent: body, Message: message, SHA256: sha256.Sum256(message), Summary: summary}, err
}
