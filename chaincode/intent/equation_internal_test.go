package intent

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/simulate/seed"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// The equation holds when every signature in it does by the library's own check, and only then.
func TestEquationHoldsWhenAllSignaturesDo(t *testing.T) {
	random := rand.New(rand.NewPCG(seed.First(), 1))
	draw := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	remembered := &points{}
	for range 200 {
		signer := ed25519.NewKeyFromSeed(draw(ed25519.SeedSize))
		var claims []claim
		for range 1 + random.IntN(20) {
			if random.IntN(2) == 0 {
				signer = ed25519.NewKeyFromSeed(draw(ed25519.SeedSize))
			}
			message := draw(random.IntN(200))
			claims = append(claims, claim{spec.Scheme_SCHEME_ED25519, signer.Public().(ed25519.PublicKey), message, ed25519.Sign(signer, message)})
		}
		if random.IntN(2) == 0 {
			spoilt := &claims[random.IntN(len(claims))]
			for _, part := range []*[]byte{&spoilt.message, &spoilt.signature, &spoilt.key} {
				if len(*part) > 0 && random.IntN(2) == 0 {
					*part = slices.Clone(*part)
					(*part)[random.IntN(len(*part))] ^= 1 << random.IntN(8)
				}
			}
		}
		slices.SortStableFunc(claims, func(a, b claim) int { return bytes.Compare(a.key, b.key) })
		want, form := true, true
		for _, c := range claims {
			want = want && c.holds()
		}
		e := newEquation(remembered, len(claims))
		for _, c := range claims {
			form = e.add(c) && form
		}
		if got := form && e.holds(); got != want {
			t.Fatalf("of %d signatures the equation holds: %v, each by itself: %v; CMT_TEST_SEED=%d repeats it", len(claims), got, want, seed.First())
		}
	}
}

// A slot that another key took is not read for the one before it, and what is remembered is what was found.
func TestPointsAreTheirKeys(t *testing.T) {
	first := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	var p points
	var other [ed25519KeySize]byte
	copy(other[:], first)
	for form := 0; ; form++ { // keys with the same slot
		other[20], other[21] = byte(form), byte(form>>8)
		var point [3]curve.EdwardsPoint
		if bytes.Equal(other[:], first) || !setPoint(&point[0], other[:]) {
			continue
		}
		for _, key := range [][]byte{first, other[:], first, first} {
			if !setPoint(&point[1], key) || !p.find(&point[2], key) || point[1].Equal(&point[2]) != 1 {
				t.Fatalf("%x is remembered as another point", key)
			}
		}
		return
	}
}
