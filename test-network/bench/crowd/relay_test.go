package crowd

import (
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func TestCrowdedNamesThoseWithMoreFirst(t *testing.T) {
	var people []*Person
	for n := range 3 {
		p, err := NewPerson([16]byte{1}, n)
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, p)
	}
	b := &Blocks{credits: map[spec.Address]int{people[0].Address: 1, people[1].Address: 5, people[2].Address: 1}}
	got := b.Crowded(1, func(spec.Address) bool { return true })
	if len(got) != 1 || got[0] != people[1].Address {
		t.Errorf("%v", got)
	}
	if all := b.Crowded(9, func(a spec.Address) bool { return a != people[0].Address }); len(all) != 2 {
		t.Errorf("%v", all)
	}
}
