package spec_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

var idTypes = []spec.IDType{spec.ListingType, spec.OrderType, spec.TransferType, spec.MintType, spec.BurnType, spec.LotType}

// The golden identifiers are what clients compute before they submit: a change of these lines breaks every retry.
func TestGoldenIdentifiers(t *testing.T) {
	actor := spec.OrganisationAddress("Org1MSP")
	listing := spec.NewID(spec.ListingType, actor, "lamp")
	order := spec.NewID(spec.OrderType, actor, "lamp")
	for _, row := range []struct {
		what, got, want string
	}{
		{"a listing", listing.Text(spec.ListingType), "lst_1cfhyhscuuerj66znzfv4ujq7lxt9y6jqlxnjaq"},
		{"an order", order.Text(spec.OrderType), "ord_1x0ympc5qk66arja2tmtav7mkvkllhdcv74nfdp"},
		{"a transfer", spec.NewID(spec.TransferType, actor, "lamp").Text(spec.TransferType), "trf_1s26ycgwzck8kpjclzfumy53cefgju6wvmkdrhx"},
		{"a mint", spec.NewID(spec.MintType, actor, "lamp").Text(spec.MintType), "mnt_1694czu8l58x5vgvxvv5hvql88dffauusnmyw3q"},
		{"a burn", spec.NewID(spec.BurnType, actor, "lamp").Text(spec.BurnType), "brn_1jnyvz76hj2f3v0xr0x32yytgkvwzgpk66f3n6q"},
		{"the first lot", spec.StockLot(listing, 1, 0).Text(spec.LotType), "lot_162ruawd0ll4nrmchf0jvj9xcy5096ueuumvate"},
		{"the second lot", spec.StockLot(listing, 1, 1).Text(spec.LotType), "lot_1w9wk8zwnsf0r9gyqlrv3cxkpht9f73xkl6qr3m"},
		{"a later version's lot", spec.StockLot(listing, 2, 0).Text(spec.LotType), "lot_1f97dqv7jdw2ya0f4erulsn0frw5vc5lekm5ww0"},
		{"a returned lot", spec.ReturnLot(listing, order).Text(spec.LotType), "lot_1tn6avu7pc36ktlzct037q2rdhj8ghnyj4mfq55"},
		{"a hand-over commitment", hex.EncodeToString(spec.HandOverHash(order, []byte("0123456789abcdef"))), "4a97d40189c1bb78c9acfa63cd960fcc6678204df0ea44666d71afdca3c482f0"},
		{"a listing in keys", listing.Compact(), "wm5LwxzmRy1oUxJZXkge-ZZSakA"},
	} {
		if row.got != row.want {
			t.Errorf("%s is %s, want %s", row.what, row.got, row.want)
		}
	}
}

// Type, actor and reference each make another identifier, and so does every lot; else one object could take another's key.
func TestIdentifiersOfDifferentThingsDiffer(t *testing.T) {
	one, two := spec.OrganisationAddress("Org1MSP"), spec.OrganisationAddress("Org2MSP")
	seen := map[spec.ID]string{}
	add := func(what string, id spec.ID) {
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have one identifier", what, other)
		}
		seen[id] = what
	}
	for _, kind := range idTypes {
		add(string(kind)+" of one", spec.NewID(kind, one, "a"))
		add(string(kind)+" of two", spec.NewID(kind, two, "a"))
		add(string(kind)+" under another reference", spec.NewID(kind, one, "b"))
	}
	listing, other := spec.NewID(spec.ListingType, one, "a"), spec.NewID(spec.ListingType, one, "b")
	for version := range uint32(3) {
		for n := range uint32(3) {
			add("a lot", spec.StockLot(listing, version, n))
			add("a lot of another listing", spec.StockLot(other, version, n))
		}
	}
	add("a returned lot", spec.ReturnLot(listing, other))
	add("a line's returned lot", spec.LineReturnLot(listing, other, 0))
	add("another line's returned lot", spec.LineReturnLot(listing, other, 1))
	add("a returned lot the other way round", spec.ReturnLot(other, listing))
}

func TestHandOverCommitmentIsBoundToItsOrder(t *testing.T) {
	code := []byte("0123456789abcdef")
	if string(spec.HandOverHash(spec.ID{1}, code)) == string(spec.HandOverHash(spec.ID{2}, code)) {
		t.Error("one commitment serves two orders")
	}
	if string(spec.HandOverHash(spec.ID{1}, code)) == string(spec.HandOverHash(spec.ID{1}, []byte("0123456789abcdeF"))) {
		t.Error("two codes open one commitment")
	}
}

func TestIdentifiersReadBackUnderTheirOwnTypeOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := spec.ID(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "id"))
		kind := rapid.SampledFrom(idTypes).Draw(t, "type")
		text := id.Text(kind)
		for _, other := range idTypes {
			back, err := spec.ParseID(other, text)
			if other == kind && (err != nil || back != id) {
				t.Fatalf("%s reads back as %x, %v", text, back, err)
			}
			if other != kind && err == nil {
				t.Fatalf("%s was read as one of type %s", text, other)
			}
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		by := rapid.SampledFrom([]byte(alphabet+"1bioBIO_ ")).Draw(t, "by")
		mistyped := text[:at] + string([]byte{by}) + text[at+1:]
		if _, err := spec.ParseID(kind, mistyped); err == nil && mistyped != text {
			t.Fatalf("%s, mistyped as %s, was read", text, mistyped)
		}
		if _, err := spec.ParseID(kind, strings.ToUpper(text)); err == nil {
			t.Fatalf("%s was read", strings.ToUpper(text))
		}
	})
	for _, n := range []int{0, 19, 21} {
		if _, err := spec.IDFromBytes(make([]byte, n)); err == nil {
			t.Errorf("%d bytes were read as an identifier", n)
		}
	}
}

func TestCreditNamesReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := spec.CreditName{N: rapid.OneOf(rapid.Uint32Range(0, 300), rapid.Uint32Range(0, 65535)).Draw(t, "number")}
		copy(name.Tx[:], rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "tx"))
		if back, err := spec.ParseCreditName(name.String()); err != nil || back != name {
			t.Fatalf("%s reads back as %s, %v", name, back, err)
		}
		if back, err := spec.CreditNameFromBytes(name.Bytes()); err != nil || back != name {
			t.Fatalf("%x reads back as %s, %v", name.Bytes(), back, err)
		}
	})
}

func TestCreditNamesHaveOneForm(t *testing.T) {
	tx := strings.Repeat("ab", 20)
	for _, text := range []string{
		"", "/", tx, tx + "/", "/0", tx[2:] + "/0", tx + "ab/0", strings.ToUpper(tx) + "/0",
		tx + "/00", tx + "/01", tx + "/-1", tx + "/+1", tx + "/65536", tx + "/1/1", tx + "//1", tx + "/0 ", tx + "/0x1", "zz" + tx[2:] + "/0",
	} {
		if name, err := spec.ParseCreditName(text); err == nil {
			t.Errorf("%q was read as %s", text, name)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 19), make([]byte, 21), make([]byte, 22), make([]byte, 23), append(make([]byte, 20), 1, 1, 1)} {
		if name, err := spec.CreditNameFromBytes(b); err == nil {
			t.Errorf("%x was read as %s", b, name)
		}
	}
}
