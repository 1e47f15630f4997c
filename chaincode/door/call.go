package door

import (
	"github.com/cybermiles/cmt/chaincode/intent"
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
	if err := checkDiscount(reader, call); err != nil {
		return nil, nil, err
	}
	writes, view, err := ledger.Execute(reader, tx, call)
	if err != nil {
		return nil, nil, err
	}
	result, err := spec.EncodeJSON(view)
	return writes, result, err
}

// checkDiscount has a call say what the signed discount in it says, if there is one whose signature holds. The rules refuse it else.
func checkDiscount(reader ledger.Reader, call *spec.Call) error {
	signed := intent.DiscountIn(call.Command)
	if signed == nil {
		return nil
	}
	params, err := ledger.ReadParameters(reader)
	if err != nil {
		return err
	}
	discount, err := intent.DecodeDiscount(params.LedgerID, signed)
	if err != nil {
		return err
	}
	if discount.Holds() {
		call.Discount = discount.SellersDiscount
	}
	return nil
}
