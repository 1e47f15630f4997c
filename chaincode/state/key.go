package state

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
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
//	x/<order>                   milestones
//	w/<payout>                  payout
//	n/<owner>/<spender>         allowance
//	z/<hold>                    token hold
//	u/<auction>                 auction
//	ub/<auction>/<number>       bid
//	j/<listing>/<offer>         offer
//	r/<order>/<side>            review
//	d/<order>                   dispute
//	y/<order>/<msp>             vote
//	de/<order>/<piece>          evidence
//	ma                          arbiters
//	q/<order>                   lines
//	g/<discount>                discount
//	gu/<discount>               the use of a discount
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
	{ledger.AllowanceKind, "n", true, octets},
	{ledger.TokenHoldKind, "z", false, octets},
	{ledger.AuctionKind, "u", false, octets},
	{ledger.BidKind, "ub", true, octets},
	{ledger.MilestonesKind, "x", false, octets},
	{ledger.OfferKind, "j", true, octets},
	{ledger.ReviewKind, "r", true, octets},
	{ledger.DisputeKind, "d", false, octets},
	{ledger.VoteKind, "y", true, text},
	{ledger.EvidenceKind, "de", true, octets},
	{ledger.ArbitersKind, "ma", false, none},
	{ledger.LinesKind, "q", false, octets},
	{ledger.DiscountKind, "g", false, octets},
	{ledger.DiscountUseKind, "gu", false, octets},
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
	s, rest, err := split(key)
	if err != nil {
		return ledger.Key{}, err
	}
	parsed, err := s.parse(rest)
	if err != nil {
		return parsed, fmt.Errorf("state: key %s: %w", strconv.Quote(key), err)
	}
	return parsed, nil
}

// KindOf returns the kind of a key that FormatKey wrote, whose parts are not looked at.
func KindOf(key string) (ledger.Kind, error) {
	s, _, err := split(key)
	return s.kind, err
}

// AccountOf returns whose account a key is of; false when it is none. It costs a quarter of ParseKey.
func AccountOf(key string) (spec.Address, bool) {
	part, is := strings.CutPrefix(key, shapes[ledger.AccountKind-1].prefix+"/")
	if !is || len(part) > longestKey {
		return spec.Address{}, false
	}
	var text, octets [longestKey]byte
	n, err := encoding.Decode(octets[:], text[:copy(text[:], part)])
	if err != nil {
		return spec.Address{}, false
	}
	owner, err := spec.AddressFromBytes(octets[:n])
	return owner, err == nil
}

// split finds a key's shape, and what is behind its first part.
func split(key string) (s shape, rest string, err error) {
	prefix, _, _ := strings.Cut(key, "/")
	for i := range shapes {
		if shapes[i].prefix == prefix {
			return shapes[i], key[len(prefix):], nil
		}
	}
	return shape{}, "", fmt.Errorf("state: key %s is of no known kind", strconv.Quote(key))
}

var errParts = errors.New("has the wrong number of parts")

// parse reads what is behind the prefix.
func (s shape) parse(rest string) (key ledger.Key, err error) {
	key.Kind = s.kind
	if s.parent {
		var parent string
		if parent, rest, err = cutPart(rest); err != nil {
			return key, err
		}
		if key.Parent, err = decode(parent); err != nil {
			return key, err
		}
	}
	if s.id == none {
		if rest != "" {
			return key, errParts
		}
		return key, nil
	}
	part, rest, err := cutPart(rest)
	if err != nil || rest != "" || part == "" {
		return key, errParts
	}
	key.ID = part
	if s.id == octets {
		key.ID, err = decode(part)
	}
	return key, err
}

// cutPart takes the part behind a slash off.
func cutPart(rest string) (part, behind string, err error) {
	if rest == "" || rest[0] != '/' {
		return "", "", errParts
	}
	rest = rest[1:]
	if end := strings.IndexByte(rest, '/'); end >= 0 {
		return rest[:end], rest[end:], nil
	}
	return rest, "", nil
}

// decode reads octets. The decoder passes over line ends, which would give one key a second text.
func decode(part string) (string, error) {
	if strings.ContainsAny(part, "\r\n") {
		return "", fmt.Errorf("has a line end")
	}
	var room [longestKey]byte
	octets, err := encoding.AppendDecode(room[:0], []byte(part))
	return string(octets), err
}

// PrefixOf returns what all keys of a kind begin with that has more than one.
func PrefixOf(kind ledger.Kind) string { return shapes[kind-1].prefix + "/" }

// FamilyOf returns what the keys of a parent's records begin with.
func FamilyOf(kind ledger.Kind, parent string) string {
	return PrefixOf(kind) + encoding.EncodeToString([]byte(parent)) + "/"
}

// Family returns what a key begins with as those of the same kind and parent do; nothing when keys of its kind have no parent.
func Family(key string) string {
	s, rest, err := split(key)
	if err != nil || !s.parent || rest == "" {
		return ""
	}
	end := strings.IndexByte(rest[1:], '/')
	if end < 0 {
		return ""
	}
	return key[:len(key)-len(rest)+1+end+1]
}

// Behind returns the first key behind all that begin with a prefix of PrefixOf or FamilyOf.
func Behind(prefix string) string {
	// '0' is the character behind '/'.
	return strings.TrimSuffix(prefix, "/") + "0"
}

// pageBounds returns the first key of a page, and the first key behind all of its parent's.
func pageBounds(kind ledger.Kind, parent, cursor string) (start, end string, err error) {
	family := FamilyOf(kind, parent)
	start = family
	if cursor != "" {
		if _, err := ParseKey(start + cursor); err != nil {
			return "", "", err
		}
		// The lowest character makes it the first key behind the cursor's.
		start += cursor + "\x01"
	}
	return start, Behind(family), nil
}

// cursorOf returns the cursor that a page goes on behind: the identifier's part of the key.
func cursorOf(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
