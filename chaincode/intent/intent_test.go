package intent_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	mathrand "math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/simulate/seed"
	"github.com/cybermiles/cmt/chaincode/spec"
)

var ledgerID = [16]byte{1, 2, 3}

// signer signs as a person's key does.
type signer struct {
	scheme spec.Scheme
	public []byte
	sign   func(message []byte) []byte
}

func ed25519Signer(t testing.TB) signer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{spec.Scheme_SCHEME_ED25519, public, func(message []byte) []byte { return ed25519.Sign(private, message) }}
}

func p256Signer(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := elliptic.MarshalCompressed(elliptic.P256(), key.X, key.Y)
	return signer{spec.Scheme_SCHEME_P256, public, func(message []byte) []byte {
		hash := sha256.Sum256(message)
		r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
		if err != nil {
			t.Fatal(err)
		}
		return intent.NormaliseP256(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}}
}

func payment() *spec.Call {
	return &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{
		Reference: "r1", To: spec.OrganisationAddress("ShopMSP").Bytes(), Amount: spec.CMT(3).Bytes(),
	}}
}

func (s signer) intent(t testing.TB, nonce uint64, call *spec.Call) *spec.SignedIntent {
	t.Helper()
	body, err := intent.Encode(nonce, 1_900_000_000, call)
	if err != nil {
		t.Fatal(err)
	}
	return &spec.SignedIntent{Intent: body, Scheme: s.scheme, PublicKey: s.public, Signature: s.sign(intent.Message(ledgerID, body))}
}

// neighbours are good intents, as many as it takes for another one's signature to be checked together with theirs.
var neighbours = sync.OnceValue(func() (good []*intent.Intent) {
	for range 4 {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		body, err := intent.Encode(1, 1_900_000_000, payment())
		if err != nil {
			panic(err)
		}
		in, err := intent.Decode(ledgerID, &spec.SignedIntent{
			Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: public, Signature: ed25519.Sign(private, intent.Message(ledgerID, body)),
		})
		if err != nil {
			panic(err)
		}
		good = append(good, in)
	}
	return good
})

// accepted reports whether an intent is taken, and checks that a batch with good neighbours and a single check agree.
func accepted(t testing.TB, signed *spec.SignedIntent) bool {
	t.Helper()
	company := neighbours()
	in, err := intent.Decode(ledgerID, signed)
	if err != nil {
		if code := spec.ErrorCode(err); code == spec.Internal {
			t.Fatalf("decoding: %v", err)
		}
		return false
	}
	alone := intent.Check([]*intent.Intent{in})[0] == nil
	refusals := intent.Check(append(append([]*intent.Intent{}, company...), in))
	for i := range company {
		if refusals[i] != nil {
			t.Fatalf("a good neighbour was refused: %v", refusals[i])
		}
	}
	if among := refusals[len(company)] == nil; among != alone {
		t.Fatalf("alone the signature of %x is %v, in a batch %v", signed.Intent, alone, among)
	}
	return alone
}

func TestSignedIntentsAreAccepted(t *testing.T) {
	for _, s := range []signer{ed25519Signer(t), p256Signer(t)} {
		signed := s.intent(t, 7, payment())
		in, err := intent.Decode(ledgerID, signed)
		if err != nil {
			t.Fatal(err)
		}
		actor, err := intent.Address(s.scheme, s.public)
		if err != nil || in.Actor != actor || in.Nonce != 7 || in.ValidUntil != 1_900_000_000 || !proto.Equal(in.Call.Command, payment().Command) {
			t.Errorf("%s: decoded %+v, %v", s.scheme, in, err)
		}
		if !accepted(t, signed) {
			t.Errorf("%s: the signature does not hold", s.scheme)
		}
	}
}

// Of a batch that processors share, each signature is checked by itself: who is refused is who did not sign, whatever the neighbours did.
func TestSharedChecksAgreeWithSingleOnes(t *testing.T) {
	const count = 1000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3)) // parts of more than one, wherever this runs
	random := mathrand.New(mathrand.NewPCG(seed.First(), 0))
	signers := []signer{ed25519Signer(t), ed25519Signer(t), p256Signer(t)}
	for _, forged := range []float64{0, 0.01, 0.3} {
		intents := make([]*intent.Intent, count)
		want := make([]bool, count)
		for i := range intents {
			if random.IntN(50) == 0 {
				continue // one whose form was refused
			}
			s := signers[random.IntN(len(signers))]
			signed := s.intent(t, uint64(i+1), payment())
			if want[i] = random.Float64() < forged; want[i] {
				signed.Signature[random.IntN(32)] ^= 1 << random.IntN(8)
			}
			in, err := intent.Decode(ledgerID, signed)
			if err != nil {
				t.Fatal(err)
			}
			intents[i] = in
		}
		for i, refusal := range intent.Check(intents) {
			if refused := refusal != nil; refused != want[i] {
				t.Errorf("of %v forged, intent %d is refused: %v, want %v; CMT_TEST_SEED=%d repeats it", forged, i, refused, want[i], seed.First())
			}
		}
	}
}

// What was signed for one ledger, by one key, is nothing on another, or for another's account.
func TestSignaturesAreBound(t *testing.T) {
	alice, bob := ed25519Signer(t), ed25519Signer(t)
	signed := alice.intent(t, 1, payment())
	other, err := intent.Decode([16]byte{9}, signed)
	if err != nil {
		t.Fatal(err)
	}
	if refusal := intent.Check([]*intent.Intent{other})[0]; refusal == nil || refusal.Code != spec.BadSignature {
		t.Errorf("on another ledger: %v", refusal)
	}
	stolen := proto.CloneOf(signed)
	stolen.PublicKey = bob.public
	if accepted(t, stolen) {
		t.Error("another's key passes for the signer's")
	}
	twin := p256Signer(t).intent(t, 1, payment())
	s := new(big.Int).SetBytes(twin.Signature[32:])
	twin.Signature = append(twin.Signature[:32:32], new(big.Int).Sub(elliptic.P256().Params().N, s).FillBytes(make([]byte, 32))...)
	if accepted(t, twin) {
		t.Error("a signature's twin with the upper s passes")
	}
}

func TestOtherFormsAreRefused(t *testing.T) {
	alice := ed25519Signer(t)
	body := alice.intent(t, 1, payment()).Intent
	sign := func(body []byte) *spec.SignedIntent {
		return &spec.SignedIntent{Intent: body, Scheme: alice.scheme, PublicKey: alice.public, Signature: alice.sign(intent.Message(ledgerID, body))}
	}
	if !accepted(t, sign(body)) {
		t.Fatal("the canonical form is refused")
	}
	nonce := func(nonce uint64) []byte {
		b, err := proto.Marshal(&spec.Intent{Nonce: nonce, ValidUntil: 1, Operation: 1, Command: []byte{}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	longNumber := append([]byte{0x08, 0x81, 0x00}, body[2:]...)
	for name, other := range map[string][]byte{
		"a byte behind":      append(bytes.Clone(body), 0),
		"an unknown field":   protowire.AppendVarint(protowire.AppendTag(bytes.Clone(body), 15, protowire.VarintType), 1),
		"a repeated field":   append(bytes.Clone(body), body[:2]...),
		"a field first last": append(bytes.Clone(body[2:]), body[:2]...),
		"a longer number":    longNumber,
		"cut short":          body[:len(body)-1],
		"nothing":            {},
		"nonce 0":            nonce(0),
		"nonce over 2^53":    nonce(1 << 53),
		"too large":          bytes.Repeat([]byte{0}, intent.MaxBytes+1),
	} {
		if accepted(t, sign(other)) {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, change := range map[string]func(*spec.SignedIntent){
		"no scheme":      func(s *spec.SignedIntent) { s.Scheme = 0 },
		"webauthn":       func(s *spec.SignedIntent) { s.Scheme = spec.Scheme_SCHEME_WEBAUTHN },
		"the other":      func(s *spec.SignedIntent) { s.Scheme = spec.Scheme_SCHEME_P256 },
		"a scheme of 99": func(s *spec.SignedIntent) { s.Scheme = 99 },
		"a short key":    func(s *spec.SignedIntent) { s.PublicKey = s.PublicKey[1:] },
		"a long key":     func(s *spec.SignedIntent) { s.PublicKey = append(bytes.Clone(s.PublicKey), 0) },
		"no signature":   func(s *spec.SignedIntent) { s.Signature = nil },
		"long signature": func(s *spec.SignedIntent) { s.Signature = append(bytes.Clone(s.Signature), 0) },
		"zero signature": func(s *spec.SignedIntent) { s.Signature = make([]byte, 64) },
		"s over the order": func(s *spec.SignedIntent) {
			s.Signature = bytes.Clone(s.Signature)
			s.Signature[63] |= 0xf0
		},
	} {
		changed := sign(body)
		change(changed)
		if accepted(t, changed) {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Small-order points are keys that sign everything; the encodings are those of RFC 8032's curve.
func TestSmallOrderPointsAreRefused(t *testing.T) {
	one := make([]byte, 32)
	one[0] = 1
	minusOne := append([]byte{0xec}, bytes.Repeat([]byte{0xff}, 31)...)
	minusOne[31] = 0x7f
	for _, point := range [][]byte{make([]byte, 32), one, minusOne} {
		body, err := intent.Encode(1, 1_900_000_000, payment())
		if err != nil {
			t.Fatal(err)
		}
		// R the point itself and s = 0 satisfies the cofactored equation for such a key.
		forged := &spec.SignedIntent{Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: point, Signature: append(bytes.Clone(point), make([]byte, 32)...)}
		if accepted(t, forged) {
			t.Errorf("the key %x signs anything", point)
		}
	}
}

func TestOrganisationsOperationsAreNoIntents(t *testing.T) {
	for i := range spec.Operations {
		op := &spec.Operations[i]
		if op.Number != 0 {
			if op.Kind != spec.Write || op.Role != 0 || spec.FindNumber(op.Number) != op {
				t.Errorf("%s has the number %d", op.FullName(), op.Number)
			}
			continue
		}
		if _, err := intent.Encode(1, 1, &spec.Call{Operation: op, Command: op.Command}); spec.ErrorCode(err) != spec.NotAnIntent {
			t.Errorf("%s: %v", op.FullName(), err)
		}
	}
}

// No change of any part of a signed intent is accepted: bits flipped, bytes put in, taken out or swapped.
func TestMutatedIntentsAreRefused(t *testing.T) {
	count := 20_000
	if seed.Times(1) > 1 {
		count = 1_000_000
	}
	random := mathrand.New(mathrand.NewPCG(seed.First(), 1))
	signers := []signer{ed25519Signer(t), p256Signer(t)}
	originals := []*spec.SignedIntent{signers[0].intent(t, 3, payment()), signers[1].intent(t, 3, payment())}
	for range count {
		changed := proto.CloneOf(originals[random.IntN(len(originals))])
		part := []*[]byte{&changed.Intent, &changed.PublicKey, &changed.Signature}[random.IntN(3)]
		before := bytes.Clone(*part)
		*part = mutate(random, *part)
		if bytes.Equal(before, *part) {
			continue
		}
		if accepted(t, changed) {
			t.Fatalf("accepted: %x became %x; CMT_TEST_SEED=%d repeats it", before, *part, seed.First())
		}
	}
}

func mutate(random *mathrand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(b))
		switch random.IntN(5) {
		case 0, 1:
			b[at] ^= 1 << random.IntN(8)
		case 2:
			b = append(b[:at:at], append([]byte{byte(random.Uint32())}, b[at:]...)...)
		case 3:
			if len(b) > 1 {
				b = append(b[:at:at], b[at+1:]...)
			}
		case 4:
			other := random.IntN(len(b))
			b[at], b[other] = b[other], b[at]
		}
	}
	return b
}

func FuzzDecode(f *testing.F) {
	s := ed25519Signer(f)
	f.Add(s.intent(f, 1, payment()).Intent)
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := intent.Decode(ledgerID, &spec.SignedIntent{Intent: body, Scheme: s.scheme, PublicKey: s.public, Signature: make([]byte, 64)})
		if err != nil {
			return
		}
		again, err := intent.Encode(in.Nonce, in.ValidUntil, in.Call)
		if err != nil || !bytes.Equal(again, body) {
			t.Errorf("%x is another form of %x (%v)", body, again, err)
		}
	})
}

func BenchmarkCheck1(b *testing.B)    { benchmarkCheck(b, 1, 1) }
func BenchmarkCheck4(b *testing.B)    { benchmarkCheck(b, 4, 1) }
func BenchmarkCheck500(b *testing.B)  { benchmarkCheck(b, 500, 1) }
func BenchmarkCheckMost(b *testing.B) { benchmarkCheck(b, spec.MaxBatchIntents, 1) }

// BenchmarkCheckThree has three intents of each person, as a circle's are.
func BenchmarkCheckThree(b *testing.B) { benchmarkCheck(b, spec.MaxBatchIntents, 3) }

// benchmarkCheck checks signatures of people who signed before.
func benchmarkCheck(b *testing.B, count, each int) {
	intents := make([]*intent.Intent, count)
	var s signer
	for i := range intents {
		if i%each == 0 {
			s = ed25519Signer(b)
		}
		in, err := intent.Decode(ledgerID, s.intent(b, uint64(i+1), payment()))
		if err != nil {
			b.Fatal(err)
		}
		intents[i] = in
	}
	for b.Loop() {
		for _, refusal := range intent.Check(intents) {
			if refusal != nil {
				b.Fatal(refusal)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*count), "µs/signature")
}

func BenchmarkDecode(b *testing.B) {
	signed := ed25519Signer(b).intent(b, 1, payment())
	for b.Loop() {
		if _, err := intent.Decode(ledgerID, signed); err != nil {
			b.Fatal(err)
		}
	}
}

// The largest payout fits into an intent, and hardly more would.
func TestLargestPayoutFits(t *testing.T) {
	command := &spec.Payout{Reference: strings.Repeat("r", 64), Memo: strings.Repeat("m", 64)}
	for i := range 500 {
		to := spec.KeyAddress("ed25519", []byte{byte(i), byte(i >> 8)})
		command.Payments = append(command.Payments, &spec.Payment{To: to.Bytes(), Amount: spec.Cap.Bytes()})
	}
	body, err := intent.Encode(1<<53-1, 1<<40, &spec.Call{Operation: spec.Find("token:Payout"), Command: command})
	if err != nil || len(body) > intent.MaxBytes || len(body) < intent.MaxBytes-1024 {
		t.Errorf("the largest payout has %d bytes of %d, %v", len(body), intent.MaxBytes, err)
	}
	if text, err := spec.EncodeJSON(command); err != nil || len(text) > spec.MaxCommandBytes {
		t.Errorf("as a call it has %d bytes of %d, %v", len(text), spec.MaxCommandBytes, err)
	}
}
