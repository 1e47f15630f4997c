//go:build network

package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	fabric "github.com/hyperledger/fabric-gateway/pkg/client"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/steps"
)

// status asks cmt-network how its processes are.
func (n *network) status() (*steps.Status, error) {
	command := n.Command("status", "--json")
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	var status steps.Status
	if err := json.Unmarshal(out, &status); err != nil {
		return nil, fmt.Errorf("status: %w: %s", err, out)
	}
	return &status, nil
}

// pid returns the process of a name, as status shows it.
func (n *network) pid(t *testing.T, name string) int {
	t.Helper()
	status, err := n.status()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range status.Processes {
		if one.Name == name {
			return one.PID
		}
	}
	t.Fatalf("status does not show %s", name)
	return 0
}

// kill ends a process of the network as a crash would.
func (n *network) kill(t *testing.T, name string, pid int) {
	t.Helper()
	identity, err := proc.Identify(pid)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := identity.Signal(syscall.SIGKILL); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// awaitHealed waits until status finds everything as it should be, all peers are at the same height, and each has found the
// others again and can have a write endorsed by all.
func (n *network) awaitHealed(t *testing.T) {
	t.Helper()
	eventually(t, 3*patience, func(context.Context) error {
		status, err := n.status()
		if err == nil && !status.OK {
			err = errors.New(strings.Join(status.Problems, "; "))
		}
		return err
	})
	n.height(t)
	var everyone []string
	for _, fact := range n.facts.Peers {
		everyone = append(everyone, fact.MSPID)
	}
	for _, fact := range n.facts.Peers {
		asker := openAt(t, fact.Organisation, "", fact)
		argument, err := asker.call("consortium:Fence", &spec.Fence{Epoch: 0}).Encode() // endorsed, never sent
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, patience, func(ctx context.Context) error {
			proposal, err := asker.contract.NewProposal("consortium:Fence", fabric.WithBytesArguments(argument), fabric.WithEndorsingOrganizations(everyone...))
			if err != nil {
				return err
			}
			_, err = proposal.EndorseWithContext(ctx)
			return err
		})
	}
}

// persist repeats a request under its one idempotency key as a careful client does: when nobody answers, when the answer
// says that it may be repeated, and when it says that the outcome is not known.
func persist(request func() (client.Receipt, error)) (client.Receipt, error) {
	deadline := time.NewTimer(3 * patience)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		receipt, err := request()
		var problem *client.Problem
		if err == nil || errors.As(err, &problem) && !problem.Retryable && problem.Code != spec.OutcomeUnknown {
			return receipt, err
		}
		select {
		case <-deadline.C:
			return receipt, err
		case <-tick.C:
		}
	}
}

// burst is payments of 1 CMT under way, from accounts of one gateway to a fresh account.
type burst struct {
	payers   []shopper
	each     int
	to       account
	answered atomic.Int64
	// transactions has each answer's transaction once.
	transactions sync.Map
}

func newBurst(t *testing.T, organisation string, payers, each int) *burst {
	b := &burst{each: each, to: open(t, "buyers", strings.TrimPrefix(reference(), "test-"))}
	var accounts []account
	for range payers {
		payer := openREST(t, organisation, "burst-"+strings.TrimPrefix(reference(), "test-"))
		b.payers, accounts = append(b.payers, payer), append(accounts, payer.account)
	}
	fund(t, fmt.Sprint(each), accounts...)
	return b
}

// run makes all payments; meanwhile is called once when a third of them has been answered.
func (b *burst) run(t *testing.T, meanwhile func()) {
	t.Helper()
	var once sync.Once
	third := int64(len(b.payers) * b.each / 3)
	var paying sync.WaitGroup
	for _, payer := range b.payers {
		paying.Go(func() {
			for range b.each {
				key := reference()
				receipt, err := persist(func() (client.Receipt, error) {
					return payer.request(t, "token:Transfer", &spec.Transfer{Reference: key, To: b.to.address().Bytes(), Amount: cmt("1")}, nil, key)
				})
				if err != nil {
					t.Errorf("%s: payment %s: %v", payer.label, key, err)
					continue
				}
				if _, twice := b.transactions.LoadOrStore(receipt.Transaction, key); twice {
					t.Errorf("two payments are told to be transaction %s", receipt.Transaction)
				}
				if b.answered.Add(1) == third {
					once.Do(meanwhile)
				}
			}
		})
	}
	paying.Wait()
}

// check counts what arrived: every payment once.
func (b *burst) check(t *testing.T) {
	t.Helper()
	want := len(b.payers) * b.each
	view := b.to.balance(t, b.to.address())
	if view.CreditCount != uint32(want) || decimal(view.Credits) != fmt.Sprint(want) {
		t.Errorf("%d payments of %s CMT arrived, want %d of 1", view.CreditCount, decimal(view.Credits), want)
	}
	for _, payer := range b.payers {
		if left := payer.free(t); !left.IsZero() {
			t.Errorf("%s has %s left", payer.label, left)
		}
	}
}

// A process that dies in the middle of a burst of payments costs its callers time and nothing else.
func TestNothingIsLostNorDoneTwiceWhenAProcessDies(t *testing.T) {
	for _, one := range []struct{ what, process string }{
		{"the gateway itself", "gateway.merchant2"},
		{"another organisation's peer", "peer0.merchant1"},
		{"the gateway's own peer", "peer0.merchant2"},
		{"another organisation's chaincode", "chaincode.fivemiles"},
		{"the own organisation's chaincode", "chaincode.merchant2"},
		{"an orderer", "orderer0.merchant2"},
	} {
		t.Run(one.what, func(t *testing.T) {
			b := newBurst(t, "merchant2", 6, 4)
			pid := testnet.pid(t, one.process)
			began := time.Now()
			b.run(t, func() { testnet.kill(t, one.process, pid) })
			t.Logf("%d payments in %.1f s", b.answered.Load(), time.Since(began).Seconds())
			testnet.awaitHealed(t)
			if again := testnet.pid(t, one.process); again == pid {
				t.Errorf("%s was not started again", one.process)
			}
			b.check(t)
		})
	}
}
