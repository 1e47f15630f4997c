package simulate

import (
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// Chaincode runs a proposal on a stub and returns its result, or a refusal.
type Chaincode func(stub state.Stub, proposal Proposal) (result []byte, err error)

// Rules runs package ledger's rules on calls in their JSON form, through package state.
func Rules(stub state.Stub, proposal Proposal) ([]byte, error) {
	op := spec.Find(proposal.Function)
	if op == nil {
		return nil, spec.Errorf(spec.UnknownOperation, "%s is not in the operation table", proposal.Function)
	}
	call, err := spec.DecodeCall(op, proposal.Argument)
	if err != nil {
		return nil, err
	}
	tx := ledger.Transaction{ID: proposal.ID, Time: proposal.Time, MSPID: proposal.MSPID, IsClient: proposal.IsClient}
	writes, result, err := ledger.Execute(state.Reader{Stub: stub}, tx, call)
	if err != nil {
		return nil, err
	}
	if err := state.Apply(stub, writes); err != nil {
		return nil, err
	}
	return spec.EncodeJSON(result)
}
