package fabric

import (
	"context"
	"errors"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// disagreementTries bounds how often endorsers that disagree are asked again: one that lags by a block has it within these.
const disagreementTries = 5

// Submit endorses a call, announces the transaction, sends it and waits for its commit.
func (l *Ledger) Submit(ctx context.Context, call *spec.Call, announce app.Announce) (app.Commit, error) {
	argument, err := encode(call)
	if err != nil {
		return app.Commit{}, err
	}
	return l.submit(ctx, call.Operation.FullName(), argument, announce)
}

// Carry endorses a batch of signed intents, the bytes of a spec.Batch, announces it, sends it and waits for its commit.
func (l *Ledger) Carry(ctx context.Context, batch []byte, announce app.Announce) (app.Commit, error) {
	return l.submit(ctx, spec.BatchFunction, batch, announce)
}

func (l *Ledger) submit(ctx context.Context, function string, argument []byte, announce app.Announce) (app.Commit, error) {
	transaction, err := l.endorse(ctx, function, argument)
	if err != nil {
		return app.Commit{}, err
	}
	envelope, err := transaction.Bytes()
	if err != nil {
		return app.Commit{}, err
	}
	sent := app.Sent{Transaction: transaction.TransactionID(), Envelope: envelope}
	if err := announce(ctx, sent); err != nil {
		return app.Commit{}, err
	}
	return l.order(ctx, sent, transaction.Result())
}

// order gives the transaction to the orderer that leads and waits for its commit. When the leader cannot be told, or nothing
// comes of it for a while, all orderers are told.
func (l *Ledger) order(ctx context.Context, sent app.Sent, result []byte) (app.Commit, error) {
	envelope, err := l.signer.signedEnvelope(sent.Envelope)
	if err != nil {
		return app.Commit{}, err
	}
	ordering, cancel := context.WithTimeout(ctx, l.options.Timeouts.Order)
	defer cancel()
	if err := l.orderers.order(ordering, envelope); err != nil {
		if !errors.Is(err, errNoLeader) {
			l.log.Warn("the orderer that leads was not told", "transaction", sent.Transaction, "error", err)
		}
		return l.Resume(ctx, sent)
	}
	if committed, err := l.commitWithin(ordering, sent.Transaction); err == nil {
		return commitOf(sent, committed, result)
	}
	l.log.Warn("the orderer that leads did not order in time: telling all", "transaction", sent.Transaction)
	return l.Resume(ctx, sent)
}

// endorse asks sets of organisations in turn until one endorses, the chaincode refuses, or the time is over.
func (l *Ledger) endorse(ctx context.Context, function string, argument []byte) (*client.Transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeouts.Endorse)
	defer cancel()
	disagreed := 0
	for try := 0; ; try++ {
		conn := l.preferred()
		chosen := l.endorsers.pick(conn.peer.MSPID)
		transaction, err := l.endorseWith(ctx, conn, chosen, function, argument)
		l.reported(conn, err)
		if err == nil {
			l.endorsers.report(chosen, nil, true)
			return transaction, nil
		}
		found := judge(err, chosen)
		if conn.breaker.Open() {
			// It was the connected peer that failed, so nothing is known of the others.
			found.blamed = nil
		}
		l.endorsers.report(chosen, found.blamed, false)
		if found.refusal != nil {
			if !found.disagreed {
				return nil, found.refusal
			}
			if disagreed++; disagreed == disagreementTries {
				return nil, found.refusal
			}
		} else {
			l.log.Warn("endorsement failed", "function", function, "organisations", chosen, "blamed", found.blamed, "error", err, "details", detailTexts(err))
		}
		if !pause(ctx, try) {
			return nil, spec.Errorf(spec.Unavailable, "too few organisations endorsed within %s", l.options.Timeouts.Endorse)
		}
	}
}

func (l *Ledger) endorseWith(ctx context.Context, conn *connection, organisations []string, function string, argument []byte) (*client.Transaction, error) {
	options := []client.ProposalOption{client.WithBytesArguments(argument)}
	if len(organisations) > 0 {
		options = append(options, client.WithEndorsingOrganizations(organisations...))
	}
	proposal, err := conn.network.GetContract(l.options.Chaincode).NewProposal(function, options...)
	if err != nil {
		return nil, err
	}
	return attempt(ctx, l.options.Timeouts.EndorseAttempt, func(ctx context.Context) (*client.Transaction, error) {
		return proposal.EndorseWithContext(ctx)
	})
}

// attempt bounds one try, so that a mute peer leaves time for another.
func attempt[T any](ctx context.Context, timeout time.Duration, try func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return try(ctx)
}

// Resume sends a transaction, which may have been sent before, and waits for its commit. Fabric takes a transaction
// identifier once, so sending it twice cannot have two effects.
func (l *Ledger) Resume(ctx context.Context, sent app.Sent) (app.Commit, error) {
	result, err := l.send(ctx, sent)
	if err != nil {
		return app.Commit{}, err
	}
	committed, err := l.awaitCommit(ctx, sent.Transaction)
	if err != nil {
		return app.Commit{}, &app.UnknownOutcome{Transaction: sent.Transaction, Cause: err}
	}
	return commitOf(sent, committed, result)
}

func commitOf(sent app.Sent, committed *gateway.CommitStatusResponse, result []byte) (app.Commit, error) {
	if err := validationError(committed.GetResult()); err != nil {
		return app.Commit{}, err
	}
	return app.Commit{Transaction: sent.Transaction, Block: committed.GetBlockNumber(), Result: result}, nil
}

// send gives the envelope to the orderers. It fails only when no orderer can have got it; when that is not certain, the
// commit status will tell.
func (l *Ledger) send(ctx context.Context, sent app.Sent) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeouts.Submit)
	defer cancel()
	untold := true
	for try := 0; ; try++ {
		conn := l.preferred()
		transaction, err := conn.gateway.NewTransaction(sent.Envelope)
		if err != nil {
			return nil, err
		}
		_, err = attempt(ctx, l.options.Timeouts.EndorseAttempt, func(ctx context.Context) (*client.Commit, error) { return transaction.SubmitWithContext(ctx) })
		l.reported(conn, err)
		if err == nil {
			return transaction.Result(), nil
		}
		untold = untold && notSent(err)
		l.log.Warn("sending to the orderers failed", "transaction", sent.Transaction, "error", err, "details", detailTexts(err))
		if !pause(ctx, try) {
			if untold {
				return nil, spec.Errorf(spec.Unavailable, "no orderer could be told within %s", l.options.Timeouts.Submit)
			}
			return transaction.Result(), nil
		}
	}
}

// awaitCommit asks for a transaction's commit until it is there, over lost connections and restarts of the peer.
func (l *Ledger) awaitCommit(ctx context.Context, transaction string) (*gateway.CommitStatusResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeouts.CommitStatus)
	defer cancel()
	return l.commitWithin(ctx, transaction)
}

// commitWithin is awaitCommit until ctx ends.
func (l *Ledger) commitWithin(ctx context.Context, transaction string) (*gateway.CommitStatusResponse, error) {
	for try := 0; ; try++ {
		conn := l.preferred()
		response, err := attempt(ctx, l.options.Timeouts.EndorseAttempt, func(ctx context.Context) (*gateway.CommitStatusResponse, error) {
			return l.commitStatus(ctx, conn, transaction)
		})
		l.reported(conn, err)
		if err == nil {
			return response, nil
		}
		if !pause(ctx, try) {
			return nil, err
		}
	}
}

func (l *Ledger) commitStatus(ctx context.Context, conn *connection, transaction string) (*gateway.CommitStatusResponse, error) {
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: l.signer.id.MspID(), IdBytes: l.signer.id.Credentials()})
	if err != nil {
		return nil, err
	}
	request, err := proto.Marshal(&gateway.CommitStatusRequest{ChannelId: l.options.Channel, TransactionId: transaction, Identity: creator})
	if err != nil {
		return nil, err
	}
	signed, err := proto.Marshal(&gateway.SignedCommitStatusRequest{Request: request})
	if err != nil {
		return nil, err
	}
	commit, err := conn.gateway.NewCommit(signed)
	if err != nil {
		return nil, err
	}
	found, err := commit.StatusWithContext(ctx)
	if err != nil {
		return nil, err
	}
	return &gateway.CommitStatusResponse{Result: found.Code, BlockNumber: found.BlockNumber}, nil
}

// Outcome asks a peer for a transaction's commit for a short while.
func (l *Ledger) Outcome(ctx context.Context, transaction string) (app.TransactionRecord, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeouts.Outcome)
	defer cancel()
	conn := l.preferred()
	response, err := l.commitStatus(ctx, conn, transaction)
	l.reported(conn, err)
	record := app.TransactionRecord{Transaction: transaction, State: app.TransactionUnknown}
	switch {
	case err == nil:
		record.Block, record.Code = response.GetBlockNumber(), response.GetResult().String()
		record.State = app.TransactionInvalid
		if response.GetResult() == peer.TxValidationCode_VALID {
			record.State = app.TransactionCommitted
		}
		return record, nil
	case outOfTime(err):
		// A peer holds the question until the transaction comes: it has not.
		return record, nil
	}
	l.log.Warn("no peer answered for a transaction", "transaction", transaction, "error", err)
	return record, spec.Errorf(spec.Unavailable, "no peer answered for the transaction")
}

// validationError maps a validation code to a refusal; none of these transactions has an effect, ever.
func validationError(code peer.TxValidationCode) error {
	switch code {
	case peer.TxValidationCode_VALID:
		return nil
	case peer.TxValidationCode_MVCC_READ_CONFLICT, peer.TxValidationCode_PHANTOM_READ_CONFLICT:
		return spec.Errorf(spec.Conflict, "others changed the same objects first")
	}
	return spec.Errorf(spec.Internal, "the peers judged the transaction %s", code)
}
