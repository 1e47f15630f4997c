package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
)

type listed struct {
	Items []map[string]any `json:"items"`
	Next  string           `json:"next_cursor"`
}

// A purchase's history and both sides' statements, as the document describes them.
func TestHistories(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	id := spec.NewID(spec.OrderType, spec.OrganisationAddress("FiveMilesMSP"), "o").Text(spec.OrderType)
	send(t, h.treasury, request{method: "POST", path: "/v1/orders", key: h.treasuryKey, body: `{"reference":"o","listing":"` + listing + `","version":1,"quantity":1,"total":"11.5"}`})
	send(t, h.shop, request{method: "POST", path: "/v1/orders/" + id + "/ship", key: h.shopKey})
	var w written
	send(t, h.treasury, request{method: "POST", path: "/v1/orders/" + id + "/confirm", key: h.treasuryKey}).decode(t, http.StatusOK, &w)

	doc := document(t)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	read := func(path, item string) []map[string]any {
		t.Helper()
		var all []map[string]any
		for cursor := ""; ; {
			var page listed
			send(t, h.shop, request{path: path + "?limit=1" + cursor, key: h.shopKey}).decode(t, http.StatusOK, &page)
			for _, got := range page.Items {
				if err := compiler.MustCompile("openapi.json#/components/schemas/" + item).Validate(got); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			all = append(all, page.Items...)
			if page.Next == "" {
				return all
			}
			cursor = "&cursor=" + page.Next
		}
	}
	steps := read("/v1/orders/"+id+"/history", "HistoryEntry")
	var operations []string
	for _, step := range steps {
		operations = append(operations, step["operation"].(string))
	}
	if strings.Join(operations, " ") != "market:PlaceOrder market:ShipOrder market:ConfirmOrder" {
		t.Fatalf("steps: %v", operations)
	}
	last := steps[2]
	if last["state"] != "released" || last["actor"] != treasuryAddress || last["transaction"] != w.Transaction || uint64(last["block"].(float64)) != w.Block || len(last["movements"].([]any)) != 2 {
		t.Errorf("the last step: %v", last)
	}
	statement := read("/v1/accounts/"+shopAddress+"/history", "StatementEntry")
	if len(statement) != 1 || statement[0]["direction"] != "credit" || statement[0]["kind"] != "release" || statement[0]["amount"] != "11.2125" || statement[0]["object"] != id {
		t.Errorf("the shop's statement: %v", statement)
	}
	if steps := read("/v1/listings/"+listing+"/history", "HistoryEntry"); len(steps) != 1 {
		t.Errorf("the listing's history: %v", steps)
	}
}

func TestHistoriesRefuse(t *testing.T) {
	h := newHouse(t)
	person := spec.KeyAddress("ed25519", []byte("nobody")).String()
	id := func(idType spec.IDType) string { return spec.ID{}.Text(idType) }
	for path, want := range map[string]spec.Code{
		"/v1/accounts/" + person + "/history":                                                 spec.NotFound,
		"/v1/accounts/x/history":                                                              spec.InvalidField,
		"/v1/accounts/" + person + "/history?x=1":                                             spec.UnknownField,
		"/v1/orders/" + id(spec.OrderType) + "/history":                                       spec.NotFound,
		"/v1/orders/" + id(spec.HoldType) + "/history":                                        spec.InvalidField,
		"/v1/orders/" + id(spec.OrderType) + "/dispute/history":                               spec.NotFound,
		"/v1/listings/" + id(spec.ListingType) + "/offers/" + id(spec.OfferType) + "/history": spec.NotFound,
		"/v1/listings/" + id(spec.OfferType) + "/offers/" + id(spec.OfferType) + "/history":   spec.InvalidField,
		"/v1/accounts/" + shopAddress + "/allowances/" + person + "/history":                  spec.NotFound,
		"/v1/accounts/" + shopAddress + "/allowances/x/history":                               spec.InvalidField,
		"/v1/auctions/" + id(spec.AuctionType) + "/history":                                   spec.NotFound,
		"/v1/holds/" + id(spec.HoldType) + "/history?limit=101":                               spec.InvalidField,
		"/v1/mints/" + id(spec.MintType) + "/history?cursor=x":                                spec.InvalidField,
		"/v1/burns/" + id(spec.BurnType) + "/history":                                         spec.NotFound,
		"/v1/transfers/" + id(spec.TransferType) + "/history":                                 spec.NotFound,
		"/v1/payouts/" + id(spec.PayoutType) + "/history":                                     spec.NotFound,
	} {
		if p := send(t, h.shop, request{path: path, key: h.shopKey}).problem(t); p.Code != want {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

// The lists of trade are there, take their filters, and say what is wrong with others.
func TestTradeLists(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	order := spec.NewID(spec.OrderType, spec.OrganisationAddress("FiveMilesMSP"), "o").Text(spec.OrderType)
	for _, step := range []struct {
		who        *gatewaytest.Gateway
		path, body string
	}{
		{h.treasury, "/v1/orders", `{"reference":"o","listing":"` + listing + `","version":1,"quantity":1,"total":"11.5"}`},
		{h.treasury, "/v1/orders/" + order + "/confirm", ``},
		{h.treasury, "/v1/orders/" + order + "/reviews", `{"rating":5,"content_hash":"` + zeroHash + `"}`},
		{h.treasury, "/v1/listings/" + listing + "/offers", `{"reference":"f","version":1,"quantity":1,"total":"9","expires_at":"` + time.Now().Add(time.Minute).UTC().Format(time.RFC3339) + `"}`},
		{h.treasury, "/v1/payouts", `{"reference":"p","payments":[{"to":"` + shopAddress + `","amount":"1"}]}`},
		{h.treasury, "/v1/holds", `{"reference":"h","payee":"` + shopAddress + `","amount":"2","expires_at":"` + time.Now().Add(time.Minute).UTC().Format(time.RFC3339) + `"}`},
		{h.shop, "/v1/auctions", `{"reference":"a","listing":"` + listing + `","version":1,"quantity":1,"start_price":"5","step":"1","ends_at":"` + time.Now().Add(time.Minute).UTC().Format(time.RFC3339) + `"}`},
	} {
		key := h.treasuryKey
		if step.who == h.shop {
			key = h.shopKey
		}
		if got := send(t, step.who, request{method: "POST", path: step.path, key: key, body: step.body}); got.status >= 300 {
			t.Fatalf("%s: %s", step.path, got.body)
		}
	}
	for path, want := range map[string]int{
		"/v1/auctions?state=open&listing=" + listing + "&seller=" + shopAddress: 1,
		"/v1/auctions?state=sold":                                     0,
		"/v1/offers?listing=" + listing + "&buyer=" + treasuryAddress: 1,
		"/v1/offers?seller=" + treasuryAddress:                        0,
		"/v1/disputes?arbiter=BuyersMSP&state=open":                   0,
		"/v1/reviews?subject=" + shopAddress:                          1,
		"/v1/reviews?author=" + shopAddress:                           0,
		"/v1/holds?payer=" + treasuryAddress + "&payee=" + shopAddress + "&arbiter=" + shopAddress + "&state=held": 1,
		"/v1/payouts?from=" + treasuryAddress: 1,
	} {
		var page listed
		send(t, h.shop, request{path: path, key: h.shopKey}).decode(t, http.StatusOK, &page)
		if len(page.Items) != want {
			t.Errorf("%s: %v", path, page.Items)
		}
	}
	var reputation struct {
		AsSeller struct {
			Count, Sum int
		} `json:"as_seller"`
	}
	send(t, h.shop, request{path: "/v1/accounts/" + shopAddress + "/reputation", key: h.shopKey}).decode(t, http.StatusOK, &reputation)
	if reputation.AsSeller.Count != 1 || reputation.AsSeller.Sum != 5 {
		t.Errorf("reputation: %+v", reputation)
	}
	for path, field := range map[string]string{
		"/v1/auctions?listing=x": "listing", "/v1/auctions?state=x": "state", "/v1/offers?buyer=x": "buyer", "/v1/offers?cursor=AAAA": "cursor",
		"/v1/disputes?arbiter=%2F": "arbiter", "/v1/reviews?limit=0": "limit", "/v1/holds?payee=x": "payee", "/v1/payouts?from=x": "from",
		"/v1/accounts/x/reputation": "address",
	} {
		if p := send(t, h.shop, request{path: path, key: h.shopKey}).problem(t); p.Code != spec.InvalidField || p.Field != field {
			t.Errorf("%s: %+v", path, p)
		}
	}
}
