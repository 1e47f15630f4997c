package intent

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// discountDomain keeps a discount from passing for an intent, whose bytes could be alike.
const discountDomain = "cmt/discount/1"

// Discount is a decoded discount whose form is right; Holds says whether its signature is.
type Discount struct {
	*spec.SellersDiscount

	signed  *spec.SignedDiscount
	message []byte
}

// DiscountMessage returns what a seller's key signs for a discount's bytes on a ledger.
func DiscountMessage(ledgerID [16]byte, discount []byte) []byte {
	return framed(discountDomain, ledgerID, discount)
}

// EncodeDiscount returns the canonical bytes of a discount.
func EncodeDiscount(discount *spec.OfferDiscount) ([]byte, error) {
	if err := spec.Validate(discount); err != nil {
		return nil, err
	}
	return canonical.Marshal(discount)
}

// DiscountIn returns the signed discount that a command has, or nil.
func DiscountIn(command proto.Message) *spec.SignedDiscount {
	if carrier, may := command.(interface{ GetDiscount() *spec.SignedDiscount }); may {
		return carrier.GetDiscount()
	}
	return nil
}

// DecodeDiscount reads a discount that a key signed for a ledger, or returns nil for none. Everything about its form is checked, and
// nothing of its signature. The error is an *spec.Error.
func DecodeDiscount(ledgerID [16]byte, signed *spec.SignedDiscount) (*Discount, error) {
	if signed == nil {
		return nil, nil
	}
	seller, err := Address(signed.Scheme, signed.PublicKey)
	if err != nil {
		return nil, spec.FieldErrorf(spec.InvalidField, "discount.public_key", "is no key of its scheme")
	}
	terms := &spec.OfferDiscount{}
	if err := decodeCanonical(signed.Discount, terms, "discount.discount"); err != nil {
		return nil, spec.FieldErrorf(spec.InvalidField, "discount.discount", "is no discount in canonical form")
	}
	if err := spec.Validate(terms); err != nil {
		return nil, spec.FieldErrorf(spec.InvalidField, "discount.discount", "%v", err)
	}
	return &Discount{
		SellersDiscount: &spec.SellersDiscount{Seller: seller, Terms: terms}, signed: signed, message: DiscountMessage(ledgerID, signed.Discount),
	}, nil
}

// Holds reports whether the signature does.
func (d *Discount) Holds() bool { return d.claim().holds() }

func (d *Discount) claim() claim {
	return claim{d.signed.Scheme, d.signed.PublicKey, d.message, d.signed.Signature}
}
