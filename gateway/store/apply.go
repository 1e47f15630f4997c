package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/mirror"
)

// row is a record that some list has.
type row struct {
	// position is that of the transaction that wrote it: block << 24 | number in block.
	position uint64
	key      ledger.Key
	record   ledger.Record
}

// isListed says of which kinds there are lists. Of all others only the mirror keeps something, which does not decode them.
func isListed(kind ledger.Kind) bool {
	switch kind {
	case ledger.ListingKind, ledger.VersionKind, ledger.OrderKind, ledger.TransferKind, ledger.AuctionKind, ledger.OfferKind, ledger.DisputeKind,
		ledger.ReviewKind, ledger.TokenHoldKind, ledger.PayoutKind:
		return true
	default:
		return false
	}
}

// read takes a block apart: what the mirror takes, and the rows of the lists. Nothing is changed.
func (s *Store) read(block app.Block) (changes mirror.Changes, rows []row, err error) {
	changes = mirror.Changes{Number: block.Number, Hash: block.Hash}
	// What the mirror has taken already is told already, and from an earlier state.
	untold := block.Number == s.mirror.Next()
	for number, t := range block.Transactions {
		changes.Writes = append(changes.Writes, t.Writes...)
		listed, err := listedRows(t, block.Number<<positionBits|uint64(number))
		if err != nil {
			return changes, nil, fmt.Errorf("transaction %s: %w", t.ID, err)
		}
		rows = append(rows, listed...)
		if !untold || t.Code != app.Valid || t.Function == "" {
			continue
		}
		told, err := s.tell(block, number)
		if err != nil {
			return changes, nil, fmt.Errorf("transaction %s: %w", t.ID, err)
		}
		if len(told.Intents)+len(told.Rows) > 0 {
			changes.Transactions = append(changes.Transactions, told)
		}
	}
	return changes, rows, nil
}

// listedRows returns what a transaction wrote of which there are lists.
func listedRows(t app.BlockTransaction, position uint64) (rows []row, err error) {
	for _, write := range t.Writes {
		kind, err := state.KindOf(write.Key)
		if err != nil {
			return nil, err
		}
		if write.Delete || !isListed(kind) {
			continue
		}
		r := row{position: position}
		if r.key, err = state.ParseKey(write.Key); err == nil {
			r.record, err = state.DecodeRecord(kind, write.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", write.Key, err)
		}
		rows = append(rows, r)
	}
	// A listing's head comes before its versions, an order before what is said of it: their rows refer to its own.
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.key.Kind, b.key.Kind) })
	return rows, nil
}

// applier takes one block within one database transaction. Statements are prepared when first used and live as long: a block
// may hold many of the same.
type applier struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	// mirror is as it was before the block, or later when it is ahead.
	mirror *mirror.Mirror
}

func newApplier(ctx context.Context, tx *sql.Tx, before *mirror.Mirror) *applier {
	return &applier{ctx: ctx, tx: tx, statements: map[string]*sql.Stmt{}, mirror: before}
}

func (a *applier) close() error {
	var err error
	for _, statement := range a.statements {
		err = errors.Join(err, statement.Close())
	}
	return err
}

func (a *applier) exec(query string, arguments ...any) error {
	statement, ok := a.statements[query]
	if !ok {
		var err error
		if statement, err = a.tx.PrepareContext(a.ctx, query); err != nil {
			return err
		}
		a.statements[query] = statement
	}
	_, err := statement.ExecContext(a.ctx, arguments...)
	return err
}

func (a *applier) block(block app.Block, rows []row) error {
	if err := a.exec("INSERT INTO blocks (number, hash) VALUES (?, ?)", block.Number, block.Hash); err != nil {
		return err
	}
	for _, t := range block.Transactions {
		if err := a.transaction(block.Number, t); err != nil {
			return fmt.Errorf("transaction %s: %w", t.ID, err)
		}
	}
	for _, r := range rows {
		if err := a.index(r); err != nil {
			return fmt.Errorf("key %q: %w", state.FormatKey(r.key), err)
		}
	}
	return nil
}

func (a *applier) transaction(block uint64, t app.BlockTransaction) error {
	// The same envelope may be in a later block again; what the first one came to stands.
	err := a.exec("INSERT INTO transactions (id, block, code, operation, creator, time, result) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
		t.ID, block, t.Code, t.Function, t.Creator, t.Time.Unix(), t.Result)
	if err != nil {
		return err
	}
	return a.exec(`DELETE FROM unsettled WHERE "transaction" = ?`, t.ID)
}

// index keeps the lists' rows.
func (a *applier) index(row row) error {
	id, parent := []byte(row.key.ID), []byte(row.key.Parent)
	switch r := row.record.(type) {
	case ledger.Listing:
		return a.exec("INSERT INTO listings (id, seller, version, state, category, position) VALUES (?, ?, ?, ?, '', ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state",
			id, r.Seller.Bytes(), r.Version, int32(r.State()), row.position)
	case ledger.Version:
		return a.exec("UPDATE listings SET category = ? WHERE id = ?", r.Category, parent)
	case ledger.Order:
		err := a.exec("INSERT INTO orders (id, buyer, seller, state, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			id, r.Buyer.Bytes(), r.Seller.Bytes(), int32(r.State), row.position)
		if err != nil || !slices.Contains(endStates, r.State) {
			return err
		}
		// Next to no order has a dispute, and the mirror says so at less than what two statements cost. One that this block opened was
		// opened by the transaction that ended the order, for no two in a block change one order, and is settled with its own row.
		dispute, err := a.mirror.Get(state.FormatKey(ledger.Key{Kind: ledger.DisputeKind, ID: row.key.ID}))
		if err != nil || dispute[0] == nil {
			return err
		}
		return a.settle(id)
	case ledger.Transfer:
		return a.exec("INSERT INTO transfers (id, sender, receiver, position) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			id, r.From.Bytes(), r.To.Bytes(), row.position)
	case ledger.Auction:
		return a.exec("INSERT INTO auctions (id, seller, listing, state, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			id, r.Seller.Bytes(), r.Listing[:], int32(r.State), row.position)
	case ledger.Offer:
		return a.exec("INSERT INTO offers (id, listing, buyer, seller, state, position) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			append(parent, id...), parent, r.Buyer.Bytes(), r.Seller.Bytes(), int32(r.State), row.position)
	case ledger.Dispute:
		return errors.Join(a.dispute(id, r, row.position), a.settle(id))
	case ledger.Review:
		return a.review(parent, spec.Side(row.key.ID[0]), r, row.position)
	case ledger.TokenHold:
		return a.exec("INSERT INTO holds (id, payer, payee, arbiter, state, position) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			id, r.Payer.Bytes(), r.Payee.Bytes(), r.Arbiter.Bytes(), int32(r.State), row.position)
	case ledger.Payout:
		return a.exec("INSERT INTO payouts (id, sender, position) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", id, r.From.Bytes(), row.position)
	}
	return nil
}

// endStates are those of an order that has ended with whatever there was between its sides.
var endStates = []spec.OrderState{
	spec.OrderState_ORDER_STATE_RELEASED, spec.OrderState_ORDER_STATE_REFUNDED, spec.OrderState_ORDER_STATE_SPLIT, spec.OrderState_ORDER_STATE_RULED,
}

// settle ends an open dispute whose order has ended; its own record is not written again then. One that was ruled has its own state
// written behind the order's.
func (a *applier) settle(order []byte) error {
	var err error
	for _, table := range []string{"disputes", "panels"} {
		err = errors.Join(err, a.exec("UPDATE "+table+" SET state = ? WHERE id = ? AND state = ? AND EXISTS (SELECT 1 FROM orders WHERE id = ? AND state IN (?, ?, ?, ?))",
			int32(spec.DisputeState_DISPUTE_STATE_SETTLED), order, int32(spec.DisputeState_DISPUTE_STATE_OPEN),
			order, int32(endStates[0]), int32(endStates[1]), int32(endStates[2]), int32(endStates[3])))
	}
	return err
}

func (a *applier) dispute(order []byte, d ledger.Dispute, position uint64) error {
	err := a.exec("INSERT INTO disputes (id, buyer, seller, state, position) SELECT id, buyer, seller, ?, ? FROM orders WHERE id = ? ON CONFLICT (id) DO UPDATE SET state = excluded.state",
		int32(d.State), position, order)
	for _, arbiter := range d.Arbiters() {
		err = errors.Join(err, a.exec("INSERT INTO panels (arbiter, id, state, position) VALUES (?, ?, ?, ?) ON CONFLICT (arbiter, id) DO UPDATE SET state = excluded.state",
			arbiter, order, int32(d.State), position))
	}
	return err
}

// review adds a review to its subject's ratings, once: blocks that are taken anew find it there.
func (a *applier) review(order []byte, by spec.Side, r ledger.Review, position uint64) error {
	author, subject := "buyer", "seller"
	if by == spec.Side_SIDE_SELLER {
		author, subject = subject, author
	}
	id := slices.Concat(order, []byte{byte(by)})
	err := a.exec("INSERT INTO ratings (subject, side, rating, count) SELECT "+subject+", ?, ?, 1 FROM orders WHERE id = ? AND NOT EXISTS (SELECT 1 FROM reviews WHERE id = ?)"+
		" ON CONFLICT (subject, side, rating) DO UPDATE SET count = count + 1", int32(by), r.Rating, order, id)
	return errors.Join(err, a.exec("INSERT INTO reviews (id, author, subject, position) SELECT ?, "+author+", "+subject+", ? FROM orders WHERE id = ? ON CONFLICT DO NOTHING",
		id, position, order))
}
