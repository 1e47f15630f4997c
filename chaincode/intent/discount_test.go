package intent_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
)

func aDiscount() *spec.OfferDiscount {
	return &spec.OfferDiscount{Reference: "spring", Buyer: spec.OrganisationAddress("BuyersMSP").Bytes(), Bps: 1000, ValidUntil: 1_900_000_000}
}

func (s signer) discount(t testing.TB, terms *spec.OfferDiscount) *spec.SignedDiscount {
	t.Helper()
	body, err := intent.EncodeDiscount(terms)
	if err != nil {
		t.Fatal(err)
	}
	return &spec.SignedDiscount{Discount: body, Scheme: s.scheme, PublicKey: s.public, Signature: s.sign(intent.DiscountMessage(ledgerID, body))}
}

// buying is an order that brings a discount.
func buying(discount *spec.SignedDiscount) *spec.Call {
	return &spec.Call{Operation: spec.Find("market:PlaceOrder"), Command: &spec.PlaceOrder{
		Reference: "r", Listing: make([]byte, 20), Version: 1, Quantity: 1, Total: spec.CMT(1).Bytes(), Discount: discount,
	}}
}

// holds reports whether a discount's signature does, alone and among the intents of a batch, each beside a good neighbour.
func holds(t *testing.T, buyer signer, signed *spec.SignedDiscount) bool {
	t.Helper()
	alone, err := intent.DecodeDiscount(ledgerID, signed)
	if err != nil {
		t.Fatal(err)
	}
	in, err := intent.Decode(ledgerID, buyer.intent(t, 1, buying(signed)))
	if err != nil {
		t.Fatal(err)
	}
	neighbour, err := intent.Decode(ledgerID, buyer.intent(t, 2, payment()))
	if err != nil {
		t.Fatal(err)
	}
	refusals := intent.Check([]*intent.Intent{neighbour, in})
	if refusals[0] != nil {
		t.Errorf("a good neighbour is refused: %v", refusals[0])
	}
	if refusals[1] != nil {
		t.Errorf("the intent itself is refused: %v", refusals[1])
	}
	if among := in.Call.Discount != nil; among != alone.Holds() {
		t.Errorf("alone the discount holds: %t, in a batch: %t", alone.Holds(), among)
	}
	return alone.Holds()
}

func TestSignedDiscounts(t *testing.T) {
	for _, s := range []signer{ed25519Signer(t), p256Signer(t)} {
		for _, buyer := range []signer{ed25519Signer(t), p256Signer(t)} {
			signed := s.discount(t, aDiscount())
			in, err := intent.Decode(ledgerID, buyer.intent(t, 1, buying(signed)))
			if err != nil {
				t.Fatal(err)
			}
			if in.Call.Discount != nil {
				t.Error("a discount is believed before its signature is checked")
			}
			intent.Check([]*intent.Intent{in})
			seller, _ := intent.Address(s.scheme, s.public)
			if said := in.Call.Discount; said == nil || said.Seller != seller || !proto.Equal(said.Terms, aDiscount()) {
				t.Errorf("%s: decoded %v", s.scheme, said)
			}
			if !holds(t, buyer, signed) {
				t.Errorf("%s: the signature does not hold", s.scheme)
			}
			for what, message := range map[string][]byte{
				"on another ledger": intent.DiscountMessage([16]byte{9}, signed.Discount),
				"as an intent":      intent.Message(ledgerID, signed.Discount),
				"over other terms":  intent.DiscountMessage(ledgerID, append(slices.Clone(signed.Discount), 0)),
			} {
				forged := proto.Clone(signed).(*spec.SignedDiscount)
				if forged.Signature = s.sign(message); holds(t, buyer, forged) {
					t.Errorf("%s: a signature %s holds", s.scheme, what)
				}
			}
			other := proto.Clone(signed).(*spec.SignedDiscount)
			if other.Signature = buyer.sign(intent.DiscountMessage(ledgerID, signed.Discount)); holds(t, buyer, other) {
				t.Errorf("%s: the buyer's signature holds for the seller", s.scheme)
			}
		}
	}
	if in, err := intent.Decode(ledgerID, ed25519Signer(t).intent(t, 1, buying(nil))); err != nil || in.Call.Discount != nil {
		t.Errorf("without a discount: %v, %v", in.Call.Discount, err)
	}
}

// The bytes are what sellers sign: a change of them makes every discount that is out worthless.
func TestGoldenDiscount(t *testing.T) {
	body, err := intent.EncodeDiscount(aDiscount())
	if err != nil {
		t.Fatal(err)
	}
	message := intent.DiscountMessage(ledgerID, body)
	const want = "0000000e636d742f646973636f756e742f310000001001020300000000000000000000000000000000280a06737072696e67121502810b2e21437f5c059d6dd85dec23e1dc23e1a4ea30e8073880e6fe8907"
	if got := hex.EncodeToString(message); got != want {
		t.Errorf("the message is %s, want %s", got, want)
	}
}

func TestDiscountsOfAnotherFormAreRefused(t *testing.T) {
	s := ed25519Signer(t)
	good := s.discount(t, aDiscount())
	for what, change := range map[string]func(*spec.SignedDiscount){
		"no discount":         func(d *spec.SignedDiscount) { d.Discount = []byte{255} },
		"a field twice":       func(d *spec.SignedDiscount) { d.Discount = append(slices.Clone(d.Discount), d.Discount...) },
		"an unknown field":    func(d *spec.SignedDiscount) { d.Discount = append(slices.Clone(d.Discount), 0x78, 1) },
		"no buyer":            func(d *spec.SignedDiscount) { d.Discount = []byte{0x0a, 1, 'x'} },
		"an unknown scheme":   func(d *spec.SignedDiscount) { d.Scheme = spec.Scheme_SCHEME_WEBAUTHN },
		"a key of other size": func(d *spec.SignedDiscount) { d.PublicKey = d.PublicKey[1:] },
	} {
		changed := proto.Clone(good).(*spec.SignedDiscount)
		change(changed)
		if _, err := intent.DecodeDiscount(ledgerID, changed); spec.ErrorCode(err) != spec.InvalidField {
			t.Errorf("%s: %v, want %s", what, err, spec.InvalidField)
		}
	}
}
