package simulate

import (
	"github.com/cybermiles/cmt/chaincode/door"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/state"
)

// Chaincode runs a proposal on a stub and returns its result, or a refusal.
type Chaincode func(stub state.Stub, proposal Proposal) (result []byte, err error)

// Rules runs package ledger's rules, by either door, through package state.
func Rules(stub state.Stub, proposal Proposal) ([]byte, error) {
	tx := ledger.Transaction{ID: proposal.ID, Time: proposal.Time, MSPID: proposal.MSPID, IsClient: proposal.IsClient}
	writes, result, err := door.Execute(state.Reader{Stub: stub}, tx, proposal.Function, proposal.Argument)
	if err != nil {
		return nil, err
	}
	return result, state.Apply(stub, writes)
}
