package payments

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// validFor is how long an intent may be carried.
const validFor = time.Hour

// person is a key and what it has done so far.
type person struct {
	key     ed25519.PrivateKey
	address spec.Address
	nonce   uint64
	// busy: one of its intents is on its way.
	busy bool
}

// newPerson returns the n-th person of a network.
func newPerson(ledgerID [16]byte, n int) (*person, error) {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64(ledgerID[:], uint64(n)))
	p := &person{key: ed25519.NewKeyFromSeed(seed[:])}
	var err error
	p.address, err = intent.Address(spec.Scheme_SCHEME_ED25519, p.public())
	return p, err
}

func (p *person) public() []byte { return p.key.Public().(ed25519.PublicKey) }

// sign makes an intent of a call under the person's next nonce.
func (p *person) sign(ledgerID [16]byte, call *spec.Call) (*spec.SignedIntent, error) {
	p.nonce++
	body, err := intent.Encode(p.nonce, time.Now().Add(validFor).Unix(), call)
	if err != nil {
		return nil, err
	}
	return &spec.SignedIntent{
		Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: p.public(), Signature: ed25519.Sign(p.key, intent.Message(ledgerID, body)),
		Hints: call.Hints,
	}, nil
}
