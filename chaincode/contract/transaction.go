package contract

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/cybermiles/cmt/chaincode/door"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// run is every transaction of every contract: who asks, decide, write, answer. Every error becomes one of the catalogue.
func run(ctx contractapi.TransactionContextInterface, function string, argument []byte) (string, error) {
	stub := ctx.GetStub()
	tx, err := transaction(stub)
	if err != nil {
		return "", refusalOf(err)
	}
	writes, result, err := door.Execute(state.Reader{Stub: adapter{stub}}, tx, function, argument)
	if err != nil {
		return "", refusalOf(err)
	}
	if err := apply(stub, writes); err != nil {
		return "", refusalOf(err)
	}
	return string(result), nil
}

func refusalOf(err error) error {
	var refusal *spec.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return spec.Errorf(spec.Internal, "%v", err)
}

// apply writes the changes in one message.
func apply(stub shim.ChaincodeStubInterface, writes []ledger.Write) error {
	if len(writes) == 0 {
		return nil
	}
	stub.StartWriteBatch()
	if err := state.Apply(adapter{stub}, writes); err != nil {
		return err
	}
	if err := stub.FinishWriteBatch(); err != nil {
		return fmt.Errorf("write batch: %w", err)
	}
	return nil
}

// transaction says who asks and when.
func transaction(stub shim.ChaincodeStubInterface) (ledger.Transaction, error) {
	var tx ledger.Transaction
	id, err := hex.DecodeString(stub.GetTxID())
	if err != nil || len(id) != len(tx.ID) {
		return tx, fmt.Errorf("transaction identifier %q is not a SHA-256", stub.GetTxID())
	}
	tx.ID = [32]byte(id)
	timestamp, err := stub.GetTxTimestamp()
	if err != nil {
		return tx, fmt.Errorf("timestamp: %w", err)
	}
	tx.Time = timestamp.GetSeconds()
	if tx.Time <= 0 {
		return tx, spec.Errorf(spec.TimestampOutOfRange, "the proposal's timestamp must be after 1970")
	}
	creator, err := cid.New(stub)
	if err != nil {
		return tx, fmt.Errorf("creator: %w", err)
	}
	if tx.MSPID, err = creator.GetMSPID(); err != nil {
		return tx, fmt.Errorf("creator: %w", err)
	}
	certificate, err := creator.GetX509Certificate()
	if err != nil {
		return tx, fmt.Errorf("creator: %w", err)
	}
	if certificate == nil {
		return tx, spec.Errorf(spec.NotAClient, "the creator has no X.509 certificate")
	}
	tx.IsClient = slices.Contains(certificate.Subject.OrganizationalUnit, "client")
	return tx, nil
}

// adapter gives package state the stub that it asks for.
type adapter struct{ shim.ChaincodeStubInterface }

var _ state.Stub = adapter{}

// Range reads at most limit pairs; the peer sends them a hundred at a time.
func (a adapter) Range(start, end string, limit int) (pairs []state.Pair, err error) {
	iterator, err := a.GetStateByRange(start, end)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, iterator.Close()) }()
	for len(pairs) < limit && iterator.HasNext() {
		kv, err := iterator.Next()
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, state.Pair{Key: kv.GetKey(), Value: kv.GetValue()})
	}
	return pairs, nil
}
