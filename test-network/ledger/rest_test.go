//go:build network

package ledger

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/network/topology"
)

// gatewayOf returns the facts of an organisation's gateway.
func (n *network) gatewayOf(organisation string) topology.GatewayFact {
	for _, one := range n.facts.Gateways {
		if one.Organisation == organisation {
			return one
		}
	}
	panic("no gateway of " + organisation)
}

// key returns an API key of an organisation's gateway, made once.
func (n *network) key(t *testing.T, organisation, scopes, accounts string) string {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	name := organisation + " " + scopes + " " + accounts
	if n.keys[name] == "" {
		out, err := exec.Command(n.Program("cmt-gateway"), "key", "create", "--config", n.gatewayOf(organisation).Config,
			"--name", "tests", "--scopes", scopes, "--accounts", accounts).Output()
		if err != nil {
			t.Fatalf("create an API key of %s: %v", organisation, err)
		}
		n.keys[name] = strings.TrimSpace(string(out))
	}
	return n.keys[name]
}

// shopper is an account behind its organisation's gateway.
type shopper struct {
	account
	rest *client.Client
}

func openREST(t *testing.T, organisation, label string) shopper {
	t.Helper()
	return shopper{open(t, organisation, label), client.New(testnet.gatewayOf(organisation).URL, testnet.key(t, organisation, "all", "*"))}
}

// request makes a write over REST; an idempotency key may be empty.
func (s shopper) request(t *testing.T, operation string, command, result proto.Message, idempotencyKey string) (client.Receipt, error) {
	var options []client.Option
	if idempotencyKey != "" {
		options = append(options, client.WithIdempotencyKey(idempotencyKey))
	}
	return s.rest.Do(short(t), s.call(operation, command), result, options...)
}

// rawAnswer is an HTTP answer as it came.
type rawAnswer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one HTTP request as it is.
func ask(t *testing.T, method, address, key, body string, header http.Header) rawAnswer {
	t.Helper()
	request, err := http.NewRequestWithContext(short(t), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rawAnswer{response.StatusCode, response.Header, content}
}

// checkProblem holds an answer to RFC 9457 and to our catalogue.
func (a rawAnswer) checkProblem(t *testing.T, what string, code spec.Code, field string) {
	t.Helper()
	media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	var problem struct {
		Type, Title, Detail, Instance string
		Status                        int
		Code                          spec.Code
		Field                         string
		Retryable                     bool
	}
	if err := json.Unmarshal(a.body, &problem); err != nil || media != "application/problem+json" {
		t.Errorf("%s: status %d, %s, is no problem: %.300s", what, a.status, media, a.body)
		return
	}
	entry := spec.Lookup(code)
	if problem.Code != code || problem.Field != field || a.status != entry.HTTPStatus || problem.Status != a.status {
		t.Errorf("%s: %d %s of %q, want %d %s of %q: %s", what, a.status, problem.Code, problem.Field, entry.HTTPStatus, code, field, problem.Detail)
		return
	}
	if problem.Type == "" || problem.Title != entry.Title || problem.Detail == "" || problem.Instance == "" || problem.Retryable != entry.Retryable {
		t.Errorf("%s: the problem is not whole: %s", what, a.body)
	}
	if bytes.ContainsAny(a.body, "\n\r") || bytes.Contains(a.body, []byte("goroutine")) || len(a.body) > 2048 {
		t.Errorf("%s: the problem is not short: %.300s", what, a.body)
	}
}

// What is refused at one door is refused at the other, by the same code and field.
func TestBadInputThroughREST(t *testing.T) {
	s := newScene(t, "merchant2", "fivemiles")
	before := testnet.height(t)
	for _, group := range []struct {
		name string
		list []bad
	}{
		{"json", s.badJSON()}, {"fields", s.badFields()}, {"types", s.badTypes()}, {"amounts", s.badAmounts()}, {"addresses", s.badAddresses()},
		{"identifiers", s.badIdentifiers()}, {"foreign objects", s.foreignObjects(t)}, {"states", s.wrongStates()}, {"references", s.usedReferences()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, one := range group.list {
				one.checkREST(t)
			}
		})
	}
	if after := testnet.height(t); after != before {
		t.Errorf("%d blocks were added by requests that must change nothing", after-before)
	}
}

// checkREST sends the call as an HTTP request to the gateway of the account's organisation.
func (b bad) checkREST(t *testing.T) {
	t.Helper()
	op := spec.Find(b.function)
	body := b.args[0]
	code, field := b.code, b.field
	switch {
	case op.Kind == spec.Query && code == spec.BodyTooLarge:
		return // a query has no body
	case len(body) > 1<<19 || len(body) > 1<<14 && len(op.PathFields()) > 0:
		return // the HTTP server itself ends what has such a body or path, in words of its own
	case strings.TrimSpace(body) == "":
		code, field = spec.MissingField, "reference" // no body is a body without fields
	case code == spec.LotEmpty:
		code, field = spec.SoldOut, "" // the gateway asked for all lots
	case b.function == "market:ReportDelivery":
		return // told by role: this scene's other is no carrier
	}
	organisation := testnet.organisationOf(b.by.mspID).Name
	path, rest, inPath := pathOf(op, body)
	answer := ask(t, op.Method, testnet.gatewayOf(organisation).URL+path, testnet.key(t, organisation, "all", "*"), rest, nil)
	if inPath && answer.status == http.StatusNotFound && code == spec.InvalidField {
		code, field = spec.UnknownOperation, "" // not even a path
	}
	if inPath && code == spec.MissingField {
		code, field = spec.UnknownOperation, ""
	}
	answer.checkProblem(t, b.what+": "+op.Method+" "+path[:min(len(path), 120)]+" "+body[:min(len(body), 200)], code, field)
}

// pathOf moves the fields of a body that REST has in the path or the query. What is no object stays as it is.
func pathOf(op *spec.Operation, body string) (path, rest string, inPath bool) {
	path = op.Path
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &fields) != nil || len(op.PathFields()) == 0 && op.Kind == spec.Write {
		return path, body, false
	}
	text := func(raw json.RawMessage) string {
		var value string
		if json.Unmarshal(raw, &value) != nil {
			return string(raw)
		}
		return value
	}
	for _, name := range op.PathFields() {
		path = strings.Replace(path, "{"+name+"}", url.PathEscape(text(fields[name])), 1)
		delete(fields, name)
		inPath = true
	}
	if op.Kind == spec.Write {
		encoded, err := json.Marshal(fields)
		if err != nil {
			panic(err)
		}
		return path, string(encoded), inPath
	}
	query := url.Values{}
	for name, raw := range fields {
		query.Set(name, text(raw))
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, "", inPath
}

// Who may not, does not: without a key, with one that is none, with one that lacks the scope or the account.
func TestKeysBoundWhatRequestsMayDo(t *testing.T) {
	before := testnet.height(t)
	at := testnet.gatewayOf("merchant2").URL
	to := spec.OrganisationAddress("BuyersMSP").String()
	transfer := func(label string) string {
		return object(map[string]string{"reference": quote(reference()), "to": quote(to), "amount": `"1"`, "sub_account": label}, "", "")
	}
	key := func(scopes, accounts string) string { return testnet.key(t, "merchant2", scopes, accounts) }
	for _, one := range []struct {
		what, method, path, key, body string
		code                          spec.Code
		field                         string
	}{
		{"no key", "POST", "/v1/transfers", "", transfer(""), spec.Unauthenticated, ""},
		{"no key to read", "GET", "/v1/supply", "", "", spec.Unauthenticated, ""},
		{"a key that is none", "POST", "/v1/transfers", "cmt_nobody", transfer(""), spec.Unauthenticated, ""},
		{"a key of another gateway", "POST", "/v1/transfers", testnet.key(t, "merchant1", "all", "*"), transfer(""), spec.Unauthenticated, ""},
		{"a key without the scope", "POST", "/v1/transfers", key("read,sell,buy", "*"), transfer(""), spec.ScopeRequired, ""},
		{"a key to pay mints", "POST", "/v1/mints", key("read,pay,sell,buy", "*"), transfer(""), spec.ScopeRequired, ""},
		{"a key to pay reads", "GET", "/v1/supply", key("pay", "*"), "", spec.ScopeRequired, ""},
		{"a key of another account", "POST", "/v1/transfers", key("all", "till"), transfer(`"safe"`), spec.ScopeRequired, "sub_account"},
		{"a key of a sub-account for the organisation", "POST", "/v1/transfers", key("all", "till"), transfer(""), spec.ScopeRequired, "sub_account"},
		{"a key of the organisation for a sub-account", "POST", "/v1/transfers", key("all", "@organisation"), transfer(`"till"`), spec.ScopeRequired, "sub_account"},
		{"a merchant with the scope mints without the role", "POST", "/v1/mints", key("all", "*"), transfer(""), spec.RoleRequired, ""},
		{"a path that is none", "POST", "/v1/Transfers", key("all", "*"), transfer(""), spec.UnknownOperation, ""},
		{"a method that is none", "PATCH", "/v1/transfers", key("all", "*"), transfer(""), spec.MethodNotAllowed, ""},
		{"the genesis", "POST", "/v1/genesis", key("all", "*"), "{}", spec.UnknownOperation, ""},
	} {
		ask(t, one.method, at+one.path, one.key, one.body, nil).checkProblem(t, one.what, one.code, one.field)
	}
	if after := testnet.height(t); after != before {
		t.Errorf("%d blocks were added", after-before)
	}
}

// The same request under the same key has one effect and one answer, whichever way and however often it comes.
func TestIdempotencyKeysReplay(t *testing.T) {
	payer, other := openREST(t, "merchant2", "replay"), openREST(t, "merchant2", "replay-2")
	fund(t, "10", payer.account, other.account)
	to := spec.OrganisationAddress("BuyersMSP").Bytes()
	key := reference()
	first, err := payer.request(t, "token:Transfer", &spec.Transfer{Reference: key, To: to, Amount: cmt("1")}, nil, key)
	if err != nil || first.Replayed {
		t.Fatalf("the first: %+v, %v", first, err)
	}
	answers := make(chan client.Receipt, 16)
	each(t, make([]account, cap(answers)), func(int, account) error {
		again, err := payer.request(t, "token:Transfer", &spec.Transfer{Reference: key, To: to, Amount: cmt("1")}, nil, key)
		answers <- again
		return err
	})
	for range cap(answers) {
		again := <-answers
		if !again.Replayed || again.Transaction != first.Transaction || again.Block != first.Block || !bytes.Equal(again.Result, first.Result) {
			t.Errorf("the request again: %+v, want %+v replayed", again, first)
		}
	}
	if got := payer.free(t); got.String() != "9" {
		t.Errorf("the payer has %s, want 9", got)
	}
	_, err = payer.request(t, "token:Transfer", &spec.Transfer{Reference: key, To: to, Amount: cmt("2")}, nil, key)
	if spec.ErrorCode(err) != spec.IdempotencyMismatch {
		t.Errorf("another request under the key: %v", err)
	}
	if _, err := other.request(t, "token:Transfer", &spec.Transfer{Reference: key, To: to, Amount: cmt("1")}, nil, key); err != nil {
		t.Errorf("another account's request under the same key: %v", err)
	}
	t.Run("a refusal uses no key up", func(t *testing.T) {
		key := reference()
		poor := openREST(t, "merchant2", "replay-3")
		pay := &spec.Transfer{Reference: key, To: to, Amount: cmt("1")}
		if _, err := poor.request(t, "token:Transfer", pay, nil, key); spec.ErrorCode(err) != spec.InsufficientFunds {
			t.Errorf("without money: %v", err)
		}
		fund(t, "1", poor.account)
		if _, err := poor.request(t, "token:Transfer", pay, nil, key); err != nil {
			t.Errorf("with money: %v", err)
		}
	})
	t.Run("many at once under one new key have one effect", func(t *testing.T) {
		key := reference()
		each(t, make([]account, 16), func(int, account) error {
			_, err := other.request(t, "token:Transfer", &spec.Transfer{Reference: key, To: to, Amount: cmt("1")}, nil, key)
			return err
		})
		testnet.height(t)
		if got := other.free(t); got.String() != "8" {
			t.Errorf("the payer has %s, want 8", got)
		}
	})
}
