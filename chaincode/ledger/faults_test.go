package ledger_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// attempt is a call that is about to be made.
type attempt struct {
	*books
	who     seat
	command proto.Message
	hints   *spec.Hints
}

// fault makes one thing wrong with an attempt, and leaves what else may be wrong as it is.
type fault func(*attempt)

type faults map[spec.Code]fault

// faulty is an operation with a call that passes, and each of its faults.
type faulty struct {
	function string
	good     func(t *testing.T) *attempt
	faults   faults
	// never are the pairs of faults that cannot be there at once.
	never [][2]spec.Code
}

// field changes a field of the command: to octets, a number, or a text.
func field(name protoreflect.Name, value any) fault {
	return func(a *attempt) {
		m := a.command.ProtoReflect()
		m.Set(m.Descriptor().Fields().ByName(name), protoreflect.ValueOf(value))
	}
}

func amountOf(name protoreflect.Name, amount spec.Amount) fault { return field(name, amount.Bytes()) }

// dust is less than the ledger's least amount.
var dust = spec.Units(9)

func nobody(name protoreflect.Name) fault { return field(name, make([]byte, 20)) }
func by(s seat) fault                     { return func(a *attempt) { a.who = s } }
func late(a *attempt)                     { a.now += 1_000_000 }

// record puts something into the books that stands in the way.
func record(key func(a *attempt) ledger.Key, r ledger.Record) fault {
	return func(a *attempt) { a.records[key(a)] = r }
}

// used: the reference was used by the actor for such a record.
func used(t spec.IDType, key func(spec.ID) ledger.Key, r ledger.Record) fault {
	return record(func(a *attempt) ledger.Key {
		reference := a.command.(interface{ GetReference() string }).GetReference()
		return key(spec.NewID(t, a.who.address(), reference))
	}, r)
}

// penniless: the actor has nothing of its own, and names no credits.
func penniless(a *attempt) {
	a.records[ledger.AccountKey(a.who.address())] = ledger.Account{}
	a.hints = nil
}

// changed rewrites a record.
func changed[R ledger.Record](key ledger.Key, change func(*R)) fault {
	return func(a *attempt) {
		r := a.records[key].(R)
		change(&r)
		a.records[key] = r
	}
}

// trying is an attempt by a seat that has 20 CMT of its own.
func trying(s seat, command func(b *books) proto.Message) func(*testing.T) *attempt {
	return func(t *testing.T) *attempt {
		b := openBooks(t)
		if s.mspID != treasurer {
			b.fund(s.mspID, s.subAccount, spec.CMT(20))
		}
		return &attempt{b, s, command(b), nil}
	}
}

// orderID is the order that the tests of orders are about.
var orderID = spec.NewID(spec.OrderType, anna.address(), "order")

// onOrder is an attempt about anna's order in a state.
func onOrder(state string, s seat, when int64, command proto.Message) func(*testing.T) *attempt {
	return func(t *testing.T) *attempt {
		b, _, _ := orderIn(t, state)
		if when > 0 {
			b.now = when
		}
		return &attempt{b, s, proto.Clone(command), nil}
	}
}

// orderFaults are those that most steps of orders have.
func orderFaults(more faults) faults {
	all := faults{
		spec.NotFound: nobody("order"), spec.NotAParty: by(seat{operator, ""}), spec.DeadlinePassed: late,
		spec.WrongState: changed(ledger.OrderKey(orderID), func(o *ledger.Order) { o.State = released }),
	}
	for code, f := range more {
		all[code] = f
	}
	return all
}

// nearlyEmpty: the order holds less than the least amount.
func nearlyEmpty(a *attempt) {
	changed(ledger.OrderKey(orderID), func(o *ledger.Order) { o.Released, _ = o.Total.Sub(spec.Units(5)) })(a)
	a.records[ledger.HoldKey(anna.address(), orderID)] = ledger.Hold{Amount: spec.Units(5)}
}

// lampID is the listing of the tests.
var lampID = spec.NewID(spec.ListingType, seller.address(), "lamp")

var bulbID = spec.NewID(spec.ListingType, seller.address(), "bulb")

// onListing is an attempt about the merchant's listing by somebody who has 20 CMT.
func onListing(s seat, command func(b *books) proto.Message) func(*testing.T) *attempt {
	return trying(s, func(b *books) proto.Message {
		b.list("lamp", false)
		return command(b)
	})
}

func ended(cause ledger.EndCause) fault {
	return record(func(*attempt) ledger.Key { return ledger.EndKey(lampID, 1) }, ledger.End{Cause: cause, Time: start})
}

// endedFaults are those of who names a version of a listing that has ended; it ends once, for one reason.
func endedFaults(more faults) faults {
	all := faults{
		spec.ListingClosed: ended(ledger.Closed), spec.ListingSuspended: ended(ledger.Suspended), spec.VersionStale: ended(ledger.Edited),
	}
	for code, f := range more {
		all[code] = f
	}
	return all
}

// offered puts a discount of the merchant's on the ledger.
func (b *books) offered(discount *spec.OfferDiscount) []byte {
	id := b.offers(seller, discount)
	return id[:]
}

var springID = spec.DiscountID(seller.address(), anna.address(), "spring")

func spring(change func(*ledger.Discount)) fault {
	return changed(ledger.DiscountKey(springID), change)
}

// redeemFaults are those of who buys with a discount.
func redeemFaults(more faults) faults {
	all := endedFaults(faults{
		// A signed one stands in the place of that on the ledger, and its signature was not found to hold.
		spec.BadDiscount: func(a *attempt) {
			m := a.command.ProtoReflect()
			m.Clear(m.Descriptor().Fields().ByName("discount_id"))
			m.Set(m.Descriptor().Fields().ByName("discount"), protoreflect.ValueOf(unchecked().ProtoReflect()))
		},
		spec.ReferenceUsed: used(spec.OrderType, ledger.OrderKey, ledger.Order{}), spec.NotAParty: spring(func(d *ledger.Discount) { d.Buyer = seat{buyers, "ben"}.address() }),
		spec.DiscountUsed: record(func(*attempt) ledger.Key { return ledger.DiscountUseKey(springID) }, ledger.DiscountUse{Order: orderID}),
		// The discount is the buyer's own, too: a seller's of another would be no party's.
		spec.SameAccount: func(a *attempt) {
			changed(ledger.VersionKey(lampID, 1), func(v *ledger.Version) { v.Seller = anna.address() })(a)
			spring(func(d *ledger.Discount) { d.Seller = anna.address() })(a)
		},
		spec.DiscountMismatch: spring(func(d *ledger.Discount) { d.Minimum = spec.CMT(99) }),
		spec.BelowMinimum:     changed(ledger.ParametersKey(), func(p *ledger.Parameters) { p.CreditMinimum = spec.CMT(10) }),
		spec.DeadlinePassed:   late, spec.InsufficientFunds: penniless,
	})
	for code, f := range more {
		all[code] = f
	}
	return all
}

var endsOnce = [][2]spec.Code{{spec.ListingClosed, spec.ListingSuspended}, {spec.ListingClosed, spec.VersionStale}, {spec.ListingSuspended, spec.VersionStale}}

func head(change func(*ledger.Listing)) fault { return changed(ledger.ListingKey(lampID), change) }

// emptyLot: the lot that is bought from has nothing.
func emptyLot(a *attempt) {
	a.records[ledger.LotKey(lampID, spec.StockLot(lampID, 1, 0))] = ledger.Lot{}
	delete(a.records, ledger.LotKey(lampID, spec.StockLot(lampID, 1, 0)))
}

// onHold is an attempt about the token hold of the tests.
func onHold(s seat, when int64, command proto.Message) func(*testing.T) *attempt {
	return func(t *testing.T) *attempt {
		b := openBooks(t)
		placedHold(b)
		b.now += when
		return &attempt{b, s, proto.Clone(command), nil}
	}
}

func holdFaults(more faults) faults {
	all := faults{
		spec.NotFound: nobody("hold"), spec.NotAParty: by(seat{operator, ""}),
		spec.WrongState: changed(ledger.TokenHoldKey(holdID), func(h *ledger.TokenHold) { h.State = spec.HoldState_HOLD_STATE_VOIDED }),
	}
	for code, f := range more {
		all[code] = f
	}
	return all
}

// onAuction is an attempt about the auction of the tests, in which anna bid 5.
func onAuction(s seat, when int64, bids bool, command proto.Message) func(*testing.T) *attempt {
	return func(t *testing.T) *attempt {
		b := openBooks(t)
		openedAuction(b)
		if bids {
			b.bid(anna, 0, 5)
		}
		b.now += when
		return &attempt{b, s, proto.Clone(command), nil}
	}
}

func auctionFaults(more faults) faults {
	all := faults{
		spec.NotFound:   nobody("auction"),
		spec.NotAParty:  by(seat{operator, ""}),
		spec.WrongState: changed(ledger.AuctionKey(auctionID), func(a *ledger.Auction) { a.State = spec.AuctionState_AUCTION_STATE_CANCELLED }),
		// Another bid stands behind the one that is named.
		spec.ValueStale: record(func(*attempt) ledger.Key { return ledger.BidKey(auctionID, 2) }, ledger.Bid{Bidder: rival.address(), Amount: spec.CMT(9)}),
	}
	for code, f := range more {
		all[code] = f
	}
	return all
}

var offerID = spec.OfferID(anna.address(), lampID, "bid")

func onOffer(state spec.OfferState, s seat, when int64, name string) func(*testing.T) *attempt {
	return func(t *testing.T) *attempt {
		b, listing, id := offerIn(t, state)
		b.now += when
		return &attempt{b, s, haggling[name](listing[:], id[:]), nil}
	}
}

func offerFaults(more faults) faults {
	all := faults{
		spec.NotFound: nobody("offer"), spec.NotAParty: by(seat{operator, ""}), spec.DeadlinePassed: late,
		spec.WrongState: changed(ledger.OfferKey(lampID, offerID), func(o *ledger.Offer) { o.State = offerDeclined }),
	}
	for code, f := range more {
		all[code] = f
	}
	return all
}

// onDispute is an attempt about the dispute that anna opened of her order.
func onDispute(state string, who func(panel []seat) seat, later int64, name string) func(*testing.T) *attempt {
	return func(t *testing.T) *attempt {
		c := contestIn(t, state, nameOf(shipped), anna)
		panel, _ := panelOf(c.books, c.id)
		c.now += later
		return &attempt{c.books, who(panel), disputing[name](c.id[:]), nil}
	}
}

func is(s seat) func([]seat) seat { return func([]seat) seat { return s } }

// firstOfPanel votes first.
func firstOfPanel(panel []seat) seat { return panel[0] }

// onNoPanel is an arbiter that does not sit on the panel.
func onNoPanel(a *attempt) {
	_, others := panelOf(a.books, orderID)
	a.who = seat{others[0].mspID, ""}
}

func faultyToken() []faulty {
	return []faulty{
		{"token:Mint", trying(minter, func(*books) proto.Message { return mintOf(spec.CMT(1)) }), faults{
			spec.ReferenceUsed: used(spec.MintType, ledger.MintKey, ledger.Mint{}), spec.BelowMinimum: amountOf("amount", dust),
			spec.OverCap: record(func(*attempt) ledger.Key { return ledger.SupplyKey() }, ledger.Supply{Minted: spec.Cap}),
		}, nil},
		{"token:Burn", trying(minter, func(*books) proto.Message { return &spec.Burn{Reference: "b", Amount: spec.CMT(1).Bytes()} }), faults{
			spec.ReferenceUsed: used(spec.BurnType, ledger.BurnKey, ledger.Burn{}), spec.InsufficientFunds: penniless,
		}, nil},
		{"token:Transfer", trying(anna, func(*books) proto.Message { return pay(operator, spec.CMT(1)) }), faults{
			spec.ReferenceUsed: used(spec.TransferType, ledger.TransferKey, ledger.Transfer{}), spec.SameAccount: field("to", anna.address().Bytes()),
			spec.BelowMinimum: amountOf("amount", dust), spec.InsufficientFunds: penniless,
		}, nil},
		{"token:Payout", trying(seller, func(*books) proto.Message { return payOut(operator, spec.CMT(1)) }), faults{
			spec.ReferenceUsed:     used(spec.PayoutType, ledger.PayoutKey, ledger.Payout{}),
			spec.SameAccount:       func(a *attempt) { a.command.(*spec.Payout).Payments[1].To = seller.address().Bytes() },
			spec.BelowMinimum:      func(a *attempt) { a.command.(*spec.Payout).Payments[1].Amount = dust.Bytes() },
			spec.InsufficientFunds: penniless,
		}, nil},
		{"token:Approve", trying(anna, func(*books) proto.Message {
			return &spec.Approve{Spender: seller.address().Bytes(), Amount: spec.CMT(1).Bytes()}
		}), faults{
			spec.ValueStale: amountOf("expected", spec.CMT(3)), spec.SameAccount: field("spender", anna.address().Bytes()),
			spec.BelowMinimum: amountOf("amount", dust), spec.InsufficientFunds: penniless,
		}, nil},
		{"token:TransferFrom", trying(anna, func(b *books) proto.Message {
			b.must(treasurer, "", "token:Approve", &spec.Approve{Spender: anna.address().Bytes(), Amount: spec.CMT(5).Bytes()}, nil)
			return drawn(spec.CMT(1))
		}), faults{
			spec.ReferenceUsed: used(spec.TransferType, ledger.TransferKey, ledger.Transfer{}), spec.SameAccount: field("to", minter.address().Bytes()),
			spec.BelowMinimum: amountOf("amount", dust),
			spec.NotEnoughHeld: func(a *attempt) {
				delete(a.records, ledger.AllowanceKey(minter.address(), anna.address()))
			},
		}, nil},
		{"token:Sweep", func(t *testing.T) *attempt {
			b := openBooks(t)
			b.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: "gift", To: anna.address().Bytes(), Amount: spec.CMT(1).Bytes()}, nil)
			return &attempt{b, anna, &spec.Sweep{}, b.lastCredits()}
		}, faults{spec.NotAParty: field("account", seller.address().Bytes()), spec.NoCredits: func(a *attempt) { a.hints = nil }}, nil},
		{"token:PlaceHold", trying(anna, func(*books) proto.Message { return setAside(seller, spec.CMT(1), 100) }), faults{
			spec.ReferenceUsed: used(spec.HoldType, ledger.TokenHoldKey, ledger.TokenHold{}), spec.SameAccount: field("payee", anna.address().Bytes()),
			spec.BelowMinimum: amountOf("amount", dust), spec.DeadlineOutOfRange: late, spec.InsufficientFunds: penniless,
		}, nil},
		{"token:CaptureHold", onHold(arbiter, 0, &spec.CaptureHold{Hold: holdID[:], Amount: spec.CMT(3).Bytes()}), holdFaults(faults{
			spec.ValueStale: amountOf("captured", spec.CMT(2)), spec.BelowMinimum: amountOf("amount", dust), spec.DeadlinePassed: late,
			spec.NotEnoughHeld: func(a *attempt) {
				changed(ledger.TokenHoldKey(holdID), func(h *ledger.TokenHold) { h.Captured, _ = h.Amount.Sub(spec.Units(5)) })(a)
				a.command.(*spec.CaptureHold).Captured = holdOf(a.books).Captured.Bytes()
			},
		}), nil},
		{"token:VoidHold", onHold(arbiter, 0, &spec.VoidHold{Hold: holdID[:]}), holdFaults(nil), nil},
		{"token:ExpireHold", onHold(seat{operator, ""}, holdLasts, &spec.ExpireHold{Hold: holdID[:]}), holdFaults(faults{spec.NotDue: func(a *attempt) { a.now-- }}), nil},
		{"token:VoidNonce", trying(anna, func(*books) proto.Message { return &spec.VoidNonce{Nonce: 7} }), faults{
			spec.NonceUsed: record(func(*attempt) ledger.Key { return ledger.AccountKey(anna.address()) }, ledger.Account{Nonces: ledger.Nonces{Top: 7, Used: 1}}),
		}, nil},
		{"token:MoveHome", trying(anna, func(*books) proto.Message { return &spec.MoveHome{MspId: operator} }), faults{spec.NotFound: field("msp_id", stranger)}, nil},
		{"consortium:Fence", func(t *testing.T) *attempt {
			b := openBooks(t)
			b.now += 10 * epochSeconds
			return &attempt{b, anna, &spec.Fence{Epoch: start / epochSeconds}, nil}
		}, faults{
			spec.FenceTooEarly: func(a *attempt) { a.now = start + epochSeconds + 1 },
			spec.WrongState:    record(func(a *attempt) ledger.Key { return ledger.FenceKey(start / epochSeconds) }, ledger.Fence{}),
		}, nil},
	}
}

func faultyListings() []faulty {
	l := lampID[:]
	editing := faults{
		spec.NotFound: nobody("listing"), spec.NotAParty: by(seat{operator, ""}), spec.ListingClosed: head(func(h *ledger.Listing) { h.Closed = true }),
		spec.ListingSuspended: head(func(h *ledger.Listing) { h.Suspended = true }), spec.VersionStale: head(func(h *ledger.Listing) { h.Version = 2 }),
		spec.BelowMinimum: amountOf("price", dust),
	}
	suspended := func(b *books) {
		b.must(operator, "", "market:SuspendListing", &spec.SuspendListing{Listing: l, Reason: "a test"}, nil)
	}
	return []faulty{
		{"market:CreateListing", trying(seller, func(*books) proto.Message {
			return &spec.CreateListing{Reference: "vase", Price: spec.CMT(1).Bytes(), Stock: 1, Category: "x", ContentHash: make([]byte, 32)}
		}), faults{spec.ReferenceUsed: used(spec.ListingType, ledger.ListingKey, ledger.Listing{}), spec.BelowMinimum: amountOf("price", dust)}, nil},
		{"market:EditListing", onListing(seller, func(*books) proto.Message { return edit(lampID, 1, spec.CMT(3)) }), editing, nil},
		{"market:CloseListing", onListing(seller, func(*books) proto.Message { return &spec.CloseListing{Listing: l} }), editing, nil},
		{"market:SuspendListing", onListing(seat{operator, ""}, func(*books) proto.Message { return &spec.SuspendListing{Listing: l, Reason: "a test"} }), faults{
			spec.NotFound: nobody("listing"), spec.WrongState: head(func(h *ledger.Listing) { h.Suspended = true }), spec.ListingClosed: editing[spec.ListingClosed],
		}, nil},
		{"market:ResumeListing", onListing(seat{operator, ""}, func(b *books) proto.Message { suspended(b); return &spec.ResumeListing{Listing: l} }), faults{
			spec.NotFound: nobody("listing"), spec.WrongState: head(func(h *ledger.Listing) { h.Suspended = false }), spec.ListingClosed: editing[spec.ListingClosed],
		}, nil},
		{"market:PlaceOrder", onListing(anna, func(b *books) proto.Message {
			return buy(lampID, func(c *spec.PlaceOrder) { c.Total, c.DiscountId = spec.CMT(6).Bytes(), b.offered(discountFor(anna)) })
		}), redeemFaults(faults{
			spec.NotFound: field("variant", uint32(1)), spec.TotalMismatch: amountOf("total", spec.CMT(8)), spec.LotEmpty: emptyLot,
		}), endsOnce},
		{"market:OfferDiscount", trying(seller, func(*books) proto.Message { return discountFor(anna) }), faults{
			spec.ReferenceUsed: record(func(a *attempt) ledger.Key {
				buyer, _ := spec.AddressFromBytes(a.command.(*spec.OfferDiscount).Buyer)
				return ledger.DiscountKey(spec.DiscountID(a.who.address(), buyer, "spring"))
			}, ledger.Discount{Seller: seller.address()}),
			spec.SameAccount: func(a *attempt) { a.command.(*spec.OfferDiscount).Buyer = a.who.address().Bytes() }, spec.DiscountMismatch: field("bps", uint32(1)),
			spec.DeadlineOutOfRange: late,
		}, nil},
		{"market:PlaceCart", onListing(anna, func(b *books) proto.Message {
			command, _ := cart("cart", spec.CMT(7), line(lampID, 1), line(b.list("bulb", false), 1))
			command.DiscountId = b.offered(discountFor(anna))
			return command
		}), redeemFaults(faults{
			spec.NotFound:     func(a *attempt) { a.command.(*spec.PlaceCart).Lines[1].Variant = 1 },
			spec.CartMismatch: changed(ledger.VersionKey(bulbID, 1), func(v *ledger.Version) { v.Milestones[0] = 10_000 }),
			spec.LotEmpty:     emptyLot, spec.TotalMismatch: amountOf("total", spec.CMT(9)),
		}), endsOnce},
		{"market:OpenAuction", onListing(seller, func(b *books) proto.Message { return auctionOf(lampID, func(*spec.OpenAuction) {}) }), endedFaults(faults{
			spec.ReferenceUsed: used(spec.AuctionType, ledger.AuctionKey, ledger.Auction{}), spec.NotFound: nobody("listing"), spec.NotAParty: by(anna),
			spec.BelowMinimum: amountOf("start_price", dust), spec.DeadlineOutOfRange: late, spec.LotEmpty: emptyLot,
		}), endsOnce},
		{"market:MakeOffer", onListing(anna, func(b *books) proto.Message { return offering(b, lampID, func(*spec.MakeOffer) {}) }), endedFaults(faults{
			spec.ReferenceUsed: record(func(*attempt) ledger.Key { return ledger.OfferKey(lampID, offerID) }, ledger.Offer{}), spec.NotFound: field("version", uint32(9)),
			spec.SameAccount:  changed(ledger.VersionKey(lampID, 1), func(v *ledger.Version) { v.Seller = anna.address() }),
			spec.BelowMinimum: amountOf("total", dust), spec.DeadlineOutOfRange: late, spec.InsufficientFunds: penniless,
		}), endsOnce},
	}
}

func faultyHaggling() []faulty {
	a := auctionID[:]
	return []faulty{
		{"market:CounterOffer", onOffer(offerOpen, seller, 0, "CounterOffer"), offerFaults(faults{spec.BelowMinimum: amountOf("total", dust)}), nil},
		{"market:AcceptOffer", onOffer(offerOpen, seller, 0, "AcceptOffer"), offerFaults(faults{spec.LotEmpty: emptyLot}), nil},
		{"market:AcceptCounter", onOffer(offerCountered, anna, 0, "AcceptCounter"), offerFaults(endedFaults(faults{
			spec.TotalMismatch: amountOf("total", spec.CMT(8)), spec.LotEmpty: emptyLot, spec.InsufficientFunds: penniless,
		})), endsOnce},
		{"market:DeclineOffer", onOffer(offerOpen, seller, 0, "DeclineOffer"), offerFaults(nil), nil},
		{"market:WithdrawOffer", onOffer(offerOpen, anna, 0, "WithdrawOffer"), offerFaults(nil), nil},
		{"market:ExpireOffer", onOffer(offerOpen, seat{operator, ""}, offerSeconds, "ExpireOffer"), offerFaults(faults{spec.NotDue: func(a *attempt) { a.now-- }}), nil},
		{"market:PlaceBid", onAuction(rival, 0, true, bidOf(1, 7)), auctionFaults(faults{
			spec.SameAccount: changed(ledger.AuctionKey(auctionID), func(a *ledger.Auction) { a.Seller = rival.address() }),
			spec.BidTooLow:   amountOf("amount", spec.CMT(5)), spec.DeadlinePassed: late, spec.InsufficientFunds: penniless,
		}), nil},
		{"market:CloseAuction", onAuction(seat{operator, ""}, auctionLasts, true, &spec.CloseAuction{Auction: a, Bids: 1}), auctionFaults(faults{
			spec.NotDue: func(a *attempt) { a.now -= auctionLasts },
		}), nil},
		{"market:CancelAuction", onAuction(seller, 0, false, &spec.CancelAuction{Auction: a}), auctionFaults(nil), nil},
	}
}

func faultyOrders() []faulty {
	o := orderID[:]
	short := func(field protoreflect.Name) faults {
		return faults{spec.BelowMinimum: amountOf(field, dust), spec.NotEnoughHeld: nearlyEmpty}
	}
	early := faults{spec.NotDue: func(a *attempt) { a.now = start + 130 }}
	anyone := seat{operator, ""}
	return []faulty{
		{"market:AcceptOrder", onOrder(nameOf(placed), seller, 0, &spec.AcceptOrder{Order: o}), orderFaults(nil), nil},
		{"market:ShipOrder", onOrder(nameOf(accepted), seller, 0, &spec.ShipOrder{Order: o}), orderFaults(faults{spec.NotEnoughHeld: field("quantity", uint32(9))}), nil},
		{"market:HandOverOrder", onOrder(nameOf(shipped), anna, 0, &spec.HandOverOrder{Order: o, Code: code}), orderFaults(faults{spec.WrongCode: field("code", make([]byte, 16))}), nil},
		{"market:ReportDelivery", onOrder(nameOf(shipped), seat{carrier, ""}, 0, &spec.ReportDelivery{Order: o}), orderFaults(faults{spec.NotAParty: by(seller)}), nil},
		{"market:ConfirmOrder", onOrder(nameOf(shipped), anna, 0, &spec.ConfirmOrder{Order: o, Amount: part.Bytes()}), orderFaults(short("amount")), nil},
		{"market:RefundOrder", onOrder(nameOf(shipped), seller, 0, &spec.RefundOrder{Order: o, Amount: part.Bytes()}), orderFaults(short("amount")), nil},
		{"market:CancelOrder", onOrder(nameOf(placed), anna, 0, &spec.CancelOrder{Order: o}), orderFaults(nil), nil},
		{"market:ExpireOrder", onOrder(nameOf(shipped), anyone, start+protectionSeconds, &spec.ExpireOrder{Order: o}), orderFaults(early), nil},
		{"market:ReleaseOrder", onOrder(nameOf(handedOver), anyone, handedOverAt+releaseSeconds, &spec.ReleaseOrder{Order: o}), orderFaults(early), nil},
		{"market:ReportMilestone", onOrder(nameOf(working), seller, 0, &spec.ReportMilestone{Order: o, Milestone: 2}), orderFaults(nil), nil},
		{"market:ReleaseMilestone", onOrder(nameOf(working), anyone, reportedAt+releaseSeconds, &spec.ReleaseMilestone{Order: o, Milestone: 1}), orderFaults(early), nil},
		{"market:ProposeSplit", onOrder(nameOf(shipped), anna, 0, &spec.ProposeSplit{Order: o, SellerAmount: part.Bytes()}), orderFaults(faults{spec.NotEnoughHeld: nearlyEmpty}), nil},
		{"market:AgreeSplit", func(t *testing.T) *attempt {
			b, _, id := orderIn(t, nameOf(shipped))
			b.must(merchant, "", "market:ProposeSplit", &spec.ProposeSplit{Order: id[:], SellerAmount: agreed.Bytes()}, nil)
			return &attempt{b, anna, &spec.AgreeSplit{Order: id[:], SellerAmount: agreed.Bytes()}, nil}
		}, orderFaults(faults{spec.SplitMismatch: amountOf("seller_amount", part)}), nil},
		{"market:AskReturn", onOrder(nameOf(handedOver), anna, 0, &spec.AskReturn{Order: o}), orderFaults(nil), nil},
		{"market:AcceptReturn", onOrder(nameOf(returnAsked), seller, 0, &spec.AcceptReturn{Order: o}), orderFaults(nil), nil},
		{"market:DeclineReturn", onOrder(nameOf(returnAsked), seller, 0, &spec.DeclineReturn{Order: o}), orderFaults(nil), nil},
		{"market:ShipReturn", onOrder(nameOf(returnAsked), anna, askedAt+returnSeconds, &spec.ShipReturn{Order: o}), orderFaults(faults{spec.NotDue: func(a *attempt) { a.now = askedAt }}),
			[][2]spec.Code{{spec.DeadlinePassed, spec.NotDue}}},
		{"market:GiveReview", onOrder(nameOf(released), anna, 0, give(o)), orderFaults(faults{
			spec.WrongState: changed(ledger.OrderKey(orderID), func(o *ledger.Order) { o.State = shipped }),
		}), nil},
		{"market:OpenDispute", onOrder(nameOf(shipped), anna, 0, &spec.OpenDispute{Order: o, ReasonHash: make([]byte, 32)}), orderFaults(nil), nil},
		{"market:AnswerDispute", onDispute("opened", is(seller), 0, "AnswerDispute"), orderFaults(nil), nil},
		{"market:SubmitEvidence", onDispute("opened", is(seller), 0, "SubmitEvidence"), orderFaults(nil), nil},
		// It is not due before an answer, and too late long after it.
		{"market:VoteDispute", onDispute("answered", firstOfPanel, 0, "VoteDispute"), orderFaults(faults{
			spec.NotAParty: onNoPanel, spec.NotDue: changed(ledger.DisputeKey(orderID), func(d *ledger.Dispute) { d.AnsweredAt = 0 }),
		}), [][2]spec.Code{{spec.DeadlinePassed, spec.NotDue}}},
		{"market:RuleDispute", onDispute("answered", is(anyone), disputeSeconds, "RuleDispute"), orderFaults(faults{spec.NotDue: func(a *attempt) { a.now -= disputeSeconds }}), nil},
	}
}

// callersFaults are those of who calls, and when, which every operation has before its own.
func callersFaults(op *spec.Operation) ([]spec.Code, faults) {
	codes := []spec.Code{spec.NotAMember}
	all := faults{
		spec.NotAMember: by(seat{stranger, ""}), spec.RoleRequired: by(seat{treasurer, "desk"}),
		spec.Fenced: func(a *attempt) { a.records[ledger.FenceKey(uint64(a.now)/epochSeconds)] = ledger.Fence{} },
	}
	if op.Role == spec.Role_ROLE_TREASURER {
		all[spec.RoleRequired] = by(seat{operator, ""})
	}
	if op.Role != 0 {
		codes = append(codes, spec.RoleRequired)
	}
	return append(codes, spec.Fenced), all
}

// Of each pair of an operation's faults that can be there at once, the first in the catalogue's order is told.
func TestTheFirstFaultIsTold(t *testing.T) {
	rows := map[string]faulty{}
	for _, row := range slices.Concat(faultyToken(), faultyListings(), faultyHaggling(), faultyOrders()) {
		rows[row.function] = row
	}
	pairs := 0
	for i := range spec.Operations {
		op := &spec.Operations[i]
		row, known := rows[op.FullName()]
		if op.Kind == spec.Query || op.FullName() == "consortium:Genesis" {
			continue
		}
		if !known {
			t.Errorf("%s: this test knows no call of it", op.FullName())
			continue
		}
		t.Run(op.FullName(), func(t *testing.T) { pairs += row.check(t, op) })
	}
	t.Logf("%d pairs", pairs)
}

func (row faulty) check(t *testing.T, op *spec.Operation) (pairs int) {
	codes, callers := callersFaults(op)
	codes = append(codes, op.Errors...)
	if !slices.IsSortedFunc(codes, func(x, y spec.Code) int { return rank(t, x) - rank(t, y) }) {
		t.Errorf("the row's errors are not in the catalogue's order: %v", codes)
	}
	find := func(code spec.Code) fault {
		if f := row.faults[code]; f != nil && !slices.Contains(codes[:len(codes)-len(op.Errors)], code) {
			return f
		}
		return callers[code]
	}
	row.expect(t, "")
	for i, first := range codes {
		if find(first) == nil {
			t.Errorf("this test cannot make %s", first)
			continue
		}
		row.expect(t, first, find(first))
		for _, second := range codes[i+1:] {
			if slices.Contains(row.never, [2]spec.Code{first, second}) || find(second) == nil {
				continue
			}
			// A fence is of the time that the other leaves.
			order := []fault{find(second), find(first)}
			if second == spec.Fenced {
				slices.Reverse(order)
			}
			row.expect(t, first, order...)
			pairs++
		}
	}
	return pairs
}

// expect makes faults and expects a code, or nothing.
func (row faulty) expect(t *testing.T, code spec.Code, made ...fault) {
	t.Helper()
	a := row.good(t)
	for _, f := range made {
		f(a)
	}
	_, err := a.try(a.who.mspID, a.who.subAccount, row.function, a.command, a.hints)
	got := spec.Code("")
	if err != nil {
		got = spec.ErrorCode(err)
	}
	if got != code {
		t.Errorf("with %d faults: %v, want %q", len(made), err, code)
	}
}
