package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

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
	body, err := spec.EncodeJSON(&spec.Batch{Intents: intents})
	if err != nil {
		return nil, err
	}
	_, answer, err := c.send(ctx, http.MethodPost, "/v1/intents", body)
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
