package intent

import (
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Check returns, for each intent, the refusal of a signature that does not hold, or nil. A nil intent is passed over. All
// Ed25519 signatures are checked in one batch, those of the discounts in the intents among them; only when that fails is each looked
// at by itself. A call says what its discount says when that one's signature holds; the rules refuse it else.
func Check(intents []*Intent) []*spec.Error {
	refusals := make([]*spec.Error, len(intents))
	batch := ed25519.NewBatchVerifierWithCapacity(len(intents))
	// batched says what each signature in the batch is for.
	var batched []func(holds bool)
	check := func(scheme spec.Scheme, key, message, signature []byte, tell func(holds bool)) {
		if scheme == spec.Scheme_SCHEME_ED25519 {
			batch.AddWithOptions(key, message, signature, ed25519Options)
			batched = append(batched, tell)
			return
		}
		tell(verifyP256(key, message, signature))
	}
	for i, in := range intents {
		if in == nil {
			continue
		}
		check(in.signed.Scheme, in.signed.PublicKey, in.message, in.signed.Signature, func(holds bool) {
			if !holds {
				refusals[i] = badSignature(in)
			}
		})
		if d := in.discount; d != nil {
			check(d.signed.Scheme, d.signed.PublicKey, d.message, d.signed.Signature, func(holds bool) {
				if holds {
					in.Call.Discount = d.SellersDiscount
				}
			})
		}
	}
	if len(batched) == 0 {
		return refusals
	}
	all, each := batch.Verify(nil)
	for n, tell := range batched {
		tell(all || each[n])
	}
	return refusals
}

func badSignature(in *Intent) *spec.Error {
	return spec.FieldErrorf(spec.BadSignature, "signature", "is not %s's over this intent on this ledger", in.Actor)
}
