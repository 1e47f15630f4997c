package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Batch is the contract of the second door: signed intents, hundreds in one transaction. Any member's client may carry
// them; what they may do is their keys' to say.
type Batch struct{ contractapi.Contract }

func newBatch() *Batch {
	return &Batch{contractapi.Contract{Name: spec.BatchContract}}
}

// Execute runs a batch: the bytes of a spec.Batch. The answer is the JSON form of a spec.BatchResult.
func (*Batch) Execute(ctx contractapi.TransactionContextInterface, batch []byte) (string, error) {
	return run(ctx, spec.BatchFunction, batch)
}
