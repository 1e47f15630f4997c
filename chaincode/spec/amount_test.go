package spec_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/simulate/arbitrary"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// cap27 is the cap, written from the design: 10^9 CMT of 10^18 base units.
var cap27 = new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil)

func bigOf(a spec.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }

func TestCapIsABillionCMT(t *testing.T) {
	if bigOf(spec.Cap).Cmp(cap27) != 0 {
		t.Errorf("Cap is %s base units, want %s", bigOf(spec.Cap), cap27)
	}
	if spec.Cap != spec.CMT(1_000_000_000) || spec.Cap.String() != "1000000000" {
		t.Errorf("Cap is %s CMT, want 1000000000", spec.Cap)
	}
	defer func() {
		if recover() == nil {
			t.Error("CMT(1000000001) made more CMT than there can be")
		}
	}()
	spec.CMT(1_000_000_001)
}

func TestArithmeticIsThatOfWholeNumbersBelowTheCap(t *testing.T) {
	fits := func(n *big.Int) bool { return n.Sign() >= 0 && n.Cmp(cap27) <= 0 }
	same := func(t *rapid.T, what string, got spec.Amount, ok bool, want *big.Int) {
		if ok != fits(want) {
			t.Fatalf("%s: said %t for %s", what, ok, want)
		}
		if ok && bigOf(got).Cmp(want) != 0 {
			t.Fatalf("%s: got %s, want %s", what, bigOf(got), want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := arbitrary.Amount(0).Draw(t, "a"), arbitrary.Amount(0).Draw(t, "b")
		n := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 100)).Draw(t, "n")
		bps := rapid.Uint32Range(0, 10_000).Draw(t, "bps")
		A, B := bigOf(a), bigOf(b)

		sum, ok := a.Add(b)
		same(t, "a + b", sum, ok, new(big.Int).Add(A, B))
		rest, ok := a.Sub(b)
		same(t, "a - b", rest, ok, new(big.Int).Sub(A, B))
		product, ok := a.Mul(n)
		same(t, "a × n", product, ok, new(big.Int).Mul(A, new(big.Int).SetUint64(n)))
		share := new(big.Int).Mul(A, big.NewInt(int64(bps)))
		same(t, "⌊a × bps / 10000⌋", a.Share(bps), true, share.Div(share, big.NewInt(10_000)))
		if a.Less(b) != (A.Cmp(B) < 0) || a.IsZero() != (A.Sign() == 0) {
			t.Fatalf("%s and %s compare wrongly", a, b)
		}
	})
}

// A product that wraps around 128 bits lands below the cap again; it is refused all the same.
func TestProductsDoNotWrapAround(t *testing.T) {
	for _, row := range []struct {
		text string
		n    uint64
	}{
		{"18.446744073709551621", 1<<64 - 1}, // (2^64 + 5)(2^64 - 1) = 2^128 + 4·2^64 - 5
		{"18.446744073709551616", 1<<64 - 1},
		{"1000000000", 1<<64 - 1},
		{"1000000000", 2},
	} {
		amount, err := spec.ParseAmount(row.text)
		if err != nil {
			t.Fatal(err)
		}
		if product, ok := amount.Mul(row.n); ok {
			t.Errorf("%s × %d is %s", amount, row.n, product)
		}
	}
}

func TestAmountsReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := arbitrary.Amount(0).Draw(t, "amount")
		if back, err := spec.ParseAmount(a.String()); err != nil || back != a {
			t.Fatalf("%q read back as %s, %v", a.String(), back, err)
		}
		if back, err := spec.AmountFromBytes(a.Bytes()); err != nil || back != a {
			t.Fatalf("%x read back as %s, %v", a.Bytes(), back, err)
		}
		decimal := new(big.Rat).SetFrac(bigOf(a), new(big.Int).Exp(big.NewInt(10), big.NewInt(spec.Decimals), nil))
		if written, ok := new(big.Rat).SetString(a.String()); !ok || written.Cmp(decimal) != 0 {
			t.Fatalf("%s base units were written as %s CMT", bigOf(a), a)
		}
	})
}

func TestAmountTexts(t *testing.T) {
	for _, row := range []struct {
		text, units string // units is empty where the text is refused
	}{
		{"0", "0"},
		{"1", "1000000000000000000"},
		{"12.5", "12500000000000000000"},
		{"0.000000000000000001", "1"},
		{"12.50", "12500000000000000000"},
		{"0.0", "0"},
		{"1000000000", cap27.String()},
		{"1000000000.000000000000000000", cap27.String()},
		{"999999999.999999999999999999", "999999999999999999999999999"},
		// 2^64 base units: the first amount that needs the upper word.
		{"18.446744073709551616", "18446744073709551616"},

		{"1000000000.000000000000000001", ""},
		{"1000000001", ""},
		{"9999999999", ""},
		{"10000000000", ""},
		{"0.0000000000000000001", ""},
		{strings.Repeat("9", 30), ""},
		{strings.Repeat("0", 1<<20), ""},
		{"", ""},
		{".", ""},
		{".5", ""},
		{"5.", ""},
		{"1.2.3", ""},
		{"00", ""},
		{"01", ""},
		{"00.5", ""},
		{"-1", ""},
		{"+1", ""},
		{"1e3", ""},
		{"1E3", ""},
		{"0x10", ""},
		{"1_000", ""},
		{"1,5", ""},
		{" 1", ""},
		{"1 ", ""},
		{"1\n", ""},
		{"1\x00", ""},
		{"NaN", ""},
		{"Inf", ""},
		{"\u0661", ""}, // ARABIC-INDIC DIGIT ONE
		{"\uff11", ""}, // FULLWIDTH DIGIT ONE
	} {
		amount, err := spec.ParseAmount(row.text)
		switch {
		case row.units == "" && err == nil:
			t.Errorf("%.40q was read as %s", row.text, amount)
		case row.units != "" && (err != nil || bigOf(amount).String() != row.units):
			t.Errorf("%q was read as %s base units, %v; want %s", row.text, bigOf(amount), err, row.units)
		}
	}
}

func TestAmountBytesHaveOneForm(t *testing.T) {
	for _, b := range [][]byte{
		{0},                               // nothing is the empty string
		{0, 1},                            // a leading zero
		append([]byte{1}, zeros(16)...),   // 17 bytes
		append([]byte{255}, zeros(15)...), // 16 bytes, over the cap
		new(big.Int).Add(cap27, big.NewInt(1)).Bytes(),
	} {
		if amount, err := spec.AmountFromBytes(b); err == nil {
			t.Errorf("%x was read as %s", b, amount)
		}
	}
}

func zeros(n int) []byte { return make([]byte, n) }

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"0", "12.5", "0.000000000000000001", "1000000000", "00", "1e3", "-1", "1.", ".1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, err := spec.ParseAmount(text)
		if err != nil {
			return
		}
		if spec.Cap.Less(amount) {
			t.Fatalf("%q is more than the cap", text)
		}
		read, ok := new(big.Rat).SetString(text)
		written, _ := new(big.Rat).SetString(amount.String())
		if !ok || read.Cmp(written) != 0 {
			t.Fatalf("%q was read as %s", text, amount)
		}
		if back, err := spec.ParseAmount(amount.String()); err != nil || back != amount {
			t.Fatalf("%s read back as %s, %v", amount, back, err)
		}
	})
}
