package httpapi

import (
	"net/http"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// principal returns who asks. Reads may pass without a key where the operator allows it, and then as nobody with the scope
// to read.
func (s *server) principal(r *http.Request, scope spec.Scope) (app.Principal, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		if scope != spec.ScopeRead || !s.options.AnonymousReads {
			return app.Principal{}, spec.Errorf(spec.Unauthenticated, "send Authorization: Bearer KEY; cmt-gateway key create makes one")
		}
		anonymous := app.Principal{Scopes: []spec.Scope{spec.ScopeRead}}
		return anonymous, s.limits.take(anonymous.KeyID)
	}
	scheme, key, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return app.Principal{}, spec.Errorf(spec.Unauthenticated, "send Authorization: Bearer KEY")
	}
	principal, err := s.options.Authenticator.Authenticate(r.Context(), strings.TrimSpace(key))
	if err != nil {
		return app.Principal{}, err
	}
	if err := s.limits.take(principal.KeyID); err != nil {
		return app.Principal{}, err
	}
	return principal, principal.PermitsScope(scope)
}

// limits bound how often each key may ask. There are as many as keys, and keys are the operator's.
type limits struct {
	perSecond float64
	mu        sync.Mutex
	byKey     map[string]*rate.Limiter
}

func newLimits(perSecond float64) *limits {
	return &limits{perSecond: perSecond, byKey: map[string]*rate.Limiter{}}
}

// take counts a request; the error is RateLimited. A key may spend two seconds' worth at once.
func (l *limits) take(keyID string) error {
	if l.perSecond <= 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.byKey[keyID]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(l.perSecond), max(1, int(2*l.perSecond)))
		l.byKey[keyID] = limiter
	}
	if !limiter.Allow() {
		return spec.Errorf(spec.RateLimited, "this key may ask %g times a second", l.perSecond)
	}
	return nil
}
