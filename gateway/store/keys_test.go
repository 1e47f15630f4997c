package store_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

func TestKeys(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	text, made, err := s.CreateKey(t.Context(), "till", []spec.Scope{spec.ScopeRead, spec.ScopePay}, []string{app.OwnAccount})
	if err != nil {
		t.Fatal(err)
	}
	principal, err := s.Authenticate(t.Context(), text)
	if err != nil || principal.KeyID != made.ID || len(principal.Scopes) != 2 || principal.Accounts[0] != app.OwnAccount {
		t.Fatalf("got %+v %v", principal, err)
	}
	// Another process, as the key command is, sees it and may revoke it at once.
	other := openRecords(t, folder)
	if err := other.RevokeKey(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(t.Context(), text); spec.ErrorCode(err) != spec.Unauthenticated {
		t.Errorf("revoked: %v", err)
	}
	if err := other.RevokeKey(t.Context(), made.ID); err == nil {
		t.Error("revoked twice")
	}
	keys, err := s.Keys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].RevokedAt.IsZero() || keys[0].Name != "till" {
		t.Errorf("list: %+v %v", keys, err)
	}
}

func TestKeysAreHashedAtRest(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	text, _, err := s.CreateKey(t.Context(), "k", spec.Scopes, []string{app.AllAccounts})
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.SplitN(text, "_", 3)[2]
	count := 0
	err = filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		count++
		data, err := os.ReadFile(file)
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds the key", file)
		}
		return err
	})
	if err != nil || count == 0 {
		t.Fatal(count, err)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	text, _, err := s.CreateKey(t.Context(), "k", spec.Scopes, []string{app.AllAccounts})
	if err != nil {
		t.Fatal(err)
	}
	last := "A"
	if strings.HasSuffix(text, last) {
		last = "E"
	}
	for _, bad := range []string{"", "cmt_", "cmt__", text + "A", text[:len(text)-1] + last, strings.ToUpper(text), " " + text, strings.Replace(text, "cmt_", "key_", 1), "cmt_x' OR '1'='1_" + text[17:]} {
		if _, err := s.Authenticate(t.Context(), bad); spec.ErrorCode(err) != spec.Unauthenticated {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
