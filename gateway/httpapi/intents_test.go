package httpapi_test

import (
	"context"
	"crypto/elliptic"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/httpapi"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
	"github.com/cybermiles/cmt/gateway/wallet"
)

// person has a key that no gateway has.
type person struct {
	*testing.T
	key   *wallet.Key
	nonce uint64
}

// newPerson makes a person with 100 CMT.
func (h house) newPerson(t *testing.T, scheme spec.Scheme) *person {
	t.Helper()
	key, err := wallet.New(scheme)
	if err != nil {
		t.Fatal(err)
	}
	h.pay(t, "for-"+key.Address().String()[:20], key.Address().String(), "100")
	return &person{T: t, key: key}
}

func (p *person) sign(function string, body string) *spec.SignedIntent {
	p.Helper()
	p.nonce++
	op := spec.Find(function)
	command, err := spec.DecodeCommand(op, []byte(body), "command")
	if err != nil {
		p.Fatal(err)
	}
	signed, err := p.key.Sign([16]byte{}, p.nonce, time.Now().Add(time.Hour).Unix(), &spec.Call{Operation: op, Command: command})
	if err != nil {
		p.Fatal(err)
	}
	return signed
}

func (p *person) pays(to, amount string) *spec.SignedIntent {
	p.Helper()
	return p.sign("token:Transfer", `{"to":"`+to+`","amount":"`+amount+`"}`)
}

type results struct {
	Results []struct {
		Intent      string           `json:"intent"`
		Transaction string           `json:"transaction"`
		Block       uint64           `json:"block"`
		Problem     *httpapi.Problem `json:"problem"`
	} `json:"results"`
}

func bodyOf(t *testing.T, intents ...*spec.SignedIntent) string {
	t.Helper()
	body, err := spec.EncodeJSON(&spec.Batch{Intents: intents})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func relay(t *testing.T, g *gatewaytest.Gateway, key string, intents ...*spec.SignedIntent) results {
	t.Helper()
	var r results
	send(t, g, request{method: "POST", path: "/v1/intents", key: key, body: bodyOf(t, intents...)}).decode(t, http.StatusOK, &r)
	if len(r.Results) != len(intents) {
		t.Fatalf("%d results of %d intents", len(r.Results), len(intents))
	}
	return r
}

func (h house) balance(t *testing.T, address string) map[string]any {
	t.Helper()
	var view map[string]any
	send(t, h.shop, request{path: "/v1/accounts/" + address, key: h.shopKey}).decode(t, http.StatusOK, &view)
	return view
}

// One is refused among those that happen, in order, and each can be looked up.
func TestRelay(t *testing.T) {
	h := newHouse(t)
	anna, ben := h.newPerson(t, spec.Scheme_SCHEME_ED25519), h.newPerson(t, spec.Scheme_SCHEME_P256)
	forged := anna.pays(shopAddress, "1")
	forged.Signature[0] ^= 1
	malformed := anna.pays(shopAddress, "1")
	malformed.Intent = append(malformed.Intent, 0x10, 0)
	r := relay(t, h.shop, h.shopKey, anna.pays(shopAddress, "10"), ben.pays(shopAddress, "2000"), ben.pays(shopAddress, "5"), forged, malformed).Results
	for i, want := range []spec.Code{"", spec.InsufficientFunds, "", spec.BadSignature, spec.BadIntent} {
		if (r[i].Problem == nil) != (want == "") || r[i].Problem != nil && r[i].Problem.Code != want {
			t.Errorf("intent %d: %+v, want %q", i, r[i], want)
		}
	}
	if r[0].Transaction == "" || r[0].Block == 0 || r[4].Intent != "" {
		t.Errorf("got %+v", r)
	}
	for i, state := range map[int]string{0: "committed", 1: "refused", 2: "committed"} {
		var record struct {
			Intent, State, Transaction string
			Block                      uint64
			Problem                    *httpapi.Problem
		}
		send(t, h.shop, request{path: "/v1/intents/" + r[i].Intent, key: h.shopKey}).decode(t, http.StatusOK, &record)
		if record.State != state || record.Intent != r[i].Intent || state == "committed" && (record.Transaction != r[i].Transaction || record.Block != r[i].Block) ||
			state == "refused" && (record.Problem == nil || record.Problem.Code != spec.InsufficientFunds) {
			t.Errorf("intent %d: %+v", i, record)
		}
	}
	if p := send(t, h.shop, request{path: "/v1/intents/" + r[3].Intent, key: h.shopKey}).problem(t); p.Code != spec.NotFound {
		t.Errorf("a forged one is known: %s", p.Code)
	}
	if view := h.balance(t, anna.key.Address().String()); view["nonce"] != 3.0 || view["account"] != "90" {
		t.Errorf("anna has %v", view)
	}
	if view := h.balance(t, shopAddress); view["nonce"] != 0.0 || view["credits"] != "15" {
		t.Errorf("the shop has %v", view)
	}
}

// What happened has the same answer when it is handed in again, at this gateway or another, together or later.
func TestRelayTwice(t *testing.T) {
	h := newHouse(t)
	anna := h.newPerson(t, spec.Scheme_SCHEME_ED25519)
	signed := anna.pays(shopAddress, "10")
	got := make([]results, 8)
	var group sync.WaitGroup
	for i := range got {
		g, key := h.shop, h.shopKey
		if i%2 == 1 {
			g, key = h.treasury, h.treasuryKey
		}
		group.Go(func() { got[i] = relay(t, g, key, signed) })
	}
	group.Wait()
	got = append(got, relay(t, h.shop, h.shopKey, signed))
	for i, one := range got {
		if one.Results[0].Problem != nil || one.Results[0].Transaction != got[0].Results[0].Transaction {
			t.Errorf("answer %d: %+v", i, one.Results[0])
		}
	}
	if view := h.balance(t, anna.key.Address().String()); view["account"] != "90" {
		t.Errorf("anna has %v", view)
	}
}

// Whoever signs with the higher s is helped.
func TestP256IsNormalised(t *testing.T) {
	h := newHouse(t)
	ben := h.newPerson(t, spec.Scheme_SCHEME_P256)
	signed := ben.pays(shopAddress, "1")
	s := new(big.Int).SetBytes(signed.Signature[32:])
	new(big.Int).Sub(elliptic.P256().Params().N, s).FillBytes(signed.Signature[32:])
	if r := relay(t, h.shop, h.shopKey, signed).Results[0]; r.Problem != nil {
		t.Errorf("got %v", r.Problem)
	}
}

// The gateway prepares the same bytes as a wallet makes.
func TestPrepare(t *testing.T) {
	h := newHouse(t)
	anna := h.newPerson(t, spec.Scheme_SCHEME_ED25519)
	var prepared struct{ Intent, Message, SHA256, Summary string }
	send(t, h.shop, request{method: "POST", path: "/v1/intents/prepare", key: h.shopKey,
		body: `{"operation":"token:Transfer","nonce":1,"valid_until":"2036-01-31T12:00:00Z","command":{"to":"` + shopAddress + `","amount":"1.5"}}`}).decode(t, http.StatusOK, &prepared)
	for _, word := range []string{"token:Transfer", shopAddress, "1.5", "nonce 1", "2036-01-31T12:00:00Z"} {
		if !strings.Contains(prepared.Summary, word) {
			t.Errorf("%q does not say %s", prepared.Summary, word)
		}
	}
	body, err := hex.DecodeString(prepared.Intent)
	if err != nil || hex.EncodeToString(intent.Message([16]byte{}, body)) != prepared.Message || len(prepared.SHA256) != 64 {
		t.Errorf("got %+v %v", prepared, err)
	}
	until, err := time.Parse(time.RFC3339, "2036-01-31T12:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	call := &spec.Call{Operation: spec.Find("token:Transfer"), Command: &spec.Transfer{To: spec.OrganisationAddress("MerchantOneMSP").Bytes(), Amount: mustAmount(t, "1.5").Bytes()}}
	signed, err := anna.key.Sign([16]byte{}, 1, until.Unix(), call)
	if err != nil || hex.EncodeToString(signed.Intent) != prepared.Intent {
		t.Fatalf("the wallet makes %x: %v", signed.Intent, err)
	}
	if r := relay(t, h.shop, h.shopKey, signed).Results[0]; r.Problem != nil {
		t.Errorf("got %v", r.Problem)
	}
}

func mustAmount(t *testing.T, text string) spec.Amount {
	t.Helper()
	amount, err := spec.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// A whole purchase by a key that no gateway has; the stock lies in lots.
func TestPurchaseByIntents(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	anna := h.newPerson(t, spec.Scheme_SCHEME_P256)
	for n := range 4 {
		reference := fmt.Sprint("buy-", n)
		order := spec.NewID(spec.OrderType, anna.key.Address(), reference).Text(spec.OrderType)
		// Placed and cancelled or confirmed in one request: they happen in their order.
		r := relay(t, h.treasury, h.treasuryKey,
			anna.sign("market:PlaceOrder", `{"reference":"`+reference+`","listing":"`+listing+`","version":1,"quantity":1,"total":"11.5"}`),
			anna.sign("market:ConfirmOrder", `{"order":"`+order+`"}`)).Results
		if r[0].Problem != nil || r[1].Problem != nil {
			t.Fatalf("purchase %d: %v %v", n, r[0].Problem, r[1].Problem)
		}
	}
	if r := relay(t, h.treasury, h.treasuryKey, anna.sign("market:PlaceOrder", `{"reference":"late","listing":"`+listing+`","version":1,"quantity":1,"total":"11.5"}`)).Results[0]; r.Problem == nil || r.Problem.Code != spec.SoldOut {
		t.Errorf("beyond the stock: %+v", r)
	}
}

// Two gateways sell one listing to more buyers than there are units: each unit once, and everybody else is told so.
func TestFlashSaleByIntents(t *testing.T) {
	h := newHouse(t)
	listing := h.list(t)
	const units, each = 4, 5
	got := make([]results, 2)
	var selling sync.WaitGroup
	for i, gateway := range []*gatewaytest.Gateway{h.treasury, h.shop} {
		var intents []*spec.SignedIntent
		for range each {
			buyer := h.newPerson(t, spec.Scheme_SCHEME_ED25519)
			intents = append(intents, buyer.sign("market:PlaceOrder", `{"reference":"one","listing":"`+listing+`","version":1,"quantity":1,"total":"11.5"}`))
		}
		key := []string{h.treasuryKey, h.shopKey}[i]
		selling.Go(func() { got[i] = relay(t, gateway, key, intents...) })
	}
	selling.Wait()
	ordered, soldOut := 0, 0
	for _, one := range append(got[0].Results, got[1].Results...) {
		switch {
		case one.Problem == nil:
			ordered++
		case one.Problem.Code == spec.SoldOut:
			soldOut++
		default:
			t.Errorf("%+v", one.Problem)
		}
	}
	if ordered != units || soldOut != 2*each-units {
		t.Errorf("%d ordered and %d were told that nothing is left", ordered, soldOut)
	}
}

func TestIntentBadInput(t *testing.T) {
	h := newHouse(t)
	anna := h.newPerson(t, spec.Scheme_SCHEME_ED25519)
	good := bodyOf(t, anna.pays(shopAddress, "1"))
	inner := strings.TrimSuffix(strings.TrimPrefix(good, `{"intents":[`), `]}`)
	blocks := h.shop.Store.Taken()
	post := func(path, body string) request { return request{method: "POST", path: path, body: body} }
	prepare := func(fields string) request {
		return post("/v1/intents/prepare", `{"operation":"token:Transfer","nonce":1,"valid_until":"2036-01-31T12:00:00Z"`+fields+`}`)
	}
	transfer := `{"to":"` + shopAddress + `","amount":"1"}`
	for _, test := range []struct {
		name  string
		ask   request
		code  spec.Code
		field string
	}{
		{"nothing", post("/v1/intents", ""), spec.Malformed, ""},
		{"no list", post("/v1/intents", `{}`), spec.MissingField, "intents"},
		{"an empty list", post("/v1/intents", `{"intents":[]}`), spec.InvalidField, "intents"},
		{"501", post("/v1/intents", `{"intents":[`+strings.Repeat(inner+",", 500)+inner+`]}`), spec.InvalidField, "intents"},
		{"beside it", post("/v1/intents", strings.Replace(good, "{", `{"fast":true,`, 1)), spec.UnknownField, "fast"},
		{"twice", post("/v1/intents", `{"intents":[`+inner+`],"intents":[]}`), spec.DuplicateField, "intents"},
		{"unknown", post("/v1/intents", strings.Replace(good, `"scheme"`, `"x":1,"scheme"`, 1)), spec.UnknownField, "intents[0].x"},
		{"missing", post("/v1/intents", `{"intents":[`+inner+`,{"intent":"00","scheme":"p256","public_key":"00"}]}`), spec.MissingField, "intents[1].signature"},
		{"another scheme", post("/v1/intents", strings.Replace(good, "ed25519", "rsa", 1)), spec.InvalidField, "intents[0].scheme"},
		{"not hex", post("/v1/intents", strings.Replace(good, `"public_key":"`, `"public_key":"zz`, 1)), spec.InvalidField, "intents[0].public_key"},
		{"a number", post("/v1/intents", `{"intents":[{"intent":1,"scheme":"p256","public_key":"00","signature":"00"}]}`), spec.InvalidField, "intents[0].intent"},
		{"a query", post("/v1/intents?wait=1", good), spec.UnknownField, "wait"},
		{"too large", post("/v1/intents", `{"intents":"`+strings.Repeat("x", 1<<20)+`"}`), spec.BodyTooLarge, ""},
		{"text", request{method: "POST", path: "/v1/intents", body: good, headers: map[string]string{"Content-Type": "text/plain"}}, spec.UnsupportedMedia, ""},
		{"another method", request{method: "PUT", path: "/v1/intents", body: good}, spec.MethodNotAllowed, ""},

		{"no command", prepare(""), spec.MissingField, "command"},
		{"an unknown field of the command", prepare(`,"command":{"to":"` + shopAddress + `","amount":"1","fee":"1"}`), spec.UnknownField, "command.fee"},
		{"a missing field of the command", prepare(`,"command":{"to":"` + shopAddress + `"}`), spec.MissingField, "command.amount"},
		{"a field twice", prepare(`,"nonce":2,"command":` + transfer), spec.DuplicateField, "nonce"},
		{"a nonce as text", post("/v1/intents/prepare", `{"operation":"token:Transfer","nonce":"1","valid_until":"2036-01-31T12:00:00Z","command":`+transfer+`}`), spec.InvalidField, "nonce"},
		{"the treasury's", post("/v1/intents/prepare", `{"operation":"token:Mint","nonce":1,"valid_until":"2036-01-31T12:00:00Z","command":{}}`), spec.NotAnIntent, "operation"},
		{"no operation", post("/v1/intents/prepare", `{"operation":"x","nonce":1,"valid_until":"2036-01-31T12:00:00Z","command":{}}`), spec.InvalidField, "operation"},

		{"no identifier", request{path: "/v1/intents/x"}, spec.InvalidField, "intent"},
		{"another's identifier", request{path: "/v1/intents/" + spec.NewID(spec.OrderType, anna.key.Address(), "x").Text(spec.OrderType)}, spec.InvalidField, "intent"},
		{"an unseen intent", request{path: "/v1/intents/" + spec.ID{1}.Text(spec.IntentType)}, spec.NotFound, ""},

		{"a key without a name", post("/v1/keys", `{}`), spec.MissingField, "name"},
		{"a key's wrong name", post("/v1/keys", `{"name":"Alice"}`), spec.InvalidField, "name"},
		{"a key's unknown field", post("/v1/keys", `{"name":"alice","secret":"x"}`), spec.UnknownField, "secret"},
		{"an unseen key", request{path: "/v1/keys/alice"}, spec.NotFound, "name"},
		{"a wrong name in the path", request{path: "/v1/keys/Alice"}, spec.InvalidField, "name"},
		{"an intent of an unseen key", post("/v1/keys/alice/intents", `{"operation":"token:Transfer","command":`+transfer+`}`), spec.NotFound, "name"},
		{"an intent of a key without its command", post("/v1/keys/alice/intents", `{"operation":"token:Transfer"}`), spec.MissingField, "command"},
		{"an intent of a key with a nonce", post("/v1/keys/alice/intents", `{"operation":"token:Transfer","nonce":1,"command":`+transfer+`}`), spec.UnknownField, "nonce"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.ask.key = h.shopKey
			p := send(t, h.shop, test.ask).problem(t)
			if p.Code != test.code || p.Field != test.field {
				t.Errorf("got %s about %q: %s; want %s about %q", p.Code, p.Field, p.Detail, test.code, test.field)
			}
		})
	}
	if h.shop.Store.Taken() != blocks {
		t.Error("something happened")
	}
}

func TestIntentScopes(t *testing.T) {
	h := newHouse(t)
	reads := h.shop.Key(t, []spec.Scope{spec.ScopeRead, spec.ScopePay, spec.ScopeBuy})
	alices := h.shop.Key(t, []spec.Scope{spec.ScopeKeys}, "alice")
	for _, test := range []struct{ method, path, key, body string }{
		{"POST", "/v1/intents", reads, `{}`},
		{"POST", "/v1/keys", reads, `{"name":"alice"}`},
		{"POST", "/v1/keys", alices, `{"name":"bob"}`},
		{"GET", "/v1/keys/bob", alices, ""},
		{"POST", "/v1/keys/bob/intents", alices, `{"operation":"token:Sweep","command":{}}`},
	} {
		if p := send(t, h.shop, request{method: test.method, path: test.path, key: test.key, body: test.body}).problem(t); p.Code != spec.ScopeRequired {
			t.Errorf("%s %s: %s", test.method, test.path, p.Code)
		}
	}
	if got := send(t, h.shop, request{method: "POST", path: "/v1/keys", key: alices, body: `{"name":"alice"}`}); got.status != http.StatusCreated {
		t.Errorf("alice's own: %s", got.body)
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not come to be in time")
		case <-tick.C:
		}
	}
}

// More than may wait is turned away at once.
func TestTooManyIntents(t *testing.T) {
	h := newHouse(t)
	held, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.shop.Ledger.BeforeCarry = func() {
		once.Do(func() { close(held) })
		<-leave
	}
	anna := h.newPerson(t, spec.Scheme_SCHEME_ED25519)
	var group sync.WaitGroup
	first := anna.pays(shopAddress, "0.01")
	group.Go(func() { relay(t, h.shop, h.shopKey, first) })
	<-held
	for range gatewaytest.QueueIntents / 500 {
		many := make([]*spec.SignedIntent, 500)
		for i := range many {
			many[i] = anna.pays(shopAddress, "0.01")
		}
		group.Go(func() { relay(t, h.shop, h.shopKey, many...) })
	}
	id := func(signed *spec.SignedIntent) string {
		decoded, err := intent.Decode([16]byte{}, signed)
		if err != nil {
			t.Fatal(err)
		}
		return decoded.ID().Text(spec.IntentType)
	}
	var record struct{ State string }
	send(t, h.shop, request{path: "/v1/intents/" + id(first), key: h.shopKey}).decode(t, http.StatusOK, &record)
	if record.State != "pending" {
		t.Errorf("the first is %s", record.State)
	}
	late := anna.pays(shopAddress, "0.01")
	await(t, func() bool { return h.shop.Batcher.Waits() >= gatewaytest.QueueIntents })
	got := send(t, h.shop, request{method: "POST", path: "/v1/intents", key: h.shopKey, body: bodyOf(t, late, late)})
	if p := got.problem(t); p.Code != spec.RateLimited || got.header.Get("Retry-After") == "" {
		t.Errorf("got %s, Retry-After %q", p.Code, got.header.Get("Retry-After"))
	}
	close(leave)
	group.Wait()
}

// A person without a key: the gateway signs, and nothing happens twice under an idempotency key.
func TestKeptKeys(t *testing.T) {
	h := newHouse(t)
	var key struct{ Name, Scheme, Address, PublicKey string }
	send(t, h.shop, request{method: "POST", path: "/v1/keys", key: h.shopKey, body: `{"name":"alice"}`}).decode(t, http.StatusCreated, &key)
	if _, err := spec.ParseAddress(key.Address); err != nil || key.Name != "alice" || key.Scheme != "ed25519" {
		t.Fatalf("got %+v", key)
	}
	if p := send(t, h.shop, request{method: "POST", path: "/v1/keys", key: h.shopKey, body: `{"name":"alice"}`}).problem(t); p.Code != spec.ReferenceUsed {
		t.Errorf("the name again: %s", p.Code)
	}
	h.pay(t, "alice", key.Address, "100")
	act := func(idempotency, command string) answer {
		r := request{method: "POST", path: "/v1/keys/alice/intents", key: h.shopKey, body: `{"operation":"token:Transfer","command":` + command + `}`}
		if idempotency != "" {
			r.headers = map[string]string{"Idempotency-Key": idempotency}
		}
		return send(t, h.shop, r)
	}
	ten := `{"to":"` + shopAddress + `","amount":"10"}`
	var first, again, other struct{ Intent, Transaction string }
	act("k", ten).decode(t, http.StatusOK, &first)
	act("k", ten).decode(t, http.StatusOK, &again)
	act("", ten).decode(t, http.StatusOK, &other)
	if first != again || first == other || first.Transaction == "" {
		t.Errorf("first %+v, again %+v, another %+v", first, again, other)
	}
	if p := act("k", `{"to":"`+shopAddress+`","amount":"11"}`).problem(t); p.Code != spec.IdempotencyMismatch {
		t.Errorf("another request under the key: %s", p.Code)
	}
	if p := act("big", `{"to":"`+shopAddress+`","amount":"1000"}`).problem(t); p.Code != spec.InsufficientFunds {
		t.Errorf("too much: %s", p.Code)
	}
	h.pay(t, "more", key.Address, "1000")
	if got := act("big", `{"to":"`+shopAddress+`","amount":"1000"}`); got.status != http.StatusOK {
		t.Errorf("a refused request again: %s", got.body)
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got := act("", `{"to":"`+shopAddress+`","amount":"1"}`); got.status != http.StatusOK {
				t.Errorf("side by side: %s", got.body)
			}
		})
	}
	group.Wait()
	if view := h.balance(t, key.Address); view["account"] != "60" {
		t.Errorf("alice has %v", view)
	}
}

// A kept key's payment whose answer was lost happens once.
func TestKeptKeyAfterALostAnswer(t *testing.T) {
	h := newHouse(t)
	var key struct{ Address string }
	send(t, h.shop, request{method: "POST", path: "/v1/keys", key: h.shopKey, body: `{"name":"alice"}`}).decode(t, http.StatusCreated, &key)
	h.pay(t, "alice", key.Address, "100")
	held, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.shop.Ledger.BeforeCarry = func() {
		once.Do(func() { close(held) })
		<-leave
	}
	ask := request{method: "POST", path: "/v1/keys/alice/intents", key: h.shopKey, headers: map[string]string{"Idempotency-Key": "k"},
		body: `{"operation":"token:Transfer","command":{"to":"` + shopAddress + `","amount":"10"}}`}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		req, err := http.NewRequestWithContext(ctx, ask.method, h.shop.Server.URL+ask.path, strings.NewReader(ask.body))
		if err != nil {
			t.Error(err)
			return
		}
		for name, value := range map[string]string{"Authorization": "Bearer " + ask.key, "Content-Type": "application/json", "Idempotency-Key": "k"} {
			req.Header.Set(name, value)
		}
		if response, err := http.DefaultClient.Do(req); err == nil {
			response.Body.Close()
		}
	}()
	<-held
	cancel()
	<-gone
	close(leave)
	var done struct{ Transaction string }
	send(t, h.shop, ask).decode(t, http.StatusOK, &done)
	if view := h.balance(t, key.Address); view["account"] != "90" || view["nonce"] != 1.0 {
		t.Errorf("alice has %v", view)
	}
}

// A gateway that does not know the ledger yet says so.
func TestNotCarriedYet(t *testing.T) {
	h := newHouse(t)
	anna := h.newPerson(t, spec.Scheme_SCHEME_ED25519)
	h.shop.Intents.Stop(fmt.Errorf("no peer answers"))
	got := send(t, h.shop, request{method: "POST", path: "/v1/intents", key: h.shopKey, body: bodyOf(t, anna.pays(shopAddress, "1"))})
	if p := got.problem(t); p.Code != spec.Unavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("got %s", got.body)
	}
	if err := h.shop.Intents.Ready(t.Context()); err == nil {
		t.Error("it is ready")
	}
}
