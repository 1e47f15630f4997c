package neighbours

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/breaker"
	"github.com/cybermiles/cmt/gateway/client"
)

// connections is how many connections to one neighbour are kept: as many as requests may be on their way.
const connections = 16

// Neighbour says where a member's gateway is.
type Neighbour struct {
	MSPID, URL string
	// KeyFile holds an API key of that gateway with the scope relay. It is read when it is first needed, and again when the
	// gateway does not accept the key, so that it may be put there or replaced while this gateway runs.
	KeyFile string
}

// Options are what all neighbours have in common.
type Options struct {
	// MSPID is the own organisation's, by which this gateway says who hands over.
	MSPID      string
	Neighbours []Neighbour
	// Timeout bounds one request. A neighbour answers within about two seconds even for intents that take longer.
	Timeout time.Duration
	Breaker breaker.Options
}

// Set is all neighbours. It is safe for use by several goroutines.
type Set struct {
	options Options

	mu  sync.Mutex
	all []*gateway
	// byMember has those whose index on the ledger is known.
	byMember map[uint32]*gateway
}

// gateway is one neighbour.
type gateway struct {
	Neighbour
	breaker *breaker.Breaker
	http    *http.Client

	mu     sync.Mutex
	client *client.Client
}

// New returns the neighbours. None is asked before Name gave it its index.
func New(options Options) *Set {
	s := &Set{options: options, byMember: map[uint32]*gateway{}}
	for _, one := range options.Neighbours {
		s.Meet(one)
	}
	return s
}

// Meet adds a neighbour.
func (s *Set) Meet(one Neighbour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	transport := &http.Transport{MaxIdleConnsPerHost: connections, IdleConnTimeout: time.Minute}
	s.all = append(s.all, &gateway{Neighbour: one, breaker: breaker.New(s.options.Breaker), http: &http.Client{Transport: transport}})
}

// MSPIDs are the neighbours' organisations.
func (s *Set) MSPIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, g := range s.all {
		all = append(all, g.MSPID)
	}
	return all
}

// Name says which member a neighbour is.
func (s *Set) Name(mspID string, member uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.all {
		if g.MSPID == mspID {
			s.byMember[member] = g
		}
	}
}

// Forget forgets the members' indexes, because the ledger is another one.
func (s *Set) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byMember)
}

func (s *Set) of(member uint32) *gateway {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byMember[member]
}

// Answers reports whether the member's gateway is known and answered when it was last asked, or is due to be tried again.
func (s *Set) Answers(member uint32) bool {
	g := s.of(member)
	return g != nil && g.breaker.Ready()
}

// Hand hands intents over and returns what became of each. The error is the catalogue's when nothing was taken in: RateLimited
// when the neighbour has too much to do, else Unavailable. After any other error nobody knows.
func (s *Set) Hand(ctx context.Context, member uint32, intents []*spec.SignedIntent) ([]app.IntentOutcome, error) {
	g := s.of(member)
	if g == nil || !g.breaker.Allow() {
		return nil, spec.Errorf(spec.Unavailable, "the gateway of member %d did not answer of late", member)
	}
	c, err := g.open()
	if err != nil {
		g.breaker.Failure()
		return nil, spec.Errorf(spec.Unavailable, "%v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	results, err := c.HandOver(ctx, s.options.MSPID, intents)
	if err != nil {
		return nil, g.failed(err)
	}
	g.breaker.Success()
	outcomes := make([]app.IntentOutcome, len(results))
	for i, result := range results {
		outcomes[i] = outcomeOf(result)
	}
	return outcomes, nil
}

func outcomeOf(result client.IntentResult) app.IntentOutcome {
	id, err := spec.ParseID(spec.IntentType, result.Intent)
	out := app.IntentOutcome{IntentReceipt: app.IntentReceipt{ID: id, Transaction: result.Transaction, Block: result.Block}, Named: err == nil}
	if p := result.Problem; p != nil {
		out.Err = &spec.Error{Code: p.Code, Field: p.Field, Detail: p.Detail}
	}
	return out
}

// failed reads the error of a whole request.
func (g *gateway) failed(err error) error {
	var problem *client.Problem
	if !errors.As(err, &problem) {
		g.breaker.Failure()
		var operation *net.OpError
		if errors.As(err, &operation) && operation.Op == "dial" {
			return spec.Errorf(spec.Unavailable, "%v", err)
		}
		return err
	}
	switch problem.Code {
	case spec.RateLimited:
		g.breaker.Success()
		return spec.Errorf(spec.RateLimited, "the gateway of %s has too much to do", g.MSPID)
	case spec.Internal:
		// Whatever it was, it may have come after the intents were taken in.
		g.breaker.Failure()
		return fmt.Errorf("the gateway of %s failed: %s", g.MSPID, problem.Detail)
	case spec.Unauthenticated, spec.ScopeRequired:
		g.close()
	}
	g.breaker.Failure()
	return spec.Errorf(spec.Unavailable, "the gateway of %s refuses what is handed over: %v", g.MSPID, problem)
}

// open returns the client, with the key as it lies in its file.
func (g *gateway) open() (*client.Client, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.client != nil {
		return g.client, nil
	}
	key, err := os.ReadFile(g.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("the API key for the gateway of %s: %w", g.MSPID, err)
	}
	g.client = client.New(g.URL, strings.TrimSpace(string(key)))
	g.client.HTTP = g.http
	return g.client, nil
}

// close has the key read anew.
func (g *gateway) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.client = nil
}

// Ask asks the member's gateway what became of an intent; the error is NotFound when it does not know.
func (s *Set) Ask(ctx context.Context, member uint32, id spec.ID) (app.IntentRecord, error) {
	g := s.of(member)
	if g == nil {
		return app.IntentRecord{}, spec.Errorf(spec.Unavailable, "the gateway of member %d is not known", member)
	}
	c, err := g.open()
	if err != nil {
		return app.IntentRecord{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	found, err := c.Intent(ctx, id)
	if err != nil {
		return app.IntentRecord{}, err
	}
	record := app.IntentRecord{ID: id, State: app.IntentState(found.State), Transaction: found.Transaction, Block: found.Block}
	if p := found.Problem; p != nil {
		record.Refusal = &spec.Error{Code: p.Code, Field: p.Field, Detail: p.Detail}
	}
	return record, nil
}
