package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// UseCases are what the API offers; *app.Service is the real one.
type UseCases interface {
	Execute(ctx context.Context, principal app.Principal, call *spec.Call, key *app.IdempotencyKey) (app.Answer, error)
	Transaction(ctx context.Context, id string) (app.TransactionRecord, error)
	Organisation() (name, mspID string, address spec.Address)
}

// Intents are the use cases of commands that keys signed; *app.Intents is the real one.
type Intents interface {
	Relay(ctx context.Context, signed []*spec.SignedIntent) ([]app.IntentOutcome, error)
	RelayHanded(ctx context.Context, signed []*spec.SignedIntent) ([]app.IntentOutcome, error)
	Prepare(nonce uint64, validUntil int64, op *spec.Operation, command proto.Message) (app.Prepared, error)
	Intent(ctx context.Context, id spec.ID) (app.IntentRecord, error)
	CreateKey(ctx context.Context, principal app.Principal, name string) (app.KeptKey, error)
	Key(ctx context.Context, principal app.Principal, name string) (app.KeptKey, error)
	ActWithKey(ctx context.Context, principal app.Principal, name string, op *spec.Operation, command proto.Message, key *app.IdempotencyKey) (app.IntentReceipt, error)
}

// Authenticator tells whom an API key belongs to; the error of nobody is Unauthenticated.
type Authenticator interface {
	Authenticate(ctx context.Context, key string) (app.Principal, error)
}

// Check is one thing that the gateway needs to be ready; the error says why it is not.
type Check struct {
	Name  string
	Check func(ctx context.Context) error
}

// Options are what the API is made of.
type Options struct {
	UseCases      UseCases
	Intents       Intents
	Lists         app.Lists
	Histories     app.Histories
	Authenticator Authenticator
	// AnonymousReads lets reads pass without a key.
	AnonymousReads bool
	// RequestsPerSecond bounds each key; 0 is no bound.
	RequestsPerSecond float64
	Checks            []Check
	Registry          *prometheus.Registry
	Log               *slog.Logger
}

// server holds what the handlers share.
type server struct {
	options Options
	mux     *http.ServeMux
	limits  *limits
	metrics *metrics
	log     *slog.Logger
}

// New returns the API's handler. It panics when the operation table does not make valid routes, which a test excludes.
func New(options Options) http.Handler {
	s := &server{
		options: options, mux: http.NewServeMux(), limits: newLimits(options.RequestsPerSecond),
		metrics: newMetrics(options.Registry), log: options.Log,
	}
	for i := range spec.Operations {
		if op := &spec.Operations[i]; op.Path != "" {
			s.handle(op.Method, op.Path, s.operation(op))
		}
	}
	for _, route := range ownRoutes {
		s.handle(route.method, route.path, s.guarded(route))
	}
	s.publish()
	return http.HandlerFunc(s.serve)
}

// handler answers a request or returns the error to answer with.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle adds a route whose errors become problems.
func (s *server) handle(method, pattern string, h handler) {
	s.mux.HandleFunc(method+" "+pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeProblem(w, r, s.log, err)
		}
	})
}

type contextKey int

const instanceKey contextKey = iota

// instanceOf returns the URI of one request, which problem, log and header share.
func instanceOf(ctx context.Context) string {
	instance, _ := ctx.Value(instanceKey).(string)
	return instance
}

// serve is what every request passes: a name, the metrics, and what turns a panic into a problem.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:])
	r = r.WithContext(context.WithValue(r.Context(), instanceKey, "urn:cmt:request:"+id))
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
	pattern := "none"
	defer func() {
		if reason := recover(); reason != nil {
			s.log.Error("a handler panicked", "instance", instanceOf(r.Context()), "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
			if !recorder.written {
				writeProblem(recorder, r, s.log, spec.Errorf(spec.Internal, ""))
			}
		}
		s.metrics.observe(pattern, r.Method, recorder.status, time.Since(started))
		s.log.Debug("request", "method", r.Method, "route", pattern, "status", recorder.status, "instance", instanceOf(r.Context()), "took", time.Since(started))
	}()
	if cleaned := path.Clean(r.URL.Path); cleaned != r.URL.Path && cleaned+"/" != r.URL.Path || strings.Contains(r.URL.Path, "//") {
		// ServeMux would redirect to the cleaned path; an identifier never has dots or slashes.
		writeProblem(recorder, r, s.log, spec.Errorf(spec.UnknownOperation, "the path must be in its plain form"))
		return
	}
	found, matched := s.mux.Handler(r)
	if matched == "" {
		s.refuseRoute(recorder, r, found)
		return
	}
	_, pattern, _ = strings.Cut(matched, " ")
	s.mux.ServeHTTP(recorder, r)
}

// refuseRoute answers for a path that is not served, or not by this method.
func (s *server) refuseRoute(w http.ResponseWriter, r *http.Request, found http.Handler) {
	probe := &headerProbe{header: http.Header{}}
	found.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		w.Header().Set("Allow", allow)
		writeProblem(w, r, s.log, spec.Errorf(spec.MethodNotAllowed, "this path takes %s", allow))
		return
	}
	writeProblem(w, r, s.log, spec.Errorf(spec.UnknownOperation, "there is nothing under this path; see /openapi.json"))
}

// headerProbe takes what ServeMux says of a path that it does not serve.
type headerProbe struct {
	header http.Header
	status int
}

func (p *headerProbe) Header() http.Header         { return p.header }
func (p *headerProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *headerProbe) WriteHeader(status int)      { p.status = status }

// statusRecorder remembers how a request was answered.
type statusRecorder struct {
	http.ResponseWriter
	status  int
	written bool
}

// WriteHeader notes the status.
func (r *statusRecorder) WriteHeader(status int) {
	r.status, r.written = status, true
	r.ResponseWriter.WriteHeader(status)
}

// Write notes that there is an answer.
func (r *statusRecorder) Write(b []byte) (int, error) {
	r.written = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
