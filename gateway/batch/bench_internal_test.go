package batch

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// BenchmarkQueue1000 takes 1,000 payments in, makes a batch of them and screens and encodes it: what the carrying gateway
// does itself, without read model and Fabric.
func BenchmarkQueue1000(b *testing.B) {
	const size = 1000
	ledgerID := [16]byte{1}
	witness := NewWitness()
	witness.SetHome(1)
	signed := make([]*spec.SignedIntent, size)
	for i := range signed {
		seed := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
		key := ed25519.NewKeyFromSeed(seed[:])
		public := key.Public().(ed25519.PublicKey)
		to := spec.KeyAddress("ed25519", seed[:])
		witness.learn(to, 1)
		body, err := intent.Encode(1, time.Now().Add(time.Hour).Unix(), &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{To: to.Bytes(), Amount: spec.CMT(2).Bytes()}})
		if err != nil {
			b.Fatal(err)
		}
		signed[i] = &spec.SignedIntent{Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: public, Signature: ed25519.Sign(key, intent.Message(ledgerID, body))}
	}
	for b.Loop() {
		batcher := New(Options{Parameters: Parameters{LedgerID: ledgerID}}, nil, nil, witness)
		for _, one := range signed {
			if _, err := batcher.enter(one, false); err != nil {
				b.Fatal(err)
			}
		}
		f, _ := batcher.next(time.Now())
		if len(f.intents) != size {
			b.Fatal(len(f.intents))
		}
		if good := screen(f.intents, &landing{}); len(good) != size {
			b.Fatal(len(good))
		} else if _, err := encode(good); err != nil {
			b.Fatal(err)
		}
		batcher.queue.release(f.keys)
	}
}
