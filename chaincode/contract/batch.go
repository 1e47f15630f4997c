package contract

import (
	"errors"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// Bounds of one batch. The largest useful batch stays well inside: beyond some hundreds more intents save nothing, and the
// design allows one call 50 ms.
const (
	maxBatchBytes   = 1 << 20
	maxBatchIntents = 1000
)

// Batch is the contract of the second door: signed intents, hundreds in one transaction. Any member's client may carry
// them; what they may do is their keys' to say.
type Batch struct{ contractapi.Contract }

func newBatch() *Batch {
	return &Batch{contractapi.Contract{Name: spec.BatchContract}}
}

// Execute runs a batch: the bytes of a spec.Batch. The answer is the JSON form of a spec.BatchResult. A refused intent leaves
// its neighbours untouched; a batch over the bounds is refused whole.
func (*Batch) Execute(ctx contractapi.TransactionContextInterface, batch []byte) (string, error) {
	result, err := executeBatch(ctx.GetStub(), batch)
	return answer(result, err)
}

func executeBatch(stub shim.ChaincodeStubInterface, data []byte) ([]byte, error) {
	batch, err := decodeBatch(data)
	if err != nil {
		return nil, err
	}
	tx, err := transaction(stub)
	if err != nil {
		return nil, err
	}
	reader := state.Reader{Stub: adapter{stub}}
	ledgerID, err := ledger.ID(reader)
	if err != nil {
		return nil, err
	}
	intents, refusals := checkIntents(ledgerID, batch)
	writes, ruled, err := ledger.ExecuteBatch(reader, tx, intents)
	if err != nil {
		return nil, err
	}
	if err := apply(stub, writes); err != nil {
		return nil, err
	}
	result := &spec.BatchResult{Count: uint32(len(intents))}
	for i := range intents {
		if refusals[i] == nil {
			refusals[i] = ruled[i]
		}
		if refusal := refusals[i]; refusal != nil {
			result.Refusals = append(result.Refusals, &spec.Refusal{
				Index: uint32(i), Code: string(refusal.Code), Field: refusal.Field, Detail: clip(refusal.Detail),
			})
		}
	}
	return spec.EncodeJSON(result)
}

func decodeBatch(data []byte) (*spec.Batch, error) {
	if len(data) > maxBatchBytes {
		return nil, spec.Errorf(spec.BodyTooLarge, "%d bytes are more than %d", len(data), maxBatchBytes)
	}
	var batch spec.Batch
	if err := proto.Unmarshal(data, &batch); err != nil {
		return nil, spec.Errorf(spec.Malformed, "the argument is no batch")
	}
	if n := len(batch.Intents); n == 0 || n > maxBatchIntents {
		return nil, spec.FieldErrorf(spec.InvalidField, "intents", "must have 1 to %d items, not %d", maxBatchIntents, n)
	}
	for i, in := range batch.Intents {
		if len(in.GetHints().GetCredits()) > spec.MaxHintedCredits {
			return nil, spec.FieldErrorf(spec.InvalidField, "hints.credits", "intent %d has more than %d", i, spec.MaxHintedCredits)
		}
	}
	return &batch, nil
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
