package batch

import "github.com/cybermiles/cmt/chaincode/ledger"

const (
	// quietLimit is how many intents of a quiet party are in the house at most.
	quietLimit = 8
	// maxQuiet is how many intents of quiet parties ride in a small batch of their own. More than that are no exception and ride
	// with the others in their turn.
	maxQuiet = 64
	// maxParties bounds what is counted of one intent; who pays hundreds at once is busy enough by itself.
	maxParties = 8
)

// crowd counts the intents in the house by who or what they are about: the account that acts, the one that is paid, the order or
// the lot. A party with more than a few is busy. Intents of which no party is busy may leave in a small batch of their own while
// a busy one keeps all others full, so that a quiet payer does not wait behind a merchant.
type crowd struct {
	parties map[ledger.Key]int
	// busy counts the busy parties.
	busy int
	// quiet has the intents that came while a party was busy and have no busy one themselves.
	quiet []*entry
}

func newCrowd() crowd { return crowd{parties: map[ledger.Key]int{}} }

// enters counts an intent that is taken in.
func (c *crowd) enters(e *entry) {
	quiet := true
	for _, party := range e.parties {
		c.parties[party]++
		switch n := c.parties[party]; {
		case n == quietLimit+1:
			c.busy++
			quiet = false
		case n > quietLimit:
			quiet = false
		}
	}
	if quiet && c.busy > 0 {
		c.quiet = append(c.quiet, e)
	}
}

// leaves counts one that has its outcome.
func (c *crowd) leaves(e *entry) {
	for _, party := range e.parties {
		switch c.parties[party]--; c.parties[party] {
		case quietLimit:
			c.busy--
		case 0:
			delete(c.parties, party)
		}
	}
	if c.busy == 0 {
		c.quiet = nil
	}
}
