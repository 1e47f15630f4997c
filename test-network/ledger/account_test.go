//go:build network

package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
)

// account is an organisation, or a sub-account of it, and the client that moves it.
type account struct {
	*member
	label string
}

// open returns an account of an organisation at the organisation's own peer.
func open(t *testing.T, organisation, label string) account {
	t.Helper()
	return openAt(t, organisation, label, testnet.peerOf(organisation))
}

// openAt returns an account at a peer of choice.
func openAt(t *testing.T, organisation, label string, at topology.PeerFact) account {
	t.Helper()
	m, err := testnet.member(clientIdentity(testnet.organisation(organisation)), at)
	if err != nil {
		t.Fatal(err)
	}
	return account{m, label}
}

func (a account) address() spec.Address { return spec.SubAccountAddress(a.mspID, a.label) }

// receipt is where a write was committed.
type receipt struct {
	transaction string
	block       uint64
}

// call makes the call of an operation by this account.
func (a account) call(operation string, command proto.Message, credits ...[]byte) *spec.Call {
	call := &spec.Call{Operation: spec.Find(operation), Command: command}
	if call.Operation.Kind == spec.Write {
		call.SubAccount = a.label
		call.Hints = &spec.Hints{Credits: credits}
	}
	return call
}

// propose makes a proposal through Fabric's own client.
func (m *member) propose(call *spec.Call) (*client.Proposal, error) {
	argument, err := call.Encode()
	if err != nil {
		return nil, err
	}
	return m.contract.NewProposal(call.Operation.FullName(), client.WithBytesArguments(argument))
}

// errInvalid says that a transaction was put into a block and had no effect.
type errInvalid struct {
	code  peer.TxValidationCode
	block uint64
}

func (e *errInvalid) Error() string { return fmt.Sprintf("%v in block %d", e.code, e.block) }

// finish sends a transaction to the orderers and waits for its block.
func finish(ctx context.Context, transaction *client.Transaction) (receipt, error) {
	commit, err := transaction.SubmitWithContext(ctx)
	if err != nil {
		return receipt{}, err
	}
	status, err := commit.StatusWithContext(ctx)
	if err != nil {
		return receipt{}, err
	}
	if !status.Successful {
		return receipt{}, &errInvalid{status.Code, status.BlockNumber}
	}
	return receipt{status.TransactionID, status.BlockNumber}, nil
}

// try makes a write and waits until it is committed. A refusal is a *spec.Error, an invalid transaction an *errInvalid.
func (m *member) try(ctx context.Context, call *spec.Call, result proto.Message) (receipt, error) {
	proposal, err := m.propose(call)
	if err != nil {
		return receipt{}, err
	}
	transaction, err := proposal.EndorseWithContext(ctx)
	if err != nil {
		return receipt{}, refused(err)
	}
	if result != nil {
		if err := spec.DecodeJSON(transaction.Result(), result); err != nil {
			return receipt{}, err
		}
	}
	return finish(ctx, transaction)
}

// endorseAt has a write endorsed whose client's clock shows a time of choice, and does not send it.
func (a account) endorseAt(ctx context.Context, at time.Time, call *spec.Call) (*client.Transaction, error) {
	argument, err := call.Encode()
	if err != nil {
		return nil, err
	}
	transaction, err := a.endorse(ctx, a.proposal(a.n.facts.Chaincode, at, []byte(call.Operation.FullName()), argument))
	if err != nil {
		return nil, refused(err)
	}
	return transaction, nil
}

// do makes a write that must succeed, and waits until every peer has it.
func (a account) do(t *testing.T, operation string, command, result proto.Message, credits ...[]byte) receipt {
	t.Helper()
	done, err := a.try(short(t), a.call(operation, command, credits...), result)
	if err != nil {
		t.Fatalf("%s by %s %s: %v", operation, a.mspID, a.label, err)
	}
	a.n.await(t, done.block)
	return done
}

// refuse makes a write that must be refused with a code.
func (a account) refuse(t *testing.T, operation string, command proto.Message, want spec.Code, credits ...[]byte) {
	t.Helper()
	_, err := a.try(short(t), a.call(operation, command, credits...), nil)
	if spec.ErrorCode(err) != want {
		t.Errorf("%s by %s %s: %v, want %s", operation, a.mspID, a.label, err, want)
	}
}

// ask makes a query that must succeed.
func (m *member) ask(t *testing.T, operation string, command, result proto.Message) {
	t.Helper()
	proposal, err := m.propose(&spec.Call{Operation: spec.Find(operation), Command: command})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := proposal.EvaluateWithContext(short(t))
	if err == nil {
		err = spec.DecodeJSON(answer, result)
	}
	if err != nil {
		t.Fatalf("%s: %v", operation, refused(err))
	}
}

// peerSays returns what the endorsing peers say in the details of a client's error, each once.
func peerSays(err error) []string {
	var texts []string
	for _, detail := range status.Convert(err).Details() {
		if one, ok := detail.(*gateway.ErrorDetail); ok && !strings.Contains(strings.Join(texts, "\n"), one.GetMessage()) {
			texts = append(texts, one.GetMessage())
		}
	}
	return texts
}

// refused returns the chaincode's refusal in a client's error if there is one, else the error with what the peers say.
func refused(err error) error {
	for _, text := range peerSays(err) {
		if refusal, ok := spec.ParseError(text); ok {
			return refusal
		}
	}
	if said := peerSays(err); len(said) > 0 {
		return fmt.Errorf("%w: %s", err, strings.Join(said, "; "))
	}
	return err
}

func invalidCode(err error) peer.TxValidationCode {
	var invalid *errInvalid
	if errors.As(err, &invalid) {
		return invalid.code
	}
	return peer.TxValidationCode_NOT_VALIDATED
}

// reference returns a reference that was never used.
func reference() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return "test-" + hex.EncodeToString(random[:])
}

// cmt returns the bytes of an amount in CMT.
func cmt(text string) []byte { return amount(text).Bytes() }

func amount(text string) spec.Amount {
	parsed, err := spec.ParseAmount(text)
	if err != nil {
		panic(err)
	}
	return parsed
}

// decimal returns an amount's text.
func decimal(bytes []byte) string {
	parsed, err := spec.AmountFromBytes(bytes)
	if err != nil {
		return err.Error()
	}
	return parsed.String()
}

// balance returns what an account has, by a query through this member.
func (m *member) balance(t *testing.T, of spec.Address) *spec.Balance {
	t.Helper()
	var view spec.Balance
	m.ask(t, "token:GetBalance", &spec.GetBalance{Address: of.Bytes()}, &view)
	return &view
}

// free returns an account's own money and its open credits together.
func (a account) free(t *testing.T) spec.Amount {
	t.Helper()
	view := a.balance(t, a.address())
	sum, _ := amount(decimal(view.Account)).Add(amount(decimal(view.Credits)))
	return sum
}

// treasury is 5miles' own account: whoever pays from it does so alone, for two payers of one account conflict.
var treasury sync.Mutex

// fund gives accounts money that lies in them, ready to be spent. Many are funded through hubs, side by side.
func fund(t *testing.T, each string, accounts ...account) {
	t.Helper()
	const perHub = 8
	if len(accounts) <= perHub {
		treasury.Lock()
		defer treasury.Unlock()
		payAndSweep(t, open(t, "fivemiles", ""), each, accounts)
		return
	}
	var hubs []account
	for n := 0; n < len(accounts); n += perHub {
		hubs = append(hubs, open(t, "fivemiles", "hub-"+strings.TrimPrefix(reference(), "test-")))
	}
	sum, _ := amount(each).Mul(perHub)
	fund(t, sum.String(), hubs...)
	var paying sync.WaitGroup
	for i, hub := range hubs {
		paying.Go(func() { payAndSweep(t, hub, each, accounts[i*perHub:min((i+1)*perHub, len(accounts))]) })
	}
	paying.Wait()
}

// payAndSweep pays one after the other; each receiver folds what came at once.
func payAndSweep(t *testing.T, payer account, each string, accounts []account) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var sweeping sync.WaitGroup
	defer sweeping.Wait()
	for _, to := range accounts {
		pay := payer.call("token:Transfer", &spec.Transfer{Reference: reference(), To: to.address().Bytes(), Amount: cmt(each)})
		paid, err := again(ctx, func() (receipt, error) { return payer.try(ctx, pay, nil) })
		if err != nil {
			t.Errorf("fund %s: %v", to.label, err)
			return
		}
		sweeping.Go(func() {
			sweep := to.call("token:Sweep", &spec.Sweep{}, creditOf(paid.transaction, 0))
			if _, err := again(ctx, func() (receipt, error) { return to.try(ctx, sweep, nil) }); err != nil {
				t.Errorf("sweep of %s: %v", to.label, err)
			}
		})
	}
}

// again repeats a write that had no effect: endorsers that lag behind refused it or disagreed, or a gateway that folds the
// same account's credits was first.
func again(ctx context.Context, write func() (receipt, error)) (receipt, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := write()
		lagging := err != nil && strings.Contains(err.Error(), "ProposalResponsePayloads do not match")
		lost := invalidCode(err) == peer.TxValidationCode_MVCC_READ_CONFLICT
		if code := spec.ErrorCode(err); err == nil || !lagging && !lost && code != spec.NoCredits && code != spec.InsufficientFunds {
			return done, err
		}
		select {
		case <-ctx.Done():
			return done, err
		case <-tick.C:
		}
	}
}

// creditOf names the n-th credit that a transaction gave.
func creditOf(transaction string, n uint32) []byte {
	id, err := hex.DecodeString(transaction)
	if err != nil {
		panic(err)
	}
	return spec.CreditName{Tx: [20]byte(id[:20]), N: n}.Bytes()
}
