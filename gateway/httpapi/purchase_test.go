package httpapi_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// A purchase from listing to payout, through REST over the real rules.
func TestPurchase(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)

	order := spec.NewID(spec.OrderType, spec.OrganisationAddress("FiveMilesMSP"), "o1")
	code := make([]byte, 16)
	placed := send(t, h.treasury, request{method: "POST", path: "/v1/orders", key: h.treasuryKey, body: `{"reference":"o1","listing":"` + listing +
		`","version":1,"quantity":2,"total":"21.5","hand_over_hash":"` + hex.EncodeToString(spec.HandOverHash(order, code)) + `"}`})
	var w written
	placed.decode(t, http.StatusCreated, &w)
	id := order.Text(spec.OrderType)
	if w.Result["order"] != id || placed.header.Get("Location") != "/v1/orders/"+id || len(w.Transaction) != 64 {
		t.Errorf("placed: %s, at %s", placed.body, placed.header.Get("Location"))
	}

	for _, step := range []struct{ verb, body, state string }{
		{"ship", "", "shipped"},
		{"hand-over", `{"code":"` + hex.EncodeToString(code) + `"}`, "handed_over"},
	} {
		var w written
		send(t, h.shop, request{method: "POST", path: "/v1/orders/" + id + "/" + step.verb, key: h.shopKey, body: step.body}).decode(t, http.StatusOK, &w)
		if w.Result["state"] != step.state {
			t.Errorf("%s: %v", step.verb, w.Result)
		}
	}
	send(t, h.treasury, request{method: "POST", path: "/v1/orders/" + id + "/confirm", key: h.treasuryKey}).decode(t, http.StatusOK, &w)

	var balance map[string]any
	send(t, h.shop, request{path: "/v1/accounts/" + shopAddress, key: h.shopKey}).decode(t, http.StatusOK, &balance)
	// 21.5 less 2.5 %, rounded down.
	if balance["credits"] != "20.9625" {
		t.Errorf("the shop has %v", balance)
	}
	var record map[string]any
	send(t, h.shop, request{path: "/v1/transactions/" + w.Transaction, key: h.shopKey}).decode(t, http.StatusOK, &record)
	if record["state"] != "committed" || record["code"] != "VALID" || record["operation"] != "market:ConfirmOrder" || record["creator"] != "FiveMilesMSP" {
		t.Errorf("transaction: %v", record)
	}
}

func TestSoldOutAcrossLots(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	buy := func(reference string) answer {
		return send(t, h.treasury, request{method: "POST", path: "/v1/orders", key: h.treasuryKey, body: `{"reference":"` + reference + `","listing":"` + listing + `","version":1,"quantity":2,"total":"21.5"}`})
	}
	for _, reference := range []string{"a", "b"} {
		if got := buy(reference); got.status != http.StatusCreated {
			t.Fatalf("%s: %s", reference, got.body)
		}
	}
	if p := buy("c").problem(t); p.Code != spec.SoldOut {
		t.Errorf("got %s", p.Code)
	}
}

func TestIdempotencyOverREST(t *testing.T) {
	h := newHouse(t)
	pay := func(key, body string) answer {
		return send(t, h.treasury, request{method: "POST", path: "/v1/transfers", key: h.treasuryKey, body: body, headers: map[string]string{"Idempotency-Key": key}})
	}
	body := `{"to":"` + shopAddress + `","amount":"5"}`
	first, again := pay("k1", body), pay("k1", body)
	if first.status != http.StatusCreated || again.status != http.StatusCreated || string(first.body) != string(again.body) {
		t.Fatalf("%s\n%s", first.body, again.body)
	}
	if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("replayed: %q", again.header)
	}
	if effects := h.treasury.Chain.Transactions("token:Transfer"); effects != 1 {
		t.Errorf("%d effects", effects)
	}
	if p := pay("k1", `{"to":"`+shopAddress+`","amount":"6"}`).problem(t); p.Code != spec.IdempotencyMismatch {
		t.Errorf("another body: %s", p.Code)
	}
	// The key became the reference.
	id := spec.NewID(spec.TransferType, spec.OrganisationAddress("FiveMilesMSP"), "k1").Text(spec.TransferType)
	if got := send(t, h.treasury, request{path: "/v1/transfers/" + id, key: h.treasuryKey}); got.status != http.StatusOK {
		t.Errorf("by its reference: %s", got.body)
	}
	if p := send(t, h.treasury, request{method: "POST", path: "/v1/transfers", key: h.treasuryKey, body: body}).problem(t); p.Code != spec.MissingField || p.Field != "reference" {
		t.Errorf("neither: %+v", p)
	}
	// A reference of the body's own stays.
	if got := pay("k2", `{"reference":"mine","to":"`+shopAddress+`","amount":"5"}`); !strings.Contains(string(got.body), spec.NewID(spec.TransferType, spec.OrganisationAddress("FiveMilesMSP"), "mine").Text(spec.TransferType)) {
		t.Errorf("own reference: %s", got.body)
	}
}

func TestUnknownOutcomeSaysWhereToAsk(t *testing.T) {
	h := newHouse(t)
	h.treasury.Ledger.Lost = true
	body := `{"to":"` + shopAddress + `","amount":"5"}`
	pay := func() answer {
		return send(t, h.treasury, request{method: "POST", path: "/v1/transfers", key: h.treasuryKey, body: body, headers: map[string]string{"Idempotency-Key": "k"}})
	}
	p := pay().problem(t)
	if p.Code != spec.OutcomeUnknown || len(p.Transaction) != 64 || p.StatusURL != "/v1/transactions/"+p.Transaction {
		t.Fatalf("got %+v", p)
	}
	var record map[string]any
	send(t, h.treasury, request{path: p.StatusURL, key: h.treasuryKey}).decode(t, http.StatusOK, &record)
	if record["state"] != "pending" {
		t.Errorf("it is %v", record)
	}
	// Once orderers answer, the same request brings the same transaction to its end.
	h.treasury.Ledger.Lost = false
	var w written
	pay().decode(t, http.StatusCreated, &w)
	if w.Transaction != p.Transaction || h.treasury.Chain.Transactions("token:Transfer") != 1 {
		t.Errorf("another transaction: %+v", w)
	}
}

func TestLists(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	for _, reference := range []string{"a", "b", "c"} {
		h.pay(t, reference, shopAddress, "1")
	}
	type page struct {
		Items []map[string]any `json:"items"`
		Next  string           `json:"next_cursor"`
	}
	var seen []any
	cursor := ""
	for range 4 {
		var p page
		send(t, h.shop, request{path: "/v1/transfers?limit=2&account=" + shopAddress + cursor, key: h.shopKey}).decode(t, http.StatusOK, &p)
		for _, item := range p.Items {
			seen = append(seen, item["transfer"])
		}
		if p.Next == "" {
			break
		}
		cursor = "&cursor=" + p.Next
	}
	if len(seen) != 3 || seen[0] == seen[1] || seen[1] == seen[2] {
		t.Errorf("saw %v", seen)
	}
	for path, want := range map[string]int{
		"/v1/listings":                        1,
		"/v1/listings?category=bikes":         1,
		"/v1/listings?category=cars":          0,
		"/v1/listings?state=closed":           0,
		"/v1/listings?seller=" + shopAddress:  1,
		"/v1/orders":                          0,
		"/v1/orders?buyer=" + treasuryAddress: 0,
	} {
		var p page
		send(t, h.shop, request{path: path, key: h.shopKey}).decode(t, http.StatusOK, &p)
		if len(p.Items) != want || want == 1 && p.Items[0]["listing"] != listing {
			t.Errorf("%s: %v", path, p.Items)
		}
	}
	for _, path := range []string{"/v1/transfers?limit=0", "/v1/transfers?limit=101", "/v1/transfers?limit=x", "/v1/transfers?limit=01", "/v1/transfers?cursor=zz",
		"/v1/orders?state=none", "/v1/orders?buyer=x", "/v1/orders?buyer="} {
		if p := send(t, h.shop, request{path: path, key: h.shopKey}).problem(t); p.Code != spec.InvalidField || p.Field == "" {
			t.Errorf("%s: %+v", path, p)
		}
	}
	if p := send(t, h.shop, request{path: "/v1/orders?nonsense=1", key: h.shopKey}).problem(t); p.Code != spec.UnknownField || p.Field != "nonsense" {
		t.Errorf("unknown: %+v", p)
	}
	if p := send(t, h.shop, request{path: "/v1/orders?limit=1&limit=2", key: h.shopKey}).problem(t); p.Code != spec.DuplicateField {
		t.Errorf("twice: %+v", p)
	}
}

func TestSelf(t *testing.T) {
	h := newHouse(t)
	key := h.shop.Key(t, []spec.Scope{spec.ScopeRead}, "store-1")
	var self map[string]any
	send(t, h.shop, request{path: "/v1/self", key: key}).decode(t, http.StatusOK, &self)
	if self["msp_id"] != "MerchantOneMSP" || self["address"] != shopAddress || self["accounts"].([]any)[0] != "store-1" || self["scopes"].([]any)[0] != "read" {
		t.Errorf("got %v", self)
	}
}
