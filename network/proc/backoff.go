package proc

import (
	"math/rand/v2"
	"time"
)

const (
	backoffFirst = 250 * time.Millisecond
	backoffMax   = 30 * time.Second
	// healthyAfter is how long a process must have run for its next death to count as the first.
	healthyAfter = 30 * time.Second
)

// backoff doubles the pause from one death to the next, up to a bound.
type backoff struct {
	failures int
}

// next is the pause after a process that ran for that long, before jitter.
func (b *backoff) next(ran time.Duration) time.Duration {
	if ran >= healthyAfter {
		b.failures = 0
	}
	pause := backoffMax
	if shift := b.failures; shift < 7 { // 250 ms * 2^7 is past the bound
		pause = min(backoffFirst<<shift, backoffMax)
	}
	b.failures++
	return pause
}

// jitter spreads a pause by a quarter either way, so that processes that died together do not start together.
func jitter(pause time.Duration) time.Duration {
	return pause*3/4 + rand.N(pause/2+1)
}
