package batch

import "github.com/cybermiles/cmt/chaincode/ledger"

// circle is lanes whose intents touch common keys, each other's or through those of a third: people who act together. In one batch
// their accounts are written once each; torn apart, one half waits for the other, and who is paid across the tear gets a credit.
type circle struct {
	lanes   []*lane
	intents int
}

// smallCircle is how many intents a circle has at most that may be torn: it is hardly one.
const smallCircle = atOnce

// circles returns lanes by their circles, in the order of the first lane of each, and within each in the order given. Of each lane it looks
// at what would leave in its turn, and at nothing of one whose account is on its way: that waits in any company, and a payer of
// thousands has many keys to look at.
func (q *queue) circles(lanes []*lane) []*circle {
	// leader leads from each lane towards the first of its circle.
	leader := make([]int, len(lanes))
	first := func(at int) int {
		for leader[at] != at {
			leader[at] = leader[leader[at]]
			at = leader[at]
		}
		return at
	}
	touching := make(map[ledger.Key]int, 2*len(lanes))
	for at, l := range lanes {
		leader[at] = at
		if q.held[ledger.AccountKey(l.actor)] {
			continue
		}
		for _, e := range l.entries[:min(atOnce, len(l.entries))] {
			for _, key := range e.keys {
				if other, touched := touching[key]; touched {
					a, b := first(at), first(other)
					leader[max(a, b)] = min(a, b)
				} else {
					touching[key] = at
				}
			}
		}
	}
	var all []*circle
	of := map[int]*circle{}
	for at, l := range lanes {
		c := of[first(at)]
		if c == nil {
			c = &circle{}
			of[at], all = c, append(all, c)
		}
		c.lanes, c.intents = append(c.lanes, l), c.intents+len(l.entries)
	}
	return all
}

// tears reports whether a circle is better left for the next batch: it has no room here, or there is so little left that more of it
// may be on their way.
func (s *selection) tears(c *circle) bool {
	taken, room := len(s.taken), s.limit-len(s.taken)
	return c.intents > smallCircle && (10*taken > 9*s.limit || 2*taken >= s.limit && c.intents > room)
}
