package fabric

import (
	"slices"
	"sync"

	"github.com/cybermiles/cmt/gateway/breaker"
)

// endorsers chooses which organisations endorse: the connected peer's own and others in turn, those left out that failed.
type endorsers struct {
	need    int
	options breaker.Options

	mu       sync.Mutex
	known    []string
	turn     int
	breakers map[string]*breaker.Breaker
}

func newEndorsers(known []string, need int, options breaker.Options) *endorsers {
	e := &endorsers{need: need, options: options, breakers: map[string]*breaker.Breaker{}}
	e.learn(known)
	return e
}

// learn replaces the organisations that endorse.
func (e *endorsers) learn(known []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.known = slices.Compact(slices.Sorted(slices.Values(known)))
	for _, mspID := range e.known {
		if e.breakers[mspID] == nil {
			e.breakers[mspID] = breaker.New(e.options)
		}
	}
}

// pick returns as many organisations as endorsements are needed, own first when it endorses. Those that failed are left out
// until a probe finds them well, so that no caller pays for trying them; where too few are left, they are tried all the
// same: without them the call could only fail. With too few organisations known it returns nil: the peer then chooses.
func (e *endorsers) pick(own string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.known) < e.need {
		return nil
	}
	e.turn++
	order := make([]string, 0, len(e.known))
	if slices.Contains(e.known, own) {
		order = append(order, own)
	}
	others := slices.DeleteFunc(slices.Clone(e.known), func(m string) bool { return m == own })
	for i := range others {
		order = append(order, others[(e.turn+i)%len(others)])
	}
	var chosen, leftOut []string
	for _, mspID := range order {
		switch {
		case len(chosen) == e.need:
		case !e.breakers[mspID].Open():
			chosen = append(chosen, mspID)
		default:
			leftOut = append(leftOut, mspID)
		}
	}
	return append(chosen, leftOut[:e.need-len(chosen)]...)
}

// due returns the organisations that were left out long enough to be tried. Whoever asks must report on each.
func (e *endorsers) due() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var due []string
	for _, mspID := range e.known {
		if breaker := e.breakers[mspID]; breaker.Open() && breaker.Allow() {
			due = append(due, mspID)
		}
	}
	return due
}

// report says how a choice went: those blamed failed, and of the others nothing is known unless all went well.
func (e *endorsers) report(chosen, blamed []string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, mspID := range chosen {
		breaker := e.breakers[mspID]
		switch {
		case breaker == nil:
		case ok:
			breaker.Success()
		case slices.Contains(blamed, mspID):
			breaker.Failure()
		}
	}
}

// leftOut returns the organisations whose breaker is open.
func (e *endorsers) leftOut() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, mspID := range e.known {
		if e.breakers[mspID].Open() {
			out = append(out, mspID)
		}
	}
	return out
}
