package state

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/cybermiles/cmt/chaincode/ledger"
)

// shape says how the keys of a kind are written: a letter or two, then the parts behind slashes. Octets are base64url, whose
// alphabet has no slash, so no part can run into another; text parts have alphabets without a slash by their formats.
type shape struct {
	kind   ledger.Kind
	prefix string
	parent bool
	id     part
}

type part int

const (
	none part = iota
	octets
	text
)

// shapes is every key there is.
//
//	p                           parameters
//	m/<msp>                     member
//	s                           supply
//	f/<epoch>                   fence
//	a/<address>                 account
//	c/<address>/<credit>        credit
//	h/<address>/<order>         hold
//	t/<transfer>                transfer
//	i/<mint>                    mint
//	b/<burn>                    burn
//	l/<listing>                 listing
//	v/<listing>/<version>       version
//	e/<listing>/<version>       end
//	k/<listing>/<lot>           lot
//	o/<order>                   order
//	w/<payout>                  payout
//	j/<listing>/<offer>         offer
//	r/<order>/<side>            review
//	d/<order>                   dispute
//	y/<order>/<msp>             vote
//	de/<order>/<piece>          evidence
//	ma                          arbiters
var shapes = [...]shape{
	{ledger.ParametersKind, "p", false, none},
	{ledger.MemberKind, "m", false, text},
	{ledger.SupplyKind, "s", false, none},
	{ledger.FenceKind, "f", false, text},
	{ledger.AccountKind, "a", false, octets},
	{ledger.CreditKind, "c", true, octets},
	{ledger.HoldKind, "h", true, octets},
	{ledger.TransferKind, "t", false, octets},
	{ledger.MintKind, "i", false, octets},
	{ledger.BurnKind, "b", false, octets},
	{ledger.ListingKind, "l", false, octets},
	{ledger.VersionKind, "v", true, octets},
	{ledger.EndKind, "e", true, octets},
	{ledger.LotKind, "k", true, octets},
	{ledger.OrderKind, "o", false, octets},
	{ledger.PayoutKind, "w", false, octets},
	{ledger.OfferKind, "j", true, octets},
	{ledger.ReviewKind, "r", true, octets},
	{ledger.DisputeKind, "d", false, octets},
	{ledger.VoteKind, "y", true, text},
	{ledger.EvidenceKind, "de", true, octets},
	{ledger.ArbitersKind, "ma", false, none},
}

// encoding refuses trailing bits, so that one key has one text.
var encoding = base64.RawURLEncoding.Strict()

// longestKey is enough for every key but those of long names, so that writing one grows nothing.
const longestKey = 64

// FormatKey returns the text under which Fabric stores the record.
func FormatKey(key ledger.Key) string {
	s := shapes[key.Kind-1]
	name := append(make([]byte, 0, longestKey), s.prefix...)
	if s.parent {
		name = encoding.AppendEncode(append(name, '/'), []byte(key.Parent))
	}
	switch s.id {
	case none:
	case text:
		name = append(append(name, '/'), key.ID...)
	case octets:
		name = encoding.AppendEncode(append(name, '/'), []byte(key.ID))
	}
	return string(name)
}

// ParseKey is the inverse of FormatKey and refuses everything else.
func ParseKey(key string) (ledger.Key, error) {
	parts := strings.Split(key, "/")
	for _, s := range shapes {
		if s.prefix != parts[0] {
			continue
		}
		parsed, err := s.parse(parts[1:])
		if err != nil {
			return parsed, fmt.Errorf("state: key %s: %w", strconv.Quote(key), err)
		}
		// The base64 decoder passes over line ends.
		if FormatKey(parsed) != key {
			return parsed, fmt.Errorf("state: key %s is not in canonical form", strconv.Quote(key))
		}
		return parsed, nil
	}
	return ledger.Key{}, fmt.Errorf("state: key %s is of no known kind", strconv.Quote(key))
}

func (s shape) parse(parts []string) (ledger.Key, error) {
	key := ledger.Key{Kind: s.kind}
	if s.parent && len(parts) > 0 {
		parent, err := encoding.DecodeString(parts[0])
		if err != nil {
			return key, err
		}
		key.Parent, parts = string(parent), parts[1:]
	}
	if s.id == none {
		if len(parts) != 0 {
			return key, fmt.Errorf("has parts too many")
		}
		return key, nil
	}
	if len(parts) != 1 || parts[0] == "" {
		return key, fmt.Errorf("has the wrong number of parts")
	}
	key.ID = parts[0]
	if s.id == octets {
		id, err := encoding.DecodeString(parts[0])
		if err != nil {
			return key, err
		}
		key.ID = string(id)
	}
	return key, nil
}

// pageBounds returns the first key of a page, and the first key behind all of its parent's.
func pageBounds(kind ledger.Kind, parent, cursor string) (start, end string, err error) {
	prefix := shapes[kind-1].prefix + "/" + encoding.EncodeToString([]byte(parent))
	start = prefix + "/"
	if cursor != "" {
		if _, err := ParseKey(start + cursor); err != nil {
			return "", "", err
		}
		// The lowest character makes it the first key behind the cursor's.
		start += cursor + "\x01"
	}
	// '0' is the character behind '/'.
	return start, prefix + "0", nil
}

// cursorOf returns the cursor that a page goes on behind: the identifier's part of the key.
func cursorOf(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
