package door_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/door"
	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

const (
	now      = 1_800_000_000
	relayMSP = "RelayMSP"
)

var (
	ledgerID = [16]byte{7}
	byRelay  = ledger.Transaction{ID: sha256.Sum256(nil), Time: now, MSPID: relayMSP, IsClient: true}
)

// signer is a key and its account.
type signer struct {
	key     ed25519.PrivateKey
	address spec.Address
}

func newSigner(name string) signer {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	address, err := intent.Address(spec.Scheme_SCHEME_ED25519, key.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	return signer{key, address}
}

func (s signer) signs(nonce uint64, command proto.Message, function string) *spec.SignedIntent {
	body, err := intent.Encode(nonce, now, &spec.Call{Operation: spec.Find(function), Command: command})
	if err != nil {
		panic(err)
	}
	return &spec.SignedIntent{
		Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: s.key.Public().(ed25519.PublicKey),
		Signature: ed25519.Sign(s.key, intent.Message(ledgerID, body)),
	}
}

func (s signer) pays(nonce uint64, cmt uint32) *spec.SignedIntent {
	return s.signs(nonce, &spec.Transfer{To: spec.OrganisationAddress(relayMSP).Bytes(), Amount: spec.CMT(cmt).Bytes()}, "token:Transfer")
}

// begun is a ledger on which the signers have 10 CMT each.
func begun(signers ...signer) memory {
	m := memory{}
	put := func(key ledger.Key, record ledger.Record) { m[state.FormatKey(key)] = state.EncodeRecord(record) }
	put(ledger.ParametersKey(), ledger.Parameters{
		LedgerID: ledgerID, FeeAccount: spec.OrganisationAddress(relayMSP), Treasury: spec.OrganisationAddress(relayMSP),
		CreditMinimum: spec.Units(1), ShipSeconds: 60, ReleaseSeconds: 60, ProtectionSeconds: 600, FenceEpochSeconds: 300, FenceGraceSeconds: 120, HoldSeconds: 600, ReturnSeconds: 60, AuctionSeconds: 600, AuctionExtensionSeconds: 30,
	})
	put(ledger.MemberKey(relayMSP), ledger.Member{MSPID: relayMSP})
	put(ledger.AccountKey(spec.OrganisationAddress(relayMSP)), ledger.Account{Balance: spec.CMT(10)})
	for _, s := range signers {
		put(ledger.AccountKey(s.address), ledger.Account{Balance: spec.CMT(10)})
	}
	return m
}

func encode(intents ...*spec.SignedIntent) []byte {
	argument, err := proto.Marshal(&spec.Batch{Intents: intents})
	if err != nil {
		panic(err)
	}
	return argument
}

// execute runs a function and returns its writes, its answer, and the refusal of the whole.
func execute(t *testing.T, m memory, tx ledger.Transaction, function string, argument []byte) ([]ledger.Write, []byte, spec.Code) {
	t.Helper()
	writes, result, err := door.Execute(state.Reader{Stub: m}, tx, function, argument)
	if err == nil {
		return writes, result, ""
	}
	var refusal *spec.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%s: %v is no refusal", function, err)
	}
	if len(writes) > 0 || result != nil {
		t.Errorf("%s was refused with %d writes and the answer %q", function, len(writes), result)
	}
	return nil, nil, refusal.Code
}

func TestCallDoor(t *testing.T) {
	m := begun()
	pay := fmt.Sprintf(`{"reference":"r","to":"%s","amount":"1"}`, newSigner("anna").address)
	writes, result, code := execute(t, m, byRelay, "token:Transfer", []byte(pay))
	if code != "" || len(writes) != 3 || !json.Valid(result) {
		t.Errorf("a payment: %d writes, %q, %q", len(writes), result, code)
	}
	writes, result, code = execute(t, m, byRelay, "consortium:GetMember", []byte(`{"msp_id":"RelayMSP"}`))
	if code != "" || len(writes) != 0 || !json.Valid(result) {
		t.Errorf("a query: %d writes, %q, %q", len(writes), result, code)
	}
	for _, row := range []struct {
		function, argument string
		code               spec.Code
	}{
		{"", "{}", spec.UnknownOperation},
		{"token:transfer", "{}", spec.UnknownOperation},
		{"batch:execute", "{}", spec.UnknownOperation},
		{"batch:Execute ", "{}", spec.UnknownOperation},
		{"token:Transfer", "", spec.Malformed},
		{"token:Transfer", "\x00\xff", spec.Malformed},
		{"token:Transfer", `{"x":1}`, spec.UnknownField},
		{"token:Transfer", `{` + strings.Repeat(" ", spec.MaxCommandBytes) + `}`, spec.BodyTooLarge},
		// The first door takes no bytes of the second.
		{"token:Transfer", string(encode(newSigner("anna").pays(1, 1))), spec.Malformed},
	} {
		if _, _, code := execute(t, m, byRelay, row.function, []byte(row.argument)); code != row.code {
			t.Errorf("%q with %.20q: %q, want %q", row.function, row.argument, code, row.code)
		}
	}
}

func TestBatchBounds(t *testing.T) {
	anna := newSigner("anna")
	m := begun(anna)
	hinted := func(credits int) *spec.SignedIntent {
		in := anna.pays(1, 1)
		in.Hints = &spec.Hints{Credits: make([][]byte, credits)}
		return in
	}
	many := func(n int) []byte {
		intents := make([]*spec.SignedIntent, n)
		for i := range intents {
			intents[i] = &spec.SignedIntent{}
		}
		return encode(intents...)
	}
	// An unknown field fills a batch up to any size.
	filled := func(size int) []byte {
		one := encode(anna.pays(1, 1))
		padding := size - len(one) - 4
		return append(append(one, 0x7a, byte(padding&0x7f|0x80), byte(padding>>7&0x7f|0x80), byte(padding>>14)), make([]byte, padding)...)
	}
	for name, row := range map[string]struct {
		argument []byte
		code     spec.Code
	}{
		"none":                       {encode(), spec.InvalidField},
		"no bytes":                   {nil, spec.InvalidField},
		"2000 intents":               {many(spec.MaxBatchIntents), ""},
		"2001 intents":               {many(spec.MaxBatchIntents + 1), spec.InvalidField},
		"64 hints":                   {encode(hinted(spec.MaxHintedCredits)), ""},
		"65 hints":                   {encode(hinted(spec.MaxHintedCredits + 1)), spec.InvalidField},
		"65 hints behind a good one": {encode(anna.pays(1, 1), hinted(spec.MaxHintedCredits+1)), spec.InvalidField},
		"the most bytes":             {filled(spec.MaxBatchBytes), ""},
		"a byte more":                {filled(spec.MaxBatchBytes + 1), spec.BodyTooLarge},
		"garbage":                    {[]byte("\xff\xfe garbage"), spec.Malformed},
		"JSON":                       {[]byte(`{"intents":[]}`), spec.Malformed},
		"a truncated batch":          {encode(anna.pays(1, 1))[:20], spec.Malformed},
	} {
		if _, _, code := execute(t, m, byRelay, spec.BatchFunction, row.argument); code != row.code {
			t.Errorf("%s (%d bytes): %q, want %q", name, len(row.argument), code, row.code)
		}
	}
	if got := len(filled(spec.MaxBatchBytes)); got != spec.MaxBatchBytes {
		t.Errorf("the largest batch of this test has %d bytes", got)
	}
}

// Who carries is checked before anything that is carried.
func TestRelayOfABatchIsChecked(t *testing.T) {
	anna := newSigner("anna")
	for name, row := range map[string]struct {
		m    memory
		tx   ledger.Transaction
		code spec.Code
	}{
		"no genesis": {memory{}, byRelay, spec.NotInitialised},
		"a stranger": {begun(anna), ledger.Transaction{Time: now, MSPID: "OtherMSP", IsClient: true}, spec.NotAMember},
		"a peer":     {begun(anna), ledger.Transaction{Time: now, MSPID: relayMSP}, spec.NotAClient},
	} {
		if _, _, code := execute(t, row.m, row.tx, spec.BatchFunction, encode(anna.pays(1, 1))); code != row.code {
			t.Errorf("%s: %q, want %q", name, code, row.code)
		}
	}
}

// The answer names the refused ones by their places; it is bounded, however long what they say.
func TestBatchAnswer(t *testing.T) {
	anna, ben := newSigner("anna"), newSigner("ben")
	m := begun(anna)
	forged, other, trailing := anna.pays(3, 1), anna.pays(4, 1), anna.pays(5, 1)
	forged.Signature = bytes.Clone(forged.Signature)
	forged.Signature[0] ^= 1
	other.Signature = ed25519.Sign(anna.key, intent.Message([16]byte{8}, other.Intent))
	trailing.Intent = append(bytes.Clone(trailing.Intent), 0x30, 1)
	stranger := anna.pays(6, 1)
	stranger.PublicKey = ben.key.Public().(ed25519.PublicKey)
	expired := anna.pays(7, 1)
	late := byRelay
	late.Time = now + 1
	writes, result, code := execute(t, m, byRelay, spec.BatchFunction, encode(
		anna.pays(1, 4), forged, &spec.SignedIntent{}, other, trailing, stranger, anna.pays(1, 1), anna.pays(2, 7), ben.pays(1, 1), expired))
	if code != "" {
		t.Fatal(code)
	}
	var view spec.BatchResult
	if err := spec.DecodeJSON(result, &view); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, refusal := range view.Refusals {
		got = append(got, fmt.Sprintf("%d %s %s", refusal.Index, refusal.Code, refusal.Field))
		if len(refusal.Detail) > 200 {
			t.Errorf("refusal %d says %d bytes", refusal.Index, len(refusal.Detail))
		}
	}
	want := []string{
		"1 bad_signature signature", "2 bad_intent scheme", "3 bad_signature signature", "4 bad_intent intent", "5 bad_signature signature",
		"6 nonce_used nonce", "7 insufficient_funds ", "8 insufficient_funds ",
	}
	if view.Count != 10 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("of %d intents were refused:\n%s\nwant of 10:\n%s", view.Count, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Anna's account and one credit for both payments.
	if len(writes) != 2 {
		t.Errorf("%d writes, want 2", len(writes))
	}
	if _, result, _ := execute(t, m, late, spec.BatchFunction, encode(expired)); !strings.Contains(string(result), `"intent_expired"`) {
		t.Errorf("a second after its time: %s", result)
	}
	// All that can be refused at once still has a bounded answer.
	intents := make([]*spec.SignedIntent, spec.MaxBatchIntents)
	for i := range intents {
		intents[i] = forged
	}
	writes, result, code = execute(t, m, byRelay, spec.BatchFunction, encode(intents...))
	if code != "" || len(writes) != 0 || len(result) > spec.MaxBatchIntents*400 {
		t.Errorf("%d forged intents: %d writes, %d bytes of answer, %q", len(intents), len(writes), len(result), code)
	}
}

// The largest batch is carried, also when it folds; one that names more keys than may be loaded is refused whole and told why.
func TestLargestBatchIsBounded(t *testing.T) {
	intents := make([]*spec.SignedIntent, spec.MaxBatchIntents)
	signers := make([]signer, len(intents))
	for i := range intents {
		signers[i] = newSigner(fmt.Sprint(i))
		intents[i] = signers[i].pays(1, 1)
	}
	m := begun(signers...)
	if _, result, code := execute(t, m, byRelay, spec.BatchFunction, encode(intents...)); code != "" || string(result) != `{"count":2000}` {
		t.Errorf("the largest batch: %s, %q", result, code)
	}
	for credits, want := range map[int]spec.Code{4: "", 30: spec.BodyTooLarge} {
		for i, in := range intents {
			in.Hints = &spec.Hints{}
			for n := range credits {
				in.Hints.Credits = append(in.Hints.Credits, spec.CreditName{Tx: [20]byte{1}, N: uint32(n*len(intents) + i)}.Bytes())
			}
		}
		if _, _, code := execute(t, m, byRelay, spec.BatchFunction, encode(intents...)); code != want {
			t.Errorf("%d intents with %d credits each: %q, want %q", len(intents), credits, code, want)
		}
	}
}

// paysOut pays to so many receivers, from so many on.
func (s signer) paysOut(nonce uint64, from, count int) *spec.SignedIntent {
	command := &spec.Payout{}
	for i := range count {
		to := spec.KeyAddress("ed25519", fmt.Append(nil, "receiver", from+i))
		command.Payments = append(command.Payments, &spec.Payment{To: to.Bytes(), Amount: spec.Units(1).Bytes()})
	}
	return s.signs(nonce, command, "token:Payout")
}

// The receivers of all payouts together are bounded, so that the largest batch ends in time.
func TestPayoutsOfABatchAreBounded(t *testing.T) {
	anna := newSigner("anna")
	m := begun(anna)
	var intents []*spec.SignedIntent
	for n := range door.MaxBatchPayments / 500 {
		intents = append(intents, anna.paysOut(uint64(n+1), n*500, 500))
	}
	writes, result, code := execute(t, m, byRelay, spec.BatchFunction, encode(intents...))
	if code != "" || string(result) != `{"count":16}` || len(writes) != door.MaxBatchPayments+1 {
		t.Errorf("the most payouts: %d writes, %s, %q", len(writes), result, code)
	}
	// A line of a cart counts as a receiver.
	line := &spec.CartLine{Listing: make([]byte, 20), Version: 1, Quantity: 1}
	filled := anna.signs(98, &spec.PlaceCart{Reference: "r", Lines: []*spec.CartLine{line}, Total: spec.CMT(1).Bytes()}, "market:PlaceCart")
	if _, _, code := execute(t, m, byRelay, spec.BatchFunction, encode(append(slices.Clone(intents), filled)...)); code != spec.BodyTooLarge {
		t.Errorf("one line more: %q", code)
	}
	intents = append(intents, anna.paysOut(99, 0, 1))
	if _, _, code := execute(t, m, byRelay, spec.BatchFunction, encode(intents...)); code != spec.BodyTooLarge {
		t.Errorf("one receiver more: %q", code)
	}
}

// FuzzBatch: no bytes make the second door panic, fail in a way that has no code, or write for a key that did not sign.
func FuzzBatch(f *testing.F) {
	anna := newSigner("anna")
	f.Add([]byte(nil))
	f.Add(encode(&spec.SignedIntent{}))
	f.Add(encode(anna.pays(1, 1)))
	hinted := anna.signs(2, &spec.Sweep{}, "token:Sweep")
	hinted.Hints = &spec.Hints{Credits: [][]byte{make([]byte, 20)}, Lot: make([]byte, 20)}
	f.Add(encode(hinted, anna.pays(1, 11)))
	p256 := anna.pays(3, 1)
	p256.Scheme, p256.PublicKey = spec.Scheme_SCHEME_P256, append([]byte{2}, p256.PublicKey...)
	f.Add(encode(p256))
	m := begun(anna)
	whole := map[spec.Code]bool{spec.BodyTooLarge: true, spec.Malformed: true, spec.InvalidField: true}
	f.Fuzz(func(t *testing.T, argument []byte) {
		writes, result, code := execute(t, m, byRelay, spec.BatchFunction, argument)
		if code != "" {
			if !whole[code] {
				t.Fatalf("the batch is refused with %s", code)
			}
			return
		}
		var view spec.BatchResult
		if err := spec.DecodeJSON(result, &view); err != nil {
			t.Fatalf("the answer %q: %v", result, err)
		}
		if int(view.Count) == len(view.Refusals) && len(writes) > 0 {
			t.Fatalf("all are refused and %d records written", len(writes))
		}
	})
}
