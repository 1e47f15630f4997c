package app_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// scripted is a ledger whose answers are written down: the n-th submit gets the n-th outcome, nil for a commit.
type scripted struct {
	mu       sync.Mutex
	outcomes []error
	calls    []*spec.Call
	sent     []app.Sent
	effects  int
	// evaluate answers queries; outcome and resume answer for transactions.
	evaluate func(call *spec.Call) ([]byte, error)
	outcome  app.TransactionState
	resume   error
	resumed  int
}

func (s *scripted) Submit(ctx context.Context, call *spec.Call, announce app.Announce) (app.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.calls)
	copied := *call
	copied.Hints = proto.Clone(call.Hints).(*spec.Hints)
	s.calls = append(s.calls, &copied)
	sent := app.Sent{Transaction: fmt.Sprintf("%064d", n), Envelope: []byte("envelope")}
	if err := announce(ctx, sent); err != nil {
		return app.Commit{}, err
	}
	s.sent = append(s.sent, sent)
	if n < len(s.outcomes) && s.outcomes[n] != nil {
		return app.Commit{}, s.outcomes[n]
	}
	s.effects++
	return app.Commit{Transaction: sent.Transaction, Block: uint64(n), Result: []byte("{}")}, nil
}

func (s *scripted) Resume(_ context.Context, sent app.Sent) (app.Commit, error) {
	s.resumed++
	if s.resume != nil {
		return app.Commit{}, s.resume
	}
	s.effects++
	return app.Commit{Transaction: sent.Transaction, Block: 9, Result: []byte("{}")}, nil
}

func (s *scripted) Evaluate(_ context.Context, call *spec.Call) ([]byte, error) {
	if s.evaluate == nil {
		return nil, spec.Errorf(spec.Unavailable, "not scripted")
	}
	return s.evaluate(call)
}

func (s *scripted) Outcome(_ context.Context, transaction string) (app.TransactionRecord, error) {
	state := s.outcome
	if state == "" {
		state = app.TransactionUnknown
	}
	return app.TransactionRecord{Transaction: transaction, State: state}, nil
}

// fixed is a read model that knows what it is told.
type fixed struct {
	mu     sync.Mutex
	broken error
	funds  app.Funds
	lots   []app.Lot
	labels []string
	// behind is what the model knows of a transaction once somebody waited for a block.
	behind *app.TransactionRecord
	waited bool
	// lagging: no block is ever taken.
	lagging bool
}

func (f *fixed) Funds(_ context.Context, _ spec.Address, credits int) (app.Funds, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	funds := f.funds
	funds.Credits = funds.Credits[:min(credits, len(funds.Credits))]
	return funds, f.broken
}
func (f *fixed) Crowded(context.Context, int) ([]spec.Address, error) { return nil, f.broken }
func (f *fixed) Lots(context.Context, spec.ID) ([]app.Lot, error)     { return f.lots, f.broken }
func (f *fixed) Transaction(_ context.Context, id string) (app.TransactionRecord, error) {
	if f.behind != nil && f.waited {
		return *f.behind, nil
	}
	return app.TransactionRecord{Transaction: id, State: app.TransactionUnknown}, nil
}
func (f *fixed) AwaitBlock(context.Context, uint64) error {
	f.waited = true
	if f.lagging {
		return context.DeadlineExceeded
	}
	return nil
}
func (f *fixed) NoteLabel(_ context.Context, label string) error {
	f.labels = append(f.labels, label)
	return nil
}
func (f *fixed) Labels(context.Context) ([]string, error) { return f.labels, nil }

// remembering is a journal in memory.
type remembering struct {
	mu        sync.Mutex
	entries   map[string]app.JournalEntry
	unsettled []string
}

func newJournal() *remembering { return &remembering{entries: map[string]app.JournalEntry{}} }

func (j *remembering) Begin(_ context.Context, account spec.Address, key string, fingerprint [32]byte) (app.JournalEntry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	name := account.String() + key
	if _, ok := j.entries[name]; !ok {
		j.entries[name] = app.JournalEntry{Fingerprint: fingerprint}
	}
	return j.entries[name], nil
}

func (j *remembering) Announce(_ context.Context, account spec.Address, key string, sent app.Sent) error {
	return j.change(account, key, func(e *app.JournalEntry) { e.Sent = sent })
}

func (j *remembering) Finish(_ context.Context, account spec.Address, key string, answer app.Commit) error {
	return j.change(account, key, func(e *app.JournalEntry) { e.Done, e.Answer = true, answer })
}

func (j *remembering) change(account spec.Address, key string, change func(*app.JournalEntry)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	name := account.String() + key
	entry, ok := j.entries[name]
	if !ok {
		return fmt.Errorf("no entry %s", key)
	}
	change(&entry)
	j.entries[name] = entry
	return nil
}

func (j *remembering) Forget(_ context.Context, account spec.Address, key string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.entries, account.String()+key)
	return nil
}

func (j *remembering) Pending(_ context.Context, transaction string) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if slices.Contains(j.unsettled, transaction) {
		return true, nil
	}
	for _, entry := range j.entries {
		if entry.Sent.Transaction == transaction && !entry.Done {
			return true, nil
		}
	}
	return false, nil
}

func (j *remembering) NoteUnsettled(_ context.Context, transaction string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unsettled = append(j.unsettled, transaction)
	return nil
}
