package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/mirror"
)

var _ app.IntentModel = (*Store)(nil)

// Intent returns what the blocks said of an intent.
func (s *Store) Intent(_ context.Context, id spec.ID) (app.IntentRecord, error) {
	record := app.IntentRecord{ID: id, State: app.IntentUnknown}
	said, err := s.mirror.Intent(id)
	if err != nil || said == nil {
		return record, err
	}
	record.Block, record.Transaction = said.Block, hex.EncodeToString(said.Transaction[:])
	record.State, record.Refusal = app.IntentCommitted, said.Refusal
	if said.Refusal != nil {
		record.State = app.IntentRefused
	}
	return record, nil
}

// Nonce returns the highest nonce that an account's key used, 0 when it used none.
func (s *Store) Nonce(_ context.Context, address spec.Address) (uint64, error) {
	record, err := s.record(ledger.AccountKey(address))
	if err != nil {
		return 0, wrap(err, "read an account")
	}
	account, _ := record.(ledger.Account)
	return account.Nonces.Top, nil
}

// Home returns the index of the member with which an account is at home, 0 when there is none.
func (s *Store) Home(_ context.Context, address spec.Address) (uint32, error) {
	record, err := s.record(ledger.AccountKey(address))
	if err != nil {
		return 0, wrap(err, "read an account")
	}
	account, _ := record.(ledger.Account)
	return account.Home, nil
}

// batch reads what became of a batch's intents. What has no right form, or was signed by nobody known, is left out: nobody could
// ask for it.
func (s *Store) batch(number int, t app.BlockTransaction) (mirror.Batch, error) {
	found := mirror.Batch{Number: uint32(number)}
	if n, err := hex.Decode(found.Transaction[:], []byte(t.ID)); err != nil || n != len(found.Transaction) {
		return found, fmt.Errorf("a transaction's identifier is not %d bytes in hex", len(found.Transaction))
	}
	ledgerID, err := s.ledgerID()
	if err != nil {
		return found, err
	}
	var batch spec.Batch
	var result spec.BatchResult
	if len(t.Args) == 0 {
		return found, fmt.Errorf("a batch without its argument")
	}
	if err := proto.Unmarshal(t.Args[0], &batch); err != nil {
		return found, fmt.Errorf("read a batch: %w", err)
	}
	if err := spec.DecodeJSON(t.Result, &result); err != nil {
		return found, fmt.Errorf("read a batch's result: %w", err)
	}
	refusals := map[int]*spec.Error{}
	for _, r := range result.GetRefusals() {
		refusals[int(r.GetIndex())] = &spec.Error{Code: spec.Code(r.GetCode()), Field: r.GetField(), Detail: r.GetDetail()}
	}
	found.Intents = make([]mirror.Intent, 0, len(batch.GetIntents()))
	for i, signed := range batch.GetIntents() {
		refusal := refusals[i]
		if refusal != nil {
			switch refusal.Code {
			case spec.BadIntent, spec.BadSignature, spec.InvalidField, spec.NotAnIntent:
				continue
			}
		}
		if actor, err := intent.Address(signed.GetScheme(), signed.GetPublicKey()); err == nil {
			id := spec.IntentID(actor, intent.Message(ledgerID, signed.GetIntent()))
			found.Intents = append(found.Intents, mirror.Intent{ID: id, Position: uint32(i), Refusal: refusal})
		}
	}
	return found, nil
}

// ledgerID reads the ledger's identifier, which intents are signed with, from the mirrored parameters.
func (s *Store) ledgerID() ([16]byte, error) {
	record, err := s.record(ledger.ParametersKey())
	if err != nil {
		return [16]byte{}, wrap(err, "read the ledger's parameters")
	}
	parameters, ok := record.(ledger.Parameters)
	if !ok {
		return [16]byte{}, errors.New("a batch came before the ledger's parameters")
	}
	return parameters.LedgerID, nil
}
