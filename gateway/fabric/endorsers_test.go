package fabric

import (
	"slices"
	"testing"
	"time"

	"github.com/cybermiles/cmt/gateway/breaker"
)

// clock is a clock that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) move(d time.Duration) { c.now = c.now.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func TestPick(t *testing.T) {
	now := newClock()
	options := breaker.Options{First: time.Second, Longest: time.Minute, Now: now.Now}
	e := newEndorsers([]string{"C", "A", "B"}, 2, options)
	others := map[string]int{}
	for range 10 {
		chosen := e.pick("A")
		if len(chosen) != 2 || chosen[0] != "A" {
			t.Fatalf("chose %v", chosen)
		}
		others[chosen[1]]++
		e.report(chosen, nil, true)
	}
	if others["B"] != 5 || others["C"] != 5 {
		t.Errorf("not in turn: %v", others)
	}

	// A mute organisation costs one try, then it is left out.
	var chosen []string
	for chosen = e.pick("A"); chosen[1] != "B"; chosen = e.pick("A") {
		e.report(chosen, nil, true)
	}
	e.report(chosen, []string{"B"}, false)
	for range 10 {
		if chosen := e.pick("A"); !slices.Equal(chosen, []string{"A", "C"}) {
			t.Fatalf("chose %v", chosen)
		}
	}
	if out := e.leftOut(); !slices.Equal(out, []string{"B"}) {
		t.Errorf("left out %v", out)
	}
	// Nobody pays for trying it again: a probe does, once its time has come.
	if due := e.due(); due != nil {
		t.Errorf("due at once: %v", due)
	}
	now.move(time.Second)
	if due := e.due(); !slices.Equal(due, []string{"B"}) {
		t.Errorf("due %v", due)
	}
	if due := e.due(); due != nil {
		t.Errorf("probed twice at once: %v", due)
	}
	if chosen := e.pick("A"); slices.Contains(chosen, "B") {
		t.Errorf("chose %v while it was probed", chosen)
	}
	e.report([]string{"B"}, nil, true)
	if chosen := append(e.pick("A"), e.pick("A")...); !slices.Contains(chosen, "B") {
		t.Errorf("well again and left out: %v", chosen)
	}

	// Where too few are left, those that failed are tried all the same.
	e.report([]string{"A", "C"}, []string{"A", "C"}, false)
	if chosen := e.pick("A"); len(chosen) != 2 {
		t.Errorf("chose %v", chosen)
	}
	if chosen := newEndorsers([]string{"A"}, 2, options).pick("A"); chosen != nil {
		t.Errorf("chose %v of one", chosen)
	}
	if chosen := newEndorsers([]string{"B", "C"}, 2, options).pick("A"); len(chosen) != 2 || slices.Contains(chosen, "A") {
		t.Errorf("own does not endorse, chose %v", chosen)
	}
}
