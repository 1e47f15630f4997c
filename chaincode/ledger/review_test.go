package ledger_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// give is a review of an order.
func give(order []byte) *spec.GiveReview {
	return &spec.GiveReview{Order: order, Rating: 4, ContentHash: make([]byte, 32)}
}

// reviewers are who may have reviewed an order before the actor does, by the table's words.
var reviewers = map[string]func(actor, other seat) []seat{
	"by nobody":         func(_, _ seat) []seat { return nil },
	"by the actor":      func(actor, _ seat) []seat { return []seat{actor} },
	"by the other side": func(_, other seat) []seat { return []seat{other} },
	"by both":           func(actor, other seat) []seat { return []seat{actor, other} },
}

// TestReviews drives every cell of docs/rules/reviews.md.
func TestReviews(t *testing.T) {
	rules := readTable(t, "reviews.md", "Reviews")
	for _, row := range table(t, ordersDoc, "States", "state") {
		state, holds := row["state"], row["holds money"] == "yes"
		from := map[bool]string{true: "none", false: state}[state == absent]
		for who, actor := range map[string]seat{"buyer": anna, "seller": seller, "other": {merchant, "store"}} {
			for reviewed, by := range reviewers {
				for when, offset := range map[string][]int64{"before": {0, reviewSeconds - 1}, "after": {reviewSeconds, 100_000}} {
					for _, seconds := range offset {
						other := map[seat]seat{anna: seller, seller: anna}[actor]
						if before := by(actor, other); (holds || state == absent || who == "other") && before != nil {
							continue // there is nothing that could have been reviewed before, or nobody who could have
						}
						row := rules.find(t, map[string]string{"operation": "GiveReview", "order": from, "reviewed": reviewed, "actor": who, "when": when})
						name := fmt.Sprintf("%s, reviewed %s, by the %s after %d s", from, reviewed, who, seconds)
						b, _, id := orderIn(t, state)
						for _, s := range by(actor, other) {
							b.must(s.mspID, s.subAccount, "market:GiveReview", give(id[:]), nil)
						}
						b.now += seconds
						checkReview(t, name, row, b, id, actor)
					}
				}
			}
		}
	}
	rules.checkUsed(t)
}

func checkReview(t *testing.T, name string, row *tableRow, b *books, id spec.ID, s seat) {
	t.Helper()
	order := b.records[ledger.OrderKey(id)]
	result, err := b.try(s.mspID, s.subAccount, "market:GiveReview", give(id[:]), nil)
	if code := spec.Code(row.Row["error"]); code != "" {
		if err == nil || spec.ErrorCode(err) != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if b.records[ledger.OrderKey(id)] != order {
		t.Errorf("%s: the order is rewritten", name)
	}
	by, subject := spec.Side_SIDE_BUYER, seller
	if s == seller {
		by, subject = spec.Side_SIDE_SELLER, anna
	}
	want := &spec.ReviewView{
		Order: id[:], By: by, Author: s.address().Bytes(), Subject: subject.address().Bytes(), Rating: 4, ContentHash: make([]byte, 32), Time: b.now,
	}
	if !proto.Equal(result, want) {
		t.Errorf("%s: the review is %v, want %v", name, result, want)
	}
	all := b.must(operator, "", "market:GetReviews", &spec.GetReviews{Order: id[:]}, nil).(*spec.OrderReviews)
	found := false
	for _, review := range all.Reviews {
		found = found || proto.Equal(review, want)
	}
	if !found {
		t.Errorf("%s: it is not among %v", name, all.Reviews)
	}
}
