package baseline

import (
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
)

// memory is as much of a stub as the token asks for.
type memory struct {
	shim.ChaincodeStubInterface
	state map[string][]byte
}

func (m memory) GetState(key string) ([]byte, error) { return m.state[key], nil }
func (m memory) PutState(key string, value []byte) error {
	m.state[key] = value
	return nil
}
func (memory) StartWriteBatch()        {}
func (memory) FinishWriteBatch() error { return nil }

func seeded(t *testing.T) (*Token, *contractapi.TransactionContext) {
	t.Helper()
	ctx := &contractapi.TransactionContext{}
	ctx.SetStub(memory{state: map[string][]byte{}})
	token := NewToken()
	if err := token.Seed(ctx, 0, 3, "10"); err != nil {
		t.Fatal(err)
	}
	return token, ctx
}

func TestTransferMovesMoneyAndMakesNone(t *testing.T) {
	token, ctx := seeded(t)
	if err := token.Transfer(ctx, Account(0), Account(2), "7"); err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"3", "10", "17"} {
		if got, err := token.Balance(ctx, Account(n)); err != nil || got != want {
			t.Errorf("%s has %s, %v, want %s", Account(n), got, err, want)
		}
	}
	if sum, err := token.Sum(ctx, 0, 3); err != nil || sum != "30" {
		t.Errorf("together %s, %v", sum, err)
	}
}

func TestTransferRefuses(t *testing.T) {
	token, ctx := seeded(t)
	for _, row := range [][3]string{
		{Account(0), Account(1), "11"}, {Account(0), Account(1), "0"}, {Account(0), Account(1), "-1"}, {Account(0), Account(1), "x"},
		{Account(0), Account(0), "1"}, {Account(0), "nobody", "1"}, {"nobody", Account(0), "1"},
	} {
		if err := token.Transfer(ctx, row[0], row[1], row[2]); err == nil {
			t.Errorf("%v was carried out", row)
		}
	}
	if sum, err := token.Sum(ctx, 0, 3); err != nil || sum != "30" {
		t.Errorf("together %s, %v", sum, err)
	}
}

func TestTheContractIsOneThatContractAPITakes(t *testing.T) {
	if _, err := contractapi.NewChaincode(NewToken()); err != nil {
		t.Fatal(err)
	}
}
