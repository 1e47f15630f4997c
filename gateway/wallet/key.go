package wallet

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// secretBytes is the length of a private key: Ed25519's seed, or P-256's scalar.
const secretBytes = 32

// Key signs for one account.
type Key struct {
	scheme  spec.Scheme
	secret  []byte
	public  []byte
	address spec.Address
	sign    func(message []byte) ([]byte, error)
}

// New makes a key.
func New(scheme spec.Scheme) (*Key, error) {
	for {
		secret := make([]byte, secretBytes)
		_, _ = rand.Read(secret) // the system's source does not fail
		key, err := FromSecret(scheme, secret)
		// One of 2^32 secrets is no scalar of P-256.
		if err == nil || !errors.Is(err, errNoScalar) {
			return key, err
		}
	}
}

var errNoScalar = errors.New("the private key is no scalar of P-256")

// FromSecret returns the key of a secret: 32 bytes, Ed25519's seed or P-256's scalar.
func FromSecret(scheme spec.Scheme, secret []byte) (*Key, error) {
	if len(secret) != secretBytes {
		return nil, fmt.Errorf("a private key has %d bytes, not %d", secretBytes, len(secret))
	}
	k := &Key{scheme: scheme, secret: secret}
	switch scheme {
	case spec.Scheme_SCHEME_ED25519:
		private := ed25519.NewKeyFromSeed(secret)
		k.public = private.Public().(ed25519.PublicKey)
		k.sign = func(message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil }
	case spec.Scheme_SCHEME_P256:
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoScalar, err)
		}
		if k.public, err = compressed(&private.PublicKey); err != nil {
			return nil, err
		}
		k.sign = func(message []byte) ([]byte, error) { return signP256(private, message) }
	default:
		return nil, errors.New("the scheme must be ed25519 or p256")
	}
	var err error
	k.address, err = intent.Address(scheme, k.public)
	return k, err
}

// compressed returns a point in its 33 bytes, SEC 1.
func compressed(public *ecdsa.PublicKey) ([]byte, error) {
	point, err := public.Bytes()
	if err != nil {
		return nil, err
	}
	size := (len(point) - 1) / 2
	return append([]byte{2 | point[len(point)-1]&1}, point[1:1+size]...), nil
}

func signP256(private *ecdsa.PrivateKey, message []byte) ([]byte, error) {
	hash := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, private, hash[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 2*secretBytes)
	r.FillBytes(signature[:secretBytes])
	s.FillBytes(signature[secretBytes:])
	return intent.NormaliseP256(signature), nil
}

// Scheme returns how the key signs.
func (k *Key) Scheme() spec.Scheme { return k.scheme }

// Secret returns the private key's 32 bytes.
func (k *Key) Secret() []byte { return k.secret }

// PublicKey returns the public key as intents carry it.
func (k *Key) PublicKey() []byte { return k.public }

// Address returns the account that the key moves.
func (k *Key) Address() spec.Address { return k.address }

// Sign signs a command, once: a ledger takes a nonce of a key one time. validUntil is in Unix seconds.
func (k *Key) Sign(ledgerID [16]byte, nonce uint64, validUntil int64, call *spec.Call) (*spec.SignedIntent, error) {
	body, err := intent.Encode(nonce, validUntil, call)
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(intent.Message(ledgerID, body))
	if err != nil {
		return nil, err
	}
	return &spec.SignedIntent{Intent: body, Scheme: k.scheme, PublicKey: k.public, Signature: signature}, nil
}

// SignDiscount signs a discount that the buyer named in it brings with an order.
func (k *Key) SignDiscount(ledgerID [16]byte, discount *spec.OfferDiscount) (*spec.SignedDiscount, error) {
	body, err := intent.EncodeDiscount(discount)
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(intent.DiscountMessage(ledgerID, body))
	if err != nil {
		return nil, err
	}
	return &spec.SignedDiscount{Discount: body, Scheme: k.scheme, PublicKey: k.public, Signature: signature}, nil
}
