package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// replayedHeader says that an answer was stored under the idempotency key.
const replayedHeader = "Idempotent-Replayed"

// writeAnswer is the body of a write's answer.
type writeAnswer struct {
	Transaction string          `json:"transaction"`
	Block       uint64          `json:"block"`
	Result      json.RawMessage `json:"result"`
}

// operation serves a row of the operation table.
func (s *server) operation(op *spec.Operation) handler {
	location := locationOf(op)
	return func(w http.ResponseWriter, r *http.Request) error {
		principal, err := s.principal(r, op.Scope)
		if err != nil {
			return err
		}
		var body []byte
		if op.Kind == spec.Write {
			if body, err = readBody(w, r, spec.MaxCommandBytes); err != nil {
				return err
			}
		}
		key, err := idempotencyKey(r, body)
		if err != nil {
			return err
		}
		call, err := decodeCall(op, r, body)
		if err != nil {
			return err
		}
		answer, err := s.options.UseCases.Execute(r.Context(), principal, call, key)
		if err != nil {
			return err
		}
		return writeResult(w, op, location, answer)
	}
}

func writeResult(w http.ResponseWriter, op *spec.Operation, location func(app.Answer) string, answer app.Answer) error {
	if op.Kind == spec.Query {
		return writeJSON(w, http.StatusOK, json.RawMessage(answer.Result))
	}
	status := http.StatusOK
	if op.Creates != "" {
		status = http.StatusCreated
		w.Header().Set("Location", location(answer))
	}
	if answer.Replayed {
		w.Header().Set(replayedHeader, "true")
	}
	return writeJSON(w, status, writeAnswer{Transaction: answer.Transaction, Block: answer.Block, Result: answer.Result})
}

// locationOf returns how to find where a created object is looked up: under the query whose path is this one and the
// object's identifier, else under its transaction.
func locationOf(op *spec.Operation) func(app.Answer) string {
	for i := range spec.Operations {
		query := &spec.Operations[i]
		field, ok := strings.CutPrefix(query.Path, op.Path+"/{")
		if query.Kind != spec.Query || !ok || strings.Contains(field, "/") {
			continue
		}
		return func(answer app.Answer) string {
			if path, ok := filled(query, answer.Result); ok {
				return path
			}
			return transactionPath(answer.Transaction)
		}
	}
	return func(answer app.Answer) string { return transactionPath(answer.Transaction) }
}

// filled returns an operation's path with the fields of a result in it, or false when it lacks one.
func filled(op *spec.Operation, result []byte) (path string, ok bool) {
	var fields map[string]any
	if json.Unmarshal(result, &fields) != nil {
		return "", false
	}
	path = op.Path
	for _, name := range op.PathFields() {
		id, found := fields[name].(string)
		if !found {
			return "", false
		}
		path = strings.Replace(path, "{"+name+"}", id, 1)
	}
	return path, true
}

func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}
