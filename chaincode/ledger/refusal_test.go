package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// refusal is one way to be refused.
type refusal struct {
	function string
	code     spec.Code
	field    string
	// prepare makes the books and the call: who, and what.
	prepare func(t *testing.T) (*books, seat, proto.Message, *spec.Hints)
}

var (
	anna   = seat{buyers, "anna"}
	seller = seat{merchant, ""}
	minter = seat{treasurer, ""}
)

// simple is a call on books that have just begun.
func simple(s seat, command proto.Message) func(*testing.T) (*books, seat, proto.Message, *spec.Hints) {
	return func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) { return openBooks(t), s, command, nil }
}

// again is a call that was made before.
func again(s seat, function string, command proto.Message) func(*testing.T) (*books, seat, proto.Message, *spec.Hints) {
	return func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		b.must(s.mspID, s.subAccount, function, command, nil)
		return b, s, command, nil
	}
}

// shop is a call that needs a listing.
func shop(s seat, command func(b *books, listing spec.ID) proto.Message) func(*testing.T) (*books, seat, proto.Message, *spec.Hints) {
	return func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		b.fund(buyers, "anna", spec.CMT(7))
		return b, s, command(b, b.list("lamp", false)), nil
	}
}

func edit(listing spec.ID, version uint32, price spec.Amount) *spec.EditListing {
	return &spec.EditListing{Listing: listing[:], Version: version, Price: price.Bytes(), Category: "lamps", ContentHash: make([]byte, 32)}
}

func buy(listing spec.ID, change func(*spec.PlaceOrder)) *spec.PlaceOrder {
	command, _ := purchase(listing, "order")
	change(command)
	return command
}

func pay(to string, amount spec.Amount) *spec.Transfer {
	return &spec.Transfer{Reference: "pay", To: spec.OrganisationAddress(to).Bytes(), Amount: amount.Bytes()}
}

// payOut pays one CMT to anna and the amount to the other.
func payOut(to string, amount spec.Amount) *spec.Payout {
	return &spec.Payout{Reference: "pay", Payments: []*spec.Payment{
		{To: anna.address().Bytes(), Amount: spec.CMT(1).Bytes()}, {To: spec.OrganisationAddress(to).Bytes(), Amount: amount.Bytes()},
	}}
}

// drawn takes an amount of what the treasurer allows anna.
func drawn(amount spec.Amount) *spec.TransferFrom {
	return &spec.TransferFrom{Reference: "draw", Owner: minter.address().Bytes(), To: anna.address().Bytes(), Amount: amount.Bytes()}
}

// setAside holds an amount for so many seconds.
func setAside(payee seat, amount spec.Amount, seconds int64) *spec.PlaceHold {
	return &spec.PlaceHold{Reference: "room", Payee: payee.address().Bytes(), Amount: amount.Bytes(), ExpiresAt: start + seconds}
}

func mintOf(amount spec.Amount) *spec.Mint {
	return &spec.Mint{Reference: "m", To: anna.address().Bytes(), Amount: amount.Bytes()}
}

// offering is anna's usual offer, changed.
func offering(b *books, listing spec.ID, change func(*spec.MakeOffer)) *spec.MakeOffer {
	command, _ := bid(b, listing)
	change(command)
	return command
}

// haggle is a call about anna's offer in a state.
func haggle(state spec.OfferState, s seat, command func(b *books, listing, offer []byte) proto.Message) func(*testing.T) (*books, seat, proto.Message, *spec.Hints) {
	return func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, listing, id := offerIn(t, state)
		return b, s, command(b, listing[:], id[:]), nil
	}
}

// refusals beside those of orders and offers, whose tables are driven in every cell, and of wrong codes.
var refusals = []refusal{
	{"token:Mint", spec.ReferenceUsed, "reference", again(minter, "token:Mint", mintOf(spec.CMT(1)))},
	{"token:Mint", spec.BelowMinimum, "amount", simple(minter, mintOf(spec.Units(9)))},
	{"token:Mint", spec.OverCap, "amount", simple(minter, mintOf(spec.CMT(999_000_001)))},
	{"token:Mint", spec.RoleRequired, "", simple(seat{operator, ""}, mintOf(spec.CMT(1)))},
	{"token:Burn", spec.ReferenceUsed, "reference", again(minter, "token:Burn", &spec.Burn{Reference: "b", Amount: spec.CMT(1).Bytes()})},
	{"token:Burn", spec.InsufficientFunds, "", simple(minter, &spec.Burn{Reference: "b", Amount: spec.CMT(1_000_001).Bytes()})},
	{"token:Transfer", spec.ReferenceUsed, "reference", again(minter, "token:Transfer", pay(operator, spec.CMT(1)))},
	{"token:Transfer", spec.SameAccount, "to", simple(minter, pay(treasurer, spec.CMT(1)))},
	{"token:Transfer", spec.BelowMinimum, "amount", simple(minter, pay(operator, spec.Units(9)))},
	{"token:Transfer", spec.InsufficientFunds, "", simple(anna, pay(operator, spec.Units(10)))},
	{"token:Transfer", spec.NotAMember, "", simple(seat{stranger, ""}, pay(operator, spec.CMT(1)))},
	{"token:Transfer", spec.NotInitialised, "", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		return emptyBooks(t), anna, pay(operator, spec.CMT(1)), nil
	}},
	{"token:Transfer", spec.Fenced, "", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		epoch := uint64(b.now) / epochSeconds
		b.now += epochSeconds + graceSeconds
		b.must(operator, "", "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
		b.now = int64(epoch+1)*epochSeconds - 1
		return b, minter, pay(operator, spec.CMT(1)), nil
	}},
	{"token:Payout", spec.ReferenceUsed, "reference", again(minter, "token:Payout", payOut(operator, spec.CMT(1)))},
	{"token:Payout", spec.SameAccount, "payments[1].to", simple(minter, payOut(treasurer, spec.CMT(1)))},
	{"token:Payout", spec.BelowMinimum, "payments[1].amount", simple(minter, payOut(operator, spec.Units(9)))},
	{"token:Payout", spec.InsufficientFunds, "", simple(minter, payOut(operator, spec.CMT(1_000_000)))},
	{"token:Payout", spec.InsufficientFunds, "", simple(minter, payOut(operator, spec.Cap))},
	{"token:Payout", spec.MissingField, "reference", simple(minter, &spec.Payout{Payments: payOut(operator, spec.CMT(1)).Payments})},
	{"token:Approve", spec.SameAccount, "spender", simple(minter, &spec.Approve{Spender: minter.address().Bytes(), Amount: spec.CMT(1).Bytes()})},
	{"token:Approve", spec.BelowMinimum, "amount", simple(minter, &spec.Approve{Spender: anna.address().Bytes(), Amount: spec.Units(9).Bytes()})},
	{"token:TransferFrom", spec.ReferenceUsed, "reference", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		b.must(treasurer, "", "token:Approve", &spec.Approve{Spender: anna.address().Bytes(), Amount: spec.CMT(9).Bytes()}, nil)
		draw := drawn(spec.CMT(1))
		b.must(buyers, "anna", "token:TransferFrom", draw, nil)
		return b, anna, draw, nil
	}},
	{"token:TransferFrom", spec.MissingField, "reference", simple(anna, &spec.TransferFrom{Owner: minter.address().Bytes(), To: anna.address().Bytes(), Amount: spec.CMT(1).Bytes()})},
	{"token:TransferFrom", spec.BelowMinimum, "amount", simple(anna, drawn(spec.Units(9)))},
	{"token:PlaceHold", spec.ReferenceUsed, "reference", again(minter, "token:PlaceHold", setAside(seller, spec.CMT(1), 1))},
	{"token:PlaceHold", spec.SameAccount, "payee", simple(minter, setAside(minter, spec.CMT(1), 1))},
	{"token:PlaceHold", spec.BelowMinimum, "amount", simple(minter, setAside(seller, spec.Units(9), 1))},
	{"token:PlaceHold", spec.DeadlineOutOfRange, "expires_at", simple(minter, setAside(seller, spec.CMT(1), 0))},
	{"token:PlaceHold", spec.DeadlineOutOfRange, "expires_at", simple(minter, setAside(seller, spec.CMT(1), holdSeconds+1))},
	{"token:PlaceHold", spec.InsufficientFunds, "", simple(anna, setAside(seller, spec.CMT(1), holdSeconds))},
	{"token:CaptureHold", spec.BelowMinimum, "amount", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		placedHold(b)
		return b, arbiter, &spec.CaptureHold{Hold: holdID[:], Amount: spec.Units(9).Bytes()}, nil
	}},
	{"token:GetHold", spec.NotFound, "hold", simple(anna, &spec.GetHold{Hold: make([]byte, 20)})},
	{"token:GetPayout", spec.NotFound, "payout", simple(anna, &spec.GetPayout{Payout: make([]byte, 20)})},
	{"token:Sweep", spec.NotAParty, "account", simple(anna, &spec.Sweep{Account: spec.KeyAddress("ed25519", []byte("nobody's guest")).Bytes()})},
	{"token:Sweep", spec.NoCredits, "hints.credits", simple(anna, &spec.Sweep{})},
	{"token:Sweep", spec.NoCredits, "hints.credits", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		b.must(treasurer, "", "token:Transfer", pay(operator, spec.CMT(1)), nil)
		return b, anna, &spec.Sweep{}, b.lastCredits() // another's credits
	}},
	{"token:VoidNonce", spec.NonceUsed, "nonce", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		b.must(anna.mspID, anna.subAccount, "token:VoidNonce", &spec.VoidNonce{Nonce: 7}, nil)
		return b, anna, &spec.VoidNonce{Nonce: 7}, nil
	}},
	{"token:MoveHome", spec.NotFound, "msp_id", simple(anna, &spec.MoveHome{MspId: stranger})},
	{"token:GetMint", spec.NotFound, "mint", simple(anna, &spec.GetMint{Mint: make([]byte, 20)})},
	{"token:GetBurn", spec.NotFound, "burn", simple(anna, &spec.GetBurn{Burn: make([]byte, 20)})},
	{"token:GetTransfer", spec.NotFound, "transfer", simple(anna, &spec.GetTransfer{Transfer: make([]byte, 20)})},
	{"market:CreateListing", spec.ReferenceUsed, "reference", shop(seller, func(*books, spec.ID) proto.Message {
		return &spec.CreateListing{Reference: "lamp", Price: spec.CMT(1).Bytes(), Stock: 1, Category: "x", ContentHash: make([]byte, 32)}
	})},
	{"market:CreateListing", spec.BelowMinimum, "price", simple(seller, &spec.CreateListing{Reference: "l", Price: spec.Units(9).Bytes(), Stock: 1, Category: "x", ContentHash: make([]byte, 32)})},
	{"market:CreateListing", spec.BelowMinimum, "variants.price", simple(seller, &spec.CreateListing{Reference: "l", Price: spec.CMT(1).Bytes(), Stock: 1, Category: "x", ContentHash: make([]byte, 32), Variants: []*spec.VariantTerms{{Price: spec.Units(9).Bytes()}}})},
	{"market:EditListing", spec.NotFound, "listing", simple(seller, edit(spec.ID{}, 1, spec.CMT(1)))},
	{"market:EditListing", spec.NotAParty, "listing", shop(seat{merchant, "store"}, func(_ *books, l spec.ID) proto.Message { return edit(l, 1, spec.CMT(1)) })},
	{"market:EditListing", spec.VersionStale, "version", shop(seller, func(_ *books, l spec.ID) proto.Message { return edit(l, 2, spec.CMT(1)) })},
	{"market:EditListing", spec.BelowMinimum, "price", shop(seller, func(_ *books, l spec.ID) proto.Message { return edit(l, 1, spec.Units(9)) })},
	{"market:EditListing", spec.ListingClosed, "listing", shop(seller, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		return edit(l, 1, spec.CMT(1))
	})},
	{"market:CloseListing", spec.NotFound, "listing", simple(seller, &spec.CloseListing{Listing: make([]byte, 20)})},
	{"market:CloseListing", spec.NotAParty, "listing", shop(anna, func(_ *books, l spec.ID) proto.Message { return &spec.CloseListing{Listing: l[:]} })},
	{"market:CloseListing", spec.ListingClosed, "listing", shop(seller, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		return &spec.CloseListing{Listing: l[:]}
	})},
	{"market:GetListing", spec.NotFound, "listing", simple(anna, &spec.GetListing{Listing: make([]byte, 20)})},
	{"market:PlaceOrder", spec.ReferenceUsed, "reference", shop(anna, func(b *books, l spec.ID) proto.Message {
		command := buy(l, func(*spec.PlaceOrder) {})
		b.must(buyers, "anna", "market:PlaceOrder", command, nil)
		return command
	})},
	{"market:PlaceOrder", spec.NotFound, "listing", simple(anna, buy(spec.ID{}, func(*spec.PlaceOrder) {}))},
	{"market:PlaceOrder", spec.NotFound, "listing", shop(anna, func(_ *books, l spec.ID) proto.Message { return buy(l, func(c *spec.PlaceOrder) { c.Version = 2 }) })},
	{"market:PlaceOrder", spec.VersionStale, "version", shop(anna, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:EditListing", edit(l, 1, spec.CMT(3)), nil)
		return buy(l, func(*spec.PlaceOrder) {})
	})},
	{"market:PlaceOrder", spec.ListingClosed, "listing", shop(anna, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		return buy(l, func(*spec.PlaceOrder) {})
	})},
	{"market:PlaceOrder", spec.SameAccount, "listing", shop(seller, func(_ *books, l spec.ID) proto.Message { return buy(l, func(*spec.PlaceOrder) {}) })},
	{"market:PlaceOrder", spec.TotalMismatch, "total", shop(anna, func(_ *books, l spec.ID) proto.Message {
		return buy(l, func(c *spec.PlaceOrder) { c.Total = spec.CMT(8).Bytes() })
	})},
	{"market:PlaceOrder", spec.TotalMismatch, "total", shop(anna, func(b *books, l spec.ID) proto.Message {
		// More than the cap in the sum: no total matches, and none that overflowed does either.
		b.must(merchant, "", "market:EditListing", edit(l, 1, spec.Cap), nil)
		return buy(l, func(c *spec.PlaceOrder) { c.Version, c.Quantity, c.Total = 2, 1_000_000, spec.Cap.Bytes() })
	})},
	{"market:PlaceOrder", spec.LotEmpty, "quantity", shop(anna, func(_ *books, l spec.ID) proto.Message {
		return buy(l, func(c *spec.PlaceOrder) { c.Quantity, c.Total = 6, spec.CMT(19).Bytes() })
	})},
	{"market:PlaceOrder", spec.LotEmpty, "quantity", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b := openBooks(t)
		one, two := b.list("one", false), b.list("two", false)
		lot := spec.StockLot(two, 1, 0) // another listing's lot
		return b, anna, buy(one, func(*spec.PlaceOrder) {}), &spec.Hints{Lot: lot[:]}
	}},
	// What nobody checked the signature of is worth nothing.
	{"market:PlaceOrder", spec.BadDiscount, "discount.signature", shop(anna, func(_ *books, l spec.ID) proto.Message {
		return buy(l, func(c *spec.PlaceOrder) { c.Discount = unchecked() })
	})},
	{"market:PlaceCart", spec.BadDiscount, "discount.signature", shop(anna, func(_ *books, l spec.ID) proto.Message {
		command, _ := cart("cart", spec.CMT(4), line(l, 1))
		command.Discount = unchecked()
		return command
	})},
	{"market:OfferDiscount", spec.ReferenceUsed, "reference", again(seller, "market:OfferDiscount", discountFor(anna))},
	{"market:OfferDiscount", spec.SameAccount, "buyer", simple(seller, discountFor(seller))},
	{"market:OfferDiscount", spec.DiscountMismatch, "amount", simple(seller, &spec.OfferDiscount{Reference: "d", Buyer: anna.address().Bytes(), ValidUntil: start + 1})},
	{"market:OfferDiscount", spec.DeadlineOutOfRange, "valid_until", simple(seller, &spec.OfferDiscount{Reference: "d", Buyer: anna.address().Bytes(), Bps: 1, ValidUntil: start})},
	{"market:GetDiscount", spec.NotFound, "discount", simple(anna, &spec.GetDiscount{Discount: make([]byte, 20)})},
	{"market:PlaceOrder", spec.InsufficientFunds, "", shop(seat{buyers, "ben"}, func(_ *books, l spec.ID) proto.Message { return buy(l, func(*spec.PlaceOrder) {}) })},
	{"market:HandOverOrder", spec.WrongCode, "code", inState(shipped, seller, func(o []byte) proto.Message { return &spec.HandOverOrder{Order: o, Code: make([]byte, 16)} })},
	{"market:ShipOrder", spec.NotEnoughHeld, "quantity", inState(partShipped, seller, func(o []byte) proto.Message { return &spec.ShipOrder{Order: o, Quantity: 2} })},
	{"market:ConfirmOrder", spec.NotEnoughHeld, "amount", inState(shipped, anna, func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o, Amount: spec.CMT(8).Bytes()} })},
	{"market:ConfirmOrder", spec.BelowMinimum, "amount", inState(shipped, anna, func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o, Amount: spec.Units(9).Bytes()} })},
	{"market:RefundOrder", spec.NotEnoughHeld, "amount", inState(shipped, seller, func(o []byte) proto.Message { return &spec.RefundOrder{Order: o, Amount: spec.CMT(8).Bytes()} })},
	{"market:RefundOrder", spec.BelowMinimum, "amount", inState(shipped, seller, func(o []byte) proto.Message { return &spec.RefundOrder{Order: o, Amount: spec.Units(9).Bytes()} })},
	{"market:ProposeSplit", spec.NotEnoughHeld, "seller_amount", inState(shipped, seller, func(o []byte) proto.Message { return &spec.ProposeSplit{Order: o, SellerAmount: spec.CMT(8).Bytes()} })},
	{"market:AgreeSplit", spec.SplitMismatch, "order", inState(shipped, anna, func(o []byte) proto.Message { return &spec.AgreeSplit{Order: o} })},
	{"market:AgreeSplit", spec.SplitMismatch, "seller_amount", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, _, id := orderIn(t, nameOf(shipped))
		b.must(merchant, "", "market:ProposeSplit", &spec.ProposeSplit{Order: id[:], SellerAmount: spec.CMT(7).Bytes()}, nil)
		return b, anna, &spec.AgreeSplit{Order: id[:]}, nil
	}},
	{"market:OpenAuction", spec.ReferenceUsed, "reference", shop(seller, func(b *books, l spec.ID) proto.Message {
		command := auctionOf(l, func(*spec.OpenAuction) {})
		b.must(merchant, "", "market:OpenAuction", command, nil)
		return command
	})},
	{"market:OpenAuction", spec.NotFound, "listing", simple(seller, auctionOf(spec.ID{}, func(*spec.OpenAuction) {}))},
	{"market:OpenAuction", spec.NotAParty, "listing", shop(anna, func(_ *books, l spec.ID) proto.Message { return auctionOf(l, func(*spec.OpenAuction) {}) })},
	{"market:OpenAuction", spec.ListingClosed, "listing", shop(seller, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		return auctionOf(l, func(*spec.OpenAuction) {})
	})},
	{"market:OpenAuction", spec.ListingSuspended, "listing", shop(seller, func(b *books, l spec.ID) proto.Message {
		b.must(operator, "", "market:SuspendListing", &spec.SuspendListing{Listing: l[:], Reason: "stolen goods"}, nil)
		return auctionOf(l, func(*spec.OpenAuction) {})
	})},
	{"market:OpenAuction", spec.VersionStale, "version", shop(seller, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:EditListing", edit(l, 1, spec.CMT(3)), nil)
		return auctionOf(l, func(*spec.OpenAuction) {})
	})},
	{"market:OpenAuction", spec.BelowMinimum, "start_price", shop(seller, func(_ *books, l spec.ID) proto.Message {
		return auctionOf(l, func(c *spec.OpenAuction) { c.StartPrice = spec.Units(9).Bytes() })
	})},
	{"market:OpenAuction", spec.DeadlineOutOfRange, "ends_at", shop(seller, func(b *books, l spec.ID) proto.Message {
		return auctionOf(l, func(c *spec.OpenAuction) { c.EndsAt = b.now + auctionSeconds + 1 })
	})},
	{"market:OpenAuction", spec.LotEmpty, "quantity", shop(seller, func(_ *books, l spec.ID) proto.Message {
		return auctionOf(l, func(c *spec.OpenAuction) { c.Quantity = 6 })
	})},
	{"market:GetAuction", spec.NotFound, "auction", simple(anna, &spec.GetAuction{Auction: make([]byte, 20)})},
	{"market:AgreeSplit", spec.SplitMismatch, "order", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, _, id := orderIn(t, nameOf(shipped))
		b.must(merchant, "", "market:ProposeSplit", &spec.ProposeSplit{Order: id[:], SellerAmount: spec.CMT(7).Bytes()}, nil)
		b.must(merchant, "", "market:RefundOrder", &spec.RefundOrder{Order: id[:], Amount: spec.CMT(1).Bytes()}, nil)
		return b, anna, &spec.AgreeSplit{Order: id[:], SellerAmount: spec.CMT(7).Bytes()}, nil // what it was about is no longer held
	}},
	{"market:AskReturn", spec.WrongState, "order", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, _, id := orderIn(t, nameOf(returnAsked))
		b.must(merchant, "", "market:DeclineReturn", &spec.DeclineReturn{Order: id[:]}, nil)
		return b, anna, &spec.AskReturn{Order: id[:]}, nil
	}},
	{"market:ReportMilestone", spec.NotFound, "milestone", inState(working, seller, func(o []byte) proto.Message { return &spec.ReportMilestone{Order: o, Milestone: 4} })},
	{"market:ReportMilestone", spec.WrongState, "milestone", inState(working, seller, func(o []byte) proto.Message { return &spec.ReportMilestone{Order: o, Milestone: 1} })},
	{"market:ReleaseMilestone", spec.NotFound, "milestone", inState(working, anna, func(o []byte) proto.Message { return &spec.ReleaseMilestone{Order: o, Milestone: 4} })},
	{"market:ReleaseMilestone", spec.NotDue, "milestone", inState(working, seller, func(o []byte) proto.Message { return &spec.ReleaseMilestone{Order: o, Milestone: 2} })},
	{"market:ReleaseMilestone", spec.WrongState, "milestone", func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, _, id := orderIn(t, nameOf(working))
		b.must(buyers, "anna", "market:ReleaseMilestone", &spec.ReleaseMilestone{Order: id[:], Milestone: 1}, nil)
		return b, anna, &spec.ReleaseMilestone{Order: id[:], Milestone: 1}, nil
	}},
	{"market:GetMilestones", spec.NotFound, "order", inState(shipped, anna, func(o []byte) proto.Message { return &spec.GetMilestones{Order: o} })},
	{"market:CreateListing", spec.InvalidField, "milestones", simple(seller, &spec.CreateListing{Reference: "l", Price: spec.CMT(1).Bytes(), Stock: 1, Category: "x", ContentHash: make([]byte, 32), Milestones: []uint32{5000, 4999}})},
	{"market:GetOrder", spec.NotFound, "order", simple(anna, &spec.GetOrder{Order: make([]byte, 20)})},
	{"market:MakeOffer", spec.ReferenceUsed, "reference", shop(anna, func(b *books, l spec.ID) proto.Message {
		command, _ := bid(b, l)
		b.must(buyers, "anna", "market:MakeOffer", command, nil)
		return command
	})},
	{"market:MakeOffer", spec.NotFound, "listing", shop(anna, func(b *books, l spec.ID) proto.Message {
		return offering(b, l, func(c *spec.MakeOffer) { c.Version = 2 })
	})},
	{"market:MakeOffer", spec.VersionStale, "version", shop(anna, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:EditListing", edit(l, 1, spec.CMT(3)), nil)
		return offering(b, l, func(*spec.MakeOffer) {})
	})},
	{"market:MakeOffer", spec.ListingClosed, "listing", shop(anna, func(b *books, l spec.ID) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l[:]}, nil)
		return offering(b, l, func(*spec.MakeOffer) {})
	})},
	{"market:MakeOffer", spec.ListingSuspended, "listing", shop(anna, func(b *books, l spec.ID) proto.Message {
		b.must(operator, "", "market:SuspendListing", &spec.SuspendListing{Listing: l[:], Reason: "stolen goods"}, nil)
		return offering(b, l, func(*spec.MakeOffer) {})
	})},
	{"market:MakeOffer", spec.SameAccount, "listing", shop(seller, func(b *books, l spec.ID) proto.Message { return offering(b, l, func(*spec.MakeOffer) {}) })},
	{"market:MakeOffer", spec.BelowMinimum, "total", shop(anna, func(b *books, l spec.ID) proto.Message {
		return offering(b, l, func(c *spec.MakeOffer) { c.Total = spec.Units(9).Bytes() })
	})},
	{"market:MakeOffer", spec.DeadlineOutOfRange, "expires_at", shop(anna, func(b *books, l spec.ID) proto.Message {
		return offering(b, l, func(c *spec.MakeOffer) { c.ExpiresAt++ })
	})},
	{"market:MakeOffer", spec.DeadlineOutOfRange, "expires_at", shop(anna, func(b *books, l spec.ID) proto.Message {
		return offering(b, l, func(c *spec.MakeOffer) { c.ExpiresAt = b.now })
	})},
	{"market:MakeOffer", spec.InsufficientFunds, "", shop(seat{buyers, "ben"}, func(b *books, l spec.ID) proto.Message { return offering(b, l, func(*spec.MakeOffer) {}) })},
	{"market:CounterOffer", spec.BelowMinimum, "total", haggle(offerOpen, seller, func(_ *books, l, o []byte) proto.Message {
		return &spec.CounterOffer{Listing: l, Offer: o, Total: spec.Units(9).Bytes()}
	})},
	{"market:AcceptOffer", spec.LotEmpty, "quantity", haggle(offerOpen, seller, func(b *books, l, o []byte) proto.Message {
		b.records[ledger.LotKey(spec.ID(l), spec.StockLot(spec.ID(l), 1, 0))] = ledger.Lot{Stock: 1}
		return haggling["AcceptOffer"](l, o)
	})},
	{"market:AcceptOffer", spec.NotFound, "offer", haggle(offerOpen, seller, func(b *books, _, o []byte) proto.Message {
		other := b.list("vase", false) // another listing's
		return haggling["AcceptOffer"](other[:], o)
	})},
	{"market:AcceptCounter", spec.TotalMismatch, "total", haggle(offerCountered, anna, func(_ *books, l, o []byte) proto.Message {
		return &spec.AcceptCounter{Listing: l, Offer: o, Total: spec.CMT(5).Bytes()}
	})},
	{"market:AcceptCounter", spec.VersionStale, "version", haggle(offerCountered, anna, func(b *books, l, o []byte) proto.Message {
		b.must(merchant, "", "market:EditListing", edit(spec.ID(l), 1, spec.CMT(3)), nil)
		return haggling["AcceptCounter"](l, o)
	})},
	{"market:AcceptCounter", spec.ListingClosed, "listing", haggle(offerCountered, anna, func(b *books, l, o []byte) proto.Message {
		b.must(merchant, "", "market:CloseListing", &spec.CloseListing{Listing: l}, nil)
		return haggling["AcceptCounter"](l, o)
	})},
	{"market:AcceptCounter", spec.ListingSuspended, "listing", haggle(offerCountered, anna, func(b *books, l, o []byte) proto.Message {
		b.must(operator, "", "market:SuspendListing", &spec.SuspendListing{Listing: l, Reason: "stolen goods"}, nil)
		return haggling["AcceptCounter"](l, o)
	})},
	{"market:AcceptCounter", spec.LotEmpty, "quantity", haggle(offerCountered, anna, func(b *books, l, o []byte) proto.Message {
		delete(b.records, ledger.LotKey(spec.ID(l), spec.StockLot(spec.ID(l), 1, 0)))
		return haggling["AcceptCounter"](l, o)
	})},
	{"market:AcceptCounter", spec.InsufficientFunds, "", haggle(offerCountered, anna, func(b *books, l, o []byte) proto.Message {
		b.must(buyers, "anna", "token:Transfer", pay(operator, spec.CMT(5)), nil)
		return haggling["AcceptCounter"](l, o)
	})},
	{"market:GetOffer", spec.NotFound, "offer", simple(anna, &spec.GetOffer{Listing: make([]byte, 20), Offer: make([]byte, 20)})},
	{"market:GetDispute", spec.NotFound, "order", simple(anna, &spec.GetDispute{Order: make([]byte, 20)})},
	{"consortium:Genesis", spec.InvalidField, "answer_seconds", genesisBy(treasurer, func(g *spec.Genesis) { g.AnswerSeconds = g.DisputeSeconds })},
	{"consortium:Genesis", spec.InvalidField, "panel_size", genesisBy(treasurer, func(g *spec.Genesis) { g.PanelSize = 4 })},
	{"market:GetReviews", spec.NotFound, "order", simple(anna, &spec.GetReviews{Order: make([]byte, 20)})},
	{"consortium:Genesis", spec.AlreadyInitialised, "", simple(minter, genesisCommand())},
	{"consortium:Genesis", spec.NotAMember, "", genesisBy(stranger, func(*spec.Genesis) {})},
	{"consortium:Genesis", spec.InvalidField, "members.address", genesisBy(treasurer, func(g *spec.Genesis) { g.Members[0].Address = anna.address().Bytes() })},
	{"consortium:Genesis", spec.InvalidField, "members.index", genesisBy(treasurer, func(g *spec.Genesis) { g.Members[0].Index = 1 })},
	{"consortium:Genesis", spec.InvalidField, "members.msp_id", genesisBy(treasurer, func(g *spec.Genesis) { g.Members = append(g.Members, g.Members[1]) })},
	{"consortium:Genesis", spec.InvalidField, "treasury_msp", genesisBy(treasurer, func(g *spec.Genesis) { g.TreasuryMsp = stranger })},
	{"consortium:Genesis", spec.InvalidField, "protection_seconds", genesisBy(treasurer, func(g *spec.Genesis) { g.ProtectionSeconds = g.ShipSeconds })},
	{"consortium:Genesis", spec.InvalidField, "operator_msp", genesisBy(treasurer, func(g *spec.Genesis) { g.OperatorMsp = stranger })},
	{"consortium:Fence", spec.FenceTooEarly, "epoch", simple(anna, &spec.Fence{Epoch: start / epochSeconds})},
	{"consortium:Fence", spec.FenceTooEarly, "epoch", simple(anna, &spec.Fence{Epoch: 1<<53 - 1})},
	{"consortium:Fence", spec.WrongState, "epoch", again(anna, "consortium:Fence", &spec.Fence{Epoch: 0})},
	{"consortium:GetMember", spec.NotFound, "msp_id", simple(anna, &spec.GetMember{MspId: stranger})},
}

// inState is a call about anna's order in a state.
func inState(state spec.OrderState, s seat, command func(order []byte) proto.Message) func(*testing.T) (*books, seat, proto.Message, *spec.Hints) {
	return func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		b, _, id := orderIn(t, nameOf(state))
		return b, s, command(id[:]), nil
	}
}

func genesisBy(mspID string, change func(*spec.Genesis)) func(*testing.T) (*books, seat, proto.Message, *spec.Hints) {
	return func(t *testing.T) (*books, seat, proto.Message, *spec.Hints) {
		genesis := genesisCommand()
		change(genesis)
		return emptyBooks(t), seat{mspID, ""}, genesis, nil
	}
}

// reached are the codes that the tests of the state machines reach, by operation.
func reached(t *testing.T) map[string][]spec.Code {
	codes := readTable(t, "offers.md", "Offers").codes(slices.Collect(maps.Keys(haggling)))
	maps.Copy(codes, readTable(t, "reviews.md", "Reviews").codes([]string{"GiveReview"}))
	maps.Copy(codes, readTable(t, "disputes.md", "Disputes").codes(slices.Collect(maps.Keys(disputing))))
	for _, row := range readTable(t, cartsDoc, "Discounts").rows {
		for _, function := range []string{"market:PlaceOrder", "market:PlaceCart"} {
			if code := row.Row["error"]; code != "" {
				codes[function] = append(codes[function], spec.Code(code))
			}
		}
	}
	for _, row := range readTable(t, cartsDoc, "Placing").rows {
		if code := row.Row["error"]; code != "" {
			codes["market:PlaceCart"] = append(codes["market:PlaceCart"], spec.Code(code))
		}
	}
	steps := readOrderTable(t)
	for _, state := range ruletable.Values(table(t, ordersDoc, "States"), "state") {
		for _, operation := range ruletable.Values(steps, "operation") {
			for _, a := range actors {
				for _, when := range steps.times(state, operation) {
					if code := steps.expect(state, operation, a, when).code; code != "" {
						codes[operationOf(operation)] = append(codes[operationOf(operation)], code)
					}
				}
			}
		}
	}
	listingSteps := table(t, listingsDoc, "Steps", "state", "actor")
	for _, state := range ruletable.Values(table(t, listingsDoc, "States"), "state") {
		for _, operation := range ruletable.Values(listingSteps, "operation") {
			for _, who := range shoppers {
				if _, code := findListingRow(listingSteps, state, operation, who); code != "" {
					codes["market:"+operation] = append(codes["market:"+operation], code)
				}
			}
		}
	}
	return codes
}

func TestRefusals(t *testing.T) {
	for i, row := range refusals {
		t.Run(fmt.Sprintf("%s %s %d", row.function, row.code, i), func(t *testing.T) {
			b, s, command, hints := row.prepare(t)
			before := fmt.Sprint(b.records)
			_, err := b.try(s.mspID, s.subAccount, row.function, command, hints)
			var got *spec.Error
			if !errors.As(err, &got) || got.Code != row.code || got.Field != row.field {
				t.Fatalf("got %v, want %s of the field %q", err, row.code, row.field)
			}
			if after := fmt.Sprint(b.records); after != before {
				t.Errorf("the records were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

// Every code that an operation's row lists is reached by a test: a code that no rule gives would be a promise without meaning.
func TestEveryListedRefusalIsReached(t *testing.T) {
	codes := reached(t)
	for function, more := range tableCodes(t) {
		codes[function] = append(codes[function], more...)
	}
	for _, row := range refusals {
		codes[row.function] = append(codes[row.function], row.code)
	}
	for i := range spec.Operations {
		op := &spec.Operations[i]
		for _, code := range op.Errors {
			// The contract compares a genesis with the endorser's; the rules know no endorser.
			if code != spec.GenesisMismatch && !slices.Contains(codes[op.FullName()], code) {
				t.Errorf("no test has %s refused with %s", op.FullName(), code)
			}
		}
		for _, code := range codes[op.FullName()] {
			if !slices.Contains(mayRefuse(op), code) {
				t.Errorf("%s is refused with %s, which its row does not list", op.FullName(), code)
			}
		}
	}
}

// Who has no client's certificate is told so first, whatever else is wrong.
func TestOnlyClientsAreAnswered(t *testing.T) {
	for _, b := range []*books{emptyBooks(t), openBooks(t)} {
		for i := range spec.Operations {
			op := &spec.Operations[i]
			tx := b.transaction(stranger)
			tx.IsClient = false
			call := &spec.Call{Operation: op, Command: op.Command.ProtoReflect().New().Interface()}
			if _, err := b.execute(tx, call); spec.ErrorCode(err) != spec.NotAClient {
				t.Errorf("%s by a peer: %v, want %s", op.FullName(), err, spec.NotAClient)
			}
		}
	}
}

// Every row of the operation table has a rule.
func TestEveryOperationHasARule(t *testing.T) {
	for i := range spec.Operations {
		op := &spec.Operations[i]
		b := openBooks(t)
		if _, err := b.execute(b.transaction(stranger), &spec.Call{Operation: op, Command: op.Command.ProtoReflect().New().Interface()}); spec.ErrorCode(err) == spec.UnknownOperation {
			t.Errorf("%s: %v", op.FullName(), err)
		}
	}
	unknown := &spec.Operation{Contract: "token", Name: "Steal", Kind: spec.Write, Command: &spec.Sweep{}}
	if _, _, err := ledger.Execute(openBooks(t), ledger.Transaction{}, &spec.Call{Operation: unknown, Command: &spec.Sweep{}}); spec.ErrorCode(err) != spec.UnknownOperation {
		t.Errorf("an operation without a rule: %v, want %s", err, spec.UnknownOperation)
	}
}

// What the reader could not read is no answer, and a wrong number of values is refused rather than assigned to wrong keys.
func TestReadersFaultsArePassedOn(t *testing.T) {
	fault := errors.New("the peer went away")
	for i := range spec.Operations {
		op := &spec.Operations[i]
		call := &spec.Call{Operation: op, Command: op.Command.ProtoReflect().New().Interface()}
		tx := ledger.Transaction{MSPID: buyers, IsClient: true}
		if _, _, err := ledger.Execute(brokenReader{err: fault}, tx, call); !errors.Is(err, fault) {
			t.Errorf("%s: %v, want the reader's fault", op.FullName(), err)
		}
		if _, _, err := ledger.Execute(brokenReader{}, tx, call); spec.ErrorCode(err) != spec.Internal {
			t.Errorf("%s: %v, want %s", op.FullName(), err, spec.Internal)
		}
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Load(keys []ledger.Key) ([]ledger.Record, error) {
	return make([]ledger.Record, len(keys)-1), r.err
}

func (r brokenReader) Page(ledger.Kind, string, string, int) ([]ledger.Entry, string, error) {
	return nil, "", r.err
}
