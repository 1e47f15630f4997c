package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// KeptKey is a key that the gateway keeps for a person without one.
type KeptKey struct {
	Name      string
	Scheme    spec.Scheme
	PublicKey []byte
	Address   spec.Address
}

// Keeper keeps keys.
type Keeper interface {
	// Create makes a key; the error is ReferenceUsed when the name was used.
	Create(ctx context.Context, name string) (KeptKey, error)
	// Key finds a key; the error is NotFound.
	Key(ctx context.Context, name string) (KeptKey, error)
	// Sign signs with the key and a nonce that it was never given, higher than used.
	Sign(ctx context.Context, name string, ledgerID [16]byte, used uint64, validUntil int64, call *spec.Call) (*spec.SignedIntent, error)
}

// SealedKey is a kept key as it lies in the database.
type SealedKey struct {
	Name      string
	Scheme    spec.Scheme
	PublicKey []byte
	// Sealed is the private key, encrypted by the keeper.
	Sealed []byte
	// Reserved: nonces below this one may have been given out.
	Reserved uint64
}

// KeyStorage is where a keeper stores its keys.
type KeyStorage interface {
	// InsertKeptKey stores a new key; the error is ReferenceUsed when the name was used.
	InsertKeptKey(ctx context.Context, key SealedKey) error
	// FindKeptKey finds a key; the error is NotFound.
	FindKeptKey(ctx context.Context, name string) (SealedKey, error)
	// AnyKeptKey returns the name of some key, empty when there is none.
	AnyKeptKey(ctx context.Context) (string, error)
	// ReserveNonces notes that nonces below this one may be given out.
	ReserveNonces(ctx context.Context, name string, below uint64) error
}

// keptValidity is how long an intent that the gateway signed may still happen: longer than any wait for its outcome.
const keptValidity = 5 * time.Minute

// PermitsKey returns nil when the principal may act with a kept key: like a sub-account of that name.
func (p Principal) PermitsKey(name string) error {
	if slices.Contains(p.Accounts, AllAccounts) || slices.Contains(p.Accounts, name) {
		return nil
	}
	return spec.FieldErrorf(spec.ScopeRequired, "name", "this key acts only for %s", strings.Join(p.Accounts, ", "))
}

// CreateKey makes a key that the gateway keeps.
func (s *Intents) CreateKey(ctx context.Context, principal Principal, name string) (KeptKey, error) {
	if err := principal.PermitsKey(name); err != nil {
		return KeptKey{}, err
	}
	return s.keeper.Create(ctx, name)
}

// Key finds a key that the gateway keeps.
func (s *Intents) Key(ctx context.Context, principal Principal, name string) (KeptKey, error) {
	if err := principal.PermitsKey(name); err != nil {
		return KeptKey{}, err
	}
	return s.keeper.Key(ctx, name)
}

// ActWithKey signs a command with a kept key and hands it in. Under an idempotency key the same signed intent is handed in
// again, so that it happens once, whatever died in between.
func (s *Intents) ActWithKey(ctx context.Context, principal Principal, name string, op *spec.Operation, command proto.Message, key *IdempotencyKey) (IntentReceipt, error) {
	if err := principal.PermitsKey(name); err != nil {
		return IntentReceipt{}, err
	}
	way, err := s.open()
	if err != nil {
		return IntentReceipt{}, err
	}
	kept, err := s.keeper.Key(ctx, name)
	if err != nil {
		return IntentReceipt{}, err
	}
	call := &spec.Call{Operation: op, Command: command}
	if key == nil {
		return s.signAndRelay(ctx, way, kept, call, nil)
	}
	return s.actOnce(ctx, way, kept, call, *key)
}

// actOnce acts under an idempotency key.
func (s *Intents) actOnce(ctx context.Context, way *way, kept KeptKey, call *spec.Call, key IdempotencyKey) (IntentReceipt, error) {
	waiting, cancel := context.WithTimeout(ctx, s.settings.LaneWait)
	leave, err := s.lanes.Enter(waiting, "idempotency/"+kept.Name+"/"+key.Key)
	cancel()
	if err != nil {
		return IntentReceipt{}, err
	}
	defer leave()
	entry, err := s.journal.Begin(ctx, kept.Address, key.Key, key.Fingerprint)
	if err != nil {
		return IntentReceipt{}, err
	}
	if entry.Fingerprint != key.Fingerprint {
		return IntentReceipt{}, spec.FieldErrorf(spec.IdempotencyMismatch, "Idempotency-Key", "%q was used for another request", key.Key)
	}
	var receipt IntentReceipt
	if len(entry.Sent.Envelope) > 0 {
		receipt, err = s.relaySigned(ctx, way, entry.Sent.Envelope)
	} else {
		receipt, err = s.signAndRelay(ctx, way, kept, call, func(ctx context.Context, sent Sent) error {
			return s.journal.Announce(ctx, kept.Address, key.Key, sent)
		})
	}
	// The signed intent stays under the key, so that a repeat finds the same outcome; only what was refused for good, or never
	// signed, is forgotten.
	if code := spec.ErrorCode(err); err != nil && code != spec.OutcomeUnknown && code != spec.Unavailable && code != spec.Internal {
		if forgetErr := s.journal.Forget(context.WithoutCancel(ctx), kept.Address, key.Key); forgetErr != nil {
			s.log.Error("could not forget a refused idempotency key", "error", forgetErr)
		}
	}
	return receipt, err
}

// relaySigned hands an intent in that was signed earlier.
func (s *Intents) relaySigned(ctx context.Context, way *way, envelope []byte) (IntentReceipt, error) {
	var signed spec.SignedIntent
	if err := proto.Unmarshal(envelope, &signed); err != nil {
		return IntentReceipt{}, err
	}
	decoded, err := intent.Decode(way.ledgerID, &signed)
	if err != nil {
		return IntentReceipt{}, err
	}
	// One that expired may have happened before that.
	record, err := s.model.Intent(ctx, decoded.ID())
	if err != nil {
		return IntentReceipt{}, err
	}
	if record.State == IntentCommitted {
		return IntentReceipt{ID: record.ID, Transaction: record.Transaction, Block: record.Block}, nil
	}
	return s.relayOne(ctx, &signed)
}

// signAndRelay signs with the key and hands the intent in before the key signs the next, so that nonces come in their order.
func (s *Intents) signAndRelay(ctx context.Context, way *way, kept KeptKey, call *spec.Call, announce Announce) (IntentReceipt, error) {
	waiting, cancel := context.WithTimeout(ctx, s.settings.LaneWait)
	leave, err := s.lanes.Enter(waiting, "key/"+kept.Name)
	cancel()
	if err != nil {
		return IntentReceipt{}, err
	}
	taken, err := s.signAndTake(ctx, way, kept, call, announce)
	leave()
	if err != nil {
		return IntentReceipt{}, err
	}
	waiting, cancel = context.WithTimeout(ctx, s.settings.Wait)
	defer cancel()
	out := s.await(waiting, taken)
	s.awaitModel(ctx, out.Block)
	s.recall(ctx, &out)
	return out.IntentReceipt, out.Err
}

func (s *Intents) signAndTake(ctx context.Context, way *way, kept KeptKey, call *spec.Call, announce Announce) (TakenIntent, error) {
	used, err := s.model.Nonce(ctx, kept.Address)
	if err != nil {
		return TakenIntent{}, err
	}
	signed, err := s.keeper.Sign(ctx, kept.Name, way.ledgerID, used, time.Now().Add(keptValidity).Unix(), call)
	if err != nil {
		return TakenIntent{}, err
	}
	ready(signed)
	if announce != nil {
		envelope, err := proto.Marshal(signed)
		if err != nil {
			return TakenIntent{}, err
		}
		decoded, err := intent.Decode(way.ledgerID, signed)
		if err != nil {
			return TakenIntent{}, err
		}
		if err := announce(ctx, Sent{Transaction: decoded.ID().Text(spec.IntentType), Envelope: envelope}); err != nil {
			return TakenIntent{}, err
		}
	}
	taken := way.carrier.Take([]*spec.SignedIntent{signed}, false)[0]
	return taken, taken.Err
}

func (s *Intents) relayOne(ctx context.Context, signed *spec.SignedIntent) (IntentReceipt, error) {
	outcomes, err := s.Relay(ctx, []*spec.SignedIntent{signed})
	if err != nil {
		return IntentReceipt{}, err
	}
	return outcomes[0].IntentReceipt, outcomes[0].Err
}
