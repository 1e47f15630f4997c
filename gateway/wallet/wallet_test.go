package wallet_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/wallet"
)

var schemes = []spec.Scheme{spec.Scheme_SCHEME_ED25519, spec.Scheme_SCHEME_P256}

func noPassphrase() (string, error) { return "", errors.New("asked for a passphrase") }

func newKey(t *testing.T, scheme spec.Scheme) *wallet.Key {
	t.Helper()
	key, err := wallet.New(scheme)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What a key signs is what the ledger takes.
func TestSign(t *testing.T) {
	for _, scheme := range schemes {
		for range 8 { // P-256 gives the higher s half of the time
			key := newKey(t, scheme)
			call := &spec.Call{Operation: spec.Find("token:Sweep"), Command: &spec.Sweep{}}
			signed, err := key.Sign([16]byte{1}, 7, 100, call)
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := intent.Decode([16]byte{1}, signed)
			if err != nil || decoded.Actor != key.Address() || decoded.Nonce != 7 {
				t.Fatalf("%v: %+v %v", scheme, decoded, err)
			}
			if refusal := intent.Check([]*intent.Intent{decoded})[0]; refusal != nil {
				t.Errorf("%v: %v", scheme, refusal)
			}
			elsewhere, err := intent.Decode([16]byte{2}, signed)
			if err != nil || intent.Check([]*intent.Intent{elsewhere})[0] == nil {
				t.Errorf("%v: it holds on another ledger: %v", scheme, err)
			}
		}
	}
}

func TestFile(t *testing.T) {
	for _, scheme := range schemes {
		key := newKey(t, scheme)
		plain, err := key.Format("")
		if err != nil {
			t.Fatal(err)
		}
		again, err := wallet.Parse(plain, noPassphrase)
		if err != nil || again.Address() != key.Address() || !bytes.Equal(again.Secret(), key.Secret()) {
			t.Errorf("%v: %v", scheme, err)
		}
	}
}

func TestEncryptedFile(t *testing.T) {
	key := newKey(t, spec.Scheme_SCHEME_ED25519)
	sealed, err := key.Format("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("private_key")) || !wallet.Encrypted(sealed) {
		t.Error("it is not encrypted")
	}
	if again, err := wallet.Parse(sealed, func() (string, error) { return "correct horse", nil }); err != nil || again.Address() != key.Address() {
		t.Error(err)
	}
	if _, err := wallet.Parse(sealed, func() (string, error) { return "wrong", nil }); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("a wrong passphrase: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	key, other := newKey(t, spec.Scheme_SCHEME_P256), newKey(t, spec.Scheme_SCHEME_P256)
	plain, err := key.Format("")
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"nothing":           "",
		"another address":   strings.Replace(string(plain), key.Address().String(), other.Address().String(), 1),
		"another scheme":    strings.Replace(string(plain), `"p256"`, `"ed25519"`, 1),
		"an unknown scheme": strings.Replace(string(plain), `"p256"`, `"rsa"`, 1),
		"an unknown field":  strings.Replace(string(plain), "{", `{"x":1,`, 1),
		"no hex":            strings.Replace(string(plain), `"private_key": "`, `"private_key": "zz`, 1),
	} {
		if _, err := wallet.Parse([]byte(text), noPassphrase); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	if _, err := wallet.FromSecret(spec.Scheme_SCHEME_P256, bytes.Repeat([]byte{255}, 32)); err == nil {
		t.Error("a scalar beyond the order was taken")
	}
}
