package httpapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
)

// Bad input gets a problem that names the field and the rule, and nothing happens.
func TestBadInput(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	h.pay(t, "used", shopAddress, "1")
	order := spec.NewID(spec.OrderType, spec.OrganisationAddress("FiveMilesMSP"), "none").Text(spec.OrderType)
	blocks := h.treasury.Store.Taken()

	transfer := func(fields string) request {
		return request{method: "POST", path: "/v1/transfers", body: fields}
	}
	good := `"reference":"r","to":"` + shopAddress + `","amount":"1"`
	for _, test := range []struct {
		name  string
		ask   request
		code  spec.Code
		field string
	}{
		{"wrong type, number for text", transfer(`{"reference":1,"to":"` + shopAddress + `","amount":"1"}`), spec.InvalidField, "reference"},
		{"wrong type, number for an amount", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":1}`), spec.InvalidField, "amount"},
		{"wrong type, object for an address", transfer(`{"reference":"r","to":{},"amount":"1"}`), spec.InvalidField, "to"},
		{"missing", transfer(`{"reference":"r","to":"` + shopAddress + `"}`), spec.MissingField, "amount"},
		{"nothing", transfer(``), spec.MissingField, "reference"},
		{"unknown", transfer(`{` + good + `,"fee":"1"}`), spec.UnknownField, "fee"},
		{"given twice", transfer(`{` + good + `,"amount":"2"}`), spec.DuplicateField, "amount"},
		{"another case", transfer(`{"Reference":"r","to":"` + shopAddress + `","amount":"1"}`), spec.UnknownField, "Reference"},
		{"null", transfer(`{"reference":null,"to":"` + shopAddress + `","amount":"1"}`), spec.InvalidField, "reference"},
		{"zero", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":"0"}`), spec.InvalidField, "amount"},
		{"negative", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":"-1"}`), spec.InvalidField, "amount"},
		{"over the cap", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":"1000000000.1"}`), spec.InvalidField, "amount"},
		{"a very long amount", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":"` + strings.Repeat("9", 60000) + `"}`), spec.InvalidField, "amount"},
		{"an exponent", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":"1e3"}`), spec.InvalidField, "amount"},
		{"a mistyped address", transfer(`{"reference":"r","to":"` + shopAddress[:43] + `q","amount":"1"}`), spec.InvalidField, "to"},
		{"an address in capitals", transfer(`{"reference":"r","to":"` + strings.ToUpper(shopAddress) + `","amount":"1"}`), spec.InvalidField, "to"},
		{"an address of mixed case", transfer(`{"reference":"r","to":"` + shopAddress[:43] + strings.ToUpper(shopAddress[43:]) + `","amount":"1"}`), spec.InvalidField, "to"},
		{"an array", transfer(`[{` + good + `}]`), spec.Malformed, ""},
		{"two objects", transfer(`{` + good + `}{}`), spec.Malformed, ""},
		{"no JSON", transfer(`reference=r`), spec.Malformed, ""},
		{"not UTF-8", transfer("{\"reference\":\"\xff\"}"), spec.Malformed, ""},
		{"deep", transfer(strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000)), spec.UnknownField, "a"},
		{"fields in the query of a write", request{method: "POST", path: "/v1/transfers?amount=1", body: `{` + good + `}`}, spec.UnknownField, "amount"},
		{"a sub-account that is no label", transfer(`{"sub_account":"../x",` + good + `}`), spec.InvalidField, "sub_account"},
		{"too large", transfer(`{"memo":"` + strings.Repeat("x", 64<<10) + `",` + good + `}`), spec.BodyTooLarge, ""},
		{"not JSON by its type", request{method: "POST", path: "/v1/transfers", body: `{` + good + `}`, headers: map[string]string{"Content-Type": "text/plain"}}, spec.UnsupportedMedia, ""},
		{"another charset", request{method: "POST", path: "/v1/transfers", body: `{` + good + `}`, headers: map[string]string{"Content-Type": "application/json; charset=latin1"}}, spec.UnsupportedMedia, ""},
		{"an idempotency key with a blank", request{method: "POST", path: "/v1/transfers", body: `{` + good + `}`, headers: map[string]string{"Idempotency-Key": "a b"}}, spec.InvalidField, "Idempotency-Key"},
		{"an idempotency key that is too long", request{method: "POST", path: "/v1/transfers", body: `{` + good + `}`, headers: map[string]string{"Idempotency-Key": strings.Repeat("x", 65)}}, spec.InvalidField, "Idempotency-Key"},

		{"a reused reference", transfer(`{"reference":"used","to":"` + shopAddress + `","amount":"1"}`), spec.ReferenceUsed, "reference"},
		{"to itself", transfer(`{"reference":"r","to":"` + treasuryAddress + `","amount":"1"}`), spec.SameAccount, "to"},
		{"more than there is", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":"999999999"}`), spec.InsufficientFunds, ""},
		{"dust", transfer(`{"reference":"r","to":"` + shopAddress + `","amount":"0.000000000000000001"}`), spec.BelowMinimum, "amount"},
		{"a foreign listing", request{method: "POST", path: "/v1/listings/" + listing + "/close"}, spec.NotAParty, "listing"},
		{"an order that is not there", request{method: "POST", path: "/v1/orders/" + order + "/confirm"}, spec.NotFound, "order"},
		{"a path field in the body too", request{method: "POST", path: "/v1/orders/" + order + "/confirm", body: `{"order":"` + order + `"}`}, spec.DuplicateField, "order"},

		{"an identifier of another type", request{path: "/v1/orders/" + listing}, spec.InvalidField, "order"},
		{"an identifier of another type, short", request{path: "/v1/listings/ord_1qqqq"}, spec.InvalidField, "listing"},
		{"a ledger key", request{path: "/v1/accounts/a%2Fxyz"}, spec.InvalidField, "address"},
		{"a way up", request{path: "/v1/accounts/..%2F..%2Fv1%2Fsupply"}, spec.UnknownOperation, ""},
		{"dots", request{path: "/v1/orders/../supply"}, spec.UnknownOperation, ""},
		{"double slashes", request{path: "/v1//supply"}, spec.UnknownOperation, ""},
		{"a NUL", request{path: "/v1/accounts/%00"}, spec.InvalidField, "address"},
		{"an identifier in capitals", request{path: "/v1/orders/" + strings.ToUpper(order)}, spec.InvalidField, "order"},
		{"no path", request{path: "/v2/supply"}, spec.UnknownOperation, ""},
		{"a path that ends in a slash", request{path: "/v1/supply/"}, spec.UnknownOperation, ""},
		{"an unknown query parameter", request{path: "/v1/supply?x=1"}, spec.UnknownField, "x"},
		{"a query parameter twice", request{path: "/v1/accounts/" + shopAddress + "/credits?limit=1&limit=2"}, spec.DuplicateField, "limit"},
		{"a number with a sign", request{path: "/v1/accounts/" + shopAddress + "/credits?limit=-1"}, spec.InvalidField, "limit"},
		{"a number out of range", request{path: "/v1/accounts/" + shopAddress + "/credits?limit=1000"}, spec.InvalidField, "limit"},
		{"no transaction identifier", request{path: "/v1/transactions/xyz"}, spec.InvalidField, "transaction"},
		{"an unseen transaction", request{path: "/v1/transactions/" + zeroHash}, spec.NotFound, ""},
		{"another method", request{method: "DELETE", path: "/v1/transfers"}, spec.MethodNotAllowed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.ask.key = h.treasuryKey
			p := send(t, h.treasury, test.ask).problem(t)
			if p.Code != test.code || p.Field != test.field {
				t.Errorf("got %s about %q: %s; want %s about %q", p.Code, p.Field, p.Detail, test.code, test.field)
			}
		})
	}
	if h.treasury.Store.Taken() != blocks {
		t.Error("something happened")
	}
}

func TestAllowHeader(t *testing.T) {
	h := newHouse(t)
	got := send(t, h.treasury, request{method: "DELETE", path: "/v1/transfers", key: h.treasuryKey})
	if allow := got.header.Get("Allow"); !strings.Contains(allow, "POST") || !strings.Contains(allow, "GET") {
		t.Errorf("Allow: %q", allow)
	}
}

func TestAuthentication(t *testing.T) {
	h := newHouse(t)
	body := `{"reference":"r","to":"` + shopAddress + `","amount":"1"}`
	readOnly := h.treasury.Key(t, []spec.Scope{spec.ScopeRead})
	bound := h.treasury.Key(t, nil, "store-1")
	revoked := h.treasury.Key(t, nil)
	id := strings.Split(revoked, "_")[1]
	if err := h.treasury.Store.RevokeKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, key, path, method string
		code                    spec.Code
	}{
		{"no key", "", "/v1/transfers", "POST", spec.Unauthenticated},
		{"no key, a read", "", "/v1/supply", "GET", spec.Unauthenticated},
		{"an unknown key", "cmt_000000000000_" + strings.Repeat("A", 43), "/v1/supply", "GET", spec.Unauthenticated},
		{"a key's identifier with another secret", "cmt_" + strings.Split(readOnly, "_")[1] + "_" + strings.Repeat("A", 43), "/v1/supply", "GET", spec.Unauthenticated},
		{"a revoked key", revoked, "/v1/supply", "GET", spec.Unauthenticated},
		{"nonsense", "x", "/v1/supply", "GET", spec.Unauthenticated},
		{"another gateway's key", h.shopKey, "/v1/supply", "GET", spec.Unauthenticated},
		{"a key that reads", readOnly, "/v1/transfers", "POST", spec.ScopeRequired},
		{"a key of another account", bound, "/v1/transfers", "POST", spec.ScopeRequired},
	} {
		t.Run(test.name, func(t *testing.T) {
			ask := request{method: test.method, path: test.path, key: test.key}
			if test.method == "POST" {
				ask.body = body
			}
			got := send(t, h.treasury, ask)
			if p := got.problem(t); p.Code != test.code {
				t.Errorf("got %s: %s", p.Code, p.Detail)
			}
			if got.status == http.StatusUnauthorized && got.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
}

func TestAnonymousReads(t *testing.T) {
	h := newHouse(t, gatewaytest.WithAnonymousReads())
	if got := send(t, h.treasury, request{path: "/v1/supply"}); got.status != http.StatusOK {
		t.Errorf("a read: %s", got.body)
	}
	if p := send(t, h.treasury, request{method: "POST", path: "/v1/transfers", body: "{}"}).problem(t); p.Code != spec.Unauthenticated {
		t.Errorf("a write: %s", p.Code)
	}
}

func TestRateLimit(t *testing.T) {
	h := newHouse(t, gatewaytest.WithRate(0.001))
	send(t, h.treasury, request{path: "/v1/supply", key: h.treasuryKey})
	got := send(t, h.treasury, request{path: "/v1/supply", key: h.treasuryKey})
	if p := got.problem(t); p.Code != spec.RateLimited || got.header.Get("Retry-After") == "" {
		t.Errorf("got %s, Retry-After %q", p.Code, got.header.Get("Retry-After"))
	}
}

func TestFaultsStayOpaque(t *testing.T) {
	h := newHouse(t)
	h.treasury.Ledger.Before = func(*spec.Call) error { return errors.New("secret path /x") }
	body := `{"reference":"r","to":"` + shopAddress + `","amount":"1"}`
	got := send(t, h.treasury, request{method: "POST", path: "/v1/transfers", key: h.treasuryKey, body: body})
	if p := got.problem(t); p.Code != spec.Internal || strings.Contains(string(got.body), "secret") {
		t.Errorf("an error: %s", got.body)
	}
	h.treasury.Ledger.Before = func(*spec.Call) error { panic("secret path /x") }
	got = send(t, h.treasury, request{method: "POST", path: "/v1/transfers", key: h.treasuryKey, body: body})
	if p := got.problem(t); p.Code != spec.Internal || strings.Contains(string(got.body), "secret") {
		t.Errorf("a panic: %s", got.body)
	}
	// The lane that the panic was in is free again.
	h.treasury.Ledger.Before = nil
	if got = send(t, h.treasury, request{method: "POST", path: "/v1/transfers", key: h.treasuryKey, body: body}); got.status != http.StatusCreated {
		t.Errorf("after it: %s", got.body)
	}
}
