package door_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/door"
	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// memory is a state without Fabric: what is measured is the chaincode's own work.
type memory map[string][]byte

func (m memory) GetMultipleStates(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = m[key]
	}
	return values, nil
}

func (m memory) Range(string, string, int) ([]state.Pair, error) { return nil, nil }

func (m memory) PutState(string, []byte) error { return nil }

func (m memory) DelState(string) error { return nil }

func BenchmarkPayments500(b *testing.B) { benchmarkPayments(b, 500) }

// BenchmarkPaymentsMost is the largest batch of what people do most: the design allows it 50 ms.
func BenchmarkPaymentsMost(b *testing.B) { benchmarkPayments(b, spec.MaxBatchIntents) }

// benchmarkPayments runs a batch of payments of strangers to strangers, each of which folds one credit.
func benchmarkPayments(b *testing.B, size int) {
	const now = 1_800_000_000
	ledgerID := [16]byte{1}
	m := memory{}
	put := func(key ledger.Key, record ledger.Record) { m[state.FormatKey(key)] = state.EncodeRecord(record) }
	put(ledger.ParametersKey(), ledger.Parameters{LedgerID: ledgerID, FeeAccount: spec.OrganisationAddress("RelayMSP"), Treasury: spec.OrganisationAddress("RelayMSP"), CreditMinimum: spec.Units(1), FenceEpochSeconds: 300})
	put(ledger.MemberKey("RelayMSP"), ledger.Member{MSPID: "RelayMSP"})
	var batch spec.Batch
	for i := range size {
		seed := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
		key := ed25519.NewKeyFromSeed(seed[:])
		public := key.Public().(ed25519.PublicKey)
		actor, err := intent.Address(spec.Scheme_SCHEME_ED25519, public)
		if err != nil {
			b.Fatal(err)
		}
		name := spec.CreditName{Tx: [20]byte(seed[:20]), N: uint32(i)}
		put(ledger.AccountKey(actor), ledger.Account{Balance: spec.CMT(3)})
		put(ledger.CreditKey(actor, name), ledger.Credit{Amount: spec.CMT(1), Cause: spec.CreditKind_CREDIT_KIND_TRANSFER})
		to := spec.KeyAddress("ed25519", seed[:])
		body, err := intent.Encode(1, now, &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{To: to.Bytes(), Amount: spec.CMT(2).Bytes()}})
		if err != nil {
			b.Fatal(err)
		}
		batch.Intents = append(batch.Intents, &spec.SignedIntent{
			Intent: body, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: public,
			Signature: ed25519.Sign(key, intent.Message(ledgerID, body)), Hints: &spec.Hints{Credits: [][]byte{name.Bytes()}},
		})
	}
	argument, err := proto.Marshal(&batch)
	if err != nil {
		b.Fatal(err)
	}
	tx := ledger.Transaction{ID: sha256.Sum256(nil), Time: now, MSPID: "RelayMSP", IsClient: true}
	b.SetBytes(int64(len(argument)))
	for b.Loop() {
		writes, result, err := door.Execute(state.Reader{Stub: m}, tx, spec.BatchFunction, argument)
		if err != nil || string(result) != fmt.Sprintf(`{"count":%d}`, size) || len(writes) != 3*size {
			b.Fatal(string(result), len(writes), err)
		}
		if err := state.Apply(m, slices.Clone(writes)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPayouts16 runs the largest batch of payouts: 16 to 500 strangers each.
func BenchmarkPayouts16(b *testing.B) {
	anna := newSigner("anna")
	m := begun(anna)
	var intents []*spec.SignedIntent
	for n := range door.MaxBatchPayments / 500 {
		intents = append(intents, anna.paysOut(uint64(n+1), n*500, 500))
	}
	argument := encode(intents...)
	b.SetBytes(int64(len(argument)))
	for b.Loop() {
		writes, _, err := door.Execute(state.Reader{Stub: m}, byRelay, spec.BatchFunction, argument)
		if err != nil || len(writes) != door.MaxBatchPayments+1 {
			b.Fatal(len(writes), err)
		}
		if err := state.Apply(m, writes); err != nil {
			b.Fatal(err)
		}
	}
}
