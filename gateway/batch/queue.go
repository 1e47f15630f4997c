package batch

import (
	"slices"
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// lane is one account's intents, in the order in which they came.
type lane struct {
	actor   spec.Address
	entries []*entry
	// aside: it stands among the lanes that are carried apart; moves: it has to change sides; served: the batch that is being put
	// together has an intent of it.
	aside, moves, served bool
}

// atOnce is how many intents of a lane are taken in its turn: a few, so that an account's key is written once for those that came together,
// and those of accounts that act together leave together.
const atOnce = 8

// queue holds what waits. It takes from the lanes in turn, a few intents each, so that a quiet account never waits behind a busy
// one's backlog. It is the dispatcher's own; it locks nothing.
type queue struct {
	lanes map[spec.Address]*lane
	// turn has the lanes in the order in which they are asked, aside those of accounts that are carried apart.
	turn, aside []*lane
	// apart says which are.
	apart func(spec.Address) bool
	// size is how many intents wait, sizeAside how many of them in lanes aside.
	size, sizeAside int
	// moved: a lane changed sides.
	moved bool
	// held has the keys that batches in flight touch; no two touch one.
	held map[ledger.Key]bool
	crowd
}

func newQueue(apart func(spec.Address) bool, maxIntents int) *queue {
	return &queue{lanes: map[spec.Address]*lane{}, apart: apart, held: map[ledger.Key]bool{}, crowd: newCrowd(maxIntents)}
}

// lane returns an account's lane, a new one at the end of the turn when it has none.
func (q *queue) lane(actor spec.Address) *lane {
	l, ok := q.lanes[actor]
	if !ok {
		l = &lane{actor: actor, aside: q.apart(actor)}
		q.lanes[actor] = l
		side := q.side(l.aside)
		*side = append(*side, l)
	}
	return l
}

func (q *queue) side(aside bool) *[]*lane {
	if aside {
		return &q.aside
	}
	return &q.turn
}

// push appends an intent to its account's lane.
func (q *queue) push(e *entry) {
	l := q.lane(e.intent.Actor)
	l.entries = append(l.entries, e)
	q.size++
	q.count(e, l.aside)
}

// count takes account of an intent that comes to a side. The crowd does not count what is carried apart: it fills nobody's batch.
func (q *queue) count(e *entry, aside bool) {
	if aside {
		q.sizeAside++
		q.leaves(e)
	} else {
		q.enters(e)
	}
}

// pushBack puts intents that were taken before at the heads of their lanes, in their order.
func (q *queue) pushBack(entries []*entry) {
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		l := q.lane(e.intent.Actor)
		l.entries = append([]*entry{e}, l.entries...)
		q.size++
		q.count(e, l.aside)
	}
}

// selection is a batch that is being put together.
type selection struct {
	now             time.Time
	limit, maxBytes int
	bytes, weight   int
	taken           []*entry
	// blocked are the lanes whose first intent cannot go with these.
	blocked map[*lane]bool
	// wake is when the first back-off ends that kept an intent from being taken.
	wake time.Time
}

// take returns intents for one batch: in turns over the lanes of one side, circle by circle, up to all bounds, none that touches a held
// key, none whose back-off has not ended, suspects only among themselves. It returns also when the first back-off ends, if that is what
// it left some for.
func (q *queue) take(now time.Time, aside bool, maxIntents, maxBytes int) (taken []*entry, wake time.Time) {
	s := &selection{now: now, limit: maxIntents, maxBytes: maxBytes, blocked: map[*lane]bool{}}
	var begun []*lane
	for _, c := range q.circles(*q.side(aside)) {
		if !s.tears(c) {
			begun = append(begun, c.lanes...)
			q.turnOver(s, c.lanes)
		}
	}
	for q.turnOver(s, begun) {
		continue
	}
	q.rotate(aside)
	return s.taken, s.wake
}

// turnOver takes a few intents of each lane that has some, and reports whether another turn may bring more.
func (q *queue) turnOver(s *selection, lanes []*lane) (progress bool) {
	for _, l := range lanes {
		if len(s.taken) >= s.limit {
			return false
		}
		if s.blocked[l] || len(l.entries) == 0 {
			continue
		}
		l.moves = l.moves || q.apart(l.actor) != l.aside
		for n := 0; n < atOnce && len(s.taken) < s.limit && len(l.entries) > 0; n++ {
			if l.moves || !q.takeHead(s, l) {
				s.blocked[l] = true
				break
			}
			l.served, progress = true, true
		}
	}
	return progress
}

// takeHead takes a lane's first intent if it may go with those that were taken.
func (q *queue) takeHead(s *selection, l *lane) bool {
	e := l.entries[0]
	if e.notBefore.After(s.now) {
		if s.wake.IsZero() || e.notBefore.Before(s.wake) {
			s.wake = e.notBefore
		}
		return false
	}
	full := s.bytes+e.size > s.maxBytes || s.weight+e.weight > maxBatchKeys
	if len(s.taken) > 0 && (e.suspect != s.taken[0].suspect || full) || q.touchesHeld(e) {
		return false
	}
	if e.suspect {
		if len(s.taken) >= e.limit {
			return false
		}
		s.limit = min(s.limit, e.limit)
	}
	l.entries = l.entries[1:]
	q.size--
	if l.aside {
		q.sizeAside--
	}
	s.bytes += e.size
	s.weight += e.weight
	s.taken = append(s.taken, e)
	return true
}

// takeQuiet returns a few intents of quiet parties for a small batch beside those that a busy party fills.
func (q *queue) takeQuiet(now time.Time, maxBytes int) []*entry {
	s := &selection{now: now, limit: maxQuiet, maxBytes: maxBytes}
	var rest []*entry
	for _, e := range q.quiet {
		l := q.lanes[e.intent.Actor]
		if l == nil || len(l.entries) == 0 || l.entries[0] != e || l.aside || l.moves || q.apart(l.actor) {
			// It left with another batch, stands behind one of its account, or is carried apart.
			continue
		}
		if len(s.taken) == s.limit || !q.takeHead(s, l) {
			rest = append(rest, e)
		}
	}
	q.quiet = rest
	return s.taken
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

// rotate lets those go first in a side's next turn who were not served in this, forgets empty lanes, and moves those that change sides.
func (q *queue) rotate(aside bool) {
	side := q.side(aside)
	var first, then []*lane
	for _, l := range *side {
		switch {
		case len(l.entries) == 0:
			delete(q.lanes, l.actor)
		case l.moves:
			l.aside, l.moves, q.moved = !aside, false, true
			if !l.aside {
				q.sizeAside -= len(l.entries)
			}
			for _, e := range l.entries {
				q.count(e, l.aside)
			}
			other := q.side(!aside)
			*other = append(*other, l)
		case l.served:
			then = append(then, l)
		default:
			first = append(first, l)
		}
		l.served = false
	}
	*side = slices.Concat(first, then)
}

// hold marks the keys of a batch that leaves and returns them; release frees them.
func (q *queue) hold(entries []*entry) []ledger.Key {
	count := 0
	for _, e := range entries {
		count += len(e.keys)
	}
	keys := make([]ledger.Key, 0, count)
	for _, e := range entries {
		keys = append(keys, e.keys...)
	}
	for _, key := range keys {
		q.held[key] = true
	}
	return keys
}

func (q *queue) release(keys []ledger.Key) {
	for _, key := range keys {
		delete(q.held, key)
	}
}
