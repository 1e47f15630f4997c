package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// A key is "cmt_", its identifier, "_", and 256 random bits in base64url.
const (
	keyPrefix   = "cmt_"
	keyIDBytes  = 6
	secretBytes = 32
)

// APIKey is a key as it is kept: without its secret, of which only the SHA-256 is stored.
type APIKey struct {
	ID        string
	Name      string
	Scopes    []spec.Scope
	Accounts  []string
	CreatedAt time.Time
	// RevokedAt is zero while the key is good.
	RevokedAt time.Time
}

// CreateKey makes a key and returns its text, which is not kept: it cannot be shown again.
func (s *Records) CreateKey(ctx context.Context, name string, scopes []spec.Scope, accounts []string) (text string, key APIKey, err error) {
	secret := make([]byte, keyIDBytes+secretBytes)
	if _, err := rand.Read(secret); err != nil {
		return "", key, err
	}
	id, secret := hex.EncodeToString(secret[:keyIDBytes]), secret[keyIDBytes:]
	digest := sha256.Sum256(secret)
	scopesJSON, err := json.Marshal(scopes)
	if err != nil {
		return "", key, err
	}
	accountsJSON, err := json.Marshal(accounts)
	if err != nil {
		return "", key, err
	}
	key = APIKey{ID: id, Name: name, Scopes: scopes, Accounts: accounts, CreatedAt: unixTime(s.now().Unix())}
	_, err = s.durable.ExecContext(ctx, "INSERT INTO api_keys (id, digest, name, scopes, accounts, created_at) VALUES (?, ?, ?, ?, ?, ?)",
		id, digest[:], name, string(scopesJSON), string(accountsJSON), key.CreatedAt.Unix())
	if err != nil {
		return "", key, wrap(err, "store an API key")
	}
	for _, account := range accounts {
		if account == app.AllAccounts || account == app.OwnAccount {
			continue
		}
		if err := s.NoteLabel(ctx, account); err != nil {
			return "", key, err
		}
	}
	return keyPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(secret), key, nil
}

// Authenticate returns who a key's text belongs to; the error is Unauthenticated when that is nobody.
func (s *Records) Authenticate(ctx context.Context, text string) (app.Principal, error) {
	refusal := spec.Errorf(spec.Unauthenticated, "the API key is unknown or was revoked")
	rest, ok := strings.CutPrefix(text, keyPrefix)
	id, encoded, ok2 := strings.Cut(rest, "_")
	secret, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if !ok || !ok2 || err != nil || len(secret) != secretBytes {
		return app.Principal{}, refusal
	}
	var digest []byte
	var name, scopes, accounts string
	err = s.blocks.QueryRowContext(ctx, "SELECT digest, name, scopes, accounts FROM api_keys WHERE id = ? AND revoked_at IS NULL", id).
		Scan(&digest, &name, &scopes, &accounts)
	if noRow(err) {
		return app.Principal{}, refusal
	}
	if err != nil {
		return app.Principal{}, wrap(err, "read an API key")
	}
	sum := sha256.Sum256(secret)
	if subtle.ConstantTimeCompare(sum[:], digest) != 1 {
		return app.Principal{}, refusal
	}
	principal := app.Principal{KeyID: id, Name: name}
	if err := json.Unmarshal([]byte(scopes), &principal.Scopes); err != nil {
		return app.Principal{}, wrap(err, "read an API key's scopes")
	}
	return principal, wrap(json.Unmarshal([]byte(accounts), &principal.Accounts), "read an API key's accounts")
}

// Keys lists all keys in the order of their making.
func (s *Records) Keys(ctx context.Context) ([]APIKey, error) {
	rows, err := s.blocks.QueryContext(ctx, "SELECT id, name, scopes, accounts, created_at, coalesce(revoked_at, 0) FROM api_keys ORDER BY created_at, id")
	if err != nil {
		return nil, wrap(err, "list API keys")
	}
	defer rows.Close()
	var keys []APIKey
	for rows.Next() {
		var key APIKey
		var scopes, accounts string
		var created, revoked int64
		if err := rows.Scan(&key.ID, &key.Name, &scopes, &accounts, &created, &revoked); err != nil {
			return nil, wrap(err, "list API keys")
		}
		if err := json.Unmarshal([]byte(scopes), &key.Scopes); err != nil {
			return nil, wrap(err, "list API keys")
		}
		if err := json.Unmarshal([]byte(accounts), &key.Accounts); err != nil {
			return nil, wrap(err, "list API keys")
		}
		key.CreatedAt = unixTime(created)
		if revoked > 0 {
			key.RevokedAt = unixTime(revoked)
		}
		keys = append(keys, key)
	}
	return keys, wrap(rows.Err(), "list API keys")
}

// RevokeKey ends a key; requests with it are refused from now on.
func (s *Records) RevokeKey(ctx context.Context, id string) error {
	result, err := s.durable.ExecContext(ctx, "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", s.now().Unix(), id)
	if err != nil {
		return wrap(err, "revoke an API key")
	}
	if changed, err := result.RowsAffected(); err != nil || changed == 0 {
		return fmt.Errorf("there is no good API key %q; key list shows them", id)
	}
	return nil
}
