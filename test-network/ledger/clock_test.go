//go:build network

package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func now() time.Time { return time.Now() }

// A transaction's time is its client's clock, so peers refuse proposals whose clock is more than a minute off.
func TestPeersRefuseProposalsOfAnotherTime(t *testing.T) {
	shop := open(t, "merchant1", "clock")
	buyer := open(t, "buyers", "clock")
	fund(t, "10", buyer)
	for _, one := range []struct {
		off   time.Duration
		taken bool
	}{{-61 * time.Second, false}, {62 * time.Second, false}, {-2 * time.Hour, false}, {24 * time.Hour, false}, {-50 * time.Second, true}, {50 * time.Second, true}} {
		t.Run(one.off.String(), func(t *testing.T) {
			before := testnet.height(t)
			call := buyer.call("token:Transfer", &spec.Transfer{Reference: reference(), To: shop.address().Bytes(), Amount: cmt("1")})
			argument, err := call.Encode()
			if err != nil {
				t.Fatal(err)
			}
			proposed := buyer.proposal(testnet.facts.Chaincode, now().Add(one.off), []byte("token:Transfer"), argument)
			transaction, err := buyer.endorse(short(t), proposed)
			if !one.taken {
				if err == nil || !strings.Contains(refused(err).Error(), "timestamp") {
					t.Errorf("the peers say %v", refused(err))
				}
				for _, fact := range testnet.facts.Peers { // each by itself, whatever a gateway in between would do
					_, err := openAt(t, "buyers", "clock", fact).endorseAlone(short(t), proposed)
					if err == nil || !strings.Contains(err.Error(), "timestamp") {
						t.Errorf("%s says %v", fact.Name, err)
					}
				}
				if after := testnet.height(t); after != before {
					t.Errorf("%d blocks were added", after-before)
				}
				return
			}
			if err != nil {
				t.Fatal(refused(err))
			}
			done, err := finish(short(t), transaction)
			if err != nil {
				t.Fatal(err)
			}
			testnet.await(t, done.block)
		})
	}
}
