package spec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/simulate/arbitrary"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// transferJSON is a valid transfer with the named members replaced, or left out where the value is empty.
func transferJSON(members ...string) string {
	values := map[string]string{
		"reference": `"invoice-7"`,
		"to":        `"` + spec.OrganisationAddress("Org2MSP").String() + `"`,
		"amount":    `"12.5"`,
	}
	order := []string{"reference", "to", "amount"}
	for i := 0; i < len(members); i += 2 {
		if _, known := values[members[i]]; !known {
			order = append(order, members[i])
		}
		values[members[i]] = members[i+1]
	}
	var parts []string
	for _, name := range order {
		if values[name] != "" {
			parts = append(parts, `"`+name+`":`+values[name])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestDecodeCallRefuses(t *testing.T) {
	credit := strings.Repeat("ab", 20) + "/0"
	for _, row := range []struct {
		what, body string
		code       spec.Code
		field      string
	}{
		{"nothing", ``, spec.Malformed, ""},
		{"blanks", `  `, spec.Malformed, ""},
		{"null", `null`, spec.Malformed, ""},
		{"a string", `"text"`, spec.Malformed, ""},
		{"a number", `7`, spec.Malformed, ""},
		{"an array", `[]`, spec.Malformed, ""},
		{"an array of one object", `[` + transferJSON() + `]`, spec.Malformed, ""},
		{"an unfinished object", transferJSON()[:20], spec.Malformed, ""},
		{"an object closed as an array", `{"reference":"a"]`, spec.Malformed, ""},
		{"a member without a value", `{"reference"}`, spec.Malformed, ""},
		{"a name that is no string", `{7:"a"}`, spec.Malformed, ""},
		{"a comma too few", `{"reference":"a" "to":"b"}`, spec.Malformed, ""},
		{"a comma too many", `{"reference":"a",}`, spec.Malformed, ""},
		{"a leading comma", `{,"reference":"a"}`, spec.Malformed, ""},
		{"two commas", `{"reference":"a",,"to":"b"}`, spec.Malformed, ""},
		{"a comment", `{/**/"reference":"a"}`, spec.Malformed, ""},
		{"single quotes", `{'reference':'a'}`, spec.Malformed, ""},
		{"a byte order mark", "\ufeff" + transferJSON(), spec.Malformed, ""},
		{"a second object behind it", transferJSON() + `{}`, spec.Malformed, ""},
		{"a brace behind it", transferJSON() + `}`, spec.Malformed, ""},
		{"text behind it", transferJSON() + ` x`, spec.Malformed, ""},
		{"a zero byte behind it", transferJSON() + "\x00", spec.Malformed, ""},
		{"a control character in a string", transferJSON("memo", "\"a\nb\""), spec.Malformed, ""},
		{"a number with a leading zero", transferJSON("amount", `012`), spec.Malformed, ""},
		{"NaN", transferJSON("amount", `NaN`), spec.Malformed, ""},
		{"bytes that are not UTF-8", transferJSON("memo", "\"\xff\""), spec.Malformed, ""},
		{"an overlong UTF-8 form", transferJSON("memo", "\"\xc0\xaf\""), spec.Malformed, ""},
		{"a surrogate in UTF-8", transferJSON("memo", "\"\xed\xa0\x80\""), spec.Malformed, ""},
		{"arrays in arrays without end", transferJSON("memo", strings.Repeat("[", 30_000)), spec.Malformed, ""},
		{"too many nested arrays", transferJSON("memo", strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)), spec.Malformed, ""},
		{"more than 64 KiB", transferJSON() + strings.Repeat(" ", 64<<10), spec.BodyTooLarge, ""},

		{"a field twice", transferJSON("memo", `"a","memo":"b"`), spec.DuplicateField, "memo"},
		{"a field twice, alike", transferJSON("memo", `"a","memo":"a"`), spec.DuplicateField, "memo"},
		{"a field twice, once escaped", transferJSON("memo", `"a","\u006demo":"b"`), spec.DuplicateField, "memo"},
		{"an unknown field twice", transferJSON("x", `1,"x":2`), spec.DuplicateField, "x"},
		{"sub_account twice", transferJSON("sub_account", `"a","sub_account":"b"`), spec.DuplicateField, "sub_account"},
		{"hints twice", transferJSON("hints", `{},"hints":{}`), spec.DuplicateField, "hints"},
		{"a hint twice", transferJSON("hints", `{"credits":[],"credits":[]}`), spec.DuplicateField, "hints.credits"},

		{"an unknown field", transferJSON("colour", `"red"`), spec.UnknownField, "colour"},
		{"another letter case", transferJSON("Memo", `"a"`), spec.UnknownField, "Memo"},
		{"camel case", transferJSON("subAccount", `"a"`), spec.UnknownField, "subAccount"},
		{"an empty name", transferJSON("", `1`), spec.UnknownField, ""},
		{"a name of blanks", transferJSON("memo ", `"a"`), spec.UnknownField, "memo "},
		{"a name with a lone surrogate", transferJSON(`\ud800`, `1`), spec.UnknownField, "\ufffd"},
		{"a very long name", transferJSON(strings.Repeat("x", 1000), `1`), spec.UnknownField, strings.Repeat("x", 80) + "..."},
		{"an unknown hint", transferJSON("hints", `{"lotz":1}`), spec.UnknownField, "hints.lotz"},

		{"a missing field", transferJSON("amount", ``), spec.MissingField, "amount"},
		{"an empty object", `{}`, spec.MissingField, "reference"},

		{"null for a string", transferJSON("reference", `null`), spec.InvalidField, "reference"},
		{"null for an optional string", transferJSON("memo", `null`), spec.InvalidField, "memo"},
		{"null for hints", transferJSON("hints", `null`), spec.InvalidField, "hints"},
		{"null for a list", transferJSON("hints", `{"credits":null}`), spec.InvalidField, "hints.credits"},
		{"null in a list", transferJSON("hints", `{"credits":[null]}`), spec.InvalidField, "hints.credits"},
		{"null for sub_account", transferJSON("sub_account", `null`), spec.InvalidField, "sub_account"},
		{"an object for a list", transferJSON("hints", `{"credits":{}}`), spec.InvalidField, "hints.credits"},
		{"a string for a list", transferJSON("hints", `{"credits":"`+credit+`"}`), spec.InvalidField, "hints.credits"},
		{"an array for hints", transferJSON("hints", `[]`), spec.InvalidField, "hints"},
		{"65 credits", transferJSON("hints", `{"credits":[`+strings.Repeat(`"`+credit+`",`, 64)+`"`+credit+`"]}`), spec.InvalidField, "hints.credits"},
		{"an empty lot", transferJSON("hints", `{"lot":""}`), spec.InvalidField, "hints.lot"},
		{"a listing for a lot", transferJSON("hints", `{"lot":"`+spec.ID{}.Text(spec.ListingType)+`"}`), spec.InvalidField, "hints.lot"},
		{"an empty sub_account", transferJSON("sub_account", `""`), spec.InvalidField, "sub_account"},
		{"a sub_account with a slash", transferJSON("sub_account", `"a/b"`), spec.InvalidField, "sub_account"},
		{"a sub_account beginning with a hyphen", transferJSON("sub_account", `"-a"`), spec.InvalidField, "sub_account"},
		{"a sub_account of 33 characters", transferJSON("sub_account", `"`+strings.Repeat("a", 33)+`"`), spec.InvalidField, "sub_account"},
		{"a number for a string", transferJSON("reference", `7`), spec.InvalidField, "reference"},
		{"true for a string", transferJSON("reference", `true`), spec.InvalidField, "reference"},
		{"an object for a string", transferJSON("reference", `{}`), spec.InvalidField, "reference"},
		{"an empty reference", transferJSON("reference", `""`), spec.InvalidField, "reference"},
		{"a reference with a blank", transferJSON("reference", `"a b"`), spec.InvalidField, "reference"},
		{"a reference with a zero byte", transferJSON("reference", `"a\u0000"`), spec.InvalidField, "reference"},
		{"a reference beyond ASCII", transferJSON("reference", `"é"`), spec.InvalidField, "reference"},
		{"a reference of 65 characters", transferJSON("reference", `"`+strings.Repeat("a", 65)+`"`), spec.InvalidField, "reference"},
		{"a lone high surrogate", transferJSON("memo", `"\ud800"`), spec.InvalidField, "memo"},
		{"a lone low surrogate", transferJSON("memo", `"\udc00"`), spec.InvalidField, "memo"},
		{"surrogates the wrong way round", transferJSON("memo", `"\udc00\ud800"`), spec.InvalidField, "memo"},
		{"the replacement character", transferJSON("memo", `"\ufffd"`), spec.InvalidField, "memo"},
		{"an empty memo", transferJSON("memo", `""`), spec.InvalidField, "memo"},
		{"a memo of 65 bytes", transferJSON("memo", `"`+strings.Repeat("a", 63)+`é"`), spec.InvalidField, "memo"},
		{"a memo with a line break", transferJSON("memo", `"a\nb"`), spec.InvalidField, "memo"},
		{"an amount as a number", transferJSON("amount", `12.5`), spec.InvalidField, "amount"},
		{"an amount as a whole number", transferJSON("amount", `12`), spec.InvalidField, "amount"},
		{"a zero amount", transferJSON("amount", `"0"`), spec.InvalidField, "amount"},
		{"a negative amount", transferJSON("amount", `"-1"`), spec.InvalidField, "amount"},
		{"an amount with an exponent", transferJSON("amount", `"1e3"`), spec.InvalidField, "amount"},
		{"an amount over the cap", transferJSON("amount", `"1000000000.000000000000000001"`), spec.InvalidField, "amount"},
		{"an amount with 19 decimals", transferJSON("amount", `"0.0000000000000000001"`), spec.InvalidField, "amount"},
		{"an address in upper case", transferJSON("to", `"`+strings.ToUpper(spec.OrganisationAddress("Org2MSP").String())+`"`), spec.InvalidField, "to"},
		{"an identifier for an address", transferJSON("to", `"`+spec.ID{}.Text(spec.OrderType)+`"`), spec.InvalidField, "to"},
	} {
		expectRefusal(t, "token:Transfer", row.what, row.body, row.code, row.field)
	}
}

func expectRefusal(t *testing.T, operation, what, body string, code spec.Code, field string) {
	t.Helper()
	call, err := spec.DecodeCall(spec.Find(operation), []byte(body))
	var refusal *spec.Error
	switch {
	case err == nil:
		t.Errorf("%s: %.200s was read as %v", what, body, call.Command)
	case !errors.As(err, &refusal):
		t.Errorf("%s: the error is not of the catalogue: %v", what, err)
	case refusal.Code != code || refusal.Field != field:
		t.Errorf("%s: refused with %s of field %q (%s), want %s of field %q", what, refusal.Code, refusal.Field, refusal.Detail, code, field)
	case refusal.Detail == "":
		t.Errorf("%s: the refusal does not name the rule", what)
	}
}

func TestDecodeCallRefusesNumbers(t *testing.T) {
	listing := func(stock string) string {
		return fmt.Sprintf(`{"reference":"a","price":"1","stock":%s,"category":"lamps","content_hash":"%064d"}`, stock, 0)
	}
	if _, err := spec.DecodeCall(spec.Find("market:CreateListing"), []byte(listing("1000000000"))); err != nil {
		t.Fatalf("the highest stock is refused: %v", err)
	}
	for _, number := range []string{
		`0`, `-1`, `-0`, `1.0`, `1.5`, `1e3`, `1E3`, `10e-1`, `"1"`, `""`, `true`, `null`, `[]`, `{}`, `1000000001`, `4294967296`, `4294967297`,
		`9223372036854775808`, `18446744073709551616`, `18446744073709551617`, strings.Repeat("9", 400), `1e400`,
	} {
		expectRefusal(t, "market:CreateListing", "stock "+number, listing(number), spec.InvalidField, "stock")
	}
	expectRefusal(t, "consortium:Fence", "an epoch beyond what JSON keeps exact", `{"epoch":9007199254740992}`, spec.InvalidField, "epoch")
}

func TestDecodeCallRefusesFlagsHashesAndEnums(t *testing.T) {
	listing := func(member string) string {
		return fmt.Sprintf(`{"reference":"a","price":"1","stock":1,"category":"lamps",%s}`, member)
	}
	hash := strings.Repeat("ab", 32)
	for _, row := range []struct{ member, field string }{
		{`"content_hash":"` + hash + `","accept_required":1`, "accept_required"},
		{`"content_hash":"` + hash + `","accept_required":"true"`, "accept_required"},
		{`"content_hash":"` + hash + `","accept_required":null`, "accept_required"},
		{`"content_hash":"` + hash + `","lots":0`, "lots"},
		{`"content_hash":"` + hash + `","lots":17`, "lots"},
		{`"content_hash":"` + hash + `","shipping_price":""`, "shipping_price"},
		{`"content_hash":""`, "content_hash"},
		{`"content_hash":"` + hash[2:] + `"`, "content_hash"},
		{`"content_hash":"` + hash + `ab"`, "content_hash"},
		{`"content_hash":"` + hash[1:] + `"`, "content_hash"},
		{`"content_hash":"` + strings.ToUpper(hash) + `"`, "content_hash"},
		{`"content_hash":"` + hash[2:] + `zz"`, "content_hash"},
		{`"content_hash":"0x` + hash[2:] + `"`, "content_hash"},
	} {
		expectRefusal(t, "market:CreateListing", row.member, listing(row.member), spec.InvalidField, row.field)
	}
	order := spec.ID{}.Text(spec.OrderType)
	// An optional hash is left out; an empty one is a mistake of whoever wrote it.
	expectRefusal(t, "market:ShipOrder", "an empty optional hash", `{"order":"`+order+`","tracking_hash":""}`, spec.InvalidField, "tracking_hash")
	for _, role := range []string{`"king"`, `"unspecified"`, `"MERCHANT"`, `"ROLE_MERCHANT"`, `2`, `""`, `null`} {
		genesis := string(validCall(t, "consortium:Genesis"))
		at := strings.Index(genesis, `"members":[`) + len(`"members":[`)
		genesis = genesis[:at] + `{"msp_id":"X","roles":[` + role + `]},` + genesis[at:]
		expectRefusal(t, "consortium:Genesis", "the role "+role, genesis, spec.InvalidField, "members[0].roles")
	}
}

// Of several faults the first of the catalogue is told.
func TestFormErrorsComeInTheOrderOfTheCatalogue(t *testing.T) {
	faults := []struct {
		code    spec.Code
		members []string
	}{
		{spec.DuplicateField, []string{"memo", `"a","memo":"a"`}},
		{spec.UnknownField, []string{"colour", `1`}},
		{spec.MissingField, []string{"amount", ``}},
		{spec.InvalidField, []string{"reference", `7`}},
	}
	own := []string{"sub_account", `"NOT A LABEL"`}
	for i, first := range faults {
		for _, second := range faults[i:] {
			for _, body := range []string{
				transferJSON(append(append([]string{}, first.members...), second.members...)...),
				transferJSON(append(append([]string{}, second.members...), first.members...)...),
				transferJSON(append(append([]string{}, own...), first.members...)...),
			} {
				if second.code == first.code {
					body = transferJSON(append(append([]string{}, own...), first.members...)...)
				}
				if _, err := spec.DecodeCall(spec.Find("token:Transfer"), []byte(body)); spec.ErrorCode(err) != first.code {
					t.Errorf("%s: %v, want %s", body, err, first.code)
				}
			}
		}
	}
	body := transferJSON("memo", `"a","memo":"a"`) + "x"
	if _, err := spec.DecodeCall(spec.Find("token:Transfer"), []byte(body)); spec.ErrorCode(err) != spec.DuplicateField {
		// Malformed would come first, but the text is read once, from its beginning.
		t.Errorf("a repeated field and text behind the object: %v", err)
	}
}

func TestQueriesTakeNoSubAccountAndNoHints(t *testing.T) {
	for _, member := range []string{`"sub_account":"store"`, `"hints":{}`} {
		if _, err := spec.DecodeCall(spec.Find("token:GetSupply"), []byte("{"+member+"}")); spec.ErrorCode(err) != spec.UnknownField {
			t.Errorf("%s: %v, want %s", member, err, spec.UnknownField)
		}
	}
}

func TestDecodeCallReads(t *testing.T) {
	name := strings.Repeat("ab", 20) + "/3"
	body := " {\n" + transferJSON("memo", `"\ud83d\ude00 \u0026"`, "sub_account", `"store-7"`, "hints", `{"credits":["`+name+`"]}`)[1:] + "\t\r\n"
	call, err := spec.DecodeCall(spec.Find("token:Transfer"), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	credit, _ := spec.ParseCreditName(name)
	want := &spec.Transfer{Reference: "invoice-7", To: spec.OrganisationAddress("Org2MSP").Bytes(), Memo: "😀 &"}
	amount, _ := spec.ParseAmount("12.5")
	want.Amount = amount.Bytes()
	if !proto.Equal(call.Command, want) || call.SubAccount != "store-7" || !proto.Equal(call.Hints, &spec.Hints{Credits: [][]byte{credit.Bytes()}}) {
		t.Errorf("read as %v of %q with %v", call.Command, call.SubAccount, call.Hints)
	}
}

// validCall returns a valid call of the operation, the same at each run.
func validCall(t testing.TB, name string) []byte {
	call := rapid.Custom(func(t *rapid.T) *spec.Call {
		rapid.Bool().Draw(t, "something, for commands without fields")
		return arbitrary.Call(t, spec.Find(name))
	}).Example(1)
	data, err := call.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCallsReadBackAsTheyWereWritten(t *testing.T) {
	for i := range spec.Operations {
		op := &spec.Operations[i]
		t.Run(op.FullName(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				call := arbitrary.Call(t, op)
				data, err := call.Encode()
				if err != nil {
					t.Fatal(err)
				}
				back, err := spec.DecodeCall(op, data)
				if err != nil {
					t.Fatalf("%s: %v", data, err)
				}
				if back.SubAccount != call.SubAccount || !proto.Equal(back.Hints, call.Hints) || !proto.Equal(back.Command, call.Command) {
					t.Fatalf("%s reads back as %v of %q with %v", data, back.Command, back.SubAccount, back.Hints)
				}
				if err := spec.Validate(call.Command); err != nil {
					t.Fatalf("%s was read but is not valid: %v", data, err)
				}
			})
		})
	}
}

func TestViewsReadBackAsTheyWereWritten(t *testing.T) {
	for _, op := range spec.Operations {
		t.Run(string(op.Result.ProtoReflect().Descriptor().Name()), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				view := arbitrary.Message(t, op.Result)
				data, err := spec.EncodeJSON(view)
				if err != nil {
					t.Fatal(err)
				}
				if !json.Valid(data) {
					t.Fatalf("%s is no JSON", data)
				}
				back := view.ProtoReflect().New().Interface()
				if err := spec.DecodeJSON(data, back); err != nil || !proto.Equal(back, view) {
					t.Fatalf("%s reads back as %v, %v", data, back, err)
				}
			})
		})
	}
}

// A time has one text: fractions of a second, other zones and other forms are refused.
func TestTimesHaveOneForm(t *testing.T) {
	view, err := spec.EncodeJSON(&spec.TransferView{
		Transfer: make([]byte, 20), From: spec.OrganisationAddress("A").Bytes(), To: spec.OrganisationAddress("B").Bytes(), Time: 1_800_000_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	const written = "2027-01-15T08:00:00Z"
	if !strings.Contains(string(view), written) {
		t.Fatalf("%s: the time is not written as %s", view, written)
	}
	for _, other := range []string{
		"2027-01-15T08:00:00.5Z", "2027-01-15T08:00:00.0Z", "2027-01-15T08:00:00,5Z", "2027-01-15T08:00:00+00:00", "2027-01-15t08:00:00z", "2027-01-15 08:00:00Z",
		"2027-1-15T08:00:00Z", "2027-01-15T8:00:00Z", "2027-02-30T08:00:00Z", "2027-01-15T24:00:00Z", "1800000000", "",
	} {
		if err := spec.DecodeJSON([]byte(strings.Replace(string(view), written, other, 1)), &spec.TransferView{}); spec.ErrorCode(err) != spec.InvalidField {
			t.Errorf("%q: %v, want %s", other, err, spec.InvalidField)
		}
	}
}

// FuzzDecodeCall feeds any octets to any operation: no panic, errors of the catalogue alone, and what is read is written and read
// again alike.
func FuzzDecodeCall(f *testing.F) {
	for i := range spec.Operations {
		f.Add(i, validCall(f, spec.Operations[i].FullName()))
		f.Add(i, []byte(`{}`))
	}
	f.Fuzz(func(t *testing.T, row int, data []byte) {
		op := &spec.Operations[uint(row)%uint(len(spec.Operations))]
		call, err := spec.DecodeCall(op, data)
		var refusal *spec.Error
		if err != nil {
			if !errors.As(err, &refusal) || spec.Lookup(refusal.Code).Code != refusal.Code {
				t.Fatalf("%q: %v is not of the catalogue", data, err)
			}
			if len(refusal.Error()) > 4096 {
				t.Fatalf("%.100q...: the refusal has %d bytes", data, len(refusal.Error()))
			}
			return
		}
		if err := spec.Validate(call.Command); err != nil {
			t.Fatalf("%q was read but is not valid: %v", data, err)
		}
		written, err := call.Encode()
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", data, err)
		}
		back, err := spec.DecodeCall(op, written)
		if err != nil || !proto.Equal(back.Command, call.Command) || back.SubAccount != call.SubAccount || !proto.Equal(back.Hints, call.Hints) {
			t.Fatalf("%q was read, written as %q and read as %v, %v", data, written, back, err)
		}
		again, err := back.Encode()
		if err != nil || string(again) != string(written) {
			t.Fatalf("%q was written a second time as %q", written, again)
		}
	})
}
