package app

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// MemberIndex asks the ledger for an organisation's number on it, from 1 in the order of the genesis.
func MemberIndex(ctx context.Context, l Ledger, mspID string) (uint32, error) {
	result, err := l.Evaluate(ctx, &spec.Call{Operation: spec.Find("consortium:GetMember"), Command: &spec.GetMember{MspId: mspID}})
	if err != nil {
		return 0, err
	}
	var view spec.Member
	if err := spec.DecodeJSON(result, &view); err != nil {
		return 0, err
	}
	return view.GetIndex(), nil
}
