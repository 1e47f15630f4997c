package httpapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// problemType is the media type of RFC 9457.
const problemType = "application/problem+json"

// retryAfterSeconds is what who was refused for now is told to wait: the longest of the gateway's own pauses.
const retryAfterSeconds = 1

// Problem is an error as RFC 9457 has it, with the catalogue's members beside.
type Problem struct {
	// Type is where the code is explained, relative to the gateway.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Instance names this one occurrence; the log has it too.
	Instance  string    `json:"instance,omitempty"`
	Code      spec.Code `json:"code"`
	Field     string    `json:"field,omitempty"`
	Retryable bool      `json:"retryable"`
	// Transaction is set when one was sent; StatusURL is where to ask for it, relative to the gateway.
	Transaction string `json:"transaction,omitempty"`
	StatusURL   string `json:"status_url,omitempty"`
}

// ErrorTypeURL is where a code is explained, relative to the gateway.
func ErrorTypeURL(code spec.Code) string { return "/docs/errors#" + string(code) }

// newProblem makes a problem of an error. What is not in the catalogue is Internal and stays opaque.
func newProblem(err error, instance string) Problem {
	var refusal *spec.Error
	if !errors.As(err, &refusal) {
		refusal = &spec.Error{Code: spec.Internal}
	}
	entry := spec.Lookup(refusal.Code)
	problem := Problem{
		Type: ErrorTypeURL(entry.Code), Title: entry.Title, Status: entry.HTTPStatus, Detail: refusal.Detail, Instance: instance,
		Code: entry.Code, Field: refusal.Field, Retryable: entry.Retryable,
	}
	if problem.Detail == "" || entry.Code == spec.Internal {
		problem.Detail = entry.Doc
	}
	var unknown *app.UnknownOutcome
	if errors.As(err, &unknown) {
		problem.Transaction, problem.StatusURL = unknown.Transaction, transactionPath(unknown.Transaction)
	}
	return problem
}

// writeProblem answers with an error. What is a fault of ours goes to the log whole.
func writeProblem(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	problem := newProblem(err, instanceOf(r.Context()))
	if problem.Status >= http.StatusInternalServerError {
		log.Error("request failed", "method", r.Method, "path", r.URL.Path, "instance", problem.Instance, "code", problem.Code, "error", err)
	}
	body, marshalErr := json.Marshal(problem)
	if marshalErr != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", problemType)
	switch problem.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", strconv.Itoa(retryAfterSeconds))
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="cmt"`)
	}
	w.WriteHeader(problem.Status)
	_, _ = w.Write(body)
}
