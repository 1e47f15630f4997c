package store

import (
	"context"
	"encoding/hex"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/history"
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

// Guest reports whether a person is at home with the own member.
func (s *Store) Guest(address spec.Address) bool { return s.guests.Load().Has(address) }

// batch reads what became of a batch's intents, and what those were that happened. What has no right form, or was signed by nobody
// known, is left out: nobody could ask for it.
func batch(ledgerID [16]byte, t app.BlockTransaction) (intents []mirror.Intent, happened []history.Happened, err error) {
	var batch spec.Batch
	var result spec.BatchResult
	if len(t.Args) == 0 {
		return nil, nil, fmt.Errorf("a batch without its argument")
	}
	if err := proto.Unmarshal(t.Args[0], &batch); err != nil {
		return nil, nil, fmt.Errorf("read a batch: %w", err)
	}
	if err := spec.DecodeJSON(t.Result, &result); err != nil {
		return nil, nil, fmt.Errorf("read a batch's result: %w", err)
	}
	refusals := map[int]*spec.Error{}
	for _, r := range result.GetRefusals() {
		refusals[int(r.GetIndex())] = &spec.Error{Code: spec.Code(r.GetCode()), Field: r.GetField(), Detail: r.GetDetail()}
	}
	intents = make([]mirror.Intent, 0, len(batch.GetIntents()))
	happened = make([]history.Happened, 0, len(batch.GetIntents()))
	for i, signed := range batch.GetIntents() {
		refusal := refusals[i]
		if refusal != nil {
			switch refusal.Code {
			case spec.BadIntent, spec.BadSignature, spec.InvalidField, spec.NotAnIntent:
				continue
			}
		}
		actor, err := intent.Address(signed.GetScheme(), signed.GetPublicKey())
		if err != nil {
			continue
		}
		id := spec.IntentID(actor, intent.Message(ledgerID, signed.GetIntent()))
		peeked := history.Peek(signed.GetIntent())
		intents = append(intents, mirror.Intent{ID: id, Position: uint32(i), ValidUntil: peeked.ValidUntil, Refusal: refusal})
		if refusal == nil {
			happened = append(happened, history.Happened{Actor: actor, Intent: peeked})
		}
	}
	return intents, happened, nil
}
