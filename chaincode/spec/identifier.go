package spec

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// IDType is the typed prefix of an identifier.
type IDType string

// The types of identifiers.
const (
	ListingType  IDType = "lst_"
	OrderType    IDType = "ord_"
	TransferType IDType = "trf_"
	MintType     IDType = "mnt_"
	BurnType     IDType = "brn_"
	LotType      IDType = "lot_"
	IntentType   IDType = "int_"
	PayoutType   IDType = "pyt_"
	HoldType     IDType = "hld_"
	AuctionType  IDType = "auc_"
	OfferType    IDType = "off_"
	DiscountType IDType = "dsc_"
)

// ID is the digest of an identifier; its type is known from where it stands.
type ID [digestSize]byte

// NewID returns the identifier of what an actor creates under a reference of its own: the first 20 bytes of
// SHA-256(type, actor, reference). The client computes it before it submits, and the ledger refuses a used one.
func NewID(t IDType, actor Address, reference string) ID {
	return digest("cmt/identifier", []byte(t), actor.Bytes(), []byte(reference))
}

// OfferID returns the identifier of a buyer's offer on a listing: a reference names one offer there. The order that it becomes
// has the same digest under OrderType.
func OfferID(buyer Address, listing ID, reference string) ID {
	return digest("cmt/offer", buyer.Bytes(), listing[:], []byte(reference))
}

// DiscountID returns the identifier of a seller's discount for a buyer: a reference names one for each of them.
func DiscountID(seller, buyer Address, reference string) ID {
	return digest("cmt/discount", seller.Bytes(), buyer.Bytes(), []byte(reference))
}

// PanelRank returns an arbiter's place in the order in which the panel of an order's dispute is filled: the lowest first.
func PanelRank(order ID, mspID string) ID { return digest("cmt/panel", order[:], []byte(mspID)) }

// StockLot returns the identifier of a listing's n-th lot, counted from 0, of the stock that came with a version.
func StockLot(listing ID, version, n uint32) ID {
	return digest("cmt/lot/stock", listing[:], binary.BigEndian.AppendUint32(nil, version), binary.BigEndian.AppendUint32(nil, n))
}

// ReturnLot returns the identifier of the lot that a cancelled order's stock comes back as.
func ReturnLot(listing, order ID) ID { return digest("cmt/lot/return", listing[:], order[:]) }

// LineReturnLot returns the identifier of the lot that the units of a cart's line, counted from 0, come back as.
func LineReturnLot(listing, order ID, line uint32) ID {
	return digest("cmt/lot/return-line", listing[:], order[:], binary.BigEndian.AppendUint32(nil, line))
}

// AuctionOrder returns the identifier of the order that an auction's n-th bid, counted from 1, becomes if it wins.
func AuctionOrder(auction ID, n uint32) ID {
	return digest("cmt/order/auction", auction[:], binary.BigEndian.AppendUint32(nil, n))
}

// IntentID returns the identifier of an intent: of the account that acts and the message that its key signs.
func IntentID(actor Address, message []byte) ID {
	return digest("cmt/intent-id", actor.Bytes(), message)
}

// HandOverHash returns the commitment to a hand-over code, bound to its order.
func HandOverHash(order ID, code []byte) []byte { return commitment("cmt/hand-over", order[:], code) }

// ParseID reads an identifier of the given type, in lower case only.
func ParseID(t IDType, text string) (ID, error) {
	data, err := decodeBech32m(string(t), text, digestSize)
	if err != nil {
		return ID{}, err
	}
	return ID(data), nil
}

// IDFromBytes reads a digest.
func IDFromBytes(b []byte) (ID, error) {
	if len(b) != digestSize {
		return ID{}, fmt.Errorf("must be %d bytes", digestSize)
	}
	return ID(b), nil
}

// Text returns the bech32m form under its type.
func (id ID) Text(t IDType) string { return encodeBech32m(string(t), id[:]) }

// Compact returns a short text without '/', for use in ledger keys: 27 characters of base64url.
func (id ID) Compact() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// CreditName names an open credit of an account: where it came from.
type CreditName struct {
	// Tx is the first 160 bits of the transaction's identifier: enough that nobody finds two alike.
	Tx [digestSize]byte
	// N is the credit's number among those of its transaction, from 0.
	N uint32
}

// maxCreditNumber bounds N; no transaction makes more credits.
const maxCreditNumber = 65535

// ParseCreditName reads "<40 hex digits>/<number>".
func ParseCreditName(text string) (CreditName, error) {
	var name CreditName
	tx, number, ok := strings.Cut(text, "/")
	data, err := hex.DecodeString(tx)
	n, err2 := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil || err2 != nil || len(data) != digestSize {
		return name, fmt.Errorf("must be a credit's name: 40 hex digits, '/', and a number up to %d", maxCreditNumber)
	}
	copy(name.Tx[:], data)
	name.N = uint32(n)
	if name.String() != text {
		return name, fmt.Errorf("must be in lower case and without leading zeros")
	}
	return name, nil
}

// String returns "<40 hex digits>/<number>".
func (c CreditName) String() string {
	return hex.EncodeToString(c.Tx[:]) + "/" + strconv.FormatUint(uint64(c.N), 10)
}

// Bytes returns the transaction's bytes and the number in as few bytes as hold it, big-endian; 0 needs none.
func (c CreditName) Bytes() []byte {
	b := append([]byte(nil), c.Tx[:]...)
	switch {
	case c.N > 255:
		return append(b, byte(c.N>>8), byte(c.N))
	case c.N > 0:
		return append(b, byte(c.N))
	}
	return b
}

// CreditNameFromBytes reads what Bytes wrote.
func CreditNameFromBytes(b []byte) (CreditName, error) {
	if len(b) < digestSize || len(b) > digestSize+2 || len(b) > digestSize && b[digestSize] == 0 {
		return CreditName{}, fmt.Errorf("must be a credit's name: %d bytes and a number", digestSize)
	}
	var name CreditName
	copy(name.Tx[:], b)
	for _, octet := range b[digestSize:] {
		name.N = name.N<<8 | uint32(octet)
	}
	return name, nil
}

// commitment returns SHA-256 over a domain, the object that the secret is bound to, and the secret.
func commitment(domain string, object, secret []byte) []byte {
	sum := sha256.Sum256(framed([]byte(domain), object, secret))
	return sum[:]
}

// framed joins parts, each behind its 32-bit length, so that no two lists of parts are alike.
func framed(parts ...[]byte) []byte {
	var b []byte
	for _, part := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// digest returns the first 20 bytes of SHA-256 over a domain and parts.
func digest(domain string, parts ...[]byte) [digestSize]byte {
	sum := sha256.Sum256(framed(append([][]byte{[]byte(domain)}, parts...)...))
	return [digestSize]byte(sum[:digestSize])
}
