package payments

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func TestARequestBearsAsManyIntentsAsItMay(t *testing.T) {
	var requests []int // one at a time: each is awaited before the next
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var batch spec.Batch
		if err == nil {
			err = spec.DecodeJSON(body, &batch)
		}
		if err != nil || r.Header.Get("Authorization") != "Bearer key" {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"code": "malformed"})
			return
		}
		requests = append(requests, len(batch.Intents))
		results := make([]map[string]any, len(batch.Intents))
		for i := range results {
			results[i] = map[string]any{"block": 7 + i}
		}
		results[0] = map[string]any{"problem": map[string]any{"code": "nonce_used"}}
		_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
	}))
	defer server.Close()
	people := somePeople(t, 2)
	signed, err := people[0].Sign([16]byte{1}, payment(people[1], small))
	if err != nil {
		t.Fatal(err)
	}
	over := &restCarrier{url: server.URL, keys: []string{"key"}, size: 2, http: server.Client()}
	first, second := over.Take(context.Background(), signed), over.Take(context.Background(), signed)
	if _, err := first(); !errors.Is(err, &spec.Error{Code: spec.NonceUsed}) {
		t.Errorf("%v, want the refusal", err)
	}
	if block, err := second(); err != nil || block != 8 {
		t.Errorf("block %d, %v", block, err)
	}
	if _, err := over.Take(context.Background(), signed)(); !errors.Is(err, &spec.Error{Code: spec.NonceUsed}) {
		t.Errorf("%v: a request that is not full must leave as well", err)
	}
	if len(requests) != 2 || requests[0] != 2 || requests[1] != 1 {
		t.Errorf("requests of %v intents", requests)
	}
	over.keys = []string{"other"}
	if _, err := over.Take(context.Background(), signed)(); !errors.Is(err, &spec.Error{Code: spec.Malformed}) {
		t.Errorf("%v, want the problem's code", err)
	}
}
