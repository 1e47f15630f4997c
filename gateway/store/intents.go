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
)

var _ app.IntentModel = (*Store)(nil)

// Intent returns what the blocks said of an intent.
func (s *Store) Intent(ctx context.Context, id spec.ID) (app.IntentRecord, error) {
	record := app.IntentRecord{ID: id, State: app.IntentUnknown}
	var transaction []byte
	var refusal spec.Error
	err := s.blocks.QueryRowContext(ctx, `SELECT "transaction", block, code, field, detail FROM intents WHERE id = ?`, id[:]).
		Scan(&transaction, &record.Block, &refusal.Code, &refusal.Field, &refusal.Detail)
	if noRow(err) {
		return record, nil
	}
	if err != nil {
		return record, wrap(err, "read an intent")
	}
	record.Transaction = hex.EncodeToString(transaction)
	record.State = app.IntentCommitted
	if refusal.Code != "" {
		record.State, record.Refusal = app.IntentRefused, &refusal
	}
	return record, nil
}

// Nonce returns the highest nonce that an account's key used, 0 when it used none.
func (s *Store) Nonce(ctx context.Context, address spec.Address) (uint64, error) {
	record, err := s.record(ctx, ledger.AccountKey(address))
	if err != nil {
		return 0, wrap(err, "read an account")
	}
	account, _ := record.(ledger.Account)
	return account.Nonces.Top, nil
}

// intentRow is what a block says of one intent.
type intentRow struct {
	id      spec.ID
	refusal spec.Error
}

// intentRows reads the intents of a batch that took effect. What has no right form, or was signed by nobody known, has no
// row: nobody could ask for it.
func intentRows(ledgerID [16]byte, t app.BlockTransaction) ([]*intentRow, error) {
	var batch spec.Batch
	var result spec.BatchResult
	if len(t.Args) == 0 {
		return nil, fmt.Errorf("a batch without its argument")
	}
	if err := proto.Unmarshal(t.Args[0], &batch); err != nil {
		return nil, fmt.Errorf("read a batch: %w", err)
	}
	if err := spec.DecodeJSON(t.Result, &result); err != nil {
		return nil, fmt.Errorf("read a batch's result: %w", err)
	}
	rows := make([]*intentRow, len(batch.GetIntents()))
	for i, signed := range batch.GetIntents() {
		if actor, err := intent.Address(signed.GetScheme(), signed.GetPublicKey()); err == nil {
			rows[i] = &intentRow{id: spec.IntentID(actor, intent.Message(ledgerID, signed.GetIntent()))}
		}
	}
	for _, refusal := range result.GetRefusals() {
		i := int(refusal.GetIndex())
		if i >= len(rows) || rows[i] == nil {
			continue
		}
		switch spec.Code(refusal.GetCode()) {
		case spec.BadIntent, spec.BadSignature, spec.InvalidField, spec.NotAnIntent:
			rows[i] = nil
		default:
			rows[i].refusal = spec.Error{Code: spec.Code(refusal.GetCode()), Field: refusal.GetField(), Detail: refusal.GetDetail()}
		}
	}
	return rows, nil
}
