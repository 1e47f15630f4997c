package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/httpapi"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
)

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request is what is asked; zero values are a read with all scopes.
type request struct {
	method, path, body string
	key                string
	headers            map[string]string
}

func send(t *testing.T, g *gatewaytest.Gateway, r request) answer {
	t.Helper()
	if r.method == "" {
		r.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, g.Server.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.key != "" {
		req.Header.Set("Authorization", "Bearer "+r.key)
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	noRedirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := noRedirect.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// problem reads a problem and checks that it is a whole one.
func (a answer) problem(t *testing.T) httpapi.Problem {
	t.Helper()
	var p httpapi.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("status %d, no problem: %s", a.status, a.body)
	}
	entry := spec.Lookup(p.Code)
	if a.header.Get("Content-Type") != "application/problem+json" || p.Status != a.status || p.Status != entry.HTTPStatus ||
		p.Title != entry.Title || p.Type != "/docs/errors#"+string(p.Code) || p.Detail == "" || p.Instance == "" {
		t.Errorf("not a whole problem: %s", a.body)
	}
	return p
}

func (a answer) decode(t *testing.T, status int, into any) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatal(err)
	}
}

// written is a write's answer.
type written struct {
	Transaction string         `json:"transaction"`
	Block       uint64         `json:"block"`
	Result      map[string]any `json:"result"`
}

// house is a network of two organisations, one rich and one that sells.
type house struct {
	treasury, shop       *gatewaytest.Gateway
	treasuryKey, shopKey string
}

func newHouse(t *testing.T, options ...gatewaytest.Option) house {
	t.Helper()
	chain := gatewaytest.Chain(t)
	h := house{treasury: gatewaytest.New(t, chain, memledger.Members[0], options...), shop: gatewaytest.New(t, chain, memledger.Members[1], options...)}
	h.treasuryKey, h.shopKey = h.treasury.Key(t, nil), h.shop.Key(t, nil)
	return h
}

func (h house) pay(t *testing.T, reference, to, amount string) written {
	t.Helper()
	var w written
	send(t, h.treasury, request{method: "POST", path: "/v1/transfers", key: h.treasuryKey, body: `{"reference":"` + reference + `","to":"` + to + `","amount":"` + amount + `"}`}).decode(t, http.StatusCreated, &w)
	return w
}

var (
	treasuryAddress = spec.OrganisationAddress(memledger.Members[0]).String()
	shopAddress     = spec.OrganisationAddress(memledger.Members[1]).String()
	zeroHash        = strings.Repeat("0", 64)
)

const listingBody = `{"reference":"l1","price":"10","shipping_price":"1.5","stock":4,"lots":2,"category":"bikes","content_hash":"0000000000000000000000000000000000000000000000000000000000000000"}`

func (h house) list(t *testing.T) string {
	t.Helper()
	var w written
	send(t, h.shop, request{method: "POST", path: "/v1/listings", key: h.shopKey, body: listingBody}).decode(t, http.StatusCreated, &w)
	return w.Result["listing"].(string)
}
