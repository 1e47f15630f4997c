package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// IntentResult is what became of an intent that was handed in: transaction and block of one that happened, the problem of one
// that did not.
type IntentResult struct {
	// Intent is the identifier; empty when the intent's form was wrong.
	Intent      string   `json:"intent,omitempty"`
	Transaction string   `json:"transaction,omitempty"`
	Block       uint64   `json:"block,omitempty"`
	Problem     *Problem `json:"problem,omitempty"`
}

// Relay hands signed intents in, up to 500, and waits for what becomes of each; the results are in the same order. The error
// is that of the whole request.
func (c *Client) Relay(ctx context.Context, intents ...*spec.SignedIntent) ([]IntentResult, error) {
	return c.relay(ctx, intents)
}

// handedByHeader tells a gateway that another one hands intents over, and which member's.
const handedByHeader = "Cmt-Handed-By"

// HandOver is Relay for a gateway of the member: the intents are not handed on to a third one, and one that is not through after
// about two seconds is answered OutcomeUnknown. Handed over again it joins itself.
func (c *Client) HandOver(ctx context.Context, mspID string, intents []*spec.SignedIntent) ([]IntentResult, error) {
	return c.relay(ctx, intents, func(h http.Header) { h.Set(handedByHeader, mspID) })
}

// binaryType is the media type of a message in protobuf's encoding.
const binaryType = "application/x-protobuf"

func (c *Client) relay(ctx context.Context, intents []*spec.SignedIntent, options ...Option) ([]IntentResult, error) {
	body, err := proto.Marshal(&spec.Batch{Intents: intents})
	if err != nil {
		return nil, err
	}
	options = append(options, func(h http.Header) { h.Set("Content-Type", binaryType) })
	_, answer, err := c.send(ctx, http.MethodPost, "/v1/intents", body, options...)
	if err != nil {
		return nil, err
	}
	var read struct {
		Results []IntentResult `json:"results"`
	}
	if err := json.Unmarshal(answer, &read); err != nil {
		return nil, fmt.Errorf("the gateway's answer to intents: %w", err)
	}
	if len(read.Results) != len(intents) {
		return nil, fmt.Errorf("the gateway answered %d results to %d intents", len(read.Results), len(intents))
	}
	return read.Results, nil
}

// IntentRecord is what a gateway knows of an intent.
type IntentRecord struct {
	Intent string `json:"intent"`
	// State is committed, refused or pending.
	State       string   `json:"state"`
	Transaction string   `json:"transaction,omitempty"`
	Block       uint64   `json:"block,omitempty"`
	Problem     *Problem `json:"problem,omitempty"`
}

// Intent asks what became of an intent.
func (c *Client) Intent(ctx context.Context, id spec.ID) (IntentRecord, error) {
	var record IntentRecord
	return record, c.Get(ctx, "/v1/intents/"+id.Text(spec.IntentType), nil, &record)
}
