//go:build network

package ledger

import (
	"fmt"
	"sync"
	"testing"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// buyers is how many pay one merchant at once.
const buyers = 64

// Strangers who pay one merchant share no key: none of their transactions costs another one its life.
func TestBuyersWhoPayOneMerchantDoNotConflict(t *testing.T) {
	merchant := open(t, "merchant1", "popular")
	paying := make([]account, buyers)
	for i := range paying {
		paying[i] = openAt(t, "buyers", fmt.Sprintf("crowd-%d", i), testnet.facts.Peers[i%len(testnet.facts.Peers)])
	}
	fund(t, "2", paying...)
	first := testnet.height(t)

	// All are endorsed before any is sent, so that they meet in the same blocks.
	transactions := make([]*client.Transaction, buyers)
	each(t, paying, func(i int, buyer account) error {
		proposal, err := buyer.propose(buyer.call("token:Transfer", &spec.Transfer{Reference: reference(), To: merchant.address().Bytes(), Amount: cmt("1.5")}))
		if err != nil {
			return err
		}
		transactions[i], err = proposal.EndorseWithContext(short(t))
		return refused(err)
	})
	each(t, paying, func(i int, _ account) error {
		_, err := finish(short(t), transactions[i])
		return err
	})

	end := testnet.height(t)
	blocks, err := merchant.blocks(short(t), first, end)
	if err != nil {
		t.Fatal(err)
	}
	valid, largest := 0, 0
	for _, block := range blocks {
		largest = max(largest, len(block.transactions))
		for _, one := range block.transactions {
			if one.code != peer.TxValidationCode_VALID {
				t.Errorf("transaction %s of block %d is %v", one.id, block.number, one.code)
			}
			valid++
		}
	}
	if valid != buyers || largest < 2 {
		t.Errorf("%d valid transactions in blocks of at most %d, want %d, and several in a block", valid, largest, buyers)
	}
	view := merchant.balance(t, merchant.address())
	if got := decimal(view.Credits); got != "96" || view.CreditCount != buyers {
		t.Errorf("the merchant has %d credits of %s, want %d of 96", view.CreditCount, got, buyers)
	}
	for _, buyer := range paying {
		if got := buyer.free(t); got.String() != "0.5" {
			t.Errorf("%s has %s left, want 0.5", buyer.label, got)
		}
	}
}

// each does something for every account at once and reports what failed.
func each(t *testing.T, accounts []account, do func(i int, a account) error) {
	t.Helper()
	var all sync.WaitGroup
	for i, one := range accounts {
		all.Go(func() {
			if err := do(i, one); err != nil {
				t.Errorf("%s: %v", one.label, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}
