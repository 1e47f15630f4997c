// Package breaker leaves out whoever failed, for a while that grows. It knows time and nothing of whom it leaves out.
package breaker

import (
	"sync"
	"time"
)

// Options say how long who fails is left out.
type Options struct {
	// First is how long after the first failure; each further one doubles it, up to Longest.
	First, Longest time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Breaker leaves out whoever failed, for a while that grows, then lets one call through to try.
type Breaker struct {
	options  Options
	mu       sync.Mutex
	failures int
	openTill time.Time
	probing  bool
}

// New returns a breaker that lets calls through.
func New(options Options) *Breaker {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Breaker{options: options}
}

// Allow reports whether a call may go through. After the open time exactly one may, until it succeeds or fails.
func (b *Breaker) Allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures == 0 {
		return true
	}
	if b.probing || b.options.Now().Before(b.openTill) {
		return false
	}
	b.probing = true
	return true
}

// Ready reports whether a call that asks now would be let through, without being it.
func (b *Breaker) Ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures == 0 || !b.probing && !b.options.Now().Before(b.openTill)
}

// Success closes the breaker.
func (b *Breaker) Success() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.probing = 0, false
}

// Failure opens the breaker, for longer than the last time. A failure of a call that had been let through before the
// breaker opened does not prolong it.
func (b *Breaker) Failure() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.options.Now()
	if b.failures > 0 && !b.probing && now.Before(b.openTill) {
		return
	}
	pause := min(b.options.First<<min(b.failures, 16), b.options.Longest)
	b.failures++
	b.probing = false
	b.openTill = now.Add(pause)
}

// Open reports whether calls are being left out.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures > 0
}
