package spec

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"
)

// Decimals is the number of decimal places of CMT, as its ERC-20 contract had: one CMT is 10^18 base units.
const Decimals = 18

// maxAmountText is the length of the longest valid text: ten digits, a point, and the decimals.
const maxAmountText = 10 + 1 + Decimals

// Amount is a quantity of CMT in base units: an unsigned 128-bit integer of at most Cap. The zero value is nothing.
// Arithmetic is checked; there is no negative amount and no rounding but where a method says so.
type Amount struct{ hi, lo uint64 }

// Cap is the most CMT there can ever be: 1,000,000,000 CMT, 10^27 base units.
var Cap = Amount{hi: 54_210_108, lo: 11_515_845_246_265_065_472}

// Units returns an amount of n base units.
func Units(n uint64) Amount { return Amount{lo: n} }

// CMT returns an amount of n whole CMT; n may not exceed 1,000,000,000.
func CMT(n uint32) Amount {
	a, ok := Units(1_000_000_000_000_000_000).Mul(uint64(n))
	if !ok {
		panic("spec: more CMT than there can be")
	}
	return a
}

// ParseAmount reads a decimal string of CMT such as "0", "12.5" or "0.000000000000000001": digits, at most one point with
// digits on both sides, at most 18 decimals, no sign, no exponent, no leading zeros, at most Cap.
func ParseAmount(text string) (Amount, error) {
	if text == "" || len(text) > maxAmountText {
		return Amount{}, fmt.Errorf("must be a decimal string of CMT of 1 to %d characters", maxAmountText)
	}
	whole, fraction, point := strings.Cut(text, ".")
	if !digits(whole) || point && !digits(fraction) {
		return Amount{}, fmt.Errorf("must be a decimal string of CMT such as \"12.5\"")
	}
	if len(whole) > 1 && whole[0] == '0' {
		return Amount{}, fmt.Errorf("must have no leading zeros")
	}
	if len(fraction) > Decimals {
		return Amount{}, fmt.Errorf("must have at most %d decimals", Decimals)
	}
	if len(whole) > 10 {
		return Amount{}, errOverCap
	}
	var a Amount
	for _, digit := range whole + fraction + strings.Repeat("0", Decimals-len(fraction)) {
		a = a.times10plus(uint64(digit - '0'))
	}
	if Cap.Less(a) {
		return Amount{}, errOverCap
	}
	return a, nil
}

var errOverCap = fmt.Errorf("must be at most 1000000000 CMT")

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// times10plus cannot overflow: ParseAmount gives it at most 28 digits, and 10^28 < 2^128.
func (a Amount) times10plus(digit uint64) Amount {
	carry, lo := bits.Mul64(a.lo, 10)
	lo, c := bits.Add64(lo, digit, 0)
	return Amount{hi: a.hi*10 + carry + c, lo: lo}
}

// String writes the amount as ParseAmount reads it, without trailing zeros.
func (a Amount) String() string {
	var buf [40]byte
	i := len(buf)
	for n := 0; n <= Decimals || !a.IsZero(); n++ {
		if n == Decimals {
			i--
			buf[i] = '.'
		}
		var digit uint64
		a, digit = a.divmod(10)
		i--
		buf[i] = byte('0' + digit)
	}
	return strings.TrimSuffix(strings.TrimRight(string(buf[i:]), "0"), ".")
}

func (a Amount) divmod(d uint64) (Amount, uint64) {
	hi, rest := a.hi/d, a.hi%d
	lo, rest := bits.Div64(rest, a.lo, d)
	return Amount{hi: hi, lo: lo}, rest
}

// Bytes returns the amount as a big-endian integer without leading zero bytes; nothing is the empty string.
func (a Amount) Bytes() []byte {
	var buf [16]byte
	for i := range 8 {
		buf[i] = byte(a.hi >> (56 - 8*i))
		buf[8+i] = byte(a.lo >> (56 - 8*i))
	}
	i := 0
	for i < len(buf) && buf[i] == 0 {
		i++
	}
	return buf[i:]
}

// AmountFromBytes reads what Bytes wrote and refuses every other form.
func AmountFromBytes(b []byte) (Amount, error) {
	if len(b) > 16 || len(b) > 0 && b[0] == 0 {
		return Amount{}, fmt.Errorf("must be a big-endian integer of at most 16 bytes without leading zeros")
	}
	var a Amount
	for _, octet := range b {
		a = Amount{hi: a.hi<<8 | a.lo>>56, lo: a.lo<<8 | uint64(octet)}
	}
	if Cap.Less(a) {
		return Amount{}, errOverCap
	}
	return a, nil
}

// IsZero reports whether the amount is nothing.
func (a Amount) IsZero() bool { return a == Amount{} }

// Less reports whether a is smaller than b.
func (a Amount) Less(b Amount) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// Add returns a + b, or false when that exceeds Cap.
func (a Amount) Add(b Amount) (Amount, bool) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, carry := bits.Add64(a.hi, b.hi, carry)
	sum := Amount{hi: hi, lo: lo}
	return sum, carry == 0 && !Cap.Less(sum)
}

// Sub returns a - b, or false when b is larger.
func (a Amount) Sub(b Amount) (Amount, bool) {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	return Amount{hi: hi, lo: lo}, borrow == 0
}

// Mul returns a × n, or false when that exceeds Cap.
func (a Amount) Mul(n uint64) (Amount, bool) {
	carry, lo := bits.Mul64(a.lo, n)
	over, hi := bits.Mul64(a.hi, n)
	hi, c := bits.Add64(hi, carry, 0)
	product := Amount{hi: hi, lo: lo}
	return product, over == 0 && c == 0 && !Cap.Less(product)
}

// Quo returns ⌊a / n⌋ for n above 0.
func (a Amount) Quo(n uint32) Amount {
	quotient, _ := a.divmod(uint64(n))
	return quotient
}

// Share returns ⌊a × bps / 10,000⌋; bps may not exceed 10,000. The product of Cap and 10,000 fits 128 bits.
func (a Amount) Share(bps uint32) Amount {
	carry, lo := bits.Mul64(a.lo, uint64(bps))
	share, _ := Amount{hi: a.hi*uint64(bps) + carry, lo: lo}.divmod(10_000)
	return share
}

// Portion returns ⌊a × part / whole⌋; part may not exceed whole, and whole is not 0. The product of Cap and 2^32
// fits 128 bits.
func (a Amount) Portion(part, whole uint32) Amount {
	carry, lo := bits.Mul64(a.lo, uint64(part))
	portion, _ := Amount{hi: a.hi*uint64(part) + carry, lo: lo}.divmod(uint64(whole))
	return portion
}

// Ratio returns ⌊a × part / whole⌋; part may not exceed whole, and whole is not 0.
func (a Amount) Ratio(part, whole Amount) Amount {
	n := new(big.Int).SetBytes(a.Bytes())
	n.Mul(n, new(big.Int).SetBytes(part.Bytes()))
	n.Quo(n, new(big.Int).SetBytes(whole.Bytes()))
	ratio, _ := AmountFromBytes(n.Bytes())
	return ratio
}
