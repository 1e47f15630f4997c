package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// maxAnswerBytes bounds what is read of an answer; the longest page is far smaller.
const maxAnswerBytes = 8 << 20

// requestTimeout is longer than the gateway's own bound on a write, so that the gateway's word on the outcome arrives.
const requestTimeout = 3 * time.Minute

// Client asks one gateway. It is safe for use by several goroutines.
type Client struct {
	url, key string
	// HTTP carries the requests; it may be replaced before the first one.
	HTTP *http.Client
}

// New returns a client of the gateway at the URL, with an API key. An empty key asks without one.
func New(url, key string) *Client {
	return &Client{url: strings.TrimSuffix(url, "/"), key: key, HTTP: &http.Client{Timeout: requestTimeout}}
}

// Receipt says what became of a write; a query's is empty.
type Receipt struct {
	// Transaction is 64 hex digits; Block the number of the block that holds it.
	Transaction string
	Block       uint64
	// Replayed: the gateway had answered this before, under the same idempotency key.
	Replayed bool
	// Result is the JSON form of the operation's view, which Do has also decoded.
	Result json.RawMessage
}

// Option changes a request.
type Option func(http.Header)

// WithIdempotencyKey names a write, so that repeating it has one effect.
func WithIdempotencyKey(key string) Option {
	return func(h http.Header) { h.Set("Idempotency-Key", key) }
}

// Do makes a call and decodes its view into result, which may be nil. A refusal is a *Problem, in whose chain is a
// *spec.Error; another error means that the gateway was not understood or not reached, and then a write may have happened.
func (c *Client) Do(ctx context.Context, call *spec.Call, result proto.Message, options ...Option) (Receipt, error) {
	method, path, body, err := requestOf(call)
	if err != nil {
		return Receipt{}, err
	}
	header, answer, err := c.send(ctx, method, path, body, options...)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Result: answer}
	if call.Operation.Kind == spec.Write {
		var written struct {
			Transaction string          `json:"transaction"`
			Block       uint64          `json:"block"`
			Result      json.RawMessage `json:"result"`
		}
		if err := json.Unmarshal(answer, &written); err != nil {
			return Receipt{}, fmt.Errorf("the gateway's answer to %s: %w", call.Operation.FullName(), err)
		}
		receipt = Receipt{Transaction: written.Transaction, Block: written.Block, Result: written.Result, Replayed: header.Get("Idempotent-Replayed") == "true"}
	}
	if result == nil {
		return receipt, nil
	}
	if err := spec.DecodeJSON(receipt.Result, result); err != nil {
		return receipt, fmt.Errorf("the gateway's view of %s: %w", call.Operation.FullName(), err)
	}
	return receipt, nil
}

// Get asks for a path of the gateway's own, such as a list, and decodes the JSON answer into result.
func (c *Client) Get(ctx context.Context, path string, query url.Values, result any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	_, answer, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("the gateway's answer to GET %s: %w", path, err)
	}
	return nil
}

// requestOf takes a call apart: fields of the path into the path, the others of a query into the query, and those of a
// write into the body.
func requestOf(call *spec.Call) (method, path string, body []byte, err error) {
	op := call.Operation
	if op == nil || op.Path == "" {
		return "", "", nil, errors.New("the operation is not offered over REST")
	}
	encoded, err := call.Encode()
	if err != nil {
		return "", "", nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return "", "", nil, err
	}
	path = op.Path
	for _, name := range op.PathFields() {
		value, err := plain(fields[name])
		if err != nil {
			return "", "", nil, fmt.Errorf("%s: %w", name, err)
		}
		path = strings.Replace(path, "{"+name+"}", url.PathEscape(value), 1)
		delete(fields, name)
	}
	if op.Kind == spec.Write {
		body, err := json.Marshal(fields)
		return op.Method, path, body, err
	}
	query := url.Values{}
	for name, raw := range fields {
		if slices.Contains([]string{`""`, "0", "null"}, string(raw)) {
			continue
		}
		value, err := plain(raw)
		if err != nil {
			return "", "", nil, fmt.Errorf("%s: %w", name, err)
		}
		query.Set(name, value)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return op.Method, path, nil, nil
}

// plain returns a JSON string's text, or a number's digits.
func plain(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", errors.New("is required")
	}
	if raw[0] != '"' {
		return string(raw), nil
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err
}

func (c *Client) send(ctx context.Context, method, path string, body []byte, options ...Option) (http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/json, "+problemType)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	for _, option := range options {
		option(request.Header)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("the gateway did not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was read to its end, or is not wanted
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return nil, nil, fmt.Errorf("the gateway's answer broke off: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, nil, problemOf(response, answer)
	}
	return response.Header, answer, nil
}
