package app_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

func TestLanesHoldOneEach(t *testing.T) {
	lanes := app.NewLanes(1000)
	var inside, all [2]atomic.Int32
	var work sync.WaitGroup
	for i := range 200 {
		work.Go(func() {
			n := i % 2
			keys := []string{[]string{"a", "b"}[n]}
			if i%5 == 0 {
				keys = append(keys, "object")
			}
			leave, err := lanes.Enter(t.Context(), keys...)
			if err != nil {
				t.Error(err)
				return
			}
			if inside[n].Add(1) != 1 {
				t.Error("two in one lane")
			}
			all[n].Add(1)
			inside[n].Add(-1)
			leave()
		})
	}
	work.Wait()
	if all[0].Load() != 100 || all[1].Load() != 100 {
		t.Error("somebody was lost")
	}
}

func TestLanesAreBounded(t *testing.T) {
	lanes := app.NewLanes(1)
	leave, err := lanes.Enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lanes.Enter(t.Context(), "a"); spec.ErrorCode(err) != spec.RateLimited {
		t.Errorf("a full lane: %v", err)
	}
	if other, err := lanes.Enter(t.Context(), "b"); err != nil {
		t.Errorf("another lane: %v", err)
	} else {
		other()
	}
	leave()
	if again, err := lanes.Enter(t.Context(), "a"); err != nil {
		t.Errorf("the lane that was left: %v", err)
	} else {
		again()
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	lanes := app.NewLanes(2)
	leave, err := lanes.Enter(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lanes.Enter(ctx, "a", "b"); spec.ErrorCode(err) != spec.RateLimited {
		t.Fatal(err)
	}
	// What it had entered before was given back.
	again, err := lanes.Enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// Two payments of one account never overlap in this gateway.
func TestOneAccountOneWriteAtATime(t *testing.T) {
	ledger := &overlap{scripted: &scripted{}}
	service := newService(ledger, &fixed{}, newJournal())
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			if _, err := service.Execute(t.Context(), everything, transfer(1), nil); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if ledger.most.Load() != 1 {
		t.Errorf("%d at once", ledger.most.Load())
	}
}

// overlap notes how many submits are under way at once.
type overlap struct {
	*scripted
	now, most atomic.Int32
}

func (o *overlap) Submit(ctx context.Context, call *spec.Call, announce app.Announce) (app.Commit, error) {
	if now := o.now.Add(1); now > o.most.Load() {
		o.most.Store(now)
	}
	defer o.now.Add(-1)
	return o.scripted.Submit(ctx, call, announce)
}
