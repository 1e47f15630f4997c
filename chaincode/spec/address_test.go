package spec_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The golden addresses are money's home: a change of these lines moves everybody's accounts.
func TestGoldenAddresses(t *testing.T) {
	for _, row := range []struct {
		what    string
		address spec.Address
		text    string
		compact string
	}{
		{"a person's key", spec.KeyAddress("ed25519", []byte("public key")), "cmt1qxzje4au32mwjxzt900hy66dcmjykyprjgw6hv2g", "AYUs17yKtukYSyvfcmtNxuRLECOS"},
		{"the same key in another scheme", spec.KeyAddress("p256", []byte("public key")), "cmt1qxkwak2zj6quvn8r5hpw7l2t0qxc4wyqacdtvuvx", "Aazu2UKWgcZM46XC731LeA2KuIDu"},
		{"an organisation", spec.OrganisationAddress("Org1MSP"), "cmt1qt2rcvfjlhkc8zzkdwl7dcqjs9hgyzs9d544xj2w", "AtQ8MTL97YOIVmu_5uASgW6CCgVt"},
		{"its sub-account", spec.SubAccountAddress("Org1MSP", "store-7"), "cmt1qd0ft587dguh47gr4v68cqy2shamq6y3hyvxfryg", "A16V0P5qOXr5A6s0fACKhfuwaJG5"},
		{"its sub-account without a label", spec.SubAccountAddress("Org1MSP", ""), "cmt1qt2rcvfjlhkc8zzkdwl7dcqjs9hgyzs9d544xj2w", "AtQ8MTL97YOIVmu_5uASgW6CCgVt"},
	} {
		if row.address.String() != row.text {
			t.Errorf("%s is %s, want %s", row.what, row.address, row.text)
		}
		if row.address.Compact() != row.compact {
			t.Errorf("%s is %s in keys, want %s", row.what, row.address.Compact(), row.compact)
		}
		if back, err := spec.ParseAddress(row.text); err != nil || back != row.address {
			t.Errorf("%s reads back as %s, %v", row.text, back, err)
		}
	}
}

// The parts of an address are framed: moving a letter from the label to the MSP identifier makes another account.
func TestAddressesOfDifferentPartsDiffer(t *testing.T) {
	addresses := []spec.Address{
		spec.OrganisationAddress("ab"),
		spec.OrganisationAddress("abc"),
		spec.SubAccountAddress("ab", "c"),
		spec.SubAccountAddress("a", "bc"),
		spec.SubAccountAddress("abc", "c"),
		spec.KeyAddress("ab", []byte("c")),
		spec.KeyAddress("a", []byte("bc")),
	}
	seen := map[spec.Address]int{}
	for i, address := range addresses {
		if j, ok := seen[address]; ok {
			t.Errorf("addresses %d and %d are the same: %s", i, j, address)
		}
		seen[address] = i
	}
}

// alphabet is bech32's, as BIP-173 has it.
const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

func anyAddress() *rapid.Generator[spec.Address] {
	return rapid.Custom(func(t *rapid.T) spec.Address {
		b := rapid.SliceOfN(rapid.Byte(), 21, 21).Draw(t, "bytes")
		b[0] = rapid.ByteRange(1, 3).Draw(t, "type")
		address, err := spec.AddressFromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		return address
	})
}

func TestAddressesReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := anyAddress().Draw(t, "address")
		text := address.String()
		if back, err := spec.ParseAddress(text); err != nil || back != address {
			t.Fatalf("%s reads back as %s, %v", text, back, err)
		}
		if len(text) != 44 || !strings.HasPrefix(text, "cmt1") || text != strings.ToLower(text) {
			t.Fatalf("%s is not 44 lower-case characters beginning with cmt1", text)
		}
		if back, err := spec.AddressFromBytes(address.Bytes()); err != nil || back != address {
			t.Fatalf("%x reads back as %s, %v", address.Bytes(), back, err)
		}
	})
}

func TestOneMistypedCharacterIsNoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyAddress().Draw(t, "address").String()
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		by := rapid.SampledFrom([]byte(alphabet+"1bioBIO _-/\x00\xff")).Draw(t, "by")
		if text[at] == by {
			return
		}
		mistyped := text[:at] + string([]byte{by}) + text[at+1:]
		if address, err := spec.ParseAddress(mistyped); err == nil {
			t.Fatalf("%s, mistyped as %s, was read as %s", text, mistyped, address)
		}
	})
}

func TestTwoSwappedCharactersAreNoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(anyAddress().Draw(t, "address").String())
		at := rapid.IntRange(0, len(text)-2).Draw(t, "at")
		if text[at] == text[at+1] {
			return
		}
		text[at], text[at+1] = text[at+1], text[at]
		if _, err := spec.ParseAddress(string(text)); err == nil {
			t.Fatalf("%s was read", text)
		}
	})
}

// bech32 is an independent encoder after BIP-173 and BIP-350, for texts that the package itself never writes.
func bech32(prefix string, constant uint32, groups []byte) string {
	polymod := func(values []byte) uint32 {
		checksum := uint32(1)
		for _, v := range values {
			top := checksum >> 25
			checksum = checksum&0x1ffffff<<5 ^ uint32(v)
			for i, generator := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
				if top>>i&1 == 1 {
					checksum ^= generator
				}
			}
		}
		return checksum
	}
	var values []byte
	for _, c := range []byte(prefix) {
		values = append(values, c>>5)
	}
	values = append(values, 0)
	for _, c := range []byte(prefix) {
		values = append(values, c&31)
	}
	checksum := polymod(append(append(values, groups...), 0, 0, 0, 0, 0, 0)) ^ constant
	text := prefix + "1"
	for _, g := range groups {
		text += alphabet[g : g+1]
	}
	for i := range 6 {
		g := checksum >> (5 * (5 - i)) & 31
		text += alphabet[g : g+1]
	}
	return text
}

const (
	bech32Constant  = 1
	bech32mConstant = 0x2bc830a3
)

// groups splits bytes into groups of five bits; pad fills the bits left over in the last one.
func groups(data []byte, pad byte) []byte {
	var out []byte
	acc, count := uint32(0), 0
	for _, b := range data {
		acc, count = acc<<8|uint32(b), count+8
		for ; count >= 5; count -= 5 {
			out = append(out, byte(acc>>(count-5)&31))
		}
	}
	if count > 0 {
		out = append(out, byte(acc<<(5-count)&31)|pad)
	}
	return out
}

// The encoder above passes BIP-350's own vectors, so what it says of our addresses counts.
func TestTheTestsEncoderIsBech32m(t *testing.T) {
	if got, want := bech32("a", bech32mConstant, nil), "a1lqfn3a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	descending := make([]byte, 32)
	for i := range descending {
		descending[i] = byte(31 - i)
	}
	want := "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"
	if got := bech32("abcdef", bech32mConstant, descending); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAddressTexts(t *testing.T) {
	address := spec.OrganisationAddress("Org1MSP")
	text := address.String()
	if got := bech32("cmt", bech32mConstant, groups(address.Bytes(), 0)); got != text {
		t.Fatalf("%x is written %s, BIP-350 says %s", address.Bytes(), text, got)
	}
	unknownType := append([]byte{4}, address.Digest[:]...)
	noType := append([]byte{0}, address.Digest[:]...)
	for what, refused := range map[string]string{
		"nothing":                    "",
		"upper case":                 strings.ToUpper(text),
		"mixed case":                 text[:10] + strings.ToUpper(text[10:]),
		"an upper-case prefix":       "CMT" + text[3:],
		"a blank before":             " " + text,
		"a blank behind":             text + " ",
		"bech32 instead of bech32m":  bech32("cmt", bech32Constant, groups(address.Bytes(), 0)),
		"another prefix":             bech32("cmu", bech32mConstant, groups(address.Bytes(), 0)),
		"a prefix of another length": bech32("cm", bech32mConstant, groups(address.Bytes(), 0)),
		"padding that is not zero":   bech32("cmt", bech32mConstant, groups(address.Bytes(), 1)),
		"a group too many":           bech32("cmt", bech32mConstant, append(groups(address.Bytes(), 0), 0)),
		"a byte too few":             bech32("cmt", bech32mConstant, groups(address.Bytes()[:20], 0)),
		"a byte too many":            bech32("cmt", bech32mConstant, groups(append(address.Bytes(), 0), 0)),
		"an unknown type":            bech32("cmt", bech32mConstant, groups(unknownType, 0)),
		"no type":                    bech32("cmt", bech32mConstant, groups(noType, 0)),
		"an identifier":              spec.ID(address.Digest).Text(spec.OrderType),
		"a megabyte":                 strings.Repeat(text, 1<<20/len(text)),
		"a q before a final p":       text[:len(text)-1] + "qp",
	} {
		if got, err := spec.ParseAddress(refused); err == nil {
			t.Errorf("%s: %.60q was read as %s", what, refused, got)
		}
	}
	var back spec.Address
	if written, err := address.MarshalText(); err != nil || back.UnmarshalText(written) != nil || back != address {
		t.Errorf("the text form %s reads back as %s", written, back)
	}
	if back.UnmarshalText([]byte("cmt1")) == nil {
		t.Error("a truncated text was read")
	}
}

func FuzzParseAddress(f *testing.F) {
	address := spec.OrganisationAddress("Org1MSP")
	f.Add(address.String())
	f.Add(strings.ToUpper(address.String()))
	f.Add(bech32("cmt", bech32Constant, groups(address.Bytes(), 0)))
	f.Add(bech32("cmt", bech32mConstant, groups(address.Bytes(), 1)))
	f.Fuzz(func(t *testing.T, text string) {
		if address, err := spec.ParseAddress(text); err == nil && address.String() != text {
			t.Fatalf("%q and %q are one address", text, address)
		}
	})
}
