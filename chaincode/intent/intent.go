package intent

import (
	"bytes"
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// MaxBytes bounds an intent's bytes. The largest useful one is a payout to 500 receivers with the longest amounts, reference
// and memo: 19,690 bytes. Each field of a command has bounds of its own, so that all others are far smaller.
const MaxBytes = 20 << 10

const domain = "cmt/intent/1"

// Intent is a decoded intent whose form is right; Check says whether its signature is.
type Intent struct {
	Actor      spec.Address
	Nonce      uint64
	ValidUntil int64
	Call       *spec.Call

	signed  *spec.SignedIntent
	message []byte
	// discount is the one in the command, or nil; Check has the call say what it says.
	discount *Discount
}

// Message returns what a key signs for an intent's bytes on a ledger.
func Message(ledgerID [16]byte, intent []byte) []byte { return framed(domain, ledgerID, intent) }

// framed joins what a key signs, each part behind its length.
func framed(domain string, ledgerID [16]byte, body []byte) []byte {
	b := make([]byte, 0, 3*4+len(domain)+len(ledgerID)+len(body))
	for _, part := range [][]byte{[]byte(domain), ledgerID[:], body} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// Encode returns the canonical bytes of an intent with this command.
func Encode(nonce uint64, validUntil int64, call *spec.Call) ([]byte, error) {
	if call.Operation.Number == 0 {
		return nil, spec.Errorf(spec.NotAnIntent, "%s is no person's operation", call.Operation.FullName())
	}
	if err := spec.Validate(call.Command); err != nil {
		return nil, err
	}
	command, err := canonical.Marshal(call.Command)
	if err != nil {
		return nil, err
	}
	return canonical.Marshal(&spec.Intent{Nonce: nonce, ValidUntil: validUntil, Operation: call.Operation.Number, Command: command})
}

// canonical is the one encoding of a message without maps: fields in the order of their numbers, each number in its shortest
// form, nothing that is not set.
var canonical = proto.MarshalOptions{Deterministic: true}

// Decode reads an intent that a key signed for a ledger. Everything about its form is checked, and nothing of its
// signature. The error is an *spec.Error.
func Decode(ledgerID [16]byte, signed *spec.SignedIntent) (*Intent, error) {
	if len(signed.Intent) > MaxBytes {
		return nil, spec.FieldErrorf(spec.BadIntent, "intent", "%d bytes are more than %d", len(signed.Intent), MaxBytes)
	}
	actor, err := Address(signed.Scheme, signed.PublicKey)
	if err != nil {
		return nil, err
	}
	if len(signed.Signature) != signatureSize {
		return nil, spec.FieldErrorf(spec.BadIntent, "signature", "must be %d bytes, not %d", signatureSize, len(signed.Signature))
	}
	var body spec.Intent
	if err := decodeCanonical(signed.Intent, &body, "intent"); err != nil {
		return nil, err
	}
	if body.Nonce == 0 || body.Nonce > 1<<53-1 {
		return nil, spec.FieldErrorf(spec.BadIntent, "nonce", "must be a whole number from 1 to %d", uint64(1<<53-1))
	}
	op := spec.FindNumber(body.Operation)
	if op == nil {
		return nil, spec.FieldErrorf(spec.NotAnIntent, "operation", "%d is no person's operation", body.Operation)
	}
	command := op.Command.ProtoReflect().New().Interface()
	if err := decodeCanonical(body.Command, command, "command"); err != nil {
		return nil, err
	}
	if err := spec.Validate(command); err != nil {
		return nil, err
	}
	discount, err := DecodeDiscount(ledgerID, DiscountIn(command))
	if err != nil {
		return nil, err
	}
	return &Intent{
		Actor:      actor,
		Nonce:      body.Nonce,
		ValidUntil: body.ValidUntil,
		Call:       &spec.Call{Operation: op, Hints: signed.Hints, Command: command},
		signed:     signed,
		message:    Message(ledgerID, signed.Intent),
		discount:   discount,
	}, nil
}

// decodeCanonical reads a message and refuses every encoding but the one that would be written: unknown fields, repeated
// fields, longer numbers, other orders.
func decodeCanonical(data []byte, message proto.Message, field string) error {
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, message); err != nil {
		return spec.FieldErrorf(spec.BadIntent, field, "is no such message")
	}
	again, err := canonical.Marshal(message)
	if err != nil || !bytes.Equal(again, data) {
		return spec.FieldErrorf(spec.BadIntent, field, "is not in canonical form")
	}
	return nil
}

// ID returns the intent's identifier: who asked what, with which nonce, on which ledger. Two signatures of one key under one
// intent make one identifier.
func (in *Intent) ID() spec.ID { return spec.IntentID(in.Actor, in.message) }
