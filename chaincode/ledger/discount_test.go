package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// discountFor takes 1 CMT off for a buyer, for 500 seconds.
func discountFor(buyer seat) *spec.OfferDiscount {
	return &spec.OfferDiscount{Reference: "spring", Buyer: buyer.address().Bytes(), Amount: spec.CMT(1).Bytes(), ValidUntil: start + 500}
}

// offers puts a seller's discount on the ledger.
func (b *books) offers(s seat, discount *spec.OfferDiscount) spec.ID {
	b.t.Helper()
	b.must(s.mspID, s.subAccount, "market:OfferDiscount", discount, nil)
	buyer, _ := spec.AddressFromBytes(discount.Buyer)
	return spec.DiscountID(s.address(), buyer, discount.Reference)
}

// bring has the command of the next call bring a seller's discount: one that the door has checked the signature of, or one on the ledger.
func (b *books) bring(how string, s seat, discount *spec.OfferDiscount) (*spec.SignedDiscount, []byte) {
	b.t.Helper()
	if how == "offered" {
		id := b.offers(s, discount)
		return nil, id[:]
	}
	b.brings = &spec.SellersDiscount{Seller: s.address(), Terms: discount}
	return unchecked(), nil
}

// unchecked is a signed discount of the right form; the rules look at what the door makes of it.
func unchecked() *spec.SignedDiscount {
	return &spec.SignedDiscount{Discount: []byte{1}, Scheme: spec.Scheme_SCHEME_ED25519, PublicKey: make([]byte, 32), Signature: make([]byte, 64)}
}

// discountFaults change a good discount, or what is bought with it.
var discountFaults = map[string]func(b *books, other spec.ID, d *spec.OfferDiscount, purchase *discountedPurchase){
	"none":                        func(*books, spec.ID, *spec.OfferDiscount, *discountedPurchase) {},
	"its signature does not hold": func(_ *books, _ spec.ID, _ *spec.OfferDiscount, p *discountedPurchase) { p.forged = true },
	"a second one beside it":      func(_ *books, _ spec.ID, _ *spec.OfferDiscount, p *discountedPurchase) { p.second = true },
	"no such discount":            func(_ *books, _ spec.ID, _ *spec.OfferDiscount, p *discountedPurchase) { p.absent = true },
	"another buyer's": func(_ *books, _ spec.ID, d *spec.OfferDiscount, _ *discountedPurchase) {
		d.Buyer = seat{buyers, "ben"}.address().Bytes()
	},
	"another seller's": func(_ *books, _ spec.ID, _ *spec.OfferDiscount, p *discountedPurchase) {
		p.seller = seat{merchant, "store"}
	},
	"used":               func(_ *books, _ spec.ID, _ *spec.OfferDiscount, p *discountedPurchase) { p.used = true },
	"on another listing": func(_ *books, other spec.ID, d *spec.OfferDiscount, _ *discountedPurchase) { d.Listing = other[:] },
	"too few goods": func(_ *books, _ spec.ID, d *spec.OfferDiscount, _ *discountedPurchase) {
		d.Minimum = oneMore(spec.CMT(6)).Bytes()
	},
	"more than the goods": func(_ *books, _ spec.ID, d *spec.OfferDiscount, _ *discountedPurchase) {
		d.Amount = oneMore(spec.CMT(6)).Bytes()
	},
	"neither amount nor share": func(_ *books, _ spec.ID, d *spec.OfferDiscount, _ *discountedPurchase) { d.Amount = nil },
	"both":                     func(_ *books, _ spec.ID, d *spec.OfferDiscount, _ *discountedPurchase) { d.Bps = 1 },
	"not in the total":         func(_ *books, _ spec.ID, _ *spec.OfferDiscount, p *discountedPurchase) { p.total = spec.CMT(6) },
	"leaves dust": func(_ *books, _ spec.ID, d *spec.OfferDiscount, p *discountedPurchase) {
		d.Amount = oneLess(spec.CMT(6)).Bytes()
		p.total = spec.Units(1)
	},
	"over": func(b *books, _ spec.ID, _ *spec.OfferDiscount, p *discountedPurchase) { p.at = start + 501 },
}

func oneMore(a spec.Amount) spec.Amount { more, _ := a.Add(spec.Units(1)); return more }
func oneLess(a spec.Amount) spec.Amount { less, _ := a.Sub(spec.Units(1)); return less }

// discountedPurchase is two units at 3 CMT without shipping, by anna, with a discount.
type discountedPurchase struct {
	seller                       seat
	total                        spec.Amount
	second, absent, used, forged bool
	at                           int64
}

// TestDiscounts drives every row of docs/rules/carts.md, for orders and carts.
func TestDiscounts(t *testing.T) {
	rules := readTable(t, cartsDoc, "Discounts")
	for _, how := range []string{"signed", "offered"} {
		for fault := range discountFaults {
			if how == "signed" && fault == "no such discount" || how == "offered" && (fault == "both" || strings.HasPrefix(fault, "its signature") || strings.HasPrefix(fault, "neither")) {
				continue // a signed one is there, and what is offered says one thing
			}
			row := rules.find(t, map[string]string{"discount": how, "fault": fault})
			for _, function := range []string{"market:PlaceOrder", "market:PlaceCart"} {
				checkDiscount(t, row, how, fault, function)
			}
		}
	}
	rules.checkUsed(t)
}

func checkDiscount(t *testing.T, row *tableRow, how, fault, function string) {
	t.Helper()
	name := fmt.Sprintf("%s, a discount %s, fault %s", function, how, fault)
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(20))
	listing := b.listTerms("lamp", func(c *spec.CreateListing) { c.ShippingPrice = nil })
	other := b.list("bulb", false)
	p := discountedPurchase{seller: seller, total: spec.CMT(5), at: start + 500}
	discount := discountFor(anna)
	discountFaults[fault](b, other, discount, &p)
	signed, id := b.bring(how, p.seller, discount)
	if p.used {
		b.must(anna.mspID, anna.subAccount, function, discountedOrder(function, "before", listing, p.total, signed, id), nil)
	}
	field := map[string]string{"signed": "discount", "offered": "discount_id"}[how]
	if p.second {
		other := seat{merchant, "store"}
		if how == "signed" {
			offered := b.offers(other, discountFor(anna))
			id = offered[:]
		} else {
			signed, _ = b.bring("signed", other, discountFor(anna))
		}
	}
	if p.forged {
		b.brings = nil
	}
	if p.absent {
		id = make([]byte, 20)
	}
	b.now = p.at
	before := b.wealth(anna.address())
	_, err := b.try(buyers, "anna", function, discountedOrder(function, "order", listing, p.total, signed, id), nil)
	if row.Row["error"] != "" {
		if row.Row["field"] != "the discount" {
			field = row.Row["field"]
		}
		var refusal *spec.Error
		errors.As(err, &refusal)
		if refusal == nil || refusal.Code != spec.Code(row.Row["error"]) || refusal.Field != field {
			t.Errorf("%s: %v, want %s of %q", name, err, row.Row["error"], field)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	order := b.records[ledger.OrderKey(spec.NewID(spec.OrderType, anna.address(), "order"))].(ledger.Order)
	paid, _ := before.Sub(b.wealth(anna.address()))
	if nameOf(order.State) != row.Row["next"] || order.Total != spec.CMT(5) || order.Discount != spec.CMT(1) || paid != spec.CMT(5) {
		t.Errorf("%s: the order is %+v, paid %s", name, order, paid)
	}
}

// discountedOrder buys two units of a listing.
func discountedOrder(function, reference string, listing spec.ID, total spec.Amount, signed *spec.SignedDiscount, id []byte) proto.Message {
	if function == "market:PlaceCart" {
		command, _ := cart(reference, total, line(listing, 2))
		command.Discount, command.DiscountId = signed, id
		return command
	}
	command, _ := purchase(listing, reference)
	command.Total, command.Discount, command.DiscountId = total.Bytes(), signed, id
	return command
}

// TestWhatADiscountTakesOff drives the table of docs/rules/carts.md, and that fees are on the total without it.
func TestWhatADiscountTakesOff(t *testing.T) {
	parse := func(text string) spec.Amount {
		a, err := spec.ParseAmount(strings.TrimSuffix(text, " CMT"))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, row := range table(t, "../../docs/rules/"+cartsDoc, "What a discount takes off") {
		b := openBooks(t)
		b.fund(buyers, "anna", spec.CMT(20))
		first, second := b.list("lamp", false), b.list("bulb", false)
		discount := discountFor(anna)
		discount.Minimum, discount.Amount = parse(row["minimum"]).Bytes(), nil
		if bps, isShare := strings.CutSuffix(row["takes off"], " bps"); isShare {
			if _, err := fmt.Sscan(bps, &discount.Bps); err != nil {
				t.Fatal(err)
			}
		} else {
			discount.Amount = parse(row["takes off"]).Bytes()
		}
		if row["on"] == "the first listing" {
			discount.Listing = first[:]
		}
		command, id := cart("cart", parse(row["total"]), line(first, 2), line(second, 3))
		command.Discount, _ = b.bring("signed", seller, discount)
		view := b.must(buyers, "anna", "market:PlaceCart", command, nil).(*spec.OrderView)
		if got, _ := spec.AmountFromBytes(view.Discount); got != parse(row["off"]) {
			t.Errorf("%v: takes %s off", row, got)
		}
		b.must(buyers, "anna", "market:ConfirmOrder", &spec.ConfirmOrder{Order: id[:]}, nil)
		if got := b.wealth(spec.OrganisationAddress(operator)); got != parse(row["total"]).Share(feeBps) {
			t.Errorf("%v: the fee is %s", row, got)
		}
	}
}

// A discount is used once, whether it was signed or offered, and stays so when the order is cancelled; looking it up tells by what.
func TestADiscountIsUsedOnce(t *testing.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(20))
	listing := b.listTerms("lamp", func(c *spec.CreateListing) { c.ShippingPrice = nil })
	offered := b.offers(seller, discountFor(anna))
	view := b.must(operator, "", "market:GetDiscount", &spec.GetDiscount{Discount: offered[:]}, nil).(*spec.DiscountView)
	if len(view.Order) != 0 || !proto.Equal(view.Terms, discountFor(anna)) || string(view.Seller) != string(seller.address().Bytes()) {
		t.Errorf("the discount is shown as %v", view)
	}
	b.must(buyers, "anna", "market:PlaceOrder", discountedOrder("market:PlaceOrder", "one", listing, spec.CMT(5), nil, offered[:]), nil)
	order := spec.NewID(spec.OrderType, anna.address(), "one")
	b.must(buyers, "anna", "market:CancelOrder", &spec.CancelOrder{Order: order[:]}, nil)
	// The same one, signed.
	signed, _ := b.bring("signed", seller, discountFor(anna))
	if _, err := b.try(buyers, "anna", "market:PlaceOrder", discountedOrder("market:PlaceOrder", "two", listing, spec.CMT(5), signed, nil), nil); spec.ErrorCode(err) != spec.DiscountUsed {
		t.Errorf("used again, signed: %v", err)
	}
	view = b.must(operator, "", "market:GetDiscount", &spec.GetDiscount{Discount: offered[:]}, nil).(*spec.DiscountView)
	if string(view.Order) != string(order[:]) {
		t.Errorf("the used discount is shown as %v", view)
	}
	// One that was only signed is known by its use.
	another := discountFor(anna)
	another.Reference = "summer"
	signed, _ = b.bring("signed", seller, another)
	b.must(buyers, "anna", "market:PlaceOrder", discountedOrder("market:PlaceOrder", "three", listing, spec.CMT(5), signed, nil), nil)
	id := spec.DiscountID(seller.address(), anna.address(), "summer")
	view = b.must(operator, "", "market:GetDiscount", &spec.GetDiscount{Discount: id[:]}, nil).(*spec.DiscountView)
	if view.Terms != nil || len(view.Order) == 0 {
		t.Errorf("the signed discount is shown as %v", view)
	}
}
