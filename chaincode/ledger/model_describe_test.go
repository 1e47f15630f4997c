package ledger_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

func variantsOf(v ledger.Version) (prices []*big.Int) {
	for _, price := range v.VariantPrices {
		if !price.IsZero() {
			prices = append(prices, number(price.Bytes()))
		}
	}
	return prices
}

// usedOf are the nonces of a window that were used.
func usedOf(window ledger.Nonces) (used []uint64) {
	for nonce := max(window.Top, 64) - 63; nonce <= window.Top; nonce++ {
		if !window.Free(nonce) {
			used = append(used, nonce)
		}
	}
	return used
}

// orderLine describes an order.
const orderLine = "%s %s from %s, %d of %s version %d for %s less %s, released %s, refunded %s, fee %s, at %d %d, due %d, shipped %d, split by %s %s, return due %d sent %t proven %t"

// describe writes everything the model knows, a line a thing.
func (m *model) describe() map[string]string {
	d := map[string]string{"supply": fmt.Sprintf("%s - %s", m.minted, m.burnt)}
	for a, units := range m.accounts {
		if units.Sign() > 0 {
			d["account "+a.String()] = units.String()
		}
	}
	for a, used := range m.nonces {
		used = slices.DeleteFunc(slices.Clone(used), func(n uint64) bool { return n+64 <= slices.Max(used) })
		slices.Sort(used)
		d["nonces "+a.String()] = fmt.Sprint(used)
	}
	for a, home := range m.homes {
		d["home "+a.String()] = home
	}
	for key, c := range m.credits {
		d["credit "+key] = fmt.Sprintf("%s %s", c.units, c.kind)
	}
	for id, text := range m.transfers {
		d["transfer "+id.Text(spec.TransferType)] = text
	}
	for id, text := range m.payouts {
		d["payout "+id.Text(spec.PayoutType)] = text
	}
	for id, a := range m.auctions {
		name := id.Text(spec.AuctionType)
		d["auction "+name] = fmt.Sprintf("%s %s sells %d of %s version %d from %s, reserve %s, step %s, %d to %d", a.state, a.seller, a.quantity, a.listing.Text(spec.ListingType), a.version, a.start, a.reserve, a.step, a.opened, a.ends)
		for i, bid := range a.bids {
			d[fmt.Sprintf("bid %s %d", name, i+1)] = fmt.Sprintf("%s by %s at %d until %d", bid.units, bid.bidder, bid.time, bid.ends)
			if a.state == "open" && i == len(a.bids)-1 {
				d["hold "+bid.bidder.String()+" "+spec.AuctionOrder(id, uint32(i+1)).Text(spec.OrderType)] = bid.units.String()
			}
		}
	}
	for key, units := range m.allowances {
		if units.Sign() > 0 {
			d["allowance "+key[0].String()+" "+key[1].String()] = units.String()
		}
	}
	for id, h := range m.holds {
		d["token hold "+id.Text(spec.HoldType)] = fmt.Sprintf("%s %s to %s by %s, %s of %s until %d at %d", h.state, h.payer, h.payee, h.arbiter, h.captured, h.amount, h.expires, h.updated)
		if h.state == spec.HoldState_HOLD_STATE_HELD {
			d["hold "+h.payer.String()+" "+id.Text(spec.OrderType)] = new(big.Int).Sub(h.amount, h.captured).String()
		}
	}
	for id, text := range m.mints {
		d["mint "+id.Text(spec.MintType)] = text
	}
	for id, text := range m.burns {
		d["burn "+id.Text(spec.BurnType)] = text
	}
	for epoch := range m.fences {
		d[fmt.Sprintf("fence %d", epoch)] = "stands"
	}
	for id, l := range m.listings {
		name := id.Text(spec.ListingType)
		d["listing "+name] = fmt.Sprintf("%s version %d closed %t suspended %t at %d", l.seller, len(l.versions), l.closed, l.isSuspended, l.updated)
		for i, v := range l.versions {
			ended := i+1 < len(l.versions) || l.closed || l.isSuspended
			d[fmt.Sprintf("version %s %d", name, i+1)] = fmt.Sprintf("%s %s + %s %t ended %t", v.price, v.variants, v.shipping, v.acceptRequired, ended)
		}
	}
	for key, units := range m.lots {
		if units > 0 {
			d["lot "+key] = fmt.Sprint(units, m.variants[key])
		}
	}
	for id, o := range m.orders {
		name := id.Text(spec.OrderType)
		side := map[spec.Address]spec.Side{o.buyer: spec.Side_SIDE_BUYER, o.seller: spec.Side_SIDE_SELLER}[o.splitBy]
		splitAmount := o.splitAmount
		if splitAmount == nil {
			splitAmount = new(big.Int)
		}
		d["order "+name] = fmt.Sprintf(orderLine, o.state, o.buyer, o.seller, o.quantity, o.listing.Text(spec.ListingType), o.version, o.total, o.off,
			o.released, o.refunded, o.fee(), o.placedAt, o.updated, o.releaseDue, o.shipped, side, splitAmount, o.returnDue, o.sentBack, o.isBack)
		for i, one := range o.lines {
			d[fmt.Sprintf("line %s %d", name, i+1)] = one.String()
		}
		for i, one := range o.milestones {
			d[fmt.Sprintf("milestone %s %d", name, i+1)] = fmt.Sprint(one)
		}
		if o.open() {
			d["hold "+o.buyer.String()+" "+name] = o.held().String()
		}
	}
	for id, one := range m.discounts {
		d["discount "+id.Text(spec.DiscountType)] = fmt.Sprintf("%s for %s: %s or %d from %s on %x until %d", one.seller, one.buyer, one.amount, one.bps, one.minimum, one.listing, one.validUntil)
	}
	for id, order := range m.redeemed {
		d["use of "+id.Text(spec.DiscountType)] = order.Text(spec.OrderType)
	}
	m.describeOffers(d)
	m.describeDisputes(d)
	for key, text := range m.reviews {
		d["review "+key] = text
	}
	return d
}

// describe writes the records in the model's words.
func (b *books) describe() map[string]string {
	d := map[string]string{}
	for key, record := range b.records {
		owner, _ := spec.AddressFromBytes([]byte(key.Parent))
		id := func() spec.ID { return spec.ID([]byte(key.ID)) }
		parent := func() spec.ID { return spec.ID([]byte(key.Parent)) }
		switch r := record.(type) {
		case ledger.Supply:
			d["supply"] = fmt.Sprintf("%s - %s", number(r.Minted.Bytes()), number(r.Burnt.Bytes()))
		case ledger.Fence:
			d["fence "+key.ID] = "stands"
		case ledger.Account:
			a, _ := spec.AddressFromBytes([]byte(key.ID))
			if !r.Balance.IsZero() {
				d["account "+a.String()] = number(r.Balance.Bytes()).String()
			}
			if r.Nonces.Top > 0 {
				d["nonces "+a.String()] = fmt.Sprint(usedOf(r.Nonces))
			}
			if r.Home > 0 {
				d["home "+a.String()] = slices.Sorted(maps.Keys(roles))[r.Home-1]
			}
		case ledger.Credit:
			name, _ := spec.CreditNameFromBytes([]byte(key.ID))
			d["credit "+creditKey(owner, name)] = fmt.Sprintf("%s %s", number(r.Amount.Bytes()), r.Cause)
		case ledger.Hold:
			d["hold "+owner.String()+" "+id().Text(spec.OrderType)] = number(r.Amount.Bytes()).String()
		case ledger.Transfer:
			d["transfer "+id().Text(spec.TransferType)] = fmt.Sprintf("from %s to %s %s %q at %d", r.From, r.To, number(r.Amount.Bytes()), r.Memo, r.Time)
		case ledger.Payout:
			d["payout "+id().Text(spec.PayoutType)] = fmt.Sprintf("from %s to %d %s %q at %d", r.From, r.Count, number(r.Total.Bytes()), r.Memo, r.Time)
		case ledger.Auction:
			d["auction "+id().Text(spec.AuctionType)] = fmt.Sprintf("%s %s sells %d of %s version %d from %s, reserve %s, step %s, %d to %d", spec.EnumText(r.State.Descriptor(), r.State.Number()),
				r.Seller, r.Quantity, r.Listing.Text(spec.ListingType), r.Version, number(r.StartPrice.Bytes()), number(r.Reserve.Bytes()), number(r.Step.Bytes()), r.OpenedAt, r.EndsAt)
		case ledger.Bid:
			d[fmt.Sprintf("bid %s %d", parent().Text(spec.AuctionType), number([]byte(key.ID)))] = fmt.Sprintf("%s by %s at %d until %d", number(r.Amount.Bytes()), r.Bidder, r.Time, r.EndsAt)
		case ledger.Allowance:
			spender, _ := spec.AddressFromBytes([]byte(key.ID))
			d["allowance "+owner.String()+" "+spender.String()] = number(r.Amount.Bytes()).String()
		case ledger.TokenHold:
			d["token hold "+id().Text(spec.HoldType)] = fmt.Sprintf("%s %s to %s by %s, %s of %s until %d at %d", r.State, r.Payer, r.Payee, r.Arbiter, number(r.Captured.Bytes()), number(r.Amount.Bytes()), r.ExpiresAt, r.UpdatedAt)
		case ledger.Mint:
			d["mint "+id().Text(spec.MintType)] = fmt.Sprintf("to %s %s at %d", r.To, number(r.Amount.Bytes()), r.Time)
		case ledger.Burn:
			d["burn "+id().Text(spec.BurnType)] = fmt.Sprintf("from %s %s at %d", r.From, number(r.Amount.Bytes()), r.Time)
		case ledger.Listing:
			d["listing "+id().Text(spec.ListingType)] = fmt.Sprintf("%s version %d closed %t suspended %t at %d", r.Seller, r.Version, r.Closed, r.Suspended, r.UpdatedAt)
		case ledger.Version:
			n := number([]byte(key.ID)).Uint64()
			_, ended := b.records[ledger.EndKey(parent(), uint32(n))]
			d[fmt.Sprintf("version %s %d", parent().Text(spec.ListingType), n)] = fmt.Sprintf("%s %s + %s %t ended %t", number(r.Price.Bytes()), variantsOf(r), number(r.ShippingPrice.Bytes()), r.AcceptRequired, ended)
		case ledger.Lot:
			d["lot "+lotKey(parent(), id())] = fmt.Sprint(r.Stock, r.Variant)
		case ledger.Order:
			d["order "+id().Text(spec.OrderType)] = fmt.Sprintf(orderLine, r.State, r.Buyer, r.Seller, r.Quantity, r.Listing.Text(spec.ListingType), r.Version,
				number(r.Total.Bytes()), number(r.Discount.Bytes()), number(r.Released.Bytes()), number(r.Refunded.Bytes()), number(r.Fee().Bytes()), r.PlacedAt, r.UpdatedAt, r.ReleaseDue,
				r.Shipped, r.SplitBy, number(r.SplitAmount.Bytes()), r.ReturnDue, r.ReturnSent, r.ReturnProven)
		case ledger.Discount:
			var on []byte
			if r.Listing != (spec.ID{}) {
				on = r.Listing[:]
			}
			d["discount "+id().Text(spec.DiscountType)] = fmt.Sprintf("%s for %s: %s or %d from %s on %x until %d", r.Seller, r.Buyer, number(r.Amount.Bytes()), r.Bps, number(r.Minimum.Bytes()), on, r.ValidUntil)
		case ledger.DiscountUse:
			d["use of "+id().Text(spec.DiscountType)] = r.Order.Text(spec.OrderType)
		case ledger.Lines:
			for i, one := range r {
				if one.Quantity > 0 {
					d[fmt.Sprintf("line %s %d", id().Text(spec.OrderType), i+1)] = modelLine{one.Listing, one.Version, one.Variant, one.Quantity, number(one.Price.Bytes())}.String()
				}
			}
		case ledger.Milestones:
			for i, one := range r {
				if one.ShareBps > 0 {
					d[fmt.Sprintf("milestone %s %d", id().Text(spec.OrderType), i+1)] = fmt.Sprint(modelMilestone{int64(one.ShareBps), one.Due, one.Released})
				}
			}
		case ledger.Dispute:
			d["dispute "+id().Text(spec.OrderType)] = fmt.Sprintf("%s by %s at %d %d %d, panel %s, %d: %s %s %s", r.State, r.OpenedBy, r.OpenedAt, r.UpdatedAt, r.AnsweredAt,
				r.Panel, r.BuyerBps, number(r.ToBuyer.Bytes()), number(r.ToSeller.Bytes()), number(r.PanelFee.Bytes()))
		case ledger.Vote:
			d["vote "+parent().Text(spec.OrderType)+" "+key.ID] = fmt.Sprint(r.BuyerBps)
		case ledger.Evidence:
			d[fmt.Sprintf("evidence %s %d %d", parent().Text(spec.OrderType), key.ID[0], key.ID[1])] = fmt.Sprint(r.Time)
		case ledger.Review:
			order := b.records[ledger.OrderKey(parent())].(ledger.Order)
			author := map[string]spec.Address{"\x01": order.Buyer, "\x02": order.Seller}[key.ID]
			d["review "+parent().Text(spec.OrderType)+" "+author.String()] = fmt.Sprintf("%d at %d", r.Rating, r.Time)
		case ledger.Offer:
			d["offer "+id().Text(spec.OfferType)] = fmt.Sprintf("%s %s to %s, %d of %s version %d for %s or %s, at %d %d until %d", r.State, r.Buyer, r.Seller, r.Quantity,
				parent().Text(spec.ListingType), r.Version, number(r.Total.Bytes()), number(r.Counter.Bytes()), r.CreatedAt, r.UpdatedAt, r.ExpiresAt)
		}
	}
	return d
}
