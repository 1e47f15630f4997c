package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Consortium is the contract of the ledger's beginning, members, parameters and fences. Each transaction takes the command as a JSON object and answers with one;
// the operation table in package spec says more.
type Consortium struct{ contractapi.Contract }

func newConsortium() *Consortium {
	return &Consortium{contractapi.Contract{Name: spec.ConsortiumContract}}
}

// GetEvaluateTransactions names the queries, so that clients know not to submit them.
func (*Consortium) GetEvaluateTransactions() []string { return queries(spec.ConsortiumContract) }

// Genesis: begin the ledger, once, as every endorsing organisation was configured.
func (*Consortium) Genesis(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.ConsortiumContract+":Genesis", command)
}

// Fence: anyone ends an epoch: what was endorsed in it and not committed is void.
func (*Consortium) Fence(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.ConsortiumContract+":Fence", command)
}

// GetParameters: the ledger's parameters.
func (*Consortium) GetParameters(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.ConsortiumContract+":GetParameters", command)
}

// GetMember: a member organisation and its roles.
func (*Consortium) GetMember(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.ConsortiumContract+":GetMember", command)
}
