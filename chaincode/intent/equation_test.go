package intent_test

import (
	"crypto/rand"
	"crypto/sha512"
	"math/big"
	"slices"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// groupOrder is the order of the group that Ed25519's base point makes (RFC 8032, 5.1).
var groupOrder, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// loose signs as no library does: its key and the first half of its signatures may be other points than an honest signer's.
type loose struct {
	secret scalar.Scalar
	key    []byte
}

func randomScalar(t *testing.T) (s scalar.Scalar) {
	t.Helper()
	if _, err := s.SetRandom(rand.Reader); err != nil {
		t.Fatal(err)
	}
	return s
}

// encoded is the canonical form of secret·B + added.
func encoded(secret *scalar.Scalar, added *curve.EdwardsPoint) []byte {
	var point curve.EdwardsPoint
	point.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, secret)
	point.Add(&point, added)
	var form curve.CompressedEdwardsY
	form.SetEdwardsPoint(&point)
	return form[:]
}

// sign signs with r as the signature's first half, whose secret is nonce.
func (l loose) sign(message, r []byte, nonce scalar.Scalar) []byte {
	h := sha512.New()
	h.Write(r)
	h.Write(l.key)
	h.Write(message)
	var k, s scalar.Scalar
	if _, err := k.SetBytesModOrderWide(h.Sum(nil)); err != nil {
		panic(err)
	}
	s.Add(&nonce, s.Mul(&k, &l.secret))
	half := make([]byte, scalar.ScalarSize)
	if err := s.ToBytes(half); err != nil {
		panic(err)
	}
	return append(slices.Clone(r), half...)
}

// What "Taming the many EdDSAs" (https://eprint.iacr.org/2020/1244) found libraries to differ over has one answer here, alone and in a
// batch: points with a part of small order are taken, by the cofactored equation; points of small order, other forms than the
// canonical one and numbers beyond the order are not.
func TestEdgesOfEd25519(t *testing.T) {
	none := curve.EIGHT_TORSION[0]
	// Only of a point of small order is another form of any use to a forger, who knows no secret of other points with such a form.
	otherForm := slices.Repeat([]byte{0xff}, 32) // y is the field's 2^255-19, and 1
	otherForm[0], otherForm[31] = 0xee, 0x7f
	for torsion, added := range curve.EIGHT_TORSION {
		secret, nonce := randomScalar(t), randomScalar(t)
		var zero scalar.Scalar
		honest := encoded(&secret, none)
		mixed, small := encoded(&secret, added), encoded(&zero, added)
		honestR, mixedR := encoded(&nonce, none), encoded(&nonce, added)
		for _, c := range []struct {
			name   string
			key, r []byte
			secret scalar.Scalar
			nonce  scalar.Scalar
			beyond bool
			want   bool
		}{
			{"an honest signature", honest, honestR, secret, nonce, false, true},
			{"a number beyond the order", honest, honestR, secret, nonce, true, false},
			{"a key with a part of small order", mixed, honestR, secret, nonce, false, true},
			{"a first half with a part of small order", honest, mixedR, secret, nonce, false, true},
			{"both with one", mixed, mixedR, secret, nonce, false, true},
			{"a key of small order", small, honestR, zero, nonce, false, false},
			{"a first half of small order", honest, small, secret, zero, false, false},
			{"a key in another form", otherForm, honestR, zero, nonce, false, false},
			{"a first half in another form", honest, otherForm, secret, zero, false, false},
			{"another's key", encoded(&nonce, none), honestR, secret, nonce, false, false},
		} {
			l := loose{c.secret, c.key}
			body, err := intent.Encode(1, 1_900_000_000, payment())
			if err != nil {
				t.Fatal(err)
			}
			signature := l.sign(intent.Message(ledgerID, body), c.r, c.nonce)
			if c.beyond {
				signature = beyondOrder(signature)
			}
			for range 2 { // the second time the key is remembered, if it was taken
				signed := &spec.SignedIntent{Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: c.key, Signature: signature}
				if got := accepted(t, signed); got != c.want {
					t.Errorf("%s (point %d of small order) is accepted: %v, want %v", c.name, torsion, got, c.want)
				}
			}
		}
	}
}

// beyondOrder adds the group's order to the second half of a signature: the same number to who reduces it.
func beyondOrder(signature []byte) []byte {
	half := slices.Clone(signature[32:])
	slices.Reverse(half)
	half = new(big.Int).Add(new(big.Int).SetBytes(half), groupOrder).FillBytes(make([]byte, 32))
	slices.Reverse(half)
	return append(slices.Clone(signature[:32]), half...)
}

// Two false signatures that make up for each other, by one key or by two, pass as little as one.
func TestForgeriesDoNotCancel(t *testing.T) {
	company := neighbours()
	var zero scalar.Scalar
	one, two := zero, zero
	one.One()
	two.Add(&one, &one)
	for _, off := range []scalar.Scalar{one, two, randomScalar(t)} {
		for _, keys := range [][2]scalar.Scalar{{one, one}, {one, two}} {
			pair := make([]*intent.Intent, 2)
			for i := range pair {
				body, err := intent.Encode(uint64(i+1), 1_900_000_000, payment())
				if err != nil {
					t.Fatal(err)
				}
				l := loose{keys[i], encoded(&keys[i], curve.EIGHT_TORSION[0])}
				nonce := randomScalar(t)
				r := encoded(&nonce, curve.EIGHT_TORSION[0])
				if i == 0 {
					nonce.Add(&nonce, &off)
				} else {
					nonce.Sub(&nonce, &off)
				}
				pair[i], err = intent.Decode(ledgerID, &spec.SignedIntent{
					Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: l.key, Signature: l.sign(intent.Message(ledgerID, body), r, nonce),
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			for i, refusal := range intent.Check(append(slices.Clone(company), pair...)) {
				if refused := refusal != nil; refused != (i >= len(company)) {
					t.Errorf("intent %d of %d good ones and two that make up for each other is refused: %v", i, len(company), refused)
				}
			}
		}
	}
}
