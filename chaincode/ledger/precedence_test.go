package ledger_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// rank is a code's place in the catalogue.
func rank(t *testing.T, code spec.Code) int {
	t.Helper()
	at := slices.IndexFunc(spec.Catalogue, func(e spec.Entry) bool { return e.Code == code })
	if at < 0 {
		t.Fatalf("%s is not in the catalogue", code)
	}
	return at
}

// manyFaults are calls with several faults at once.
var manyFaults = []struct {
	function string
	faults   []spec.Code
	prepare  func(t *testing.T) (*books, seat, proto.Message, *spec.Hints)
}{
	{"token:Mint", []spec.Code{spec.NotAMember, spec.RoleRequired, spec.BelowMinimum}, simple(seat{stranger, ""}, mintOf(spec.Units(9)))},
	{"token:Mint", []spec.Code{spec.RoleRequired, spec.BelowMinimum}, simple(anna, mintOf(spec.Units(9)))},
	{"token:Transfer", []spec.Code{spec.SameAccount, spec.BelowMinimum}, simple(minter, pay(treasurer, spec.Units(9)))},
	{"token:Transfer", []spec.Code{spec.BelowMinimum, spec.InsufficientFunds}, simple(anna, pay(operator, spec.Units(9)))},
	{"market:PlaceOrder", []spec.Code{spec.ListingClosed, spec.SameAccount, spec.TotalMismatch, spec.LotEmpty}, shop(seller, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		return buy(l, func(c *spec.PlaceOrder) { c.Quantity = 6 })
	})},
	{"market:PlaceOrder", []spec.Code{spec.TotalMismatch, spec.LotEmpty, spec.InsufficientFunds}, shop(seat{buyers, "ben"}, func(_ *books, l spec.ID) proto.Message {
		return buy(l, func(c *spec.PlaceOrder) { c.Quantity = 6 })
	})},
	{"market:PlaceOrder", []spec.Code{spec.LotEmpty, spec.InsufficientFunds}, shop(seat{buyers, "ben"}, func(_ *books, l spec.ID) proto.Message {
		return buy(l, func(c *spec.PlaceOrder) { c.Quantity, c.Total = 6, spec.CMT(19).Bytes() })
	})},
	{"market:HandOverOrder", []spec.Code{spec.DeadlinePassed, spec.WrongCode}, func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, _, id := orderIn(t, "shipped")
		b.now = start + protectionSeconds
		return b, anna, &spec.HandOverOrder{Order: id[:], Code: make([]byte, 16)}, nil
	}},
	{"market:MakeOffer", []spec.Code{spec.ReferenceUsed, spec.ListingClosed, spec.BelowMinimum, spec.DeadlineOutOfRange}, shop(anna, func(b *books, l spec.ID) proto.Message {
		command, _ := bid(b, l)
		b.must(buyers, "anna", "market:MakeOffer", command, nil)
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		return offering(b, l, func(c *spec.MakeOffer) { c.Total, c.ExpiresAt = spec.Units(9).Bytes(), b.now })
	})},
	{"market:MakeOffer", []spec.Code{spec.SameAccount, spec.BelowMinimum, spec.DeadlineOutOfRange}, shop(seller, func(b *books, l spec.ID) proto.Message {
		return offering(b, l, func(c *spec.MakeOffer) { c.Total, c.ExpiresAt = spec.Units(9).Bytes(), b.now })
	})},
	{"market:MakeOffer", []spec.Code{spec.DeadlineOutOfRange, spec.InsufficientFunds}, shop(seat{buyers, "ben"}, func(b *books, l spec.ID) proto.Message {
		return offering(b, l, func(c *spec.MakeOffer) { c.ExpiresAt = b.now })
	})},
	{"market:CounterOffer", []spec.Code{spec.NotAParty, spec.WrongState, spec.BelowMinimum}, haggle(offerDeclined, anna, func(_ *books, l, o []byte) proto.Message {
		return &spec.CounterOffer{Listing: l, Offer: o, Total: spec.Units(9).Bytes()}
	})},
	{"market:CounterOffer", []spec.Code{spec.BelowMinimum, spec.DeadlinePassed}, haggle(offerOpen, seller, func(b *books, l, o []byte) proto.Message {
		b.now += offerSeconds
		return &spec.CounterOffer{Listing: l, Offer: o, Total: spec.Units(9).Bytes()}
	})},
	{"market:AcceptCounter", []spec.Code{spec.ListingClosed, spec.TotalMismatch, spec.DeadlinePassed}, haggle(offerCountered, anna, func(b *books, l, o []byte) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l}, nil)
		b.now += offerSeconds
		return &spec.AcceptCounter{Listing: l, Offer: o, Total: spec.CMT(9).Bytes()}
	})},
	{"market:AcceptCounter", []spec.Code{spec.TotalMismatch, spec.DeadlinePassed}, haggle(offerCountered, anna, func(b *books, l, o []byte) proto.Message {
		b.now += offerSeconds
		return &spec.AcceptCounter{Listing: l, Offer: o, Total: spec.CMT(9).Bytes()}
	})},
	{"market:GiveReview", []spec.Code{spec.WrongState, spec.DeadlinePassed}, func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, _, id := orderIn(t, "released")
		b.must(buyers, "anna", "market:GiveReview", give(id[:]), nil)
		b.now += reviewSeconds
		return b, anna, give(id[:]), nil
	}},
	{"market:VoteDispute", []spec.Code{spec.RoleRequired, spec.NotFound}, simple(anna, &spec.VoteDispute{Order: make([]byte, 20)})},
	{"market:VoteDispute", []spec.Code{spec.NotAParty, spec.DeadlinePassed}, func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, id, since := disputeIn(t, "opened", shipped)
		_, others := panelOf(b, id)
		b.now = since + disputeSeconds
		return b, others[0], disputing["VoteDispute"](id[:]), nil
	}},
	{"market:VoteDispute", []spec.Code{spec.WrongState, spec.DeadlinePassed}, func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, id, since := disputeIn(t, "voted", shipped)
		panel, _ := panelOf(b, id)
		b.now = since + disputeSeconds
		return b, panel[0], disputing["VoteDispute"](id[:]), nil
	}},
}

// Of several faults the first in the catalogue's order is told.
func TestTheFirstFaultIsTold(t *testing.T) {
	for i, row := range manyFaults {
		t.Run(fmt.Sprintf("%s %d", row.function, i), func(t *testing.T) {
			first := slices.MinFunc(row.faults, func(x, y spec.Code) int { return rank(t, x) - rank(t, y) })
			b, s, command, hints := row.prepare(t)
			if _, err := b.try(s.mspID, s.subAccount, row.function, command, hints); err == nil || spec.ErrorCode(err) != first {
				t.Errorf("of the faults %v: %v, want %s", row.faults, err, first)
			}
		})
	}
}

// elsewhere says where the codes are reached that no operation's row lists, and by what name; those of the rows are reached by
// this package's tests (TestEveryListedRefusalIsReached).
var elsewhere = map[spec.Code]struct{ name, file string }{
	spec.UnknownOperation:    {"UnknownOperation", "chaincode/contract/chaincode_test.go"},
	spec.WrongArgumentCount:  {"WrongArgumentCount", "chaincode/contract/chaincode_test.go"},
	spec.BodyTooLarge:        {"BodyTooLarge", "chaincode/spec/json_test.go"},
	spec.Malformed:           {"Malformed", "chaincode/spec/json_test.go"},
	spec.DuplicateField:      {"DuplicateField", "chaincode/spec/json_test.go"},
	spec.UnknownField:        {"UnknownField", "chaincode/spec/json_test.go"},
	spec.MissingField:        {"MissingField", "chaincode/spec/json_test.go"},
	spec.InvalidField:        {"InvalidField", "chaincode/spec/json_test.go"},
	spec.UnsupportedMedia:    {"UnsupportedMedia", "gateway/httpapi/badinput_test.go"},
	spec.MethodNotAllowed:    {"MethodNotAllowed", "gateway/httpapi/badinput_test.go"},
	spec.TimestampOutOfRange: {"TimestampOutOfRange", "chaincode/simulate/scenario_test.go"},
	spec.Unauthenticated:     {"Unauthenticated", "gateway/httpapi/badinput_test.go"},
	spec.ScopeRequired:       {"ScopeRequired", "gateway/httpapi/badinput_test.go"},
	spec.NotAClient:          {"NotAClient", "chaincode/ledger/refusal_test.go"},
	spec.NotInitialised:      {"NotInitialised", "chaincode/ledger/refusal_test.go"},
	spec.NotAMember:          {"NotAMember", "chaincode/ledger/refusal_test.go"},
	spec.RoleRequired:        {"RoleRequired", "chaincode/ledger/refusal_test.go"},
	spec.RateLimited:         {"RateLimited", "gateway/app/lanes_test.go"},
	spec.BadIntent:           {"BadIntent", "gateway/httpapi/intents_test.go"},
	spec.BadSignature:        {"BadSignature", "chaincode/simulate/intent_test.go"},
	spec.IntentExpired:       {"IntentExpired", "chaincode/simulate/intent_test.go"},
	spec.NotAnIntent:         {"NotAnIntent", "chaincode/ledger/batch_test.go"},
	spec.GenesisMismatch:     {"GenesisMismatch", "chaincode/contract/chaincode_test.go"},
	spec.Fenced:              {"Fenced", "chaincode/ledger/refusal_test.go"},
	spec.SoldOut:             {"SoldOut", "gateway/app/write_test.go"},
	spec.IdempotencyMismatch: {"IdempotencyMismatch", "gateway/app/idempotency_test.go"},
	spec.Conflict:            {"Conflict", "gateway/app/write_test.go"},
	spec.Unavailable:         {"Unavailable", "gateway/app/write_test.go"},
	spec.OutcomeUnknown:      {"OutcomeUnknown", "gateway/app/write_test.go"},
	spec.Internal:            {"Internal", "chaincode/ledger/refusal_test.go"},
}

// Every code of the catalogue is reached by a test.
func TestEveryCodeOfTheCatalogueIsReached(t *testing.T) {
	listed := map[spec.Code]bool{}
	for i := range spec.Operations {
		for _, code := range spec.Operations[i].Errors {
			listed[code] = true
		}
	}
	for _, entry := range spec.Catalogue {
		at, said := elsewhere[entry.Code]
		if !said && !listed[entry.Code] {
			t.Errorf("no operation lists %s, and nothing says where it is reached", entry.Code)
		}
		if !said {
			continue
		}
		text, err := os.ReadFile("../../" + at.file)
		if err != nil || !bytes.Contains(text, []byte("spec."+at.name)) {
			t.Errorf("%s is not reached by %s: %v", entry.Code, at.file, err)
		}
	}
}
