package spec

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/btcutil/bech32"
)

// AddressPrefix is the human-readable part of an address.
const AddressPrefix = "cmt"

// AccountType says who moves an account; it is an address's first byte.
type AccountType byte

// The account types. KeyAccount is a person's, moved by a key; the others are an organisation's, moved by its members.
const (
	KeyAccount AccountType = iota + 1
	OrganisationAccount
	SubAccount
)

// digestSize is the length of an address's or identifier's digest in bytes.
const digestSize = 20

// Address names an account: the type byte and 20 bytes of SHA-256. Addresses are comparable and made by the functions
// below or by ParseAddress, never by hand.
type Address struct {
	Type   AccountType
	Digest [digestSize]byte
}

// KeyAddress returns the account of a public key in the encoding of its scheme.
func KeyAddress(scheme string, publicKey []byte) Address {
	return Address{Type: KeyAccount, Digest: digest("cmt/address/key", []byte(scheme), publicKey)}
}

// OrganisationAddress returns the account of the organisation with this membership service provider.
func OrganisationAddress(mspID string) Address {
	return Address{Type: OrganisationAccount, Digest: digest("cmt/address/organisation", []byte(mspID))}
}

// SubAccountAddress returns an organisation's sub-account: a store or a department. An empty label is the organisation.
func SubAccountAddress(mspID, label string) Address {
	if label == "" {
		return OrganisationAddress(mspID)
	}
	return Address{Type: SubAccount, Digest: digest("cmt/address/sub-account", []byte(mspID), []byte(label))}
}

// ParseAddress reads the bech32m form, in lower case only: one address, one text.
func ParseAddress(text string) (Address, error) {
	data, err := decodeBech32m(AddressPrefix, text, 1+digestSize)
	if err != nil {
		return Address{}, err
	}
	return AddressFromBytes(data)
}

// AddressFromBytes reads what Bytes wrote.
func AddressFromBytes(b []byte) (Address, error) {
	if len(b) != 1+digestSize || b[0] < byte(KeyAccount) || b[0] > byte(SubAccount) {
		return Address{}, fmt.Errorf("must be an address: a known type byte and %d bytes", digestSize)
	}
	a := Address{Type: AccountType(b[0])}
	copy(a.Digest[:], b[1:])
	return a, nil
}

// Bytes returns the type byte and the digest.
func (a Address) Bytes() []byte { return append([]byte{byte(a.Type)}, a.Digest[:]...) }

// Octets returns Bytes as a string, which costs one allocation less than to convert them.
func (a Address) Octets() string {
	var b [1 + digestSize]byte
	b[0] = byte(a.Type)
	copy(b[1:], a.Digest[:])
	return string(b[:])
}

// String returns the bech32m form.
func (a Address) String() string { return encodeBech32m(AddressPrefix, a.Bytes()) }

// Compact returns a short text without '/', for use in ledger keys: the base64url of Bytes, 28 characters.
func (a Address) Compact() string { return base64.RawURLEncoding.EncodeToString(a.Bytes()) }

// MarshalText and UnmarshalText make addresses readable in configuration and JSON.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the bech32m form.
func (a *Address) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAddress(string(text))
	return err
}

func encodeBech32m(prefix string, data []byte) string {
	groups, err := bech32.ConvertBits(data, 8, 5, true)
	if err == nil {
		var text string
		if text, err = bech32.EncodeM(prefix, groups); err == nil {
			return text
		}
	}
	panic("spec: bech32m refused " + prefix + ": " + err.Error())
}

// decodeBech32m refuses everything but the one text that encodeBech32m writes.
func decodeBech32m(prefix, text string, size int) ([]byte, error) {
	if want := len(prefix) + 1 + (size*8+4)/5 + 6; len(text) != want {
		return nil, fmt.Errorf("must be %d characters beginning with %q", want, prefix+"1")
	}
	if !strings.HasPrefix(text, prefix+"1") {
		return nil, fmt.Errorf("must begin with %q, in lower case", prefix+"1")
	}
	found, groups, version, err := bech32.DecodeGeneric(text)
	if err != nil || version != bech32.VersionM || found != prefix {
		return nil, fmt.Errorf("must have a valid bech32m checksum: a character was mistyped")
	}
	data, err := bech32.ConvertBits(groups, 5, 8, false)
	if err != nil || len(data) != size || encodeBech32m(prefix, data) != text {
		return nil, fmt.Errorf("must be the canonical lower-case bech32m form of %d bytes", size)
	}
	return data, nil
}
