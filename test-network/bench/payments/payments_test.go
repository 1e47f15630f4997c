package payments

import (
	"errors"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

func TestBenchHasTheScenariosThatOthersReadByName(t *testing.T) {
	var names []string
	for _, scenario := range Bench().Scenarios {
		if scenario.Run == nil || scenario.Summary == "" {
			t.Errorf("%s is not complete", scenario.Name)
		}
		names = append(names, scenario.Name)
	}
	const want = "baseline_spread baseline_hot spread local hot payouts purchases mixed lone two_gateways attacker rogue quiet rest_single rest_many growth_10k growth_1m growth_10m"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("scenarios %s", got)
	}
}

func somePeople(t *testing.T, count int) []*crowd.Person {
	t.Helper()
	var people []*crowd.Person
	for n := range count {
		p, err := crowd.NewPerson([16]byte{1}, n)
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, p)
	}
	return people
}

func TestASignedPaymentHolds(t *testing.T) {
	people := somePeople(t, 2)
	for nonce := range uint64(3) {
		signed, err := people[0].Sign([16]byte{1}, payment(people[1], small))
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := intent.Decode([16]byte{1}, signed)
		if err != nil {
			t.Fatal(err)
		}
		if refusal := intent.Check([]*intent.Intent{decoded})[0]; refusal != nil || decoded.Actor != people[0].Address || decoded.Nonce != nonce+1 {
			t.Errorf("refusal %v, actor %s, nonce %d", refusal, decoded.Actor, decoded.Nonce)
		}
	}
}

func TestStrangersActOneAtATime(t *testing.T) {
	next := strangers(somePeople(t, 3))
	acting := map[*crowd.Person]*crowd.Job{}
	for range 3 {
		j := next(false)
		if acting[j.Actor] != nil {
			t.Fatal("somebody has two payments on the way")
		}
		acting[j.Actor] = j
	}
	if next(false) != nil {
		t.Error("a payment although everybody has one on the way")
	}
	for _, j := range acting {
		j.Then(nil)
	}
	if next(false) == nil || next(true) != nil {
		t.Error("no payment although nobody has one on the way, or one after the end")
	}
}

func TestAPurchaseIsThreeStepsInTheirOrder(t *testing.T) {
	people := somePeople(t, 2)
	m := &market{
		c:      &consortium{relay: &crowd.Relay{Blocks: &crowd.Blocks{}}, sellers: []*seller{{Person: people[0]}}},
		buyers: people[1:],
	}
	var steps []string
	for range 3 {
		j := m.plan(len(steps) > 0) // what was begun comes to its end after the window's
		if (j.Operations == 1) != (len(steps) == 2) {
			t.Errorf("step %d ends %d operations", len(steps), j.Operations)
		}
		steps = append(steps, j.Call.Operation.Name)
		j.Then(nil)
	}
	if got := strings.Join(steps, " "); got != "PlaceOrder ShipOrder ConfirmOrder" || people[1].Busy {
		t.Errorf("%s; busy %v", got, people[1].Busy)
	}
	m.plan(false).Then(errors.New("refused"))
	if len(m.pending) != 0 || people[1].Busy {
		t.Error("a refused purchase goes on")
	}
}
