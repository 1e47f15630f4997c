package intent

import (
	"runtime"
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

// verify reports which claims hold: all processors take a part, as large as the others'.
func verify(claims []claim) []bool {
	holds := make([]bool, len(claims))
	parts := max(1, min(runtime.GOMAXPROCS(0), len(claims)/leastPart))
	var work sync.WaitGroup
	for p := range parts {
		from, to := p*len(claims)/parts, (p+1)*len(claims)/parts
		work.Go(func() { verifyPart(claims[from:to], holds[from:to]) }) //determinism:joined each part has its own claims, and all are waited for
	}
	work.Wait()
	return holds
}

// verifyPart checks all Ed25519 signatures in one batch; only when that fails is each looked at by itself.
func verifyPart(claims []claim, holds []bool) {
	batch := ed25519.NewBatchVerifierWithCapacity(len(claims))
	var batched []int
	for n, c := range claims {
		if c.scheme != spec.Scheme_SCHEME_ED25519 {
			holds[n] = c.holds()
			continue
		}
		batch.AddWithOptions(c.key, c.message, c.signature, ed25519Options)
		batched = append(batched, n)
	}
	if len(batched) == 0 {
		return
	}
	all, each := batch.Verify(nil)
	for k, n := range batched {
		holds[n] = all || each[k]
	}
}
