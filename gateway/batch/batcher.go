package batch

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// Options bound the batcher. The zero value of a field has the default that its comment names.
type Options struct {
	// Parameters are the ledger's; ReadParameters asks for them.
	Parameters Parameters
	// MaxIntents (2,000) and MaxBytes (1.5 MiB) bound a batch; the chaincode takes no more intents, and 2 MiB.
	MaxIntents, MaxBytes int
	// InFlight (2) is how many batches are on their way at a time.
	InFlight int
	// QueueIntents (20,000) is how many intents may wait, LaneIntents (5,000) how many of one account.
	QueueIntents, LaneIntents int
	// Slow (300 ms) is how long a batch takes at least on a network that is busy, more than twice what an idle one needs: then a
	// half-empty one waits, and fills, until the one before is back.
	Slow time.Duration
	// Attempts (8) is how often an intent that lost to others is carried again before its submitter is told.
	Attempts int
	// Remedies are tried for refused intents besides more credits for those that lack funds.
	Remedies Remedies
	// Neighbours may be nil: then everything is carried here.
	Neighbours Neighbours
	Meter      Meter
	Log        *slog.Logger
}

// Meter counts what the batcher does.
type Meter interface {
	// Carried: a batch of so many intents came back, with an outcome: "committed" or a code of the catalogue.
	Carried(intents int, outcome string)
	// CarriedAgain: so many intents are to be carried again because of the code.
	CarriedAgain(intents int, code string)
	// Handed: so many intents were handed over to a neighbour, with an outcome: "answered" or a code of the catalogue.
	Handed(intents int, outcome string)
}

type noMeter struct{}

func (noMeter) Carried(int, string)      {}
func (noMeter) CarriedAgain(int, string) {}
func (noMeter) Handed(int, string)       {}

func (o Options) withDefaults() Options {
	fill := func(value *int, standard int) {
		if *value == 0 {
			*value = standard
		}
	}
	fill(&o.MaxIntents, spec.MaxBatchIntents)
	fill(&o.MaxBytes, 1536<<10)
	fill(&o.InFlight, 2)
	fill(&o.QueueIntents, 20_000)
	fill(&o.LaneIntents, 5_000)
	fill(&o.Attempts, 8)
	if o.Slow == 0 {
		o.Slow = 300 * time.Millisecond
	}
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Batcher gathers intents and carries them. Run must run for anything to happen.
type Batcher struct {
	options Options
	ledger  Ledger
	model   Model
	witness *Witness

	mu sync.Mutex
	// waiting has every intent that was taken in and has no outcome, so that one submitted twice is carried once.
	waiting map[spec.ID]*entry
	queue   *queue
	// posts have what is to be handed over, by member.
	posts map[uint32]*post
	// quarantine has the accounts whose intents are carried apart.
	quarantine quarantine
	// flying counts the batches on their way: ordinary ones, small ones of quiet parties, and those that are carried apart.
	flying [kinds]int
	// departed is when the last batch of each kind left.
	departed [kinds]time.Time
	// took is how long the last ordinary batch was on its way.
	took time.Duration
	// size is how many intents an ordinary batch has at most, for now.
	size int
	// apartPause is the pause after a batch that is carried apart.
	apartPause time.Duration
	// wake is told that there is something to dispatch.
	wake chan struct{}
}

// kind is a kind of batch.
type kind int

// The kinds. A quiet or an apart batch is on its way beside the ordinary ones, one of each at a time.
const (
	ordinary kind = iota
	quiet
	apart
	kinds
)

// The least time between two batches that are carried apart: each costs the network as much as one of a thousand, and troublemakers
// must not take that from the others. It doubles with each that is lost, is halved by each that is not, and is no less than twice what
// the network takes for an ordinary one.
const (
	shortestApart = 250 * time.Millisecond
	longestApart  = 2 * time.Second
)

// quietShare is how much smaller ordinary batches are while quiet parties ride beside them, which wait in the peers behind them.
const quietShare = 10

// sizeSteps are those in which the size of ordinary batches grows, one with each that is not lost, the first being the smallest. One that
// troublemakers cost the others halves it: who always comes with new accounts spoils small batches.
const sizeSteps = 16

// quietMemory is for how long a quiet party is reckoned with after it was there.
const quietMemory = 2 * time.Second

// maxApart is how many intents are carried apart in one batch: if it is lost, it is lost to them all.
const maxApart = 64

// flight is a batch on its way.
type flight struct {
	kind    kind
	intents []*entry
	// keys are held for it.
	keys []ledger.Key
	// since is the first block that was not seen when it began; seen is closed when the transaction's block was, nil before there
	// is one.
	since uint64
	seen  <-chan struct{}
}

// New returns a batcher over its ports.
func New(options Options, ledger Ledger, model Model, witness *Witness) *Batcher {
	options.Remedies = options.Remedies.with(spec.InsufficientFunds, funds{model})
	b := &Batcher{
		options: options.withDefaults(), ledger: ledger, model: model, witness: witness,
		waiting: map[spec.ID]*entry{}, posts: map[uint32]*post{}, quarantine: quarantine{}, wake: make(chan struct{}, 1),
		apartPause: shortestApart,
	}
	b.size = b.options.MaxIntents
	b.queue = newQueue(b.apart, b.size)
	return b
}

// apart reports whether an account is carried apart: it has cost others their batch, or acts through another gateway as well, and
// would. The caller holds the lock.
func (b *Batcher) apart(account spec.Address) bool {
	return b.quarantine.holds(account, time.Now()) || b.witness.ChangedByOthers(ledger.AccountKey(account), 0)
}

// Submit takes an intent in and waits for its outcome. An intent that is already on its way has one outcome for all who ask.
// The error is a refusal of the catalogue, *app.UnknownOutcome, or ctx's: then the intent goes on without its submitter.
func (b *Batcher) Submit(ctx context.Context, signed *spec.SignedIntent) (Receipt, error) {
	e, err := b.enter(signed, false)
	if err != nil {
		return Receipt{}, err
	}
	b.nudge()
	return b.await(ctx, e, signed, false)
}

// enter queues an intent; whoever calls it nudges the dispatcher afterwards.
func (b *Batcher) enter(signed *spec.SignedIntent, handed bool) (*entry, error) {
	e, err := newEntry(b.options.Parameters.LedgerID, signed)
	if err != nil {
		return nil, err
	}
	b.options.Remedies.hint(context.Background(), e)
	if b.options.Neighbours != nil && !b.guest(e.intent.Actor) {
		b.learnHome(e.intent.Actor)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.waiting[e.id]; ok {
		if handed {
			known.stays.Store(true)
		}
		return known, nil
	}
	q, home := b.queue, b.witness.elsewhere(e.intent.Actor)
	if !handed && home != 0 && b.options.Neighbours != nil && b.options.Neighbours.Answers(home) {
		q, e.home = b.post(home).queue, home
	}
	if q.size >= b.options.QueueIntents {
		return nil, spec.Errorf(spec.RateLimited, "%d intents wait already", q.size)
	}
	if l := q.lanes[e.intent.Actor]; l != nil && len(l.entries) >= b.options.LaneIntents {
		return nil, spec.Errorf(spec.RateLimited, "%d intents of %s wait already", len(l.entries), e.intent.Actor)
	}
	b.waiting[e.id] = e
	if e.home == 0 {
		b.carryHere(e)
	} else {
		e.keys = []ledger.Key{ledger.AccountKey(e.intent.Actor)}
	}
	q.push(e)
	return e, nil
}

// learnHome asks the read model where an account is at home, unless a block has shown it lately.
func (b *Batcher) learnHome(account spec.Address) {
	if _, known := b.witness.guest(account); known {
		return
	}
	home, err := b.model.Home(context.Background(), account)
	if err != nil {
		b.options.Log.Error("the read model does not know an account's home", "account", account, "error", err)
		return
	}
	b.witness.learn(account, home)
}

// carryHere readies an intent that this gateway carries itself.
func (b *Batcher) carryHere(e *entry) {
	e.home, e.suspect, e.limit, e.notBefore = 0, false, 0, time.Time{}
	e.payAtHome(b.witness, b.guest)
}

// nudge wakes the dispatcher; one nudge is as good as many.
func (b *Batcher) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run dispatches until ctx ends and what is in flight came to its end.
func (b *Batcher) Run(ctx context.Context) error {
	var flights sync.WaitGroup
	defer b.abandon()
	defer flights.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		f, wake := b.next(time.Now())
		if f != nil {
			flights.Go(func() { b.fly(ctx, f) })
			continue
		}
		if p, f := b.nextHandover(time.Now()); f != nil {
			flights.Go(func() { b.handOver(ctx, p, f) })
			continue
		}
		if !wake.IsZero() {
			timer.Reset(time.Until(wake))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-timer.C:
		}
	}
}

// next takes a batch when there is room for one of its kind, or says when there may be one.
func (b *Batcher) next(now time.Time) (*flight, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue.moved = false
	f, wake := b.pick(now)
	if f == nil && b.queue.moved {
		return b.pick(now) // for the lanes that changed sides
	}
	return f, wake
}

// pick takes a batch of the first kind that has room and intents.
func (b *Batcher) pick(now time.Time) (*flight, time.Time) {
	var wake time.Time
	for k := range kinds {
		if room := [kinds]int{b.options.InFlight, 1, 1}[k]; b.flying[k] >= room {
			continue
		}
		var taken []*entry
		var first time.Time
		switch k {
		case ordinary:
			limit := b.size
			if now.Sub(b.departed[quiet]) < quietMemory {
				limit = min(limit, max(1, b.options.MaxIntents/quietShare))
			}
			if b.flying[ordinary] > 0 && b.took >= b.options.Slow && b.queue.size-b.queue.sizeAside < limit/2 {
				break // It fills meanwhile.
			}
			taken, first = b.queue.take(now, false, limit, b.options.MaxBytes)
		case quiet:
			taken = b.queue.takeQuiet(now, b.options.MaxBytes)
		case apart:
			if first = b.departed[apart].Add(max(b.apartPause, 2*b.took)); now.Before(first) {
				break
			}
			taken, first = b.queue.take(now, true, min(maxApart, b.options.MaxIntents), b.options.MaxBytes)
		}
		if len(taken) > 0 {
			b.flying[k]++
			b.departed[k] = now
			return &flight{kind: k, intents: taken, keys: b.queue.hold(taken)}, wake
		}
		if wake.IsZero() || !first.IsZero() && first.Before(wake) {
			wake = first
		}
	}
	return nil, wake
}

// fly carries one batch and lands each of its intents: at its submitter, or back in the queue.
func (b *Batcher) fly(ctx context.Context, f *flight) {
	departed := time.Now()
	landing := b.carry(ctx, f)
	b.mu.Lock()
	b.queue.release(f.keys)
	for _, account := range landing.guilty {
		b.quarantine.condemn(account, time.Now())
	}
	b.pace(f, landing, time.Since(departed))
	for _, e := range landing.again {
		e.nameKeys()
	}
	b.queue.pushBack(landing.again)
	for _, outcome := range landing.outcomes {
		b.queue.leaves(outcome.entry)
	}
	b.flying[f.kind]--
	b.finish(landing)
}

// pace learns from a batch that came back after the time.
func (b *Batcher) pace(f *flight, l *landing, took time.Duration) {
	switch {
	case f.kind == ordinary:
		b.took = took
		step := max(1, b.options.MaxIntents/sizeSteps)
		if len(l.guilty) > 0 {
			b.size = max(b.size/2, step)
		} else if l.causes[spec.Conflict]+l.causes[spec.Fenced] == 0 {
			b.size = min(b.size+step, b.options.MaxIntents)
		}
	case f.kind == apart && len(l.guilty) > 0:
		b.apartPause = min(2*b.apartPause, longestApart)
	case f.kind == apart:
		b.apartPause = max(b.apartPause/2, shortestApart)
	}
}

// finish tells the submitters whose intents have an outcome. The caller holds the lock, which is let go.
func (b *Batcher) finish(l *landing) {
	for _, outcome := range l.outcomes {
		delete(b.waiting, outcome.entry.id)
	}
	b.mu.Unlock()
	b.nudge()
	for _, outcome := range l.outcomes {
		outcome.entry.finish(outcome.receipt, outcome.err)
	}
}

// landing is what became of a batch's intents.
type landing struct {
	outcomes []outcome
	again    []*entry
	// causes counts those to be carried again by the code that was in their way.
	causes map[spec.Code]int
	// guilty are the accounts to which others lost the batch.
	guilty []spec.Address
}

type outcome struct {
	entry   *entry
	receipt Receipt
	err     error
}

func (l *landing) carryAgain(e *entry, code spec.Code) {
	l.again = append(l.again, e)
	l.causes[code]++
}

func (l *landing) end(e *entry, err error) {
	l.outcomes = append(l.outcomes, outcome{entry: e, receipt: Receipt{ID: e.id}, err: err})
}

// carry screens the batch, names its credits and takes it to the ledger.
func (b *Batcher) carry(ctx context.Context, f *flight) *landing {
	l := &landing{causes: map[spec.Code]int{}}
	f.intents = screen(f.intents, l)
	if len(f.intents) == 0 {
		return l
	}
	argument, err := b.prepare(ctx, f.intents)
	if err != nil {
		for _, e := range f.intents {
			l.end(e, err)
		}
		return l
	}
	start := time.Now()
	f.since = b.witness.nextBlock()
	var transaction string
	commit, err := b.ledger.Carry(ctx, argument, func(_ context.Context, sent app.Sent) error {
		transaction, f.seen = sent.Transaction, b.witness.Own(sent.Transaction)
		return nil
	})
	var unknown *app.UnknownOutcome
	if errors.As(err, &unknown) {
		commit, err = b.resolve(ctx, unknown, start, len(f.intents))
	}
	if code := spec.ErrorCode(err); err != nil && (code == spec.Unavailable || code == spec.Fenced) {
		b.witness.disown(transaction)
	}
	b.land(ctx, l, f, commit, err)
	b.options.Meter.Carried(len(f.intents), cmp.Or(lostOutcome(err), string(app.TransactionCommitted)))
	for code, intents := range l.causes {
		b.options.Meter.CarriedAgain(intents, string(code))
	}
	return l
}

// prepare names the batch's credits and returns its bytes.
func (b *Batcher) prepare(ctx context.Context, intents []*entry) ([]byte, error) {
	if err := b.nameCredits(ctx, intents); err != nil {
		return nil, err
	}
	argument, err := encode(intents)
	if err != nil {
		return nil, spec.Errorf(spec.Internal, "%v", err)
	}
	return argument, nil
}

// lostOutcome is the code of a batch that came to nothing.
func lostOutcome(err error) string {
	if err == nil {
		return ""
	}
	return string(spec.ErrorCode(err))
}

// abandon ends what waits when the batcher stops; none of it was sent.
func (b *Batcher) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.waiting {
		e.finish(Receipt{ID: e.id}, spec.Errorf(spec.Unavailable, "the gateway stops"))
	}
	clear(b.waiting)
}
