package intent

import (
	"bytes"
	"runtime"
	"slices"
	"sync"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Check returns, for each intent, the refusal of a signature that does not hold, or nil. A nil intent is passed over. The discounts in
// the intents are checked with them: a call says what its discount says when that one's signature holds; the rules refuse it else.
func Check(intents []*Intent) []*spec.Error {
	claims := make([]claim, 0, len(intents))
	// tell says what becomes of each claim.
	tell := make([]func(holds bool), 0, len(intents))
	refusals := make([]*spec.Error, len(intents))
	for i, in := range intents {
		if in == nil {
			continue
		}
		claims = append(claims, claim{in.signed.Scheme, in.signed.PublicKey, in.message, in.signed.Signature})
		tell = append(tell, func(holds bool) {
			if !holds {
				refusals[i] = badSignature(in)
			}
		})
		if d := in.discount; d != nil {
			claims = append(claims, d.claim())
			tell = append(tell, func(holds bool) {
				if holds {
					in.Call.Discount = d.SellersDiscount
				}
			})
		}
	}
	for n, holds := range verify(claims) {
		tell[n](holds)
	}
	return refusals
}

func badSignature(in *Intent) *spec.Error {
	return spec.FieldErrorf(spec.BadSignature, "signature", "is not %s's over this intent on this ledger", in.Actor)
}

// claim is that a key signed a message.
type claim struct {
	scheme                  spec.Scheme
	key, message, signature []byte
}

func (c claim) holds() bool {
	if c.scheme == spec.Scheme_SCHEME_ED25519 {
		return ed25519.VerifyWithOptions(c.key, c.message, c.signature, ed25519Options)
	}
	return verifyP256(c.key, c.message, c.signature)
}

// leastPart is how many claims a processor gets at least: in a small batch each signature costs more.
const leastPart = 256

// leastEquation is from how many Ed25519 signatures on one equation is cheaper than each by itself.
const leastEquation = 4

// known has the keys that signed lately.
var known points

// verify reports which claims hold: all processors take a part, as large as the others'. The signatures of one key come to one part,
// where they cost less, but for a key at the border of two.
func verify(claims []claim) []bool {
	holds := make([]bool, len(claims))
	var together, single []int
	for n, c := range claims {
		if c.scheme == spec.Scheme_SCHEME_ED25519 {
			together = append(together, n)
		} else {
			single = append(single, n)
		}
	}
	slices.SortFunc(together, func(a, b int) int { return bytes.Compare(claims[a].key, claims[b].key) })
	parts := max(1, min(runtime.GOMAXPROCS(0), len(claims)/leastPart))
	part := func(places []int, p int) []int { return places[p*len(places)/parts : (p+1)*len(places)/parts] }
	var work sync.WaitGroup
	for p := range parts {
		work.Go(func() { //determinism:joined each part has its own claims, and all are waited for
			verifyTogether(claims, part(together, p), holds)
			verifySingly(claims, part(single, p), holds)
		})
	}
	work.Wait()
	return holds
}

// verifyTogether says which of the Ed25519 claims at the places hold, by one equation; only when that does not is each looked at by itself.
func verifyTogether(claims []claim, places []int, holds []bool) {
	if len(places) < leastEquation {
		verifySingly(claims, places, holds)
		return
	}
	e := newEquation(&known, len(places))
	added := make([]int, 0, len(places))
	for _, n := range places {
		if e.add(claims[n]) {
			added = append(added, n)
		}
	}
	if !e.holds() {
		verifySingly(claims, added, holds)
		return
	}
	for _, n := range added {
		holds[n] = true
	}
}

func verifySingly(claims []claim, places []int, holds []bool) {
	for _, n := range places {
		holds[n] = claims[n].holds()
	}
}
