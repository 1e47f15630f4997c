package payments

import (
	"errors"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

func TestBenchHasTheScenariosThatOthersReadByName(t *testing.T) {
	var names []string
	for _, scenario := range Bench().Scenarios {
		if scenario.Run == nil || scenario.Summary == "" {
			t.Errorf("%s is not complete", scenario.Name)
		}
		names = append(names, scenario.Name)
	}
	const want = "baseline_spread baseline_hot spread local hot payouts purchases mixed lone two_gateways attacker quiet rest_single rest_many growth_10k growth_1m growth_10m"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("scenarios %s", got)
	}
}

func crowd(t *testing.T, count int) []*person {
	t.Helper()
	var people []*person
	for n := range count {
		p, err := newPerson([16]byte{1}, n)
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, p)
	}
	return people
}

func TestASignedPaymentHolds(t *testing.T) {
	people := crowd(t, 2)
	for nonce := range uint64(3) {
		signed, err := people[0].sign([16]byte{1}, payment(people[1], small))
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := intent.Decode([16]byte{1}, signed)
		if err != nil {
			t.Fatal(err)
		}
		if refusal := intent.Check([]*intent.Intent{decoded})[0]; refusal != nil || decoded.Actor != people[0].address || decoded.Nonce != nonce+1 {
			t.Errorf("refusal %v, actor %s, nonce %d", refusal, decoded.Actor, decoded.Nonce)
		}
	}
}

func TestStrangersActOneAtATime(t *testing.T) {
	next := strangers(crowd(t, 3))
	acting := map[*person]*job{}
	for range 3 {
		j := next(false)
		if acting[j.actor] != nil {
			t.Fatal("somebody has two payments on the way")
		}
		acting[j.actor] = j
	}
	if next(false) != nil {
		t.Error("a payment although everybody has one on the way")
	}
	for _, j := range acting {
		j.then(nil)
	}
	if next(false) == nil || next(true) != nil {
		t.Error("no payment although nobody has one on the way, or one after the end")
	}
}

func TestAPurchaseIsThreeStepsInTheirOrder(t *testing.T) {
	people := crowd(t, 2)
	m := &market{
		c:      &consortium{relay: &relay{blocks: &blocks{}}, sellers: []*seller{{person: people[0]}}},
		buyers: people[1:],
	}
	var steps []string
	for range 3 {
		j := m.plan(len(steps) > 0) // what was begun comes to its end after the window's
		if (j.operations == 1) != (len(steps) == 2) {
			t.Errorf("step %d ends %d operations", len(steps), j.operations)
		}
		steps = append(steps, j.call.Operation.Name)
		j.then(nil)
	}
	if got := strings.Join(steps, " "); got != "PlaceOrder ShipOrder ConfirmOrder" || people[1].busy {
		t.Errorf("%s; busy %v", got, people[1].busy)
	}
	m.plan(false).then(errors.New("refused"))
	if len(m.pending) != 0 || people[1].busy {
		t.Error("a refused purchase goes on")
	}
}

func TestCrowdedNamesThoseWithMoreFirst(t *testing.T) {
	people := crowd(t, 3)
	b := &blocks{credits: map[spec.Address]int{people[0].address: 1, people[1].address: 5, people[2].address: 1}}
	got := b.crowded(1, func(spec.Address) bool { return true })
	if len(got) != 1 || got[0] != people[1].address {
		t.Errorf("%v", got)
	}
	if all := b.crowded(9, func(a spec.Address) bool { return a != people[0].address }); len(all) != 2 {
		t.Errorf("%v", all)
	}
}
