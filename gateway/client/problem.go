package client

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

const problemType = "application/problem+json"

// Problem is a refusal as the gateway told it, RFC 9457.
type Problem struct {
	Type      string    `json:"type"`
	Title     string    `json:"title"`
	Status    int       `json:"status"`
	Detail    string    `json:"detail"`
	Instance  string    `json:"instance"`
	Code      spec.Code `json:"code"`
	Field     string    `json:"field"`
	Retryable bool      `json:"retryable"`
	// Transaction is set when one was sent; StatusURL is where to ask for it.
	Transaction string `json:"transaction"`
	StatusURL   string `json:"status_url"`
	// RetryAfter is how long the gateway asks to wait; 0 when it does not say.
	RetryAfter time.Duration `json:"-"`
}

// Error says field, rule and code in one line.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Field != "" {
		text = p.Field + ": " + text
	}
	return fmt.Sprintf("%s (%s)", text, p.Code)
}

// Unwrap returns the catalogue's refusal.
func (p *Problem) Unwrap() error { return &spec.Error{Code: p.Code, Field: p.Field, Detail: p.Detail} }

// problemOf reads a problem; what is none is told by its status.
func problemOf(response *http.Response, body []byte) error {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	var problem Problem
	if err != nil || media != problemType || json.Unmarshal(body, &problem) != nil {
		return fmt.Errorf("the gateway answered %s, which is no problem of its own: is the URL right?", response.Status)
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		problem.RetryAfter = time.Duration(seconds) * time.Second
	}
	return &problem
}
