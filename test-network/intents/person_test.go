//go:build network

package intents

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// person is somebody with a key and no organisation.
type person struct {
	scheme  spec.Scheme
	public  []byte
	sign    func(message []byte) []byte
	address spec.Address
	nonce   uint64
}

func newPerson(t *testing.T, scheme spec.Scheme) *person {
	t.Helper()
	p := &person{scheme: scheme}
	if scheme == spec.Scheme_SCHEME_P256 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		p.public, p.sign = append([]byte{2 + point[64]&1}, point[1:33]...), func(message []byte) []byte { return signP256(key, message) }
	} else {
		public, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p.public, p.sign = public, func(message []byte) []byte { return ed25519.Sign(key, message) }
	}
	var err error
	if p.address, err = intent.Address(scheme, p.public); err != nil {
		t.Fatal(err)
	}
	testnet.knows(p.address)
	return p
}

func signP256(key *ecdsa.PrivateKey, message []byte) []byte {
	digest := sha256.Sum256(message)
	der, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		panic(err)
	}
	return intent.NormaliseP256(append(pair.R.FillBytes(make([]byte, 32)), pair.S.FillBytes(make([]byte, 32))...))
}

// crowd returns so many persons, half of them with each kind of key, who have so many CMT each in one credit.
func crowd(t *testing.T, n int, cmt uint32) []*person {
	t.Helper()
	hub := newPerson(t, spec.Scheme_SCHEME_ED25519)
	paid := testnet.members["fivemiles"].call(t, "token:Transfer", "", &spec.Transfer{Reference: reference(), To: hub.address.Bytes(), Amount: spec.CMT(cmt * uint32(n)).Bytes()})
	persons := make([]*person, n)
	intents := []*spec.SignedIntent{withCredit(hub.next("token:Sweep", &spec.Sweep{}), paid)}
	for i := range persons {
		persons[i] = newPerson(t, []spec.Scheme{spec.Scheme_SCHEME_ED25519, spec.Scheme_SCHEME_P256}[i%2])
		intents = append(intents, hub.pays(persons[i].address, cmt))
	}
	testnet.members["fivemiles"].carries(t, intents...).happen()
	return persons
}

// rich is crowd for one, whose money lies in the account.
func rich(t *testing.T, scheme spec.Scheme, cmt uint32) *person {
	t.Helper()
	p := newPerson(t, scheme)
	paid := testnet.members["fivemiles"].call(t, "token:Transfer", "", &spec.Transfer{Reference: reference(), To: p.address.Bytes(), Amount: spec.CMT(cmt).Bytes()})
	testnet.members["merchant1"].carries(t, withCredit(p.next("token:Sweep", &spec.Sweep{}), paid)).happen()
	return p
}

// withCredit hints at the first credit that a transaction gave.
func withCredit(in *spec.SignedIntent, transaction string) *spec.SignedIntent {
	in.Hints = &spec.Hints{Credits: [][]byte{creditOf(transaction)}}
	return in
}

// signsFor is an intent that a key signs for a ledger.
func (p *person) signsFor(ledgerID [16]byte, nonce uint64, until time.Time, function string, command proto.Message) *spec.SignedIntent {
	body, err := intent.Encode(nonce, until.Unix(), &spec.Call{Operation: spec.Find(function), Command: command})
	if err != nil {
		panic(err)
	}
	return &spec.SignedIntent{Intent: body, Scheme: p.scheme, PublicKey: p.public, Signature: p.sign(intent.Message(ledgerID, body))}
}

// signs is an intent for this ledger, for an hour.
func (p *person) signs(nonce uint64, function string, command proto.Message) *spec.SignedIntent {
	return p.signsFor(testnet.ledgerID, nonce, time.Now().Add(time.Hour), function, command)
}

// next is signs with the next nonce.
func (p *person) next(function string, command proto.Message) *spec.SignedIntent {
	p.nonce++
	return p.signs(p.nonce, function, command)
}

func (p *person) pays(to spec.Address, cmt uint32) *spec.SignedIntent {
	return p.next("token:Transfer", payment(to, cmt))
}

func payment(to spec.Address, cmt uint32) *spec.Transfer {
	return &spec.Transfer{To: to.Bytes(), Amount: spec.CMT(cmt).Bytes()}
}

// has returns all that an account has.
func has(t *testing.T, of spec.Address) spec.Amount {
	t.Helper()
	sum, err := testnet.balance(short(t), of)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func wantHas(t *testing.T, who string, of spec.Address, want spec.Amount) {
	t.Helper()
	if got := has(t, of); got != want {
		t.Errorf("%s has %s CMT, want %s", who, got, want)
	}
}

// shop is a fresh account that only receives.
func shop(t *testing.T) spec.Address {
	t.Helper()
	return newPerson(t, spec.Scheme_SCHEME_ED25519).address
}

// carriage is a carried or endorsed batch and what the chaincode says of it.
type carriage struct {
	t           *testing.T
	by          *member
	transaction *client.Transaction
	refusals    []spec.Code
}

// endorses has a batch endorsed and does not send it.
func (m *member) endorses(t *testing.T, intents ...*spec.SignedIntent) *carriage {
	t.Helper()
	argument, err := proto.Marshal(&spec.Batch{Intents: intents})
	if err != nil {
		t.Fatal(err)
	}
	transaction, err := m.endorse(short(t), spec.BatchFunction, argument)
	if err != nil {
		t.Fatalf("a batch by %s: %v", m.mspID, err)
	}
	var result spec.BatchResult
	if err := spec.DecodeJSON(transaction.Result(), &result); err != nil {
		t.Fatal(err)
	}
	b := &carriage{t, m, transaction, make([]spec.Code, result.Count)}
	for _, refusal := range result.Refusals {
		b.refusals[refusal.Index] = spec.Code(refusal.Code)
	}
	return b
}

// sent sends the batch and checks how it is judged.
func (b *carriage) sent(want peer.TxValidationCode) *carriage {
	b.t.Helper()
	if code, err := b.by.commit(short(b.t), b.transaction); err != nil || code != want {
		b.t.Fatalf("a batch by %s is %v, %v; want %v", b.by.mspID, code, err, want)
	}
	return b
}

// carries endorses and sends a batch that must be valid.
func (m *member) carries(t *testing.T, intents ...*spec.SignedIntent) *carriage {
	t.Helper()
	return m.endorses(t, intents...).sent(peer.TxValidationCode_VALID)
}

// happen checks which intents were refused, and why; those not named happened.
func (b *carriage) happen(refusals ...spec.Code) {
	b.t.Helper()
	for len(refusals) < len(b.refusals) {
		refusals = append(refusals, "")
	}
	if !slices.Equal(b.refusals, refusals) {
		b.t.Fatalf("a batch by %s was answered with %q, want %q", b.by.mspID, b.refusals, refusals)
	}
}

// wait waits until a time has come.
func wait(t *testing.T, at time.Time) {
	t.Helper()
	ctx, cancel := context.WithDeadline(context.Background(), at)
	defer cancel()
	<-ctx.Done()
}

// upper is the other s of a P-256 signature.
func upper(s []byte) []byte {
	return new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(s)).FillBytes(make([]byte, 32))
}
