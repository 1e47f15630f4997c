package app

import (
	"context"
	"sync"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Lanes make calls that write the same key wait for each other in this gateway instead of losing to each other on the
// ledger. Whoever enters several lanes names them in one global order: the actor's first, then the object's.
type Lanes struct {
	limit int
	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is held by whoever has put a token into its channel, which serves waiters in the order of their coming.
type lane struct {
	token chan struct{}
	users int
}

// NewLanes returns lanes in which at most limit calls are, the one that is served among them.
func NewLanes(limit int) *Lanes {
	return &Lanes{limit: limit, lanes: map[string]*lane{}}
}

// Enter waits until all lanes are the caller's and returns what leaves them. The error is RateLimited when a lane is full
// or ctx ends first.
func (l *Lanes) Enter(ctx context.Context, keys ...string) (leave func(), err error) {
	var held []string
	leave = func() {
		for _, key := range held {
			l.release(key, true)
		}
	}
	for _, key := range keys {
		if err := l.enter(ctx, key); err != nil {
			leave()
			return nil, err
		}
		held = append(held, key)
	}
	return leave, nil
}

func (l *Lanes) enter(ctx context.Context, key string) error {
	l.mu.Lock()
	entered := l.lanes[key]
	if entered == nil {
		entered = &lane{token: make(chan struct{}, 1)}
		l.lanes[key] = entered
	}
	if entered.users >= l.limit {
		l.mu.Unlock()
		return spec.Errorf(spec.RateLimited, "%d calls that change the same object are waiting already", l.limit)
	}
	entered.users++
	l.mu.Unlock()

	select {
	case entered.token <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.release(key, false)
		return spec.Errorf(spec.RateLimited, "calls that change the same object took too long")
	}
}

func (l *Lanes) release(key string, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.lanes[key]
	if held {
		<-left.token
	}
	if left.users--; left.users == 0 {
		delete(l.lanes, key)
	}
}
