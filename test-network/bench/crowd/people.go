package crowd

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

// Person is a key and what it has done so far.
type Person struct {
	key     ed25519.PrivateKey
	Address spec.Address
	nonce   uint64
	// Busy: one of its intents is on its way.
	Busy bool
}

// NewPerson returns the n-th person of a network.
func NewPerson(ledgerID [16]byte, n int) (*Person, error) {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64(ledgerID[:], uint64(n)))
	p := &Person{key: ed25519.NewKeyFromSeed(seed[:])}
	var err error
	p.Address, err = intent.Address(spec.Scheme_SCHEME_ED25519, p.public())
	return p, err
}

func (p *Person) public() []byte { return p.key.Public().(ed25519.PublicKey) }

// Reuse has the next intent bear the nonce of the last.
func (p *Person) Reuse() { p.nonce-- }

// Sign makes an intent of a call under the person's next nonce.
func (p *Person) Sign(ledgerID [16]byte, call *spec.Call) (*spec.SignedIntent, error) {
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
