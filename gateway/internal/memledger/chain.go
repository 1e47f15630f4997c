package memledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cybermiles/cmt/chaincode/door"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
)

// Consumer takes blocks, as a gateway's store does.
type Consumer interface {
	Apply(ctx context.Context, block app.Block) error
}

// Chain is one ledger that all organisations share.
type Chain struct {
	// Now is the transactions' clock.
	Now func() time.Time

	mu        sync.Mutex
	state     map[string][]byte
	blocks    []app.Block
	endorsed  map[string]endorsed
	consumers []Consumer
	nonce     uint64
}

// endorsed is a transaction that was announced.
type endorsed struct {
	mspID    string
	function string
	argument []byte
}

// Members of the genesis that New writes; the first is treasury and operator, the last an arbiter.
var Members = []string{"FiveMilesMSP", "MerchantOneMSP", "BuyersMSP"}

// InitialSupply is what the treasury begins with, in CMT.
const InitialSupply = 1_000_000

// New returns a chain with a genesis: durations are minutes, the fee is 2.5 %.
func New(ctx context.Context) (*Chain, error) {
	c := &Chain{Now: time.Now, state: map[string][]byte{}, endorsed: map[string]endorsed{}}
	genesis := &spec.Genesis{
		LedgerId: make([]byte, 16), TreasuryMsp: Members[0], OperatorMsp: Members[0], InitialSupply: spec.CMT(InitialSupply).Bytes(),
		FeeBps: 250, CreditMinimum: spec.Units(1_000_000).Bytes(),
		ShipSeconds: 600, ReleaseSeconds: 600, ProtectionSeconds: 6000, FenceEpochSeconds: 300, FenceGraceSeconds: 120, HoldSeconds: 600, ReturnSeconds: 600, AuctionSeconds: 600, AuctionExtensionSeconds: 30,
		OfferSeconds: 600, ReviewSeconds: 600, AnswerSeconds: 60, DisputeSeconds: 600, PanelSize: 3, PanelFeeBps: 100, PanelFeeCap: spec.CMT(5).Bytes(),
	}
	for i, mspID := range Members {
		member := &spec.Member{MspId: mspID}
		switch i {
		case 0:
			member.Roles = []spec.Role{spec.Role_ROLE_OPERATOR, spec.Role_ROLE_TREASURER}
		case 1:
			member.Roles = []spec.Role{spec.Role_ROLE_CARRIER}
		default:
			member.Roles = []spec.Role{spec.Role_ROLE_CARRIER, spec.Role_ROLE_ARBITER}
		}
		genesis.Members = append(genesis.Members, member)
	}
	call := &spec.Call{Operation: spec.Find(spec.ConsortiumContract + ":Genesis"), Hints: &spec.Hints{}, Command: genesis}
	_, err := c.For(Members[0]).Submit(ctx, call, func(context.Context, app.Sent) error { return nil })
	return c, err
}

// Follow gives a consumer every block from now on, and those there are already.
func (c *Chain) Follow(ctx context.Context, consumer Consumer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, block := range c.blocks {
		if err := consumer.Apply(ctx, block); err != nil {
			return err
		}
	}
	c.consumers = append(c.consumers, consumer)
	return nil
}

// Transactions returns how many valid transactions called the function: the effects that it had.
func (c *Chain) Transactions(function string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := 0
	for _, block := range c.blocks {
		for _, transaction := range block.Transactions {
			if transaction.Function == function && transaction.Code == app.Valid {
				count++
			}
		}
	}
	return count
}

// For returns the ledger as an organisation's gateway sees it.
func (c *Chain) For(mspID string) *Ledger { return &Ledger{chain: c, mspID: mspID} }

// Ledger is the app's port for one organisation. The hooks, which may be nil, put faults in.
type Ledger struct {
	chain *Chain
	mspID string
	// Before refuses a call before it is endorsed; After spoils the answer of one that took effect.
	Before func(call *spec.Call) error
	After  func(call *spec.Call, commit app.Commit) error
	// BeforeCarry stands before a batch is endorsed.
	BeforeCarry func()
	// Overtaken stands between the endorsement of a batch and its commit; with true others changed what it read, and its block shows
	// it as invalid.
	Overtaken func() bool
	// Lost: transactions are announced and never arrive.
	Lost bool
}

var _ app.Ledger = (*Ledger)(nil)

// Submit runs the call and makes a block of it.
func (l *Ledger) Submit(ctx context.Context, call *spec.Call, announce app.Announce) (app.Commit, error) {
	if l.Before != nil {
		if err := l.Before(call); err != nil {
			return app.Commit{}, err
		}
	}
	argument, err := call.Encode()
	if err != nil {
		return app.Commit{}, err
	}
	commit, err := l.submit(ctx, call.Operation.FullName(), argument, announce)
	if err == nil && l.After != nil {
		err = l.After(call, commit)
	}
	return commit, err
}

// Carry runs a batch of signed intents and makes a block of it.
func (l *Ledger) Carry(ctx context.Context, batch []byte, announce app.Announce) (app.Commit, error) {
	if l.BeforeCarry != nil {
		l.BeforeCarry()
	}
	return l.submit(ctx, spec.BatchFunction, batch, announce)
}

// overtake makes a block in which an endorsed transaction is invalid.
func (c *Chain) overtake(ctx context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.endorsed[id]
	transaction := app.BlockTransaction{ID: id, Code: "MVCC_READ_CONFLICT", Function: e.function, Args: [][]byte{e.argument}, Creator: e.mspID, Time: c.Now()}
	if err := c.append(ctx, transaction); err != nil {
		return err
	}
	return spec.Errorf(spec.Conflict, "others changed the same objects first")
}

func (l *Ledger) submit(ctx context.Context, function string, argument []byte, announce app.Announce) (app.Commit, error) {
	if _, err := l.chain.dryRun(l.mspID, function, argument); err != nil {
		return app.Commit{}, err
	}
	id := l.chain.endorse(endorsed{l.mspID, function, argument})
	if err := announce(ctx, app.Sent{Transaction: id, Envelope: []byte(id)}); err != nil {
		return app.Commit{}, err
	}
	if function == spec.BatchFunction && l.Overtaken != nil && l.Overtaken() {
		return app.Commit{}, l.chain.overtake(ctx, id)
	}
	if l.Lost {
		return app.Commit{}, &app.UnknownOutcome{Transaction: id, Cause: context.DeadlineExceeded}
	}
	return l.chain.commit(ctx, id)
}

// Resume sends an announced transaction again.
func (l *Ledger) Resume(ctx context.Context, sent app.Sent) (app.Commit, error) {
	if l.Lost {
		return app.Commit{}, &app.UnknownOutcome{Transaction: sent.Transaction, Cause: context.DeadlineExceeded}
	}
	return l.chain.commit(ctx, sent.Transaction)
}

// Evaluate runs a query.
func (l *Ledger) Evaluate(_ context.Context, call *spec.Call) ([]byte, error) {
	argument, err := call.Encode()
	if err != nil {
		return nil, err
	}
	return l.chain.dryRun(l.mspID, call.Operation.FullName(), argument)
}

// Outcome looks a transaction up in the blocks.
func (l *Ledger) Outcome(_ context.Context, transaction string) (app.TransactionRecord, error) {
	l.chain.mu.Lock()
	defer l.chain.mu.Unlock()
	record := app.TransactionRecord{Transaction: transaction, State: app.TransactionUnknown}
	if block, found := l.chain.find(transaction); found != nil {
		record.State, record.Block, record.Code = app.TransactionCommitted, block, found.Code
	}
	return record, nil
}

// endorse gives a transaction its identifier.
func (c *Chain) endorse(e endorsed) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nonce++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("memledger"), c.nonce))
	id := hex.EncodeToString(sum[:])
	c.endorsed[id] = e
	return id
}

// dryRun runs a function on the state as it is.
func (c *Chain) dryRun(mspID, function string, argument []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, result, err := c.execute(mspID, [32]byte{}, function, argument)
	return result, err
}

func (c *Chain) execute(mspID string, id [32]byte, function string, argument []byte) ([]ledger.Write, []byte, error) {
	tx := ledger.Transaction{ID: id, Time: c.Now().Unix(), MSPID: mspID, IsClient: true}
	return door.Execute(state.Reader{Stub: stub{c.state}}, tx, function, argument)
}

// commit makes a block of an endorsed transaction, once.
func (c *Chain) commit(ctx context.Context, id string) (app.Commit, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if block, found := c.find(id); found != nil {
		return app.Commit{Transaction: id, Block: block, Result: found.Result}, nil
	}
	e, ok := c.endorsed[id]
	if !ok {
		return app.Commit{}, &app.UnknownOutcome{Transaction: id, Cause: fmt.Errorf("never endorsed")}
	}
	raw, err := hex.DecodeString(id)
	if err != nil {
		return app.Commit{}, err
	}
	writes, result, err := c.execute(e.mspID, [32]byte(raw), e.function, e.argument)
	if err != nil {
		// What it was endorsed on has changed since.
		return app.Commit{}, spec.Errorf(spec.Conflict, "others changed the same objects first")
	}
	transaction := app.BlockTransaction{ID: id, Code: app.Valid, Function: e.function, Args: [][]byte{e.argument}, Result: result, Creator: e.mspID, Time: c.Now()}
	if err := state.Apply(recorder{stub{c.state}, &transaction}, writes); err != nil {
		return app.Commit{}, err
	}
	// Fabric sorts a write set by its keys' text.
	slices.SortFunc(transaction.Writes, func(a, b app.Write) int { return strings.Compare(a.Key, b.Key) })
	return app.Commit{Transaction: id, Block: uint64(len(c.blocks)), Result: result}, c.append(ctx, transaction)
}

// append makes the next block of a transaction and gives it to who follows.
func (c *Chain) append(ctx context.Context, transaction app.BlockTransaction) error {
	block := app.Block{Number: uint64(len(c.blocks)), Transactions: []app.BlockTransaction{transaction}}
	if block.Number > 0 {
		block.PreviousHash = c.blocks[block.Number-1].Hash
	}
	sum := sha256.Sum256(append(slices.Clone(block.PreviousHash), transaction.ID...))
	block.Hash = sum[:]
	c.blocks = append(c.blocks, block)
	for _, consumer := range c.consumers {
		if err := consumer.Apply(ctx, block); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chain) find(id string) (uint64, *app.BlockTransaction) {
	for number := range c.blocks {
		if found := &c.blocks[number].Transactions[0]; found.ID == id {
			return uint64(number), found
		}
	}
	return 0, nil
}
