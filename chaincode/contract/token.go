package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Token is the contract of the CMT token. Each transaction takes the command as a JSON object and answers with one;
// the operation table in package spec says more.
type Token struct{ contractapi.Contract }

func newToken() *Token {
	return &Token{contractapi.Contract{Name: spec.TokenContract}}
}

// GetEvaluateTransactions names the queries, so that clients know not to submit them.
func (*Token) GetEvaluateTransactions() []string { return queries(spec.TokenContract) }

// Mint: create CMT for a deposit outside the ledger.
func (*Token) Mint(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":Mint", command)
}

// Burn: destroy CMT of the actor's own for a withdrawal outside the ledger.
func (*Token) Burn(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":Burn", command)
}

// Transfer: pay: debit the actor and give the receiver a credit.
func (*Token) Transfer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":Transfer", command)
}

// Sweep: fold the actor's named credits into its account.
func (*Token) Sweep(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":Sweep", command)
}

// VoidNonce: use a nonce up, so that no intent that bears it can happen any more.
func (*Token) VoidNonce(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":VoidNonce", command)
}

// MoveHome: make another member the home of the actor's account; the first is whoever carried its first intent.
func (*Token) MoveHome(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":MoveHome", command)
}

// Payout: pay up to 500 receivers at once, all or none: debit the actor and give each a credit.
func (*Token) Payout(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":Payout", command)
}

// GetPayout: look up a payout.
func (*Token) GetPayout(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetPayout", command)
}

// Approve: set what a spender may draw: the money moves out of the actor's account into the allowance, or back.
func (*Token) Approve(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":Approve", command)
}

// TransferFrom: pay from an allowance that its owner gave the actor.
func (*Token) TransferFrom(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":TransferFrom", command)
}

// GetAllowance: what is left of an allowance.
func (*Token) GetAllowance(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetAllowance", command)
}

// ListAllowances: the allowances that an account gave, page by page.
func (*Token) ListAllowances(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":ListAllowances", command)
}

// PlaceHold: set money aside for a payee, who captures it before it expires.
func (*Token) PlaceHold(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":PlaceHold", command)
}

// CaptureHold: pay the payee from a hold, in part or whole.
func (*Token) CaptureHold(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":CaptureHold", command)
}

// VoidHold: the payee, or who captures for it, gives what is still held back to the payer.
func (*Token) VoidHold(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":VoidHold", command)
}

// ExpireHold: anyone gives what was not captured in time back to the payer.
func (*Token) ExpireHold(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":ExpireHold", command)
}

// GetHold: look up a hold.
func (*Token) GetHold(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetHold", command)
}

// GetMint: look up a mint.
func (*Token) GetMint(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetMint", command)
}

// GetBurn: look up a burn.
func (*Token) GetBurn(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetBurn", command)
}

// GetTransfer: look up a transfer.
func (*Token) GetTransfer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetTransfer", command)
}

// GetBalance: what an account has: in itself, in open credits, and held.
func (*Token) GetBalance(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetBalance", command)
}

// ListCredits: an account's open credits, page by page.
func (*Token) ListCredits(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":ListCredits", command)
}

// GetSupply: how much CMT there is.
func (*Token) GetSupply(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.TokenContract+":GetSupply", command)
}
