package breaker_test

import (
	"testing"
	"time"

	"github.com/cybermiles/cmt/gateway/breaker"
)

// clock is a clock that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) move(d time.Duration) { c.now = c.now.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func TestBreaker(t *testing.T) {
	now := newClock()
	b := breaker.New(breaker.Options{First: time.Second, Longest: 4 * time.Second, Now: now.Now})
	if !b.Allow() || b.Open() {
		t.Fatal("a new breaker leaves out")
	}
	// Each failure doubles the time left out, up to the longest.
	for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
		b.Failure()
		if b.Allow() || !b.Open() || b.Ready() {
			t.Fatalf("let through right after a failure")
		}
		now.move(pause - time.Millisecond)
		if b.Allow() {
			t.Fatalf("let through before %s", pause)
		}
		now.move(time.Millisecond)
		if !b.Ready() || !b.Allow() {
			t.Fatalf("not let through after %s", pause)
		}
		if b.Allow() {
			t.Fatal("two let through to try")
		}
	}
	b.Success()
	for range 2 {
		if !b.Allow() || b.Open() {
			t.Error("left out after a success")
		}
	}
}

func TestBreakerCountsABurstOnce(t *testing.T) {
	now := newClock()
	b := breaker.New(breaker.Options{First: time.Second, Longest: time.Hour, Now: now.Now})
	for range 50 {
		b.Failure()
	}
	now.move(time.Second)
	if !b.Allow() {
		t.Error("calls that failed together count as one failure")
	}
}
