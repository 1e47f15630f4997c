//go:build network

package intents

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	rest "github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/network/proc"
	"github.com/cybermiles/cmt/network/topology"
)

// gatewayOf returns a client of an organisation's gateway, which is one of the network's own processes.
func gatewayOf(t *testing.T, organisation string) *rest.Client {
	t.Helper()
	for _, gateway := range testnet.facts.Gateways {
		if gateway.Organisation != organisation {
			continue
		}
		key, err := exec.Command(testnet.Program("cmt-gateway"), "key", "create", "--config", gateway.Config, "--name", "tests", "--scopes", "all").Output()
		if err != nil {
			t.Fatalf("an API key of %s: %v", organisation, err)
		}
		return rest.New(gateway.URL, strings.TrimSpace(string(key)))
	}
	t.Fatalf("%s has no gateway", organisation)
	return nil
}

// through hands an intent in at a gateway, until it is no longer turned away for now, and returns what became of it.
func through(t *testing.T, gateway *rest.Client, signed *spec.SignedIntent) rest.IntentResult {
	t.Helper()
	var result rest.IntentResult
	err := until(short(t), func() error {
		results, err := gateway.Relay(short(t), proto.CloneOf(signed))
		if err != nil {
			return err
		}
		if result = results[0]; result.Problem != nil && result.Problem.Retryable {
			return result.Problem
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// carrierOf asks which member's transaction bore an intent.
func carrierOf(t *testing.T, gateway *rest.Client, result rest.IntentResult) string {
	t.Helper()
	if result.Problem != nil {
		t.Fatalf("the intent came to %v", result.Problem)
	}
	var record struct {
		Creator string `json:"creator"`
	}
	if err := gateway.Get(short(t), "/v1/transactions/"+result.Transaction, nil, &record); err != nil {
		t.Fatal(err)
	}
	return record.Creator
}

// An intent that is handed in at another member's gateway is carried by its home's, once; handed in again anywhere it has the same
// answer. A refusal comes back through both gateways and uses nothing up.
func TestAGatewayHandsOverToTheHome(t *testing.T) {
	home, other := gatewayOf(t, "merchant1"), gatewayOf(t, "merchant2")
	p, to := rich(t, spec.Scheme_SCHEME_P256, 5), shop(t)
	knowsHome(t, p)
	signed := p.pays(to, 2)
	first := through(t, other, signed)
	if by := carrierOf(t, other, first); by != testnet.members["merchant1"].mspID {
		t.Errorf("it was carried by %s", by)
	}
	for name, gateway := range map[string]*rest.Client{"the home": home, "the other": other} {
		if again := through(t, gateway, signed); again.Problem != nil || again.Transaction != first.Transaction {
			t.Errorf("again at %s: %+v", name, again)
		}
	}
	tooMuch := p.pays(to, 4)
	if refused := through(t, other, tooMuch); refused.Problem == nil || refused.Problem.Code != spec.InsufficientFunds {
		t.Errorf("too much: %+v", refused)
	}
	voided := p.pays(to, 1)
	if result := through(t, other, p.next("token:VoidNonce", &spec.VoidNonce{Nonce: p.nonce})); result.Problem != nil {
		t.Errorf("void: %v", result.Problem)
	}
	if result := through(t, home, voided); result.Problem == nil || result.Problem.Code != spec.NonceUsed {
		t.Errorf("a voided one: %+v", result)
	}
	testnet.members["fivemiles"].call(t, "token:Transfer", "", &spec.Transfer{Reference: reference(), To: p.address.Bytes(), Amount: spec.CMT(1).Bytes()})
	if err := until(short(t), func() error { // until the gateway has seen the credit
		if result := through(t, other, tooMuch); result.Problem != nil {
			return result.Problem
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	wantHas(t, "the shop", to, spec.CMT(6))
	wantHas(t, "the payer", p.address, spec.Amount{})
}

// knowsHome pays nothing of note at the home, so that a block shows every gateway that runs where the person is at home.
func knowsHome(t *testing.T, p *person) {
	t.Helper()
	p.nonce++
	testnet.members["merchant1"].carries(t, p.next("token:VoidNonce", &spec.VoidNonce{Nonce: p.nonce - 1})).happen()
}

// With the home's gateway killed, an intent is carried directly; when it is back, what it missed has the same answer there.
func TestAGatewayCarriesWhileTheHomeIsDown(t *testing.T) {
	other := gatewayOf(t, "merchant2")
	p, to := rich(t, spec.Scheme_SCHEME_ED25519, 5), shop(t)
	knowsHome(t, p)
	supervisor := proc.NewClient(topology.Layout{Root: testnet.facts.DataDir}.Socket())
	if err := supervisor.Stop(short(t), "gateway.merchant1"); err != nil {
		t.Fatal(err)
	}
	signed := p.pays(to, 1)
	first := through(t, other, signed)
	if by := carrierOf(t, other, first); by != testnet.members["merchant2"].mspID {
		t.Errorf("it was carried by %s", by)
	}
	if result := through(t, other, p.pays(to, 2)); result.Problem != nil {
		t.Errorf("while it is down: %v", result.Problem)
	}
	if _, err := testnet.Start(); err != nil {
		t.Fatal(err)
	}
	if again := through(t, gatewayOf(t, "merchant1"), signed); again.Problem != nil || again.Transaction != first.Transaction {
		t.Errorf("again at its home: %+v", again)
	}
	wantHas(t, "the shop", to, spec.CMT(3))
	wantHas(t, "the payer", p.address, spec.CMT(2))
}

// The same people's intents go through two gateways at once, each through both: each happens once, and both gateways answer with the
// same transaction.
func TestTwoGatewaysAreHandedTheSameIntents(t *testing.T) {
	const people, each = 20, 4
	persons, to := crowd(t, people, each), shop(t)
	gateways := []*rest.Client{gatewayOf(t, "merchant1"), gatewayOf(t, "merchant2")}
	rounds := make([][]*spec.SignedIntent, each)
	for round := range rounds {
		for _, p := range persons {
			rounds[round] = append(rounds[round], p.pays(to, 1))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	var mu sync.Mutex
	answers := map[string]map[string]bool{} // transactions by intent
	failures := make([]error, each*len(gateways))
	var handing sync.WaitGroup
	for n, round := range rounds {
		for g, gateway := range gateways {
			handing.Go(func() {
				failures[n*len(gateways)+g] = until(ctx, func() error {
					results, err := gateway.Relay(ctx, round...)
					if err != nil {
						return err
					}
					var again error
					mu.Lock()
					defer mu.Unlock()
					for _, result := range results {
						if result.Problem != nil {
							// Who loses to the other gateway too often is told so, and hands in again.
							again = errors.Join(again, result.Problem)
							continue
						}
						if answers[result.Intent] == nil {
							answers[result.Intent] = map[string]bool{}
						}
						answers[result.Intent][result.Transaction] = true
					}
					return again
				})
			})
		}
	}
	handing.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Error(err)
	}
	if len(answers) != people*each {
		t.Errorf("%d intents were answered", len(answers))
	}
	for id, transactions := range answers {
		if len(transactions) != 1 {
			said, err := json.Marshal(transactions)
			t.Errorf("%s happened in %s, %v", id, said, err)
		}
	}
	wantHas(t, "the shop", to, spec.CMT(people*each))
}
