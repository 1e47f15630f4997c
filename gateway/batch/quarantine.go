package batch

import (
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// How long an account that cost others their batch is carried apart: twice as long with each further time, up to the longest.
const (
	firstSentence   = 10 * time.Second
	longestSentence = 10 * time.Minute
)

// maxSentences bounds the memory: beyond it those that ended are forgotten before their time, and then the new ones are not
// remembered, each of which costs one batch.
const maxSentences = 100_000

// quarantine remembers the accounts that are carried apart from the others. Such an account is carried as soon as any, only never
// in company that could lose by it.
type quarantine map[spec.Address]sentence

type sentence struct {
	until  time.Time
	length time.Duration
}

// condemn lengthens an account's sentence. One that has behaved for as long as the last one was begins anew.
func (q quarantine) condemn(account spec.Address, now time.Time) {
	last, known := q[account]
	if !known && len(q) >= maxSentences {
		q.forget(now)
		if len(q) >= maxSentences {
			return
		}
	}
	length := firstSentence
	if known && now.Before(last.until.Add(last.length)) {
		length = min(2*last.length, longestSentence)
	}
	q[account] = sentence{until: now.Add(length), length: length}
}

// forget drops the sentences that have ended.
func (q quarantine) forget(now time.Time) {
	for account, s := range q {
		if !now.Before(s.until) {
			delete(q, account)
		}
	}
}

// holds reports whether the account is carried apart.
func (q quarantine) holds(account spec.Address, now time.Time) bool {
	s, known := q[account]
	return known && now.Before(s.until)
}
