package intent

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Sizes of keys and signatures, in bytes.
const (
	ed25519KeySize = ed25519.PublicKeySize
	p256KeySize    = 33 // compressed, SEC 1
	signatureSize  = 64 // of either scheme; P-256's is r and s, big-endian
)

// ed25519Options is one rule for single and batch verification, stricter than RFC 8032 asks: no small-order points, no
// encodings but the canonical ones, and the cofactored equation, the only one that a batch can check.
var ed25519Options = &ed25519.Options{Verify: &ed25519.VerifyOptions{}}

// schemeName is what an address is made of; a scheme without one is refused.
func schemeName(scheme spec.Scheme) string {
	switch scheme {
	case spec.Scheme_SCHEME_ED25519:
		return "ed25519"
	case spec.Scheme_SCHEME_P256:
		return "p256"
	}
	return ""
}

// Address returns the account that a public key moves.
func Address(scheme spec.Scheme, publicKey []byte) (spec.Address, error) {
	size := ed25519KeySize
	if scheme == spec.Scheme_SCHEME_P256 {
		size = p256KeySize
	}
	if schemeName(scheme) == "" {
		return spec.Address{}, spec.FieldErrorf(spec.BadIntent, "scheme", "must be ed25519 or p256")
	}
	if len(publicKey) != size {
		return spec.Address{}, spec.FieldErrorf(spec.BadIntent, "public_key", "must be %d bytes, not %d", size, len(publicKey))
	}
	return spec.KeyAddress(schemeName(scheme), publicKey), nil
}

// verifyP256 checks a signature over SHA-256 of the message. The order's upper half of s is refused: each signature would
// have a twin.
func verifyP256(publicKey, message, signature []byte) bool {
	curve := elliptic.P256()
	x, y := elliptic.UnmarshalCompressed(curve, publicKey)
	if x == nil {
		return false
	}
	r := new(big.Int).SetBytes(signature[:32])
	s := new(big.Int).SetBytes(signature[32:])
	if s.Cmp(halfOrder) > 0 {
		return false
	}
	const size = p256KeySize - 1
	point := make([]byte, 1+2*size)
	point[0] = 4 // uncompressed, SEC 1
	x.FillBytes(point[1 : 1+size])
	y.FillBytes(point[1+size:])
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return false
	}
	hash := sha256.Sum256(message)
	return ecdsa.Verify(key, hash[:], r, s)
}

var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

// NormaliseP256 returns a P-256 signature with the lower of its two values of s, which signers that know nothing of the rule
// give half of the time.
func NormaliseP256(signature []byte) []byte {
	if len(signature) != signatureSize {
		return signature
	}
	s := new(big.Int).SetBytes(signature[32:])
	if s.Cmp(halfOrder) <= 0 {
		return signature
	}
	out := append([]byte(nil), signature[:32]...)
	return append(out, new(big.Int).Sub(elliptic.P256().Params().N, s).FillBytes(make([]byte, 32))...)
}
