package httpapi

import (
	"context"
	"net/http"
	"time"
)

// readyTimeout bounds all readiness checks together.
const readyTimeout = 3 * time.Second

// healthAnswer says whether the gateway can serve, and if not why.
type healthAnswer struct {
	Status  string            `json:"status"`
	Reasons map[string]string `json:"reasons,omitempty"`
}

// publish adds the routes that need no key.
func (s *server) publish() {
	s.handle("GET", "/healthz", func(w http.ResponseWriter, _ *http.Request) error {
		return writeJSON(w, http.StatusOK, healthAnswer{Status: "ok"})
	})
	s.handle("GET", "/readyz", s.ready)
	s.handle("GET", "/metrics", func(w http.ResponseWriter, r *http.Request) error {
		s.metrics.handler.ServeHTTP(w, r)
		return nil
	})
	document := mustDocument()
	s.handle("GET", "/openapi.json", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document)
		return nil
	})
	s.page("/docs", docsPage())
	s.page("/docs/errors", errorsPage())
}

// ready asks everything that serving needs.
func (s *server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer := healthAnswer{Status: "ok", Reasons: map[string]string{}}
	status := http.StatusOK
	for _, check := range s.options.Checks {
		if err := check.Check(ctx); err != nil {
			answer.Status, status = "not ready", http.StatusServiceUnavailable
			answer.Reasons[check.Name] = err.Error()
		}
	}
	return writeJSON(w, status, answer)
}
