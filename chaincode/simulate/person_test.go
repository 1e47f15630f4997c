package simulate_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// person is somebody with a key and no organisation. Keys are made of names and signatures of keys, without chance, so that a
// seed repeats them.
type person struct {
	scheme  spec.Scheme
	public  []byte
	sign    func(message []byte) []byte
	address spec.Address
	// nonce is the last one used.
	nonce uint64
}

func newPerson(name string, scheme spec.Scheme) *person {
	p := &person{scheme: scheme}
	secret := sha256.Sum256([]byte(name))
	if scheme == spec.Scheme_SCHEME_P256 {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:])
		if err != nil {
			panic(err)
		}
		p.public, p.sign = compressed(key), func(message []byte) []byte { return signP256(key, message) }
	} else {
		key := ed25519.NewKeyFromSeed(secret[:])
		p.public, p.sign = key[ed25519.SeedSize:], func(message []byte) []byte { return ed25519.Sign(key, message) }
	}
	var err error
	if p.address, err = intent.Address(scheme, p.public); err != nil {
		panic(err)
	}
	return p
}

func compressed(key *ecdsa.PrivateKey) []byte {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return append([]byte{2 + point[64]&1}, point[1:33]...)
}

func signP256(key *ecdsa.PrivateKey, message []byte) []byte {
	digest := sha256.Sum256(message)
	der, err := key.Sign(nil, digest[:], crypto.SHA256) // RFC 6979
	if err != nil {
		panic(err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		panic(err)
	}
	return intent.NormaliseP256(append(pair.R.FillBytes(make([]byte, 32)), pair.S.FillBytes(make([]byte, 32))...))
}

// crowdOf returns so many persons, half of them with each kind of key.
func crowdOf(n int) []*person {
	persons := make([]*person, n)
	for i := range persons {
		persons[i] = newPerson(fmt.Sprintf("person %d", i), []spec.Scheme{spec.Scheme_SCHEME_ED25519, spec.Scheme_SCHEME_P256}[i%2])
	}
	return persons
}

// signs is an intent with its signature.
func (p *person) signs(nonce uint64, validUntil int64, function string, command proto.Message) *spec.SignedIntent {
	body, err := intent.Encode(nonce, validUntil, &spec.Call{Operation: spec.Find(function), Command: command})
	if err != nil {
		panic(fmt.Sprintf("%s has no canonical form: %v", function, err))
	}
	return &spec.SignedIntent{Intent: body, Scheme: p.scheme, PublicKey: p.public, Signature: p.sign(intent.Message(ledgerID, body))}
}

// pays is an intent that pays under the person's next nonce, for an hour.
func (b *bazaar) pays(p *person, to spec.Address, cmt uint32) *spec.SignedIntent {
	p.nonce++
	return p.signs(p.nonce, b.Now()+3600, "token:Transfer", &spec.Transfer{To: to.Bytes(), Amount: spec.CMT(cmt).Bytes()})
}

// batchOf is the argument that carries intents.
func batchOf(intents ...*spec.SignedIntent) []byte {
	argument, err := proto.MarshalOptions{Deterministic: true}.Marshal(&spec.Batch{Intents: intents})
	if err != nil {
		panic(err)
	}
	return argument
}

// carry has a batch endorsed by peers that are all up to date.
func (b *bazaar) carry(mspID string, intents ...*spec.SignedIntent) *simulate.Envelope {
	b.t.Helper()
	for _, peer := range b.Peers() {
		peer.CatchUp()
	}
	envelope, err := b.Endorse(b.Client(mspID, 0).ProposeRaw(spec.BatchFunction, batchOf(intents...)))
	if err != nil {
		b.t.Fatalf("a batch by %s: %v", mspID, err)
	}
	return envelope
}

// fundPerson gives a person money in its account.
func (b *bazaar) fundPerson(p *person, cmt uint32) {
	b.t.Helper()
	reference := fmt.Sprintf("fund-%d", b.Height())
	payment := b.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: reference, To: p.address.Bytes(), Amount: spec.CMT(cmt).Bytes()}, nil)
	p.nonce++
	sweep := p.signs(p.nonce, b.Now()+60, "token:Sweep", &spec.Sweep{})
	sweep.Hints = &spec.Hints{Credits: [][]byte{spec.CreditName{Tx: [20]byte(payment.Proposal.ID[:20])}.Bytes()}}
	swept := b.carry(operator, sweep)
	b.Submit(swept)
	b.cut()
	b.expect("the sweep", swept, simulate.Valid)
	b.answers(swept)
}

// account returns what a person's account is now.
func (b *bazaar) account(p *person) ledger.Account {
	account, _ := b.auditor.Record(ledger.AccountKey(p.address)).(ledger.Account)
	return account
}

// credits returns what lies in an address's open credits, and in how many.
func (b *bazaar) openCredits(of spec.Address) (sum spec.Amount, count int) {
	b.t.Helper()
	for _, pair := range b.Pairs(b.Height()) {
		key, record := b.parse(pair)
		if credit, ok := record.(ledger.Credit); ok && key.Parent == string(of.Bytes()) {
			sum, _ = sum.Add(credit.Amount)
			count++
		}
	}
	return sum, count
}

// refusalsOf returns what a batch's answer says of each intent, "" for those that happened.
func refusalsOf(envelope *simulate.Envelope) []spec.Code {
	var result spec.BatchResult
	if err := spec.DecodeJSON(envelope.Result, &result); err != nil {
		panic(err)
	}
	codes := make([]spec.Code, result.Count)
	for _, refusal := range result.Refusals {
		codes[refusal.Index] = spec.Code(refusal.Code)
	}
	return codes
}

// answers checks which intents of a batch were refused, and why.
func (b *bazaar) answers(envelope *simulate.Envelope, refusals ...spec.Code) {
	b.t.Helper()
	got := refusalsOf(envelope)
	for len(refusals) < len(got) {
		refusals = append(refusals, "")
	}
	if !slices.Equal(got, refusals) {
		b.t.Errorf("the batch was answered with %q, want %q", got, refusals)
	}
}
