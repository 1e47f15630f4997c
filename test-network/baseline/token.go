// Package baseline is the token that our own is compared with: what tutorials teach. One key an account, balances as decimal
// strings, one payment a transaction, which reads and writes both balances. It must never borrow what makes ours fast; the
// bulk seeding alone is not of the tutorials, as it is not measured. Whoever calls may move any account's money.
package baseline

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
)

// MaxSeed bounds the accounts of one Seed or Sum: what one message to the peer holds.
const MaxSeed = 1000

// Token is the contract.
type Token struct{ contractapi.Contract }

// NewToken returns the contract by its name, token.
func NewToken() *Token { return &Token{contractapi.Contract{Name: "token"}} }

// Account is the name of the n-th seeded account.
func Account(n int) string { return fmt.Sprintf("account-%07d", n) }

// Transfer moves an amount.
func (*Token) Transfer(ctx contractapi.TransactionContextInterface, from, to, amount string) error {
	value, err := parse(amount)
	if err != nil {
		return err
	}
	if value.Sign() <= 0 || from == to {
		return errors.New("give a positive amount and two accounts")
	}
	payer, err := balance(ctx, from)
	if err != nil {
		return err
	}
	payee, err := balance(ctx, to)
	if err != nil {
		return err
	}
	if payer.Cmp(value) < 0 {
		return fmt.Errorf("%s has %s only", from, payer)
	}
	if err := ctx.GetStub().PutState(from, []byte(payer.Sub(payer, value).String())); err != nil {
		return err
	}
	return ctx.GetStub().PutState(to, []byte(payee.Add(payee, value).String()))
}

// Balance returns what an account has.
func (*Token) Balance(ctx contractapi.TransactionContextInterface, account string) (string, error) {
	value, err := balance(ctx, account)
	if err != nil {
		return "", err
	}
	return value.String(), nil
}

// Seed gives each of count accounts from the first-th on the amount, in place of what it had.
func (*Token) Seed(ctx contractapi.TransactionContextInterface, first, count int, amount string) error {
	if _, err := parse(amount); err != nil {
		return err
	}
	if first < 0 || count < 1 || count > MaxSeed {
		return fmt.Errorf("give 1 to %d accounts", MaxSeed)
	}
	stub := ctx.GetStub()
	stub.StartWriteBatch()
	for n := first; n < first+count; n++ {
		if err := stub.PutState(Account(n), []byte(amount)); err != nil {
			return err
		}
	}
	return stub.FinishWriteBatch()
}

// Sum adds up the balances of count accounts from the first-th on.
func (*Token) Sum(ctx contractapi.TransactionContextInterface, first, count int) (string, error) {
	if first < 0 || count < 1 || count > MaxSeed {
		return "", fmt.Errorf("give 1 to %d accounts", MaxSeed)
	}
	sum := new(big.Int)
	for n := first; n < first+count; n++ {
		value, err := balance(ctx, Account(n))
		if err != nil {
			return "", err
		}
		sum.Add(sum, value)
	}
	return sum.String(), nil
}

func balance(ctx contractapi.TransactionContextInterface, account string) (*big.Int, error) {
	text, err := ctx.GetStub().GetState(account)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, fmt.Errorf("there is no account %s", account)
	}
	return parse(string(text))
}

// maxDigits bounds an amount, so that nobody makes endorsers multiply for long.
const maxDigits = 40

func parse(text string) (*big.Int, error) {
	value, ok := new(big.Int), len(text) <= maxDigits
	if ok {
		_, ok = value.SetString(text, 10)
	}
	if !ok {
		return nil, errors.New("an amount must be a decimal number")
	}
	return value, nil
}
