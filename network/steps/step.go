package steps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Step is one thing to have done.
type Step struct {
	Name  string
	Limit time.Duration                                  // of Check and Apply together; 0: the caller's own
	Check func(context.Context) (bool, error)            // true: nothing to do. Nil: Apply finds out itself
	Apply func(context.Context) (change bool, err error) // change false: there was nothing to do after all
}

// Progress writes one line a step.
type Progress struct {
	mu  sync.Mutex
	out io.Writer
}

// NewProgress makes a progress that writes to out.
func NewProgress(out io.Writer) *Progress { return &Progress{out: out} }

// Note writes a line of its own, for what takes long or is worth knowing.
func (p *Progress) Note(format string, arguments ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "      "+format+"\n", arguments...)
}

func (p *Progress) step(word, name string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%-5s %-24s %6.2f s\n", word, name, took.Seconds())
}

// Run does the steps in order and stops at the first that fails. Its error names the step.
func Run(ctx context.Context, progress *Progress, steps []Step) error {
	for _, step := range steps {
		began := time.Now()
		change, err := runStep(ctx, step)
		switch took := time.Since(began); {
		case err != nil:
			progress.step("FAIL", step.Name, took)
			return fmt.Errorf("%s: %w", step.Name, err)
		case change:
			progress.step("ok", step.Name, took)
		default:
			progress.step("same", step.Name, took)
		}
	}
	return nil
}

func runStep(ctx context.Context, step Step) (change bool, err error) {
	if step.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, step.Limit)
		defer cancel()
	}
	if step.Check != nil {
		if done, err := step.Check(ctx); done || err != nil {
			return false, err
		}
	}
	return step.Apply(ctx)
}

// pollEvery is how often a condition is asked for. Conditions here are local calls of a millisecond.
const pollEvery = 50 * time.Millisecond

// await asks a condition until it holds, the context ends or limit passes; then it reports the last error.
func await(ctx context.Context, limit time.Duration, what string, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		var final *permanentError
		if errors.As(err, &final) {
			return err
		}
		if last == nil || ctx.Err() == nil { // an error that only says that time is up says nothing
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %v: %w", what, limit, last)
		case <-tick.C:
		}
	}
}

// permanentError ends an await at once.
type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// each runs a function for every item at once and returns the error of the first item, in order, that failed.
func each[T any](items []T, do func(T) error) error {
	errs := make([]error, len(items))
	var group sync.WaitGroup
	for i, item := range items {
		group.Go(func() { errs[i] = do(item) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
