package payments

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
	// outstanding is how many intents are on their way at a time: two batches in flight and one that fills.
	outstanding = 3000
	// signedAhead bounds those that are signed and not yet handed to a gateway.
	signedAhead = 64
	// threadUsage is RUSAGE_THREAD of getrusage(2), which package syscall does not name.
	threadUsage = 1
)

// job is one intent to be.
type job struct {
	actor *person
	call  *spec.Call
	// operations are what its end brings to an end: a payout as many as it pays. began is when they began, if not with this intent.
	operations int
	began      time.Time
	// then is told, once, with the driver's lock held. May be nil.
	then func(err error)

	signed *spec.SignedIntent
}

// plan names the next job, with the driver's lock held: nil when there is none now. After the window's end only what was
// begun is brought to its end.
type plan func(over bool) *job

// carrier takes an intent in; the returned function waits for its outcome and the block that bears it.
type carrier interface {
	take(ctx context.Context, signed *spec.SignedIntent) func() (block uint64, err error)
}

// driver is a closed loop: it keeps a bounded number of intents on their way.
type driver struct {
	carriers []carrier
	limit    int
	ledgerID [16]byte

	mu      sync.Mutex
	changed *sync.Cond
	flying  int
	took    bench.Latencies
	ended   int // operations
	refused map[string]int
	last    uint64 // the highest block that bore one
	failed  error
	signing time.Duration
}

func newDriver(ledgerID [16]byte, limit int, carriers ...carrier) *driver {
	d := &driver{ledgerID: ledgerID, carriers: carriers, limit: limit, refused: map[string]int{}}
	d.changed = sync.NewCond(&d.mu)
	return d
}

// run carries jobs until the length is over, and what was begun to its end.
func (d *driver) run(ctx context.Context, length time.Duration, next plan) error {
	end := time.Now().Add(length)
	stop := context.AfterFunc(ctx, d.changed.Broadcast)
	defer stop()
	signed := make(chan *job, signedAhead)
	var group sync.WaitGroup
	group.Go(func() {
		defer close(signed)
		d.sign(ctx, end, next, signed)
	})
	for j := range signed { // in their order: an account's intents come in the order of their nonces
		began := time.Now()
		outcome := d.carriers[rand.IntN(len(d.carriers))].take(ctx, j.signed)
		group.Go(func() { d.land(j, began, outcome) })
	}
	group.Wait()
	if d.failed == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return d.failed
}

// sign plans and signs on a thread of its own, whose CPU time is the people's, not the gateway's.
func (d *driver) sign(ctx context.Context, end time.Time, next plan, signed chan<- *job) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := usage(threadUsage)
	defer func() { d.signing += usage(threadUsage) - before }()
	for {
		j := d.await(ctx, end, next)
		if j == nil {
			return
		}
		var err error
		if j.signed, err = j.actor.sign(d.ledgerID, j.call); err != nil {
			d.end(j, 0, 0, err)
			continue
		}
		signed <- j
	}
}

// await returns the next job as soon as there is room for one; nil when all is done.
func (d *driver) await(ctx context.Context, end time.Time, next plan) *job {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ctx.Err() == nil && d.failed == nil {
		if d.flying < d.limit {
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

func (d *driver) land(j *job, began time.Time, outcome func() (uint64, error)) {
	block, err := outcome()
	if j.began.IsZero() {
		j.began = began
	}
	d.end(j, time.Since(j.began), block, err)
}

func (d *driver) end(j *job, took time.Duration, block uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flying--
	d.last = max(d.last, block)
	switch {
	case err != nil:
		d.refused[string(spec.ErrorCode(err))]++
	case j.operations > 0:
		d.took = append(d.took, took)
		d.ended += j.operations
	}
	if j.then != nil {
		j.then(err)
	}
	d.changed.Signal()
}

// refusals is how many there were, and a text of which.
func (d *driver) refusals() (sum int, text string) {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(d.refused)) {
		sum += d.refused[code]
		parts = append(parts, fmt.Sprintf("%s %d", code, d.refused[code]))
	}
	return sum, strings.Join(parts, ", ")
}
