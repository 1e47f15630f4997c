//go:build network

package ledger

import (
	"context"
	"fmt"
	"strings"
	"testing"

	fabric "github.com/hyperledger/fabric-gateway/pkg/client"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// More credits than one call may name are no obstacle to who spends through a gateway, and a gateway that knows an account
// folds them before they pile up.
func TestGatewayFoldsCreditsThatPileUp(t *testing.T) {
	const payers, payments = 10, 7
	till := openREST(t, "merchant2", "till")
	paying := make([]account, payers)
	for i := range paying {
		paying[i] = open(t, "buyers", fmt.Sprintf("till-%d", i))
	}
	fund(t, fmt.Sprint(2*payments), paying...)
	pileUp := func() {
		t.Helper()
		each(t, paying, func(_ int, payer account) error {
			for range payments {
				pay := payer.call("token:Transfer", &spec.Transfer{Reference: reference(), To: till.address().Bytes(), Amount: cmt("1")})
				if _, err := again(short(t), func() (receipt, error) { return payer.try(short(t), pay, nil) }); err != nil {
					return err
				}
			}
			return nil
		})
		testnet.height(t)
	}

	pileUp()
	if view := till.balance(t, till.address()); view.CreditCount != payers*payments {
		t.Fatalf("%d credits are open of an account that no gateway was asked for, want %d", view.CreditCount, payers*payments)
	}
	to := spec.OrganisationAddress("BuyersMSP").Bytes()
	if _, err := till.request(t, "token:Transfer", &spec.Transfer{Reference: reference(), To: to, Amount: cmt("70")}, nil, ""); err != nil {
		t.Errorf("spending %d credits at once: %v", payers*payments, err)
	}
	testnet.height(t)
	if view := till.balance(t, till.address()); view.CreditCount != 0 || decimal(view.Account) != "0" {
		t.Errorf("%s and %d credits are left", decimal(view.Account), view.CreditCount)
	}

	pileUp()
	eventually(t, patience, func(context.Context) error {
		if view := till.balance(t, till.address()); view.CreditCount >= 64 {
			return fmt.Errorf("%d credits are open", view.CreditCount)
		}
		return nil
	})
	if got := till.free(t); got.String() != "70" {
		t.Errorf("the till has %s, want 70", got)
	}
}

// The largest body is taken at both doors; TestBadInput has the one that is an octet larger.
func TestLargestBodyIsTaken(t *testing.T) {
	payer := openREST(t, "merchant2", "large")
	fund(t, "2", payer.account)
	body := func() string {
		good := object(map[string]string{
			"reference": quote(reference()), "to": quote(spec.OrganisationAddress("BuyersMSP").String()), "amount": `"1"`, "sub_account": quote(payer.label),
		}, "", "")
		return good + strings.Repeat(" ", spec.MaxCommandBytes-len(good))
	}
	if _, err := payer.contract.SubmitWithContext(short(t), "token:Transfer", fabric.WithArguments(body())); err != nil {
		t.Errorf("through Fabric's client: %v", refused(err))
	}
	testnet.height(t)
	answer := ask(t, "POST", testnet.gatewayOf("merchant2").URL+"/v1/transfers", testnet.key(t, "merchant2", "all", "*"), body(), nil)
	if answer.status != 201 {
		t.Errorf("through REST: %d %s", answer.status, answer.body)
	}
}
