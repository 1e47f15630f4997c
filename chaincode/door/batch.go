package door

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// MaxBatchPayments bounds the receivers of a batch's payouts and the lines of its carts together: 16 of the largest take no longer than
// the largest batch of payments between strangers (BenchmarkPayouts16, BenchmarkPaymentsMost).
const MaxBatchPayments = 8000

// maxDetail bounds what the answer says of one refusal, in bytes.
const maxDetail = 200

// executeBatch runs a batch of signed intents, the bytes of a spec.Batch. The result is the JSON form of a spec.BatchResult. A refused
// intent leaves its neighbours untouched; a batch over the bounds is refused whole.
func executeBatch(reader ledger.Reader, tx ledger.Transaction, argument []byte) ([]ledger.Write, []byte, error) {
	batch, err := decodeBatch(argument)
	if err != nil {
		return nil, nil, err
	}
	params, err := ledger.ReadParameters(reader)
	if err != nil {
		return nil, nil, err
	}
	intents, refusals := checkIntents(params.LedgerID, batch)
	if n := payments(intents); n > MaxBatchPayments {
		return nil, nil, spec.Errorf(spec.BodyTooLarge, "%d receivers of payouts and lines of carts are more than %d", n, MaxBatchPayments)
	}
	writes, ruled, err := ledger.ExecuteBatch(reader, tx, params, intents)
	if err != nil {
		return nil, nil, err
	}
	view := &spec.BatchResult{Count: uint32(len(intents))}
	for i := range intents {
		if refusals[i] == nil {
			refusals[i] = ruled[i]
		}
		if refusal := refusals[i]; refusal != nil {
			view.Refusals = append(view.Refusals, &spec.Refusal{
				Index: uint32(i), Code: string(refusal.Code), Field: refusal.Field, Detail: refusal.Detail[:min(len(refusal.Detail), maxDetail)],
			})
		}
	}
	result, err := spec.EncodeJSON(view)
	return writes, result, err
}

func decodeBatch(data []byte) (*spec.Batch, error) {
	if len(data) > spec.MaxBatchBytes {
		return nil, spec.Errorf(spec.BodyTooLarge, "%d bytes are more than %d", len(data), spec.MaxBatchBytes)
	}
	var batch spec.Batch
	if err := proto.Unmarshal(data, &batch); err != nil {
		return nil, spec.Errorf(spec.Malformed, "the argument is no batch")
	}
	if n := len(batch.Intents); n == 0 || n > spec.MaxBatchIntents {
		return nil, spec.FieldErrorf(spec.InvalidField, "intents", "must have 1 to %d items, not %d", spec.MaxBatchIntents, n)
	}
	for i, in := range batch.Intents {
		if len(in.GetHints().GetCredits()) > spec.MaxHintedCredits {
			return nil, spec.FieldErrorf(spec.InvalidField, "hints.credits", "intent %d has more than %d", i, spec.MaxHintedCredits)
		}
	}
	return &batch, nil
}

// payments counts the receivers of the payouts that are to happen, and the lines of carts, which cost what a payment does.
func payments(intents []*ledger.Intent) (count int) {
	for _, in := range intents {
		if in == nil {
			continue
		}
		switch c := in.Call.Command.(type) {
		case *spec.Payout:
			count += len(c.Payments)
		case *spec.PlaceCart:
			count += len(c.Lines)
		}
	}
	return count
}

// checkIntents decodes the intents and checks their signatures; a refused one is nil.
func checkIntents(ledgerID [16]byte, batch *spec.Batch) ([]*ledger.Intent, []*spec.Error) {
	decoded := make([]*intent.Intent, len(batch.Intents))
	refusals := make([]*spec.Error, len(batch.Intents))
	for i, signed := range batch.Intents {
		var err error
		if decoded[i], err = intent.Decode(ledgerID, signed); err != nil && !errors.As(err, &refusals[i]) {
			refusals[i] = spec.Errorf(spec.BadIntent, "%v", err)
		}
	}
	intents := make([]*ledger.Intent, len(decoded))
	for i, refusal := range intent.Check(decoded) {
		switch in := decoded[i]; {
		case refusal != nil:
			refusals[i] = refusal
		case in != nil:
			intents[i] = &ledger.Intent{Actor: in.Actor, Nonce: in.Nonce, ValidUntil: in.ValidUntil, Call: in.Call}
		}
	}
	return intents, refusals
}
