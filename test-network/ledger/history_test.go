//go:build network

package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// items reads one page of a gateway's list, each item by the codec of its message.
func items[M interface {
	*T
	proto.Message
}, T any](ctx context.Context, at shopper, path string, query url.Values) ([]M, error) {
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := at.rest.Get(ctx, path, query, &page); err != nil {
		return nil, err
	}
	var list []M
	for _, raw := range page.Items {
		item := M(new(T))
		if err := spec.DecodeJSON(raw, item); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, raw, err)
		}
		list = append(list, item)
	}
	return list, nil
}

// Every gateway tells the same story of a purchase: its steps, where the money went, and what was said of the seller.
func TestEveryGatewayTellsWhatHappened(t *testing.T) {
	seller, buyer := openREST(t, "merchant1", "told"), openREST(t, "merchant2", "told")
	fund(t, "20", buyer.account)
	listing := seller.list(t, offer{price: "9", stock: 3})
	placed := buyer.orderOf(listing, "9")
	var order spec.OrderView
	step := func(by shopper, operation string, command proto.Message, result proto.Message) {
		t.Helper()
		if _, err := by.request(t, operation, command, result, ""); err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
	}
	step(buyer, "market:PlaceOrder", placed, &order)
	step(seller, "market:ShipOrder", &spec.ShipOrder{Order: order.Order}, nil)
	step(buyer, "market:ConfirmOrder", &spec.ConfirmOrder{Order: order.Order}, &order)
	step(buyer, "market:GiveReview", &spec.GiveReview{Order: order.Order, Rating: 4, ContentHash: make([]byte, 32)}, nil)

	path := "/v1/orders/" + spec.ID(order.Order).Text(spec.OrderType) + "/history"
	var first []string
	for _, gateway := range testnet.facts.Gateways {
		reader := openREST(t, gateway.Organisation, "reader")
		var told []string
		eventually(t, patience, func(ctx context.Context) error {
			steps, err := items[*spec.HistoryEntry](ctx, reader, path, nil)
			told = nil
			for _, s := range steps {
				told = append(told, fmt.Sprintf("%s %x %d %s %v", s.Operation, s.Transaction, s.Block, s.State, s.Movements))
			}
			if err == nil && len(steps) != 4 {
				err = fmt.Errorf("%s tells %q", gateway.Organisation, told)
			}
			return err
		})
		if first == nil {
			first = told
		}
		if !slices.Equal(told, first) {
			t.Errorf("%s tells %q, another %q", gateway.Organisation, told, first)
		}
		checkStatement(t, reader, seller.address(), &order)
		reviews, err := items[*spec.ReviewView](short(t), reader, "/v1/reviews", url.Values{"subject": {seller.address().String()}})
		if err != nil || len(reviews) != 1 || reviews[0].Rating != 4 {
			t.Errorf("%s lists the reviews %v, %v", gateway.Organisation, reviews, err)
		}
	}
}

// checkStatement looks for what an order brought its seller, which is all that it ever got.
func checkStatement(t *testing.T, reader shopper, seller spec.Address, order *spec.OrderView) {
	t.Helper()
	entries, err := items[*spec.StatementEntry](short(t), reader, "/v1/accounts/"+seller.String()+"/history", nil)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the seller's statement is %v, %v", entries, err)
	}
	want, _ := amount(decimal(order.Released)).Sub(amount(decimal(order.Fee)))
	got := entries[0]
	if got.Direction != spec.Direction_DIRECTION_CREDIT || got.Kind != spec.MovementKind_MOVEMENT_KIND_RELEASE || decimal(got.Amount) != want.String() ||
		got.Object != spec.ID(order.Order).Text(spec.OrderType) {
		t.Errorf("the seller's statement says %v, want %s", got, want)
	}
}
