package intent

import (
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Check returns, for each intent, the refusal of a signature that does not hold, or nil. A nil intent is passed over. All
// Ed25519 signatures are checked in one batch; only when that fails is each looked at by itself.
func Check(intents []*Intent) []*spec.Error {
	refusals := make([]*spec.Error, len(intents))
	batch := ed25519.NewBatchVerifierWithCapacity(len(intents))
	var batched []int
	for i, in := range intents {
		switch {
		case in == nil:
		case in.signed.Scheme == spec.Scheme_SCHEME_ED25519:
			batch.AddWithOptions(in.signed.PublicKey, in.message, in.signed.Signature, ed25519Options)
			batched = append(batched, i)
		case !verifyP256(in.signed.PublicKey, in.message, in.signed.Signature):
			refusals[i] = badSignature(in)
		}
	}
	if len(batched) == 0 {
		return refusals
	}
	if all, each := batch.Verify(nil); !all {
		for n, i := range batched {
			if !each[n] {
				refusals[i] = badSignature(intents[i])
			}
		}
	}
	return refusals
}

func badSignature(in *Intent) *spec.Error {
	return spec.FieldErrorf(spec.BadSignature, "signature", "is not %s's over this intent on this ledger", in.Actor)
}
