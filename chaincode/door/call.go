package door

import (
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// Execute runs the function with its one argument: a row of the operation table, or the batch. A query gives no changes. The
// error is an *spec.Error, or the reader's.
func Execute(reader ledger.Reader, tx ledger.Transaction, function string, argument []byte) ([]ledger.Write, []byte, error) {
	if function == spec.BatchFunction {
		return executeBatch(reader, tx, argument)
	}
	op := spec.Find(function)
	if op == nil {
		return nil, nil, spec.Errorf(spec.UnknownOperation, "the function is not in the operation table")
	}
	call, err := spec.DecodeCall(op, argument)
	if err != nil {
		return nil, nil, err
	}
	writes, view, err := ledger.Execute(reader, tx, call)
	if err != nil {
		return nil, nil, err
	}
	result, err := spec.EncodeJSON(view)
	return writes, result, err
}
