package app

import (
	"slices"
	"strings"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The accounts that a key may be bound to beside labels of sub-accounts; neither can be a label.
const (
	// AllAccounts is the organisation and every sub-account of it.
	AllAccounts = "*"
	// OwnAccount is the organisation itself, without its sub-accounts.
	OwnAccount = "@organisation"
)

// Principal is who asks: an API key with what it was given.
type Principal struct {
	// KeyID names the key; empty is nobody.
	KeyID string
	Name  string
	// Scopes is what the key may do, Accounts whom it may act for: AllAccounts, OwnAccount, or sub-accounts' labels.
	Scopes   []spec.Scope
	Accounts []string
}

// Permits returns nil when the principal may make the call, else a refusal that says what is missing.
func (p Principal) Permits(call *spec.Call) error {
	op := call.Operation
	if !slices.Contains(p.Scopes, op.Scope) {
		return spec.Errorf(spec.ScopeRequired, "%s needs the scope %q; this key has %s", op.FullName(), op.Scope, scopeList(p.Scopes))
	}
	if op.Kind == spec.Query || slices.Contains(p.Accounts, AllAccounts) {
		return nil
	}
	wanted := call.SubAccount
	if wanted == "" {
		wanted = OwnAccount
	}
	if !slices.Contains(p.Accounts, wanted) {
		return spec.FieldErrorf(spec.ScopeRequired, "sub_account", "this key acts only for %s", strings.Join(p.Accounts, ", "))
	}
	return nil
}

// PermitsScope returns nil when the principal has the scope.
func (p Principal) PermitsScope(scope spec.Scope) error {
	if slices.Contains(p.Scopes, scope) {
		return nil
	}
	return spec.Errorf(spec.ScopeRequired, "this needs the scope %q; this key has %s", scope, scopeList(p.Scopes))
}

func scopeList(scopes []spec.Scope) string {
	if len(scopes) == 0 {
		return "none"
	}
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, ", ")
}
