package crowd

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/test-network/bench"
)

const (
	// signedAhead bounds those that are signed and not yet handed to a gateway.
	signedAhead = 64
	// threadUsage is RUSAGE_THREAD of getrusage(2), which package syscall does not name.
	threadUsage = 1
)

// Job is one intent to be.
type Job struct {
	Actor *Person
	Call  *spec.Call
	// Operations are what its end brings to an end: a payout as many as it pays. Began is when they began, if not with this intent.
	Operations int
	Began      time.Time
	// Then is told, once, with the driver's lock held. May be nil.
	Then func(err error)

	signed *spec.SignedIntent
}

// Plan names the next job, with the driver's lock held: nil when there is none now. After the window's end only what was
// begun is brought to its end.
type Plan func(over bool) *Job

// Carrier takes an intent in; the returned function waits for its outcome and the block that bears it.
type Carrier interface {
	Take(ctx context.Context, signed *spec.SignedIntent) func() (block uint64, err error)
}

// Driver is a closed loop: it keeps a bounded number of intents on their way.
type Driver struct {
	carriers []Carrier
	// Limit is how many intents are on their way at a time.
	Limit    int
	ledgerID [16]byte

	mu      sync.Mutex
	changed *sync.Cond
	flying  int
	// Took is how long operations took, Ended how many came to an end.
	Took    bench.Latencies
	Ended   int
	refused map[string]int
	// Last is the highest block that bore one.
	Last   uint64
	failed error
	// Signing is the CPU time of planning and signing, which people pay.
	Signing time.Duration
}

// NewDriver returns a driver of the ledger's intents that keeps limit of them on their way.
func NewDriver(ledgerID [16]byte, limit int, carriers ...Carrier) *Driver {
	d := &Driver{ledgerID: ledgerID, carriers: carriers, Limit: limit, refused: map[string]int{}}
	d.changed = sync.NewCond(&d.mu)
	return d
}

// Run carries jobs until the length is over, and what was begun to its end.
func (d *Driver) Run(ctx context.Context, length time.Duration, next Plan) error {
	end := time.Now().Add(length)
	stop := context.AfterFunc(ctx, d.changed.Broadcast)
	defer stop()
	signed := make(chan *Job, signedAhead)
	var group sync.WaitGroup
	group.Go(func() {
		defer close(signed)
		d.sign(ctx, end, next, signed)
	})
	for j := range signed { // in their order: an account's intents come in the order of their nonces
		began := time.Now()
		outcome := d.carriers[rand.IntN(len(d.carriers))].Take(ctx, j.signed)
		group.Go(func() { d.land(j, began, outcome) })
	}
	group.Wait()
	if d.failed == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return d.failed
}

// sign plans and signs on a thread of its own, whose CPU time is the people's, not the gateway's.
func (d *Driver) sign(ctx context.Context, end time.Time, next Plan, signed chan<- *Job) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := Usage(threadUsage)
	defer func() { d.Signing += Usage(threadUsage) - before }()
	for {
		j := d.await(ctx, end, next)
		if j == nil {
			return
		}
		var err error
		if j.signed, err = j.Actor.Sign(d.ledgerID, j.Call); err != nil {
			d.end(j, 0, 0, err)
			continue
		}
		signed <- j
	}
}

// await returns the next job as soon as there is room for one; nil when all is done.
func (d *Driver) await(ctx context.Context, end time.Time, next Plan) *Job {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ctx.Err() == nil && d.failed == nil {
		if d.flying < d.Limit {
			over := !time.Now().Before(end)
			if j := next(over); j != nil {
				d.flying++
				return j
			}
			if over && d.flying == 0 {
				return nil
			}
		}
		if d.flying == 0 {
			d.failed = fmt.Errorf("the plan has no job although none is on its way")
			return nil
		}
		d.changed.Wait()
	}
	return nil
}

func (d *Driver) land(j *Job, began time.Time, outcome func() (uint64, error)) {
	block, err := outcome()
	if j.Began.IsZero() {
		j.Began = began
	}
	d.end(j, time.Since(j.Began), block, err)
}

func (d *Driver) end(j *Job, took time.Duration, block uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flying--
	d.Last = max(d.Last, block)
	switch {
	case err != nil:
		d.refused[string(spec.ErrorCode(err))]++
	case j.Operations > 0:
		d.Took = append(d.Took, took)
		d.Ended += j.Operations
	}
	if j.Then != nil {
		j.Then(err)
	}
	d.changed.Signal()
}

// Refusals is how many there were, and a text of which.
func (d *Driver) Refusals() (sum int, text string) {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(d.refused)) {
		sum += d.refused[code]
		parts = append(parts, fmt.Sprintf("%s %d", code, d.refused[code]))
	}
	return sum, strings.Join(parts, ", ")
}
