package intent

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// equation is what holds when many Ed25519 signatures do:
//
//	8 · (Σ zᵢ·Rᵢ + Σ zᵢ·kᵢ·Aᵢ − Σ zᵢ·sᵢ·B) = 0
//
// (Rᵢ, sᵢ) are signatures, Aᵢ their keys, kᵢ the hash of Rᵢ, Aᵢ and the message (RFC 8032, 5.1.7, with the cofactor), and zᵢ numbers of 128
// bits that nobody can choose: whatever is claimed changes all of them. A false signature passes with a chance of 2^-128. They are
// drawn from a hash of all that is claimed and not from chance, so that every endorser computes the same.
//
// A key is one term however often it signed, when its signatures are added one after the other.
type equation struct {
	known      *points
	keys       []curve.EdwardsPoint
	lastKey    []byte
	signatures []signature
	claimed    hash.Hash
}

// signature has key as the place of its key in the equation.
type signature struct {
	r    curve.EdwardsPoint
	s, k scalar.Scalar
	key  int
}

func newEquation(known *points, size int) *equation {
	return &equation{known: known, keys: make([]curve.EdwardsPoint, 0, size), signatures: make([]signature, 0, size), claimed: sha256.New()}
}

// add takes a claim into the equation, and reports false when the form of its key or its signature is refused whatever was signed.
func (e *equation) add(c claim) bool {
	if len(c.key) != ed25519KeySize || len(c.signature) != signatureSize {
		return false
	}
	var added signature
	r, s := c.signature[:32], c.signature[32:]
	if !scalar.ScMinimalVartime(s) || !setPoint(&added.r, r) {
		return false
	}
	if _, err := added.s.SetBits(s); err != nil {
		return false
	}
	if !bytes.Equal(c.key, e.lastKey) {
		var key curve.EdwardsPoint
		if !e.known.find(&key, c.key) {
			return false
		}
		e.keys, e.lastKey = append(e.keys, key), c.key
	}
	added.key = len(e.keys) - 1

	h := sha512.New()
	h.Write(r)
	h.Write(c.key)
	h.Write(c.message)
	k := h.Sum(nil)
	if _, err := added.k.SetBytesModOrderWide(k); err != nil {
		return false
	}
	e.claimed.Write(k)
	e.claimed.Write(s)
	e.signatures = append(e.signatures, added)
	return true
}

// holds reports whether every signature that was added does.
func (e *equation) holds() bool {
	factors := make([]scalar.Scalar, 1+len(e.signatures)+len(e.keys))
	scalars, terms := make([]*scalar.Scalar, len(factors)), make([]*curve.EdwardsPoint, len(factors))
	for i := range factors {
		scalars[i] = &factors[i]
	}
	ofBase, ofR, ofKey := &factors[0], factors[1:1+len(e.signatures)], factors[1+len(e.signatures):]
	terms[0] = curve.ED25519_BASEPOINT_POINT
	for i := range e.keys {
		terms[1+len(e.signatures)+i] = &e.keys[i]
	}
	draw := e.draw()
	for i := range e.signatures {
		one, z := &e.signatures[i], &ofR[i]
		terms[1+i] = &one.r
		draw(z)
		var product scalar.Scalar
		ofBase.Sub(ofBase, product.Mul(z, &one.s))
		ofKey[one.key].Add(&ofKey[one.key], product.Mul(z, &one.k))
	}
	var sum curve.EdwardsPoint
	return sum.MultiscalarMulVartime(scalars, terms).IsSmallOrder()
}

// draw gives the zᵢ one after the other: halves of SHA-256 over the digest of all that is claimed and a number that counts.
func (e *equation) draw() func(*scalar.Scalar) {
	const size = 16
	var rest []byte
	block := e.claimed.Sum(nil)
	counter := len(block)
	block = append(block, make([]byte, 8)...)
	return func(z *scalar.Scalar) {
		if len(rest) == 0 {
			sum := sha256.Sum256(block)
			rest = sum[:]
			binary.LittleEndian.PutUint64(block[counter:], binary.LittleEndian.Uint64(block[counter:])+1)
		}
		var wide [scalar.ScalarSize]byte
		copy(wide[:size], rest)
		rest = rest[size:]
		if _, err := z.SetBits(wide[:]); err != nil {
			panic(err) // the size is right
		}
	}
}
