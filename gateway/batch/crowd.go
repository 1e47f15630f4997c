package batch

import "github.com/cybermiles/cmt/chaincode/ledger"

const (
	// quietLimit is how many intents of a quiet party are in the house at most.
	quietLimit = 8
	// busyShare: a party is busy when so large a part of a batch could be filled with its intents. Who is neither is like everybody.
	busyShare = 8
	// maxQuiet is how many intents of quiet parties ride in a small batch of their own. More than that are no exception and ride
	// with the others in their turn.
	maxQuiet = 64
	// maxParties bounds what is counted of one intent; who pays hundreds at once is busy enough by itself.
	maxParties = 8
)

// crowd counts the intents in the house by who or what they are about: the account that acts, the one that is paid, the order or
// the lot. A party that could fill a good part of a batch is busy. Intents of which every party is quiet may leave in a small batch of their own while
// a busy one keeps all others full, so that a quiet payer does not wait behind a merchant.
type crowd struct {
	parties map[ledger.Key]int
	// busyFrom is how many intents make a party busy.
	busyFrom int
	// busy counts the busy parties.
	busy int
	// quiet has the intents that came while a party was busy and have only quiet ones themselves.
	quiet []*entry
}

func newCrowd(maxIntents int) crowd {
	return crowd{parties: map[ledger.Key]int{}, busyFrom: max(quietLimit, maxIntents/busyShare) + 1}
}

// enters counts an intent that is taken in, once.
func (c *crowd) enters(e *entry) {
	if e.counted {
		return
	}
	e.counted = true
	quiet := true
	for _, party := range e.parties {
		c.parties[party]++
		n := c.parties[party]
		if n == c.busyFrom {
			c.busy++
		}
		quiet = quiet && n <= quietLimit
	}
	if quiet && c.busy > 0 {
		c.quiet = append(c.quiet, e)
	}
}

// leaves discounts one that has its outcome or is carried apart from now on.
func (c *crowd) leaves(e *entry) {
	if !e.counted {
		return
	}
	e.counted = false
	for _, party := range e.parties {
		switch c.parties[party]--; c.parties[party] {
		case c.busyFrom - 1:
			c.busy--
		case 0:
			delete(c.parties, party)
		}
	}
	if c.busy == 0 {
		c.quiet = nil
	}
}
