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

// Person is a key and what it has done so far. It has no pointers: a million of them are nothing that the collector of garbage follows, whose
// work would be taken for the gateway's.
type Person struct {
	key     [ed25519.PrivateKeySize]byte
	Address spec.Address
	nonce   uint64
	// Busy: one of its intents is on its way.
	Busy bool
}

// NewPerson returns the n-th person of a network.
func NewPerson(ledgerID [16]byte, n int) (*Person, error) {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64(ledgerID[:], uint64(n)))
	p := &Person{key: [ed25519.PrivateKeySize]byte(ed25519.NewKeyFromSeed(seed[:]))}
	var err error
	p.Address, err = intent.Address(spec.Scheme_SCHEME_ED25519, p.public())
	return p, err
}

// public is the key's second half (RFC 8032, 5.1.5, as Go's crypto/ed25519 keeps it).
func (p *Person) public() []byte { return p.key[ed25519.PrivateKeySize-ed25519.PublicKeySize:] }

// SignAgain makes an intent of another call under the nonce that the person used last: one of the two can happen.
func (p *Person) SignAgain(ledgerID [16]byte, call *spec.Call) (*spec.SignedIntent, error) {
	p.nonce--
	return p.Sign(ledgerID, call)
}

// Sign makes an intent of a call under the person's next nonce.
func (p *Person) Sign(ledgerID [16]byte, call *spec.Call) (*spec.SignedIntent, error) {
	p.nonce++
	body, err := intent.Encode(p.nonce, time.Now().Add(validFor).Unix(), call)
	if err != nil {
		return nil, err
	}
	return &spec.SignedIntent{
		Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: p.public(), Signature: ed25519.Sign(p.key[:], intent.Message(ledgerID, body)),
		Hints: call.Hints,
	}, nil
}
