package store_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store"
)

// entries reads a whole history page by page.
func entries(t *testing.T, s *store.Store, object ledger.Key) []*spec.HistoryEntry {
	t.Helper()
	var list []*spec.HistoryEntry
	query := app.HistoryQuery{Object: object, Limit: 2}
	for {
		page, err := s.History(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			entry := &spec.HistoryEntry{}
			if err := spec.DecodeJSON(item, entry); err != nil {
				t.Fatal(err)
			}
			list = append(list, entry)
		}
		if query.Cursor = page.NextCursor; query.Cursor == "" {
			return list
		}
	}
}

// statement reads a whole statement page by page.
func statement(t *testing.T, s *store.Store, account spec.Address) []*spec.StatementEntry {
	t.Helper()
	var list []*spec.StatementEntry
	query := app.StatementQuery{Account: account, Limit: 3}
	for {
		page, err := s.Statement(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			entry := &spec.StatementEntry{}
			if err := spec.DecodeJSON(item, entry); err != nil {
				t.Fatal(err)
			}
			list = append(list, entry)
		}
		if query.Cursor = page.NextCursor; query.Cursor == "" {
			return list
		}
	}
}

// who names accounts in the tests' tables.
func (s *story) who(address []byte) string {
	switch string(address) {
	case "":
		return "-"
	case string(s.alice.Address().Bytes()):
		return "alice"
	case string(s.bob.Address().Bytes()):
		return "bob"
	case string(shopAddress.Bytes()):
		return "shop"
	case string(treasuryAddress.Bytes()):
		return "treasury"
	case string(spec.OrganisationAddress(arbiterMSP).Bytes()):
		return "arbiter"
	}
	return "somebody"
}

// line writes an entry as the tests' tables have it: operation, actor, state, money.
func (s *story) line(e *spec.HistoryEntry) string {
	text := fmt.Sprintf("%s %s %s", strings.TrimPrefix(strings.TrimPrefix(e.Operation, "market:"), "token:"), s.who(e.Actor), e.State)
	for _, m := range e.Movements {
		amount, _ := spec.AmountFromBytes(m.Amount)
		text += fmt.Sprintf("; %s %s>%s %s", spec.EnumText(m.Kind.Descriptor(), m.Kind.Number()), s.who(m.From), s.who(m.To), amount)
	}
	return text
}

func TestHistories(t *testing.T) {
	s := newStory(t)
	o := s.tell()
	sale := spec.AuctionOrder(o.auction, 4)
	for name, test := range map[string]struct {
		object ledger.Key
		want   []string
	}{
		"order": {ledger.OrderKey(o.order), []string{
			"PlaceOrder alice accepted; held alice>- 20",
			"ShipOrder shop shipped",
			"ConfirmOrder alice shipped; release ->shop 7.8; fee ->treasury 0.2",
			"ConfirmOrder alice released; release ->shop 11.7; fee ->treasury 0.3",
			"GiveReview alice ", "GiveReview shop ",
		}},
		"cancelled": {ledger.OrderKey(o.cancelled), []string{
			"PlaceOrder alice ", "CancelOrder alice cancelled; held alice>- 10; refund ->alice 10",
		}},
		"contested": {ledger.OrderKey(o.contested), []string{
			"PlaceOrder alice accepted; held alice>- 10", "ShipOrder shop shipped", "OpenDispute alice disputed",
			"RuleDispute bob ruled; release ->shop 6.4189125; fee ->treasury 0.1645875; refund ->alice 3.3165; panel ->arbiter 0.1",
		}},
		"dispute": {ledger.DisputeKey(o.contested), []string{
			"OpenDispute alice open", "AnswerDispute shop open", "SubmitEvidence alice ", "VoteDispute arbiter ",
			"RuleDispute bob ruled; release ->shop 6.4189125; fee ->treasury 0.1645875; refund ->alice 3.3165; panel ->arbiter 0.1",
		}},
		"offer": {ledger.OfferKey(o.listing, o.haggled), []string{
			"MakeOffer bob open; held bob>- 6", "CounterOffer shop countered", "AcceptCounter bob accepted; held bob>- 3",
		}},
		"the offer's order": {ledger.OrderKey(o.haggled), []string{
			"AcceptCounter bob accepted; held bob>- 3", "ShipOrder shop shipped", "RefundOrder shop refunded; refund ->bob 9",
		}},
		"declined": {ledger.OfferKey(o.listing, o.declined), []string{
			"MakeOffer bob open; held bob>- 6", "DeclineOffer shop declined; refund ->bob 6",
		}},
		"auction": {ledger.AuctionKey(o.auction), []string{
			"OpenAuction shop open", "PlaceBid alice ; held alice>- 5", "PlaceBid bob ; held bob>- 7; refund ->alice 5",
			// Of the first of the two bids nothing is left within the transaction.
			"PlaceBid alice ; refund ->bob 7", "PlaceBid alice ; held alice>- 9",
			"CloseAuction bob sold",
		}},
		"the auction's order": {ledger.OrderKey(sale), []string{"CloseAuction bob accepted"}},
		"unsold": {ledger.AuctionKey(o.unsold), []string{
			"OpenAuction shop open", "PlaceBid bob ; held bob>- 5", "CloseAuction shop unsold; refund ->bob 5",
		}},
		"cart":     {ledger.OrderKey(spec.NewID(spec.OrderType, s.bob.Address(), "cart")), []string{"PlaceCart bob accepted; held bob>- 17"}},
		"discount": {ledger.DiscountKey(spec.DiscountID(shopAddress, s.bob.Address(), "d")), []string{"OfferDiscount shop ", "PlaceCart bob ; held bob>- 17"}},
		"hold": {ledger.TokenHoldKey(o.hold), []string{
			"PlaceHold alice held; held alice>- 20", "CaptureHold shop held; release ->shop 5", "VoidHold shop voided; refund ->alice 15",
		}},
		"allowance": {ledger.AllowanceKey(s.alice.Address(), s.bob.Address()), []string{
			"Approve alice ; allowance alice>- 10", "TransferFrom bob ; draw ->shop 4", "Approve alice ; allowance ->alice 5",
		}},
		"transfer": {ledger.TransferKey(o.transfer), []string{"Transfer alice ; payment alice>shop 4"}},
		"payout":   {ledger.PayoutKey(o.payout), []string{"Payout treasury ; payment treasury>- 11"}},
		"mint":     {ledger.MintKey(spec.NewID(spec.MintType, treasuryAddress, "m")), []string{"Mint treasury ; mint ->bob 7"}},
		"burn":     {ledger.BurnKey(spec.NewID(spec.BurnType, treasuryAddress, "b")), []string{"Burn treasury ; burn treasury>- 8"}},
		"listing": {ledger.ListingKey(o.listing), []string{
			"CreateListing shop open", "EditListing shop open", "SuspendListing treasury suspended", "CloseListing shop closed",
		}},
	} {
		var got []string
		var last *spec.HistoryEntry
		for _, e := range entries(t, s.store, test.object) {
			if last != nil && e.Block < last.Block || e.Time == 0 {
				t.Errorf("%s: a step of block %d, %d behind one of block %d", name, e.Block, e.Time, last.GetBlock())
			}
			if record, err := s.store.Transaction(t.Context(), fmt.Sprintf("%x", e.Transaction)); err != nil || record.Block != e.Block || record.Time.Unix() != e.Time {
				t.Errorf("%s: transaction %+v, %v", name, record, err)
			}
			last = e
			got = append(got, s.line(e))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, test.want)
		}
	}
}

// What came into an account less what left it is what it has, to the unit, for everybody.
func TestStatementsAddUp(t *testing.T) {
	s := newStory(t)
	s.tell()
	for _, account := range []spec.Address{s.alice.Address(), s.bob.Address(), shopAddress, treasuryAddress, spec.OrganisationAddress(arbiterMSP)} {
		var in, out spec.Amount
		var before *spec.StatementEntry
		for _, e := range statement(t, s.store, account) {
			amount, err := spec.AmountFromBytes(e.Amount)
			if err != nil || amount.IsZero() || (len(e.Actor) == 0) != (e.Kind == spec.MovementKind_MOVEMENT_KIND_OPENING) {
				t.Errorf("%s: %v", account, e)
			}
			if e.Direction == spec.Direction_DIRECTION_CREDIT {
				in, _ = in.Add(amount)
			} else {
				out, _ = out.Add(amount)
			}
			if before != nil && e.Block > before.Block {
				t.Errorf("%s: block %d behind block %d", account, e.Block, before.Block)
			}
			before = e
		}
		funds, err := s.store.Funds(t.Context(), account, 64)
		if err != nil {
			t.Fatal(err)
		}
		has := funds.Account
		for _, credit := range funds.Credits {
			has, _ = has.Add(credit.Amount)
		}
		if left, enough := in.Sub(out); !enough || left != has || in.IsZero() {
			t.Errorf("%s: %s came, %s left, %s are there", s.who(account.Bytes()), in, out, has)
		}
	}
	// A payment names both sides.
	newest := statement(t, s.store, s.bob.Address())
	paid := newest[slices.IndexFunc(newest, func(e *spec.StatementEntry) bool {
		return e.Operation == "token:Transfer" && e.Direction == spec.Direction_DIRECTION_CREDIT && s.who(e.Other) == "alice"
	})]
	if s.who(paid.Actor) != "alice" || string(paid.Amount) != string(cmt(3)) {
		t.Errorf("alice's payment: %v", paid)
	}
}

// A person's statement is kept by the home's gateway, and by no other; an organisation's by all.
func TestStatementsAreKeptAtHome(t *testing.T) {
	s := newStory(t)
	s.tell()
	elsewhere, err := store.Open(t.Context(), t.TempDir(), shopMSP)
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	take(t, elsewhere, s.blocks)
	var refusal *spec.Error
	if _, err := elsewhere.Statement(t.Context(), app.StatementQuery{Account: s.alice.Address(), Limit: 1}); !errors.As(err, &refusal) || refusal.Code != spec.NotFound {
		t.Errorf("got %v", err)
	}
	if !reflect.DeepEqual(texts(mustPage(elsewhere.Statement(t.Context(), app.StatementQuery{Account: shopAddress, Limit: 100}))),
		texts(mustPage(s.store.Statement(t.Context(), app.StatementQuery{Account: shopAddress, Limit: 100})))) {
		t.Error("two gateways tell an organisation's statement in two ways")
	}
}

func mustPage(page app.Page, err error) app.Page {
	if err != nil {
		panic(err)
	}
	return page
}

// all is every history and statement of the story.
func (s *story) all(from *store.Store, o objects) []any {
	var told []any
	alice, bob := s.alice.Address(), s.bob.Address()
	for _, object := range []ledger.Key{
		ledger.OrderKey(o.order), ledger.OrderKey(o.cancelled), ledger.OrderKey(o.contested), ledger.DisputeKey(o.contested), ledger.OfferKey(o.listing, o.haggled),
		ledger.AuctionKey(o.auction), ledger.TokenHoldKey(o.hold), ledger.AllowanceKey(alice, bob), ledger.ListingKey(o.listing),
	} {
		told = append(told, texts(mustPage(from.History(s.t.Context(), app.HistoryQuery{Object: object, Limit: 100}))))
	}
	for _, account := range []spec.Address{alice, bob, shopAddress, treasuryAddress} {
		told = append(told, texts(mustPage(from.Statement(s.t.Context(), app.StatementQuery{Account: account, Limit: 100}))))
	}
	for _, name := range slices.Sorted(maps.Keys(s.lists(from, o))) {
		told = append(told, name, texts(s.lists(from, o)[name]))
	}
	for _, account := range []spec.Address{alice, shopAddress} {
		reputation, err := from.Reputation(s.t.Context(), account)
		if err != nil {
			s.t.Fatal(err)
		}
		told = append(told, reputation.String())
	}
	return told
}

// Histories survive a restart at any block, blocks that are taken again, and being built anew from block 0.
func TestHistoriesAreRebuilt(t *testing.T) {
	s := newStory(t)
	o := s.tell()
	want := s.all(s.store, o)
	folder := t.TempDir()
	restarted := open(t, folder)
	for n, block := range s.blocks {
		take(t, restarted, blocks{block, block})
		if n%7 != 3 {
			continue
		}
		if err := restarted.Close(); err != nil {
			t.Fatal(err)
		}
		restarted = open(t, folder)
	}
	if got := s.all(restarted, o); !reflect.DeepEqual(got, want) {
		t.Error("after restarts they differ")
	}
	if err := restarted.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := restarted.History(t.Context(), app.HistoryQuery{Object: ledger.OrderKey(o.order), Limit: 1}); err == nil {
		t.Error("another ledger's history is still there")
	}
	// Many transactions a block, as a real ledger has them: the rows are the same but for where they stand.
	take(t, restarted, s.blocks)
	if got := s.all(restarted, o); !reflect.DeepEqual(got, want) {
		t.Error("built anew they differ")
	}
}

// Transactions of one block see those before them.
func TestHistoriesWithinOneBlock(t *testing.T) {
	s := newStory(t)
	o := s.tell()
	whole := open(t, t.TempDir())
	one := app.Block{Number: 1, Hash: []byte("one"), PreviousHash: s.blocks[0].Hash}
	for _, block := range s.blocks[1:] {
		one.Transactions = append(one.Transactions, block.Transactions...)
	}
	take(t, whole, blocks{s.blocks[0], one})
	for _, object := range []ledger.Key{ledger.OrderKey(o.order), ledger.AuctionKey(o.auction), ledger.DisputeKey(o.contested)} {
		want, got := entries(t, s.store, object), entries(t, whole, object)
		for i, e := range want {
			if i >= len(got) || s.line(got[i]) != s.line(e) || got[i].Block != 1 {
				t.Errorf("step %d: %v, want %v", i, got, want)
				break
			}
		}
	}
	if want, got := len(statement(t, s.store, s.alice.Address())), len(statement(t, whole, s.alice.Address())); got != want {
		t.Errorf("%d movements, want %d", got, want)
	}
}

func TestHistoryRefuses(t *testing.T) {
	s := newStory(t)
	for name, test := range map[string]struct {
		err  func() error
		code spec.Code
	}{
		"an object that is not there": {func() error {
			_, err := s.store.History(t.Context(), app.HistoryQuery{Object: ledger.OrderKey(spec.ID{1}), Limit: 1})
			return err
		}, spec.NotFound},
		"a cursor of nobody's": {func() error {
			_, err := s.store.Statement(t.Context(), app.StatementQuery{Account: shopAddress, Cursor: "AAAA", Limit: 1})
			return err
		}, spec.InvalidField},
	} {
		var refusal *spec.Error
		if err := test.err(); !errors.As(err, &refusal) || refusal.Code != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
