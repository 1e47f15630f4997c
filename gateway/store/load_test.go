package store_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// load makes blocks of payments between strangers: each writes the payer's account and a credit for the receiver, and, once a few
// blocks' credits are open, folds one of somebody's. Nobody signs: the read model believes its peer.
type load struct {
	random   *rand.Rand
	accounts int
	// member is the own organisation's index. All people are at home with the first member.
	member   uint32
	next     uint64
	previous []byte
	// open are credits that nobody folded yet, in the order in which they came.
	open []string
}

// openBlocks is how many blocks a credit stays open: its owner folds it when he pays.
const openBlocks = 40

func newLoad(accounts int, member uint32) *load {
	return &load{random: rand.New(rand.NewPCG(1, 2)), accounts: accounts, member: member}
}

// publicKey is that of the n-th account.
func publicKey(n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("account"), uint64(n)))
	return sum[:]
}

func addressOf(n int) spec.Address { return spec.KeyAddress("ed25519", publicKey(n)) }

func (l *load) block(transactions ...app.BlockTransaction) app.Block {
	hash := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("block"), l.next))
	b := app.Block{Number: l.next, Hash: hash[:], PreviousHash: l.previous, Transactions: transactions}
	l.next, l.previous = l.next+1, hash[:]
	return b
}

func (l *load) transaction() (spec.ID, app.BlockTransaction) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("transaction"), l.next))
	return spec.ID(sum[:20]), app.BlockTransaction{ID: hex.EncodeToString(sum[:]), Code: app.Valid, Creator: mspID, Time: time.Unix(1_700_000_000, 0)}
}

// genesis writes the parameters, which name the ledger.
func (l *load) genesis() app.Block {
	_, t := l.transaction()
	t.Writes = []app.Write{
		{Key: state.FormatKey(ledger.ParametersKey()), Value: state.EncodeRecord(ledger.Parameters{FeeAccount: shopAddress, Treasury: shopAddress})},
		{Key: state.FormatKey(ledger.MemberKey(mspID)), Value: state.EncodeRecord(ledger.Member{MSPID: mspID, Index: l.member})},
	}
	return l.block(t)
}

// accountsFrom makes some accounts, so that there are as many as the load is of.
func (l *load) accountsFrom(first, count int) app.Block {
	_, t := l.transaction()
	for n := first; n < first+count; n++ {
		t.Writes = append(t.Writes, l.account(n, 0))
	}
	return l.block(t)
}

func (l *load) account(n int, nonce uint64) app.Write {
	balance := spec.Units(l.random.Uint64())
	return app.Write{
		Key:   state.FormatKey(ledger.AccountKey(addressOf(n))),
		Value: state.EncodeRecord(ledger.Account{Balance: balance, Nonces: ledger.Nonces{Top: nonce, Used: nonce}, Home: 1}),
	}
}

// payments makes a block of one batch, and says who pays in it.
func (l *load) payments(count int) (block app.Block, payers []spec.Address) {
	id, t := l.transaction()
	batch := &spec.Batch{}
	for i := range count {
		from, to := l.random.IntN(l.accounts), addressOf(l.random.IntN(l.accounts))
		payers = append(payers, addressOf(from))
		credit := state.FormatKey(ledger.CreditKey(to, spec.CreditName{Tx: id, N: uint32(i)}))
		l.open = append(l.open, credit)
		t.Writes = append(t.Writes, l.account(from, l.next),
			app.Write{Key: credit, Value: state.EncodeRecord(ledger.Credit{Cause: 1, Amount: spec.Units(l.random.Uint64())})})
		batch.Intents = append(batch.Intents, l.intent(from, to))
	}
	for len(l.open) > openBlocks*count {
		t.Writes = append(t.Writes, app.Write{Key: l.open[0], Delete: true})
		l.open = l.open[1:]
	}
	argument, err := proto.Marshal(batch)
	if err != nil {
		panic(err)
	}
	t.Function, t.Args, t.Result = spec.BatchFunction, [][]byte{argument}, fmt.Appendf(nil, `{"count":%d}`, count)
	return l.block(t), payers
}

func (l *load) intent(from int, to spec.Address) *spec.SignedIntent {
	command, err := proto.Marshal(&spec.Transfer{To: to.Bytes(), Amount: spec.Units(l.random.Uint64()).Bytes()})
	if err != nil {
		panic(err)
	}
	body, err := proto.Marshal(&spec.Intent{Nonce: l.next, ValidUntil: 1_700_000_000, Operation: spec.Find("token:Transfer").Number, Command: command})
	if err != nil {
		panic(err)
	}
	return &spec.SignedIntent{Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: publicKey(from), Intent: body, Signature: make([]byte, 64)}
}
