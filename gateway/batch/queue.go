package batch

import (
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// lane is one account's intents, in the order in which they came.
type lane struct {
	actor   spec.Address
	entries []*entry
}

// queue holds what waits. It takes from the lanes in turn, one intent each, so that a quiet account never waits behind a busy
// one's backlog. It is the dispatcher's own; it locks nothing.
type queue struct {
	lanes map[spec.Address]*lane
	// turn has the lanes in the order in which they are asked.
	turn []*lane
	size int
	// held counts the batches in flight that touch a key; no two touch one.
	held map[ledger.Key]bool
}

func newQueue() *queue {
	return &queue{lanes: map[spec.Address]*lane{}, held: map[ledger.Key]bool{}}
}

// lane returns an account's lane, a new one at the end of the turn when it has none.
func (q *queue) lane(actor spec.Address) *lane {
	l, ok := q.lanes[actor]
	if !ok {
		l = &lane{actor: actor}
		q.lanes[actor] = l
		q.turn = append(q.turn, l)
	}
	return l
}

// push appends an intent to its account's lane.
func (q *queue) push(e *entry) {
	l := q.lane(e.intent.Actor)
	l.entries = append(l.entries, e)
	q.size++
}

// pushBack puts intents that were taken before at the heads of their lanes, in their order.
func (q *queue) pushBack(entries []*entry) {
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		l := q.lane(e.intent.Actor)
		l.entries = append([]*entry{e}, l.entries...)
		q.size++
	}
}

// take returns intents for one batch: in turns over the lanes, up to all bounds, none that touches a held key, none whose
// back-off has not ended, suspects only among themselves. It returns also when the first back-off ends, if that is what it
// left some for.
func (q *queue) take(now time.Time, maxIntents, maxBytes int) (taken []*entry, wake time.Time) {
	limit, bytes, weight := maxIntents, 0, 0
	blocked := map[*lane]bool{}
	for progress := true; progress && len(taken) < limit; {
		progress = false
		for at := 0; at < len(q.turn) && len(taken) < limit; at++ {
			l := q.turn[at]
			if blocked[l] || len(l.entries) == 0 {
				continue
			}
			e := l.entries[0]
			if e.notBefore.After(now) {
				if wake.IsZero() || e.notBefore.Before(wake) {
					wake = e.notBefore
				}
				blocked[l] = true
				continue
			}
			full := bytes+e.size > maxBytes || weight+e.weight > maxBatchKeys
			if len(taken) > 0 && (e.suspect != taken[0].suspect || full) || q.touchesHeld(e) {
				blocked[l] = true
				continue
			}
			if e.suspect {
				if len(taken) >= e.limit {
					blocked[l] = true
					continue
				}
				limit = min(limit, e.limit)
			}
			l.entries = l.entries[1:]
			q.size--
			bytes += e.size
			weight += e.weight
			taken = append(taken, e)
			progress = true
		}
	}
	q.rotate(len(taken))
	return taken, wake
}

// touchesHeld reports whether the intent has to wait for a batch in flight. It does not wait for its receivers' sake: one
// that many pay gets credits, which stand in nobody's way.
func (q *queue) touchesHeld(e *entry) bool {
	busy := false
	for _, key := range e.keys {
		if !q.held[key] {
			continue
		}
		if !e.receivers[key] {
			return true
		}
		busy = true
	}
	if busy {
		e.payBlindly()
	}
	return false
}

// rotate begins the next turn behind the lanes that were served, and forgets empty ones.
func (q *queue) rotate(served int) {
	served = min(served, len(q.turn))
	rest := make([]*lane, 0, len(q.turn))
	for _, l := range append(q.turn[served:len(q.turn):len(q.turn)], q.turn[:served]...) {
		if len(l.entries) == 0 {
			delete(q.lanes, l.actor)
			continue
		}
		rest = append(rest, l)
	}
	q.turn = rest
}

// hold marks the keys of a batch that leaves; release frees them.
func (q *queue) hold(entries []*entry) {
	for _, e := range entries {
		for _, key := range e.keys {
			q.held[key] = true
		}
	}
}

func (q *queue) release(entries []*entry) {
	for _, e := range entries {
		for _, key := range e.keys {
			delete(q.held, key)
		}
	}
}
