package payments

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/test-network/bench"
	"github.com/cybermiles/cmt/test-network/bench/crowd"
)

const (
	// restKeys is how many callers there are: each may make 500 requests a second.
	restKeys = 16
	// restMany is how many intents a request of rest_many bears.
	restMany = 100
	// restSingle is how many requests of rest_single are on their way at a time.
	restSingle = 512
	// bundleWait bounds how long a request that is not full waits for more.
	bundleWait = 20 * time.Millisecond
	// restTimeout bounds one request, maxRestBytes its answer.
	restTimeout  = time.Minute
	maxRestBytes = 4 << 20
)

// restCarrier hands intents in over REST, some in a request.
type restCarrier struct {
	url  string
	keys []string
	size int
	http *http.Client
	turn atomic.Uint64

	mu      sync.Mutex
	filling *bundle
}

// bundle is one request.
type bundle struct {
	intents []*spec.SignedIntent
	sent    bool
	done    chan struct{}
	results []restResult
	err     error
}

// restResult is what an answer says of one intent.
type restResult struct {
	Block   uint64 `json:"block"`
	Problem *struct {
		Code spec.Code `json:"code"`
	} `json:"problem"`
}

func (c *restCarrier) Take(ctx context.Context, signed *spec.SignedIntent) func() (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.filling
	if b == nil {
		b = &bundle{done: make(chan struct{})}
		c.filling = b
		if c.size > 1 {
			time.AfterFunc(bundleWait, func() { c.leave(ctx, b) })
		}
	}
	at := len(b.intents)
	b.intents = append(b.intents, signed)
	if len(b.intents) == c.size {
		c.send(ctx, b)
	}
	return func() (uint64, error) {
		<-b.done
		return b.resultOf(at)
	}
}

// leave sends a bundle that did not fill in time.
func (c *restCarrier) leave(ctx context.Context, b *bundle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send(ctx, b)
}

// send sends a bundle once; the caller holds the lock.
func (c *restCarrier) send(ctx context.Context, b *bundle) {
	if b.sent {
		return
	}
	b.sent = true
	if c.filling == b {
		c.filling = nil
	}
	go func() { // it ends with the request, which has a timeout, and every intent's outcome waits for it
		defer close(b.done)
		b.results, b.err = c.post(ctx, b.intents)
	}()
}

func (b *bundle) resultOf(at int) (uint64, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case at >= len(b.results):
		return 0, fmt.Errorf("the answer has %d results, not %d", len(b.results), len(b.intents))
	case b.results[at].Problem != nil:
		return 0, &spec.Error{Code: b.results[at].Problem.Code}
	}
	return b.results[at].Block, nil
}

func (c *restCarrier) post(ctx context.Context, intents []*spec.SignedIntent) (results []restResult, err error) {
	body, err := spec.EncodeJSON(&spec.Batch{Intents: intents})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/v1/intents", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.keys[c.turn.Add(1)%uint64(len(c.keys))])
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxRestBytes))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	var read struct {
		Code    spec.Code    `json:"code"`
		Results []restResult `json:"results"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, fmt.Errorf("%s: %w", answer.Status, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, &spec.Error{Code: read.Code, Detail: answer.Status}
	}
	return read.Results, nil
}

func (c *consortium) restSingle(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	return c.rest(ctx, lab, 1, restSingle)
}

func (c *consortium) restMany(ctx context.Context, lab *bench.Lab) (bench.Result, error) {
	return c.rest(ctx, lab, restMany, outstanding)
}

// rest measures payments of strangers through the REST API of the gateway that this process stood in for, which is started.
func (c *consortium) rest(ctx context.Context, lab *bench.Lab, size, limit int) (result bench.Result, err error) {
	if err := c.up(ctx, lab); err != nil {
		return result, err
	}
	if _, err := c.network.Up(ctx); err != nil {
		return result, err
	}
	at := c.facts.Gateways[0]
	keys, err := c.network.APIKeys(ctx, at, restKeys)
	if err != nil {
		return result, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: limit, MaxConnsPerHost: limit}
	defer transport.CloseIdleConnections()
	over := &restCarrier{url: at.URL, keys: keys, size: size, http: &http.Client{Transport: transport, Timeout: restTimeout}}
	return c.measure(ctx, lab, load{limit: limit, carriers: []crowd.Carrier{over}, accounts: len(c.people), plan: strangers(c.people)})
}
