package demo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
)

// sale is a demo of one sale, 40 CMT from ann to ben, before its books are closed.
func sale(out *strings.Builder) (d *Demo, ann, ben, fees *person) {
	d = &Demo{Out: out, Facts: &topology.Facts{}, parameters: spec.Parameters{FeeBps: 250}}
	ann, ben, fees = &person{name: "ann"}, &person{name: "ben"}, &person{name: "treasury", organisation: Operator}
	d.houses = []*person{fees}
	s := &scene{
		demo: d, story: &story{title: "A sale", cast: []part{{name: "ann"}, {name: "ben"}}},
		cast: map[string]*person{"ann": ann, "ben": ben},
	}
	d.scenes = []*scene{s}
	s.sold(ann, ben, "40")
	d.before = &books{free: map[*person]spec.Amount{ann: spec.CMT(100), fees: spec.CMT(900)}, held: map[*person]spec.Amount{}, supply: spec.CMT(1000)}
	d.after = &books{
		free:   map[*person]spec.Amount{ann: spec.CMT(60), ben: spec.CMT(39), fees: spec.CMT(901)},
		held:   map[*person]spec.Amount{},
		supply: spec.CMT(1000),
	}
	return d, ann, ben, fees
}

func TestBooksTellWhatDoesNotAddUp(t *testing.T) {
	var out strings.Builder
	d, _, _, _ := sale(&out)
	if err := d.check(t.Context()); err != nil || !strings.Contains(out.String(), "It adds up") {
		t.Errorf("a sale that adds up: %v\n%s", err, out.String())
	}
	unit := spec.Units(1)
	for _, test := range []struct {
		name, says string
		spoil      func(d *Demo, ann, ben, fees *person)
	}{
		{"a unit too much", "what ben has is 39.000000000000000001 CMT and must be 39", func(d *Demo, _, ben, _ *person) {
			d.after.free[ben], _ = d.after.free[ben].Add(unit)
		}},
		{"a unit moved", "what treasury has is 900.999999999999999999 CMT and must be 901", func(d *Demo, ann, _, fees *person) {
			d.after.free[fees], _ = d.after.free[fees].Sub(unit)
			d.after.free[ann], _ = d.after.free[ann].Add(unit)
		}},
		{"a unit left behind", "what is held of ann is 0.000000000000000001 CMT and must be 0", func(d *Demo, ann, _, _ *person) {
			d.after.held[ann] = unit
		}},
		{"another supply", "the supply is 1001 CMT and must be 1000", func(d *Demo, _, _, _ *person) { d.after.supply = spec.CMT(1001) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			d, ann, ben, fees := sale(&out)
			test.spoil(d, ann, ben, fees)
			if err := d.check(t.Context()); err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(out.String(), "It adds up") {
				t.Errorf("got %v\n%s", err, out.String())
			}
		})
	}
}

// scenes returns a demo with a scene a story.
func scenes(out *strings.Builder, stories ...*story) *Demo {
	d := &Demo{Out: out}
	for _, story := range stories {
		d.scenes = append(d.scenes, &scene{demo: d, story: story, lines: make(chan string, maxLines)})
	}
	return d
}

func TestStoriesHappenSideBySideAndAreToldInTheirOrder(t *testing.T) {
	var out strings.Builder
	second := make(chan struct{})
	d := scenes(&out,
		&story{title: "First", play: func(s *scene) {
			s.say("begins")
			<-second
			s.say("ends")
		}},
		&story{title: "Second", play: func(s *scene) {
			s.say("is over before the first")
			close(second)
		}},
	)
	if err := d.play(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"", "First", "begins", "ends", "", "Second", "is over before the first", ""}
	if got := strings.Split(out.String(), "\n"); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAStepThatFailsEndsItsStoryAndTheOthers(t *testing.T) {
	var out strings.Builder
	broken := errors.New("broken")
	d := scenes(&out,
		&story{title: "Waits", play: func(s *scene) {
			<-s.ctx.Done()
			s.must(s.ctx.Err())
		}},
		&story{title: "Fails", play: func(s *scene) {
			s.must(broken)
			s.say("went on")
		}},
	)
	err := d.play(t.Context())
	if !errors.Is(err, broken) || errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "Fails: ") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(out.String(), "went on") {
		t.Errorf("the story went on:\n%s", out.String())
	}
}

// Each story's people are named once: the books and the document tell them apart by their names.
func TestTheCastsNames(t *testing.T) {
	seen := map[string]bool{}
	for _, story := range stories {
		for _, part := range story.cast {
			if seen[part.name] {
				t.Errorf("%s plays twice", part.name)
			}
			seen[part.name] = true
		}
	}
	if !seen["alice"] || !seen["bike store"] {
		t.Error("the document's readers know alice and the bike store")
	}
}
