//go:build network

package ledger

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-gateway/pkg/client"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/network/topology"
)

// bad is a call that must be refused.
type bad struct {
	what     string
	by       account
	function string
	args     []string
	code     spec.Code
	field    string
}

// scene is what the bad calls are about: a shop with a listing, a customer with two orders, and what others have.
type scene struct {
	customers         string // carl's organisation
	shop, carl, other account
	treasury          account
	listing           string
	open, cancelled   string // orders of carl's
	used              string // a reference that carl has used for a transfer, a listing and an order
	foreignCredit     string // an open credit of the shop's
}

func newScene(t *testing.T, customers, other string) *scene {
	s := &scene{customers: customers, shop: open(t, "merchant1", "shop"), carl: open(t, customers, "carl"), other: open(t, other, ""), treasury: open(t, "fivemiles", "")}
	fund(t, "100", s.carl)
	listing := s.shop.list(t, offer{price: "10", stock: 5})
	s.listing = listing.Text(spec.ListingType)
	s.open = spec.ID(s.carl.buy(t, listing, "10").Order).Text(spec.OrderType)
	gone := s.carl.buy(t, listing, "10")
	s.carl.do(t, "market:CancelOrder", &spec.CancelOrder{Order: gone.Order}, nil)
	s.cancelled = spec.ID(gone.Order).Text(spec.OrderType)

	s.used = reference()
	paid := s.carl.do(t, "token:Transfer", &spec.Transfer{Reference: s.used, To: s.shop.address().Bytes(), Amount: cmt("1")}, nil)
	name, err := spec.CreditNameFromBytes(creditOf(paid.transaction, 0))
	if err != nil {
		t.Fatal(err)
	}
	s.foreignCredit = name.String()
	again := s.carl.orderOf(listing, "10")
	again.Reference = s.used
	s.carl.do(t, "market:PlaceOrder", again, nil)
	s.carl.do(t, "market:CreateListing", &spec.CreateListing{Reference: s.used, Price: cmt("1"), Stock: 1, Category: "x", ContentHash: bytes.Repeat([]byte{1}, 32)}, nil)
	return s
}

// transfer is a good transfer with one field's JSON replaced, or left out when it is empty.
func (s *scene) transfer(field, value string) string {
	return object(map[string]string{
		"reference": quote(reference()), "to": quote(s.shop.address().String()), "amount": `"1"`, "sub_account": `"carl"`,
	}, field, value)
}

// listingBody is a good listing with one field replaced.
func (s *scene) listingBody(field, value string) string {
	return object(map[string]string{
		"reference": quote(reference()), "price": `"1"`, "stock": "1", "category": `"x"`, "content_hash": quote(strings.Repeat("ab", 32)),
	}, field, value)
}

// orderBody is a good order with one field replaced.
func (s *scene) orderBody(field, value string) string {
	return object(map[string]string{
		"reference": quote(reference()), "listing": quote(s.listing), "version": "1", "quantity": "1", "total": `"10"`, "sub_account": `"carl"`,
	}, field, value)
}

func object(fields map[string]string, field, value string) string {
	if field != "" {
		fields[field] = value
	}
	var members []string
	for name, raw := range fields {
		if raw != "" {
			members = append(members, quote(name)+":"+raw)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// Everything that a client may get wrong is answered by one line with code and field, and changes nothing.
func TestBadInputThroughFabricsClient(t *testing.T) {
	s := newScene(t, "buyers", "merchant2")
	before := testnet.height(t)
	for _, group := range []struct {
		name string
		list []bad
	}{
		{"names", s.badNames()}, {"arguments", s.badArguments()}, {"json", s.badJSON()}, {"fields", s.badFields()},
		{"types", s.badTypes()}, {"amounts", s.badAmounts()}, {"addresses", s.badAddresses()}, {"identifiers", s.badIdentifiers()},
		{"foreign objects", s.foreignObjects(t)}, {"roles", s.wrongRoles(t)}, {"states", s.wrongStates()}, {"references", s.usedReferences()},
		{"genesis", s.badGenesis(t)},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, one := range group.list {
				one.check(t)
			}
		})
	}
	if after := testnet.height(t); after != before {
		t.Errorf("%d blocks were added by calls that must change nothing", after-before)
	}
}

// check endorses a write, evaluates a query, and reads the refusal off the error.
func (b bad) check(t *testing.T) {
	t.Helper()
	arguments := make([][]byte, len(b.args))
	for i, arg := range b.args {
		arguments[i] = []byte(arg)
	}
	proposal, err := b.by.contract.NewProposal(b.function, client.WithBytesArguments(arguments...))
	if err != nil {
		t.Fatal(err)
	}
	if op := spec.Find(b.function); op != nil && op.Kind == spec.Query {
		_, err = proposal.EvaluateWithContext(short(t))
	} else {
		_, err = proposal.EndorseWithContext(short(t))
	}
	if err == nil {
		t.Errorf("%s: %s%.200q is taken", b.what, b.function, b.args)
		return
	}
	for _, text := range peerSays(err) {
		line, ok := strings.CutPrefix(text, "chaincode response 500, ")
		var refusal spec.Error
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if decodeErr := decoder.Decode(&refusal); !ok || decodeErr != nil || strings.ContainsAny(line, "\n\r") || decoder.More() {
			t.Errorf("%s: %s%.200q: the peer says %q, no line of ours", b.what, b.function, b.args, text)
			continue
		}
		if refusal.Code != b.code || refusal.Field != b.field {
			t.Errorf("%s: %s%.200q: %s of %q, want %s of %q: %s", b.what, b.function, b.args, refusal.Code, refusal.Field, b.code, b.field, refusal.Detail)
		}
		if refusal.Detail == "" || len(line) > 1024 {
			t.Errorf("%s: the refusal is not a short line that says what is wrong: %s", b.what, line)
		}
	}
	if len(peerSays(err)) == 0 {
		t.Errorf("%s: %s%.200q: no peer's word in %v", b.what, b.function, b.args, err)
	}
}

func (s *scene) badNames() (list []bad) {
	for _, name := range []string{
		"", "token:transfer", "token:TRANSFER", "Token:Transfer", "TOKEN:Transfer", "Transfer", "transfer", "token.Transfer", "token:Transfer ", " token:Transfer",
		":Transfer", "token:", ":", "token::Transfer", "market:Transfer", "token:Transfer:x", "token/Transfer", "t\u043eken:Transfer",
		// What contract-api and the shim would bring along.
		"org.hyperledger.fabric:getMetadata", "org.hyperledger.fabric:GetMetadata", "GetMetadata", "init", "Init", "Invoke", "token:GetInfo", "token:GetName",
		"token:GetUnknownTransaction", "token:GetBeforeTransaction", "token:GetAfterTransaction", "token:GetTransactionContextHandler",
		"token:GetEvaluateTransactions", "token:GetIgnoredFunctions", "market:getEvaluateTransactions",
		strings.Repeat("x", 4000), "\x00", "token:\nTransfer", "\xff\xfe",
	} {
		list = append(list, bad{"a name that is not in the table", s.carl, name, []string{"{}"}, spec.UnknownOperation, ""})
	}
	return list
}

func (s *scene) badArguments() []bad {
	good := s.transfer("", "")
	return []bad{
		{"no argument", s.carl, "token:Transfer", nil, spec.WrongArgumentCount, ""},
		{"two arguments", s.carl, "token:Transfer", []string{good, good}, spec.WrongArgumentCount, ""},
		{"three arguments", s.carl, "token:Transfer", []string{good, "", "x"}, spec.WrongArgumentCount, ""},
		{"no argument of a query", s.carl, "token:GetSupply", nil, spec.WrongArgumentCount, ""},
		{"two arguments of a query", s.carl, "token:GetSupply", []string{"{}", "{}"}, spec.WrongArgumentCount, ""},
		{"fields as arguments", s.carl, "token:Transfer", []string{"a", s.shop.address().String(), "1"}, spec.WrongArgumentCount, ""},
	}
}

func (s *scene) badJSON() (list []bad) {
	for what, body := range map[string]string{
		"nothing": "", "blanks": "  \n", "an array": "[]", "null": "null", "a string": `"x"`, "a number": "1", "half an object": `{"reference":`, "open": "{",
		"something behind": "{} x", "two objects": "{}{}", "a comma too many": `{"reference":"a",}`, "single quotes": "{'reference':'a'}", "no UTF-8": "{\"memo\":\"\xff\"}",
		"a byte order mark": "\ufeff{}", "a comment": "{/**/}", "a control character in a text": "{\"memo\":\"\x01\"}", "deep nesting": strings.Repeat(`{"a":`, 12000),
		"deep arrays": `{"hints":` + strings.Repeat("[", 20000), "base64": "e30=", "a name that is no text": "{1:2}", "XML": "<transfer/>",
	} {
		list = append(list, bad{"JSON: " + what, s.carl, "token:Transfer", []string{body}, spec.Malformed, ""})
	}
	return append(list,
		bad{"a body over the bound", s.carl, "token:Transfer", []string{s.transfer("memo", quote(strings.Repeat("x", spec.MaxCommandBytes)))}, spec.BodyTooLarge, ""},
		bad{"blanks over the bound", s.carl, "token:Transfer", []string{s.transfer("", "") + strings.Repeat(" ", spec.MaxCommandBytes)}, spec.BodyTooLarge, ""},
		bad{"a query over the bound", s.carl, "token:GetSupply", []string{"{}" + strings.Repeat(" ", spec.MaxCommandBytes)}, spec.BodyTooLarge, ""},
		bad{"a megabyte", s.carl, "token:Transfer", []string{strings.Repeat("[", 1<<20)}, spec.BodyTooLarge, ""},
	)
}

func (s *scene) badFields() []bad {
	twice := func(field, value string) string {
		return strings.Replace(s.transfer("", ""), "{", "{"+quote(field)+":"+value+",", 1)
	}
	const transfer = "token:Transfer"
	list := []bad{
		{"all missing", s.carl, transfer, []string{"{}"}, spec.MissingField, "reference"},
		{"the receiver missing", s.carl, transfer, []string{s.transfer("to", "")}, spec.MissingField, "to"},
		{"the amount missing", s.carl, transfer, []string{s.transfer("amount", "")}, spec.MissingField, "amount"},
		{"an identifier missing", s.carl, "market:GetOrder", []string{"{}"}, spec.MissingField, "order"},
		{"stock missing", s.carl, "market:CreateListing", []string{s.listingBody("stock", "")}, spec.MissingField, "stock"},
		{"an unknown field", s.carl, transfer, []string{s.transfer("colour", `"red"`)}, spec.UnknownField, "colour"},
		{"an unknown field of a query", s.carl, "token:GetSupply", []string{`{"x":1}`}, spec.UnknownField, "x"},
		{"a field of another operation", s.carl, transfer, []string{s.transfer("listing", quote(s.listing))}, spec.UnknownField, "listing"},
		{"a payer", s.carl, transfer, []string{s.transfer("from", quote(s.shop.address().String()))}, spec.UnknownField, "from"},
		{"a sub-account of a query", s.carl, "token:GetBalance", []string{`{"address":` + quote(s.carl.address().String()) + `,"sub_account":"carl"}`}, spec.UnknownField, "sub_account"},
		{"an unknown hint", s.carl, transfer, []string{s.transfer("hints", `{"fence":1}`)}, spec.UnknownField, "hints.fence"},
		{"a field in capitals", s.carl, transfer, []string{twice("Amount", `"2"`)}, spec.UnknownField, "Amount"},
		{"a field in capitals in place of it", s.carl, transfer, []string{object(map[string]string{"REFERENCE": `"a"`}, "", "")}, spec.UnknownField, "REFERENCE"},
		{"a field in camel case", s.carl, transfer, []string{s.transfer("subAccount", `"carl"`)}, spec.UnknownField, "subAccount"},
		{"an empty name", s.carl, transfer, []string{s.transfer(" ", `1`)}, spec.UnknownField, " "},
		{"a field twice", s.carl, transfer, []string{twice("amount", `"1"`)}, spec.DuplicateField, "amount"},
		{"a field twice, once escaped", s.carl, transfer, []string{strings.Replace(s.transfer("", ""), "{", `{"\u0061mount":"1",`, 1)}, spec.DuplicateField, "amount"},
		{"the sub-account twice", s.carl, transfer, []string{twice("sub_account", `"other"`)}, spec.DuplicateField, "sub_account"},
		{"a hint twice", s.carl, transfer, []string{s.transfer("hints", `{"credits":[],"credits":[]}`)}, spec.DuplicateField, "hints.credits"},
	}
	for _, field := range []string{"reference", "to", "amount", "memo", "sub_account", "hints"} {
		list = append(list, bad{field + " null", s.carl, transfer, []string{s.transfer(field, "null")}, spec.InvalidField, field})
	}
	return append(list,
		bad{"a number null", s.carl, "market:CreateListing", []string{s.listingBody("stock", "null")}, spec.InvalidField, "stock"},
		bad{"a flag null", s.carl, "market:CreateListing", []string{s.listingBody("accept_required", "null")}, spec.InvalidField, "accept_required"},
		bad{"a hint null", s.carl, transfer, []string{s.transfer("hints", `{"credits":null}`)}, spec.InvalidField, "hints.credits"},
		bad{"null in a list", s.carl, transfer, []string{s.transfer("hints", `{"credits":[null]}`)}, spec.InvalidField, "hints.credits"},
	)
}

func (s *scene) badTypes() (list []bad) {
	for _, value := range []string{"1", "true", "{}", "[]", `["1"]`, "1.5"} {
		for _, field := range []string{"reference", "to", "amount", "memo", "sub_account"} {
			list = append(list, bad{field + " of a wrong type", s.carl, "token:Transfer", []string{s.transfer(field, value)}, spec.InvalidField, field})
		}
	}
	for _, value := range []string{`"1"`, "1.0", "1e3", "-1", "+1", "01", "true", "{}", "[]", "0", "1000000001", "99999999999999999999999", "0x1"} {
		code := spec.InvalidField
		field := "stock"
		if strings.ContainsAny(value, "+x") || value == "01" {
			code, field = spec.Malformed, ""
		}
		list = append(list, bad{"stock of a wrong type", s.carl, "market:CreateListing", []string{s.listingBody("stock", value)}, code, field})
	}
	for _, value := range []string{`"true"`, "1", "0", "{}", `""`} {
		list = append(list, bad{"a flag of a wrong type", s.carl, "market:CreateListing", []string{s.listingBody("accept_required", value)}, spec.InvalidField, "accept_required"})
	}
	for _, value := range []string{`"x"`, "1", "[]", "true"} {
		list = append(list, bad{"hints of a wrong type", s.carl, "token:Transfer", []string{s.transfer("hints", value)}, spec.InvalidField, "hints"})
	}
	for _, value := range []string{`{"credits":{}}`, `{"credits":"x"}`, `{"credits":[1]}`, `{"credits":[[]]}`, `{"credits":["x"]}`,
		`{"credits":[` + strings.Repeat(quote(s.foreignCredit)+",", 64) + quote(s.foreignCredit) + `]}`} {
		list = append(list, bad{"named credits of a wrong type or number", s.carl, "token:Transfer", []string{s.transfer("hints", value)}, spec.InvalidField, "hints.credits"})
	}
	return list
}

func (s *scene) badAmounts() (list []bad) {
	for _, text := range []string{
		"", "0", "0.0", "0.000000000000000000", "-1", "+1", "1e3", "01", "00", ".5", "5.", ".", "1.0000000000000000001", "1000000000.000000000000000001", "1000000001",
		"9999999999", "99999999999", "340282366920938463463374607431768211456", "18446744073709551616", " 1", "1 ", "1,5", "1_000", "0x10", "NaN", "Infinity", "\u0661",
		strings.Repeat("1", 60000),
	} {
		list = append(list, bad{"an amount", s.carl, "token:Transfer", []string{s.transfer("amount", quote(text))}, spec.InvalidField, "amount"})
	}
	return append(list,
		bad{"dust", s.carl, "token:Transfer", []string{s.transfer("amount", `"0.000999999999999999"`)}, spec.BelowMinimum, "amount"},
		bad{"more than there is", s.carl, "token:Transfer", []string{s.transfer("amount", `"1000000000"`)}, spec.InsufficientFunds, ""},
		bad{"a price of nothing", s.shop, "market:CreateListing", []string{s.listingBody("price", `"0"`)}, spec.InvalidField, "price"},
		bad{"a price of dust", s.shop, "market:CreateListing", []string{s.listingBody("price", `"0.0009"`)}, spec.BelowMinimum, "price"},
		bad{"a price over the cap", s.shop, "market:CreateListing", []string{s.listingBody("price", `"1000000000.1"`)}, spec.InvalidField, "price"},
		bad{"a total too low", s.carl, "market:PlaceOrder", []string{s.orderBody("total", `"9.999999999999999999"`)}, spec.TotalMismatch, "total"},
		bad{"a total too high", s.carl, "market:PlaceOrder", []string{s.orderBody("total", `"11"`)}, spec.TotalMismatch, "total"},
		bad{"a total of nothing", s.carl, "market:PlaceOrder", []string{s.orderBody("total", `"0"`)}, spec.InvalidField, "total"},
		bad{"a quantity whose price overflows", s.carl, "market:PlaceOrder", []string{s.orderBody("quantity", "1000000")}, spec.TotalMismatch, "total"},
		bad{"a quantity over the bound", s.carl, "market:PlaceOrder", []string{s.orderBody("quantity", "1000001")}, spec.InvalidField, "quantity"},
		bad{"a mint over the cap", s.treasury, "token:Mint", []string{s.mint(`"500000001"`)}, spec.OverCap, "amount"},
		bad{"a mint of nothing", s.treasury, "token:Mint", []string{s.mint(`"0"`)}, spec.InvalidField, "amount"},
		bad{"a burn of more than there is", s.treasury, "token:Burn", []string{`{"reference":"b","amount":"1000000000"}`}, spec.InsufficientFunds, ""},
	)
}

func (s *scene) mint(amount string) string {
	return object(map[string]string{"reference": quote(reference()), "to": quote(s.shop.address().String()), "amount": amount}, "", "")
}

func (s *scene) badAddresses() (list []bad) {
	good := s.shop.address().String()
	last := map[bool]string{true: "p", false: "q"}[strings.HasSuffix(good, "q")]
	for what, text := range map[string]string{
		"empty": "", "in capitals": strings.ToUpper(good), "in mixed case": strings.Replace(good, "cmt1", "cmT1", 1), "with one capital": good[:10] + strings.ToUpper(good[10:]),
		"mistyped": good[:len(good)-1] + last, "cut": good[:len(good)-1], "with more": good + "q", "with a blank before": " " + good, "with a line end": good + "\n",
		"a listing": s.listing, "an order": s.open, "of another prefix": "bc1" + good[4:], "an Ethereum address": "0x52908400098527886E0F7030069857D2E4169EE7", "a name": "shop",
		"an organisation": "MerchantOneMSP", "a key of the ledger": "a/" + s.shop.address().Compact(), "with a zero byte": good[:5] + "\x00" + good[6:], "two": good + good,
	} {
		list = append(list,
			bad{"an address " + what, s.carl, "token:Transfer", []string{s.transfer("to", quote(text))}, spec.InvalidField, "to"},
			bad{"an address asked for " + what, s.carl, "token:GetBalance", []string{`{"address":` + quote(text) + `}`}, spec.InvalidField, "address"})
	}
	return append(list, bad{"the own account", s.carl, "token:Transfer", []string{s.transfer("to", quote(s.carl.address().String()))}, spec.SameAccount, "to"})
}

// Texts that would be other keys of the ledger, were they taken as they are.
func (s *scene) badIdentifiers() (list []bad) {
	for _, text := range []string{
		"", "p", "s", "l/x", "../" + s.listing, s.listing + "/1", s.open, strings.ToUpper(s.listing), "lst_" + strings.TrimPrefix(s.open, "ord_"), "lst_1", "*", "%00",
		s.listing + "\x00", "\u0000", "lst_1" + strings.Repeat("q", 38), strings.Repeat("l", 60000),
	} {
		list = append(list,
			bad{"a listing", s.carl, "market:GetListing", []string{`{"listing":` + quote(text) + `}`}, spec.InvalidField, "listing"},
			bad{"a listing to order from", s.carl, "market:PlaceOrder", []string{s.orderBody("listing", quote(text))}, spec.InvalidField, "listing"})
	}
	for _, text := range []string{"", "o/x", s.listing, "ord_" + strings.TrimPrefix(s.listing, "lst_"), s.open + "/", "o", strings.ToUpper(s.open)} {
		list = append(list, bad{"an order", s.carl, "market:ConfirmOrder", []string{`{"order":` + quote(text) + `}`}, spec.InvalidField, "order"})
	}
	for _, text := range []string{"", "a/b", "A", "-a", "a b", "a.b", "a_b", "../x", "\u0000", "caf\u00e9", strings.Repeat("a", 33), "carl\n"} {
		list = append(list, bad{"a sub-account", s.carl, "token:Transfer", []string{s.transfer("sub_account", quote(text))}, spec.InvalidField, "sub_account"})
	}
	for _, text := range []string{"", "a b", "a\tb", "a\nb", "caf\u00e9", "\u0000", strings.Repeat("a", 65)} {
		list = append(list, bad{"a reference", s.carl, "token:Transfer", []string{s.transfer("reference", quote(text))}, spec.InvalidField, "reference"})
	}
	for _, text := range []string{"", "m/x", "../FiveMilesMSP", "a b", "\u0000", strings.Repeat("M", 65)} {
		list = append(list, bad{"a member", s.carl, "consortium:GetMember", []string{`{"msp_id":` + quote(text) + `}`}, spec.InvalidField, "msp_id"})
	}
	for _, text := range []string{"", "../", "x/y", "\x01", "\u10ffff", "=", strings.Repeat("A", 300)} {
		list = append(list, bad{"a cursor", s.carl, "token:ListCredits", []string{`{"address":` + quote(s.shop.address().String()) + `,"cursor":` + quote(text) + `}`}, spec.InvalidField, "cursor"})
	}
	for _, text := range []string{"", "x", "c/" + s.foreignCredit, strings.ToUpper(s.foreignCredit) + "A", s.foreignCredit + "0", strings.Repeat("0", 40) + "/65536", strings.Repeat("0", 40) + "/00"} {
		list = append(list, bad{"a credit", s.carl, "token:Sweep", []string{`{"hints":{"credits":[` + quote(text) + `]}}`}, spec.InvalidField, "hints.credits"})
	}
	for _, text := range []string{"", "x\ny", "\u0000", strings.Repeat("x", 65), "\u009f"} {
		list = append(list, bad{"a memo", s.carl, "token:Transfer", []string{s.transfer("memo", quote(text))}, spec.InvalidField, "memo"})
	}
	for _, text := range []string{"", "ab", strings.Repeat("AB", 32), strings.Repeat("ab", 33), strings.Repeat("xy", 32), "0x" + strings.Repeat("ab", 31)} {
		list = append(list, bad{"a hash", s.carl, "market:CreateListing", []string{s.listingBody("content_hash", quote(text))}, spec.InvalidField, "content_hash"})
	}
	return list
}

func (s *scene) foreignObjects(t *testing.T) []bad {
	order := `{"order":` + quote(s.open) + `}`
	by := func(a account, body string) string {
		if a.label == "" {
			return body
		}
		return strings.Replace(body, "{", `{"sub_account":`+quote(a.label)+",", 1)
	}
	absent := spec.NewID(spec.OrderType, s.carl.address(), "never").Text(spec.OrderType)
	edit := object(map[string]string{"listing": quote(s.listing), "version": "1", "price": `"1"`, "category": `"x"`, "content_hash": quote(strings.Repeat("ab", 32))}, "", "")
	namedCredit := s.transfer("hints", `{"credits":[`+quote(s.foreignCredit)+`]}`)
	nobody := open(t, s.customers, "nobody")
	return []bad{
		{"another's listing edited", s.other, "market:EditListing", []string{edit}, spec.NotAParty, "listing"},
		{"the organisation's own, but another sub-account's", open(t, "merchant1", ""), "market:EditListing", []string{edit}, spec.NotAParty, "listing"},
		{"another's listing closed", s.other, "market:CloseListing", []string{`{"listing":` + quote(s.listing) + `}`}, spec.NotAParty, "listing"},
		{"another's order shipped", s.other, "market:ShipOrder", []string{order}, spec.NotAParty, "order"},
		{"the buyer ships", s.carl, "market:ShipOrder", []string{by(s.carl, order)}, spec.NotAParty, "order"},
		{"the buyer refunds", s.carl, "market:RefundOrder", []string{by(s.carl, order)}, spec.NotAParty, "order"},
		{"the buyer accepts", s.carl, "market:AcceptOrder", []string{by(s.carl, order)}, spec.NotAParty, "order"},
		{"the seller confirms", s.shop, "market:ConfirmOrder", []string{by(s.shop, order)}, spec.NotAParty, "order"},
		{"a stranger confirms", s.other, "market:ConfirmOrder", []string{order}, spec.NotAParty, "order"},
		{"another sub-account of the buyer's organisation confirms", open(t, s.customers, ""), "market:ConfirmOrder", []string{order}, spec.NotAParty, "order"},
		{"a stranger cancels", s.other, "market:CancelOrder", []string{order}, spec.NotAParty, "order"},
		{"a stranger hands over", s.other, "market:HandOverOrder", []string{`{"order":` + quote(s.open) + `,"code":"` + strings.Repeat("0", 32) + `"}`}, spec.NotAParty, "order"},
		{"the own listing bought", s.shop, "market:PlaceOrder", []string{s.orderBody("sub_account", `"shop"`)}, spec.SameAccount, "listing"},
		{"another's credit swept", s.carl, "token:Sweep", []string{`{"sub_account":"carl","hints":{"credits":[` + quote(s.foreignCredit) + `]}}`}, spec.NoCredits, "hints.credits"},
		{"another's credit spent", nobody, "token:Transfer", []string{strings.Replace(namedCredit, `"carl"`, `"nobody"`, 1)}, spec.InsufficientFunds, ""},
		{"an order that is none", s.carl, "market:GetOrder", []string{`{"order":` + quote(absent) + `}`}, spec.NotFound, "order"},
		{"a confirmation of none", s.carl, "market:ConfirmOrder", []string{`{"order":` + quote(absent) + `}`}, spec.NotFound, "order"},
		{"a transfer that is none", s.carl, "token:GetTransfer", []string{`{"transfer":` + quote(spec.NewID(spec.TransferType, s.carl.address(), "never").Text(spec.TransferType)) + `}`}, spec.NotFound, "transfer"},
		{"a member that is none", s.carl, "consortium:GetMember", []string{`{"msp_id":"NoMSP"}`}, spec.NotFound, "msp_id"},
		{"a version that is none", s.carl, "market:PlaceOrder", []string{s.orderBody("version", "2")}, spec.NotFound, "listing"},
		{"a stale edit", s.shop, "market:EditListing", []string{by(s.shop, strings.Replace(edit, `"version":1`, `"version":7`, 1))}, spec.VersionStale, "version"},
		{"more than the stock", s.carl, "market:PlaceOrder", []string{strings.Replace(s.orderBody("quantity", "6"), `"total":"10"`, `"total":"60"`, 1)}, spec.LotEmpty, "quantity"},
	}
}

func (s *scene) wrongRoles(t *testing.T) []bad {
	shipped := `{"order":` + quote(s.open) + `}`
	return []bad{
		{"a merchant mints", s.other, "token:Mint", []string{s.mint(`"1"`)}, spec.RoleRequired, ""},
		{"a buyer mints", s.carl, "token:Mint", []string{s.mint(`"1"`)}, spec.RoleRequired, ""},
		{"a merchant burns", s.other, "token:Burn", []string{`{"reference":"b","amount":"1"}`}, spec.RoleRequired, ""},
		{"who is no carrier reports", s.carl, "market:ReportDelivery", []string{shipped}, spec.RoleRequired, ""},
		{"the operator, no carrier, reports", s.treasury, "market:ReportDelivery", []string{shipped}, spec.RoleRequired, ""},
		{"who is no member asks", open(t, stranger, ""), "token:GetSupply", []string{"{}"}, spec.NotAMember, ""},
		{"who is no member pays", open(t, stranger, ""), "token:Transfer", []string{s.transfer("sub_account", "")}, spec.NotAMember, ""},
		{"who is no member fences", open(t, stranger, ""), "consortium:Fence", []string{`{"epoch":1}`}, spec.NotAMember, ""},
	}
}

func (s *scene) wrongStates() (list []bad) {
	body := func(a account, order string) []string {
		return []string{object(map[string]string{"order": quote(order), "sub_account": quote(a.label)}, "", "")}
	}
	for _, step := range []struct {
		by        account
		operation string
	}{
		{s.shop, "AcceptOrder"}, {s.shop, "ShipOrder"}, {s.carl, "ConfirmOrder"}, {s.carl, "CancelOrder"}, {s.shop, "CancelOrder"}, {s.shop, "RefundOrder"}, {s.carl, "ExpireOrder"}, {s.carl, "ReleaseOrder"},
	} {
		list = append(list, bad{"a cancelled order", step.by, "market:" + step.operation, body(step.by, s.cancelled), spec.WrongState, "order"})
	}
	return append(list,
		bad{"a release without hand-over", s.shop, "market:ReleaseOrder", body(s.shop, s.open), spec.WrongState, "order"},
		bad{"an acceptance of what is accepted", s.shop, "market:AcceptOrder", body(s.shop, s.open), spec.WrongState, "order"},
		bad{"a carrier's word on what was not shipped", s.other, "market:ReportDelivery", []string{`{"order":` + quote(s.open) + `}`}, spec.WrongState, "order"},
		bad{"a fence of the future", s.carl, "consortium:Fence", []string{`{"epoch":9007199254740991}`}, spec.FenceTooEarly, "epoch"},
		bad{"an epoch too large", s.carl, "consortium:Fence", []string{`{"epoch":9007199254740992}`}, spec.InvalidField, "epoch"},
		bad{"an epoch below 0", s.carl, "consortium:Fence", []string{`{"epoch":-1}`}, spec.InvalidField, "epoch"},
	)
}

func (s *scene) usedReferences() []bad {
	used := quote(s.used)
	return []bad{
		{"a transfer's reference", s.carl, "token:Transfer", []string{s.transfer("reference", used)}, spec.ReferenceUsed, "reference"},
		{"a listing's reference", s.carl, "market:CreateListing", []string{strings.Replace(s.listingBody("reference", used), "{", `{"sub_account":"carl",`, 1)}, spec.ReferenceUsed, "reference"},
		{"an order's reference", s.carl, "market:PlaceOrder", []string{s.orderBody("reference", used)}, spec.ReferenceUsed, "reference"},
		{"a transfer's reference with another amount", s.carl, "token:Transfer", []string{strings.Replace(s.transfer("reference", used), `"amount":"1"`, `"amount":"2"`, 1)}, spec.ReferenceUsed, "reference"},
	}
}

func (s *scene) badGenesis(t *testing.T) []bad {
	return []bad{
		{"another genesis", s.treasury, "consortium:Genesis", []string{"{}"}, spec.GenesisMismatch, ""},
		{"another genesis by a buyer", s.carl, "consortium:Genesis", []string{`{"treasury_msp":"BuyersMSP"}`}, spec.GenesisMismatch, ""},
		{"the genesis again", s.treasury, "consortium:Genesis", []string{genesisArgument(t)}, spec.AlreadyInitialised, ""},
	}
}

// genesisArgument is what this ledger began with.
func genesisArgument(t *testing.T) string {
	t.Helper()
	document, err := os.ReadFile(topology.Layout{Root: testnet.facts.DataDir}.Topology())
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := topology.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	argument, err := resolved.Chaincode.Genesis.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(argument)
}
