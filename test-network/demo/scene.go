package demo

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
)

// maxLines is how many lines a story may be ahead of its telling before it waits for that.
const maxLines = 64

// patience bounds each wait for what must come soon.
const patience = 15 * time.Second

// scene is a story while it happens. A step that fails ends the story, as it ends a test: what stands behind a step can rely on it.
type scene struct {
	demo  *Demo
	story *story
	ctx   context.Context
	lines chan string
	cast  map[string]*person
	// last is the last step, which whoever acts next has to see.
	last sighting
	// moves are what the story says that it did to whom, orders how its orders ended.
	moves  []move
	orders []*spec.OrderView
	err    error
}

// sighting is a transaction and the gateway that answered it.
type sighting struct {
	transaction string
	gateway     *client.Client
}

// run plays the story; its lines end with it.
func (s *scene) run(ctx context.Context) error {
	defer close(s.lines)
	s.ctx = ctx
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.story.play(s)
	}()
	<-ended
	if s.err != nil {
		return fmt.Errorf("%s: %w", s.story.title, s.err)
	}
	return nil
}

// must ends the story when a step failed.
func (s *scene) must(err error) {
	if err != nil {
		s.err = err
		runtime.Goexit()
	}
}

// part returns somebody of the story's cast.
func (s *scene) part(name string) *person {
	p := s.cast[name]
	if p == nil {
		s.must(fmt.Errorf("nobody plays %s", name))
	}
	return p
}

func (s *scene) say(format string, args ...any) { s.lines <- fmt.Sprintf(format, args...) }

// step has somebody carry out an operation, and tells it.
func (s *scene) step(who *person, operation string, command proto.Message, line string) {
	s.sees(who)
	receipt, err := who.act(s.ctx, s.demo, operation, command)
	s.must(err)
	s.happened(who, receipt, line)
}

func (s *scene) happened(who *person, receipt client.Receipt, line string) {
	s.last = sighting{receipt.Transaction, who.gateway}
	s.lines <- toldLine(receipt.Block, line)
}

// refused has somebody try what the ledger must refuse with a code, and tells it.
func (s *scene) refused(code spec.Code, who *person, operation string, command proto.Message, line string) {
	s.sees(who)
	_, err := who.act(s.ctx, s.demo, operation, command)
	if got := spec.ErrorCode(err); err == nil || got != code {
		s.must(fmt.Errorf("%s: %s: must be refused as %s: %w", who.name, operation, code, err))
	}
	s.say("  %-56s %s", line, code)
}

// onceDue has somebody do what may be done from a time on, in Unix seconds: it waits for the time, and then as long as the ledger says
// that it is not due, whose clock is the one that counts.
func (s *scene) onceDue(due int64, who *person, operation string, command proto.Message, line string) {
	s.sees(who)
	wait := time.NewTimer(time.Until(time.Unix(due, 0)))
	defer wait.Stop()
	select {
	case <-s.ctx.Done():
		s.must(s.ctx.Err())
	case <-wait.C:
	}
	var receipt client.Receipt
	s.must(poll(s.ctx, func() (done bool, err error) {
		receipt, err = who.act(s.ctx, s.demo, operation, command)
		return spec.ErrorCode(err) != spec.NotDue, err
	}))
	s.happened(who, receipt, line)
}

// look asks somebody's gateway.
func (s *scene) look(who *person, operation string, query, view proto.Message) {
	s.sees(who)
	_, err := who.do(s.ctx, operation, query, view)
	s.must(err)
}

// sees waits until somebody's gateway has the last step. Each peer commits by itself: what one gateway answered, another may not have yet.
func (s *scene) sees(who *person) {
	if who.gateway != s.last.gateway {
		s.must(who.sees(s.ctx, s.last.transaction))
	}
}

// poll asks again until it is done; what it was told last is the error when patience ends.
func poll(ctx context.Context, ask func() (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := ask()
		if done {
			return err
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = ctx.Err()
			}
			return fmt.Errorf("waited %s: %w", patience, err)
		case <-tick.C:
		}
	}
}
