package store

import (
	"context"
	"encoding/base64"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store/history"
	"github.com/cybermiles/cmt/gateway/store/mirror"
)

var _ app.Histories = (*Store)(nil)

// History returns what happened to an object, the oldest step first.
func (s *Store) History(_ context.Context, q app.HistoryQuery) (app.Page, error) {
	subject, has := history.Of(q.Object)
	if !has {
		return app.Page{}, spec.Errorf(spec.Internal, "records of kind %d have no history", q.Object.Kind)
	}
	page, err := s.historyPage(subject, q.Cursor, mirror.OldestFirst, q.Limit, func(row mirror.Row) (proto.Message, error) {
		entry, err := history.Entry(row.Value)
		if err != nil {
			return nil, err
		}
		entry.Transaction, entry.Block, entry.Time = row.Transaction.ID[:], row.Place.Block, row.Transaction.Time
		return entry, nil
	})
	// Whatever is on the ledger was created by something.
	if err == nil && len(page.Items) == 0 && q.Cursor == "" {
		return page, spec.Errorf(spec.NotFound, "there is no such object in the blocks that this gateway has seen")
	}
	return page, err
}

// Statement returns what an account's money did, the newest movement first.
func (s *Store) Statement(ctx context.Context, q app.StatementQuery) (app.Page, error) {
	if q.Account.Type == spec.KeyAccount {
		home, err := s.Home(ctx, q.Account)
		if err != nil {
			return app.Page{}, err
		}
		own, err := s.ownIndex()
		if err != nil {
			return app.Page{}, err
		}
		if home == 0 || home != own {
			return app.Page{}, spec.FieldErrorf(spec.NotFound, "address", "is a person's account that is not at home here: its home's gateway keeps its statement (home: member %d; here: member %d)", home, own)
		}
	}
	return s.historyPage(history.Account(q.Account), q.Cursor, mirror.NewestFirst, q.Limit, func(row mirror.Row) (proto.Message, error) {
		entry, err := history.StatementEntry(q.Account, row.Value)
		if err != nil {
			return nil, err
		}
		entry.Transaction, entry.Block, entry.Time = row.Transaction.ID[:], row.Place.Block, row.Transaction.Time
		return entry, nil
	})
}

// historyPage reads a page of a history; its cursor is the last row's place.
func (s *Store) historyPage(subject history.Subject, cursor string, order mirror.Order, limit int, view func(mirror.Row) (proto.Message, error)) (app.Page, error) {
	var page app.Page
	var behind *mirror.Place
	if cursor != "" {
		b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
		place, err2 := mirror.ParsePlace(b)
		if err != nil || err2 != nil {
			return page, badCursor()
		}
		behind = &place
	}
	rows, err := s.mirror.Rows(subject, behind, order, limit+1)
	if err != nil {
		return page, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		page.NextCursor = base64.RawURLEncoding.EncodeToString(rows[limit-1].Place.Append(nil))
	}
	for _, row := range rows {
		message, err := view(row)
		if err != nil {
			return app.Page{}, wrap(err, "read a row of a history")
		}
		item, err := spec.EncodeJSON(message)
		if err != nil {
			return app.Page{}, wrap(err, "write a row of a history")
		}
		page.Items = append(page.Items, item)
	}
	return page, nil
}
