package ledger_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// modelOffer is an offer as the model knows it.
type modelOffer struct {
	state             spec.OfferState
	listing           spec.ID
	buyer, seller     spec.Address
	buyerMSP          string
	sellerMSP         string
	version, quantity uint32
	total, counter    *big.Int
	created, updated  int64
	expires           int64
	handOver          []byte
}

func (m *model) makeOffer(c modelCall, command *spec.MakeOffer) spec.Code {
	id := spec.OfferID(c.actor, spec.ID(command.Listing), command.Reference)
	listing := m.listings[spec.ID(command.Listing)]
	if m.offers[id] != nil {
		return spec.ReferenceUsed
	}
	if code := listing.sells(command.Version, 0); code != "" {
		return code
	}
	switch {
	case listing.seller == c.actor:
		return spec.SameAccount
	case number(command.Total).Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case command.ExpiresAt > c.time+offerSeconds || command.ExpiresAt <= c.time:
		return spec.DeadlineOutOfRange
	case !m.pay(c, number(command.Total)):
		return spec.InsufficientFunds
	}
	m.offers[id] = &modelOffer{
		state: offerOpen, listing: spec.ID(command.Listing), buyer: c.actor, buyerMSP: c.msp, seller: listing.seller, sellerMSP: listing.msp,
		version: command.Version, quantity: command.Quantity, total: number(command.Total), counter: new(big.Int),
		created: c.time, updated: c.time, expires: command.ExpiresAt, handOver: command.HandOverHash,
	}
	return ""
}

// haggle is every other command about an offer.
func (m *model) haggle(c modelCall, command interface{ GetOffer() []byte }) spec.Code {
	id := spec.ID(command.GetOffer())
	o := m.offers[id]
	if o == nil || o.listing != spec.ID(command.(interface{ GetListing() []byte }).GetListing()) {
		return spec.NotFound
	}
	isBuyer, isSeller := c.actor == o.buyer, c.actor == o.seller
	stands := o.state == offerOpen || o.state == offerCountered
	now := max(c.time, o.updated)
	late := now >= o.expires
	// party and state, as the catalogue has them.
	check := func(party, state bool) spec.Code {
		if !party {
			return spec.NotAParty
		}
		if !state {
			return spec.WrongState
		}
		return ""
	}
	code := spec.Code("")
	to := o.state
	switch command := command.(type) {
	case *spec.CounterOffer:
		to, code = offerCountered, check(isSeller, stands)
		if code == "" && number(command.Total).Cmp(big.NewInt(10)) < 0 {
			code = spec.BelowMinimum
		} else if code == "" && late {
			code = spec.DeadlinePassed
		} else if code == "" {
			o.counter = number(command.Total)
		}
	case *spec.AcceptOffer:
		to, code = offerAccepted, check(isSeller, stands)
		if code == "" && late {
			code = spec.DeadlinePassed
		} else if code == "" && !m.take(c, o.listing, 0, o.quantity) {
			code = spec.LotEmpty
		}
		if code == "" {
			m.orderOffer(id, o, o.total, now)
		}
	case *spec.AcceptCounter:
		to, code = offerAccepted, check(isBuyer, o.state == offerCountered)
		if code == "" {
			code = m.acceptCounter(c, id, o, command, now)
		}
	case *spec.DeclineOffer:
		to, code = offerDeclined, check(isSeller, stands)
	case *spec.WithdrawOffer:
		to, code = offerWithdrawn, check(isBuyer, stands)
	case *spec.ExpireOffer:
		to, code = offerExpired, check(true, stands)
		if code == "" && !late {
			code = spec.NotDue
		}
	}
	if code != "" {
		return code
	}
	if to == offerDeclined || to == offerWithdrawn || to == offerExpired {
		m.give(c, modelCredit{o.buyer, o.total, spec.CreditKind_CREDIT_KIND_REFUND})
	}
	o.state, o.updated = to, now
	return ""
}

func (m *model) acceptCounter(c modelCall, id spec.ID, o *modelOffer, command *spec.AcceptCounter, now int64) spec.Code {
	if code := m.listings[o.listing].sells(o.version, 0); code != "" {
		return code
	}
	total := number(command.Total)
	if total.Cmp(o.counter) != 0 {
		return spec.TotalMismatch
	}
	if now >= o.expires {
		return spec.DeadlinePassed
	}
	if !m.take(c, o.listing, 0, o.quantity) {
		return spec.LotEmpty
	}
	more := new(big.Int).Sub(total, o.total)
	if more.Sign() >= 0 && !m.pay(c, more) {
		m.lots[c.lotOf(o.listing, 0)] += o.quantity
		return spec.InsufficientFunds
	}
	if more.Sign() < 0 {
		m.give(c, modelCredit{o.buyer, more.Neg(more), spec.CreditKind_CREDIT_KIND_REFUND})
	}
	m.orderOffer(id, o, total, now)
	return ""
}

// orderOffer begins the order of an offer, which the seller has taken already.
func (m *model) orderOffer(id spec.ID, o *modelOffer, total *big.Int, now int64) {
	version := m.listings[o.listing].versions[o.version-1]
	version.acceptRequired = false
	m.orders[id] = version.begin(modelOrder{
		buyer: o.buyer, buyerMSP: o.buyerMSP, seller: o.seller, sellerMSP: o.sellerMSP, listing: o.listing,
		version: o.version, quantity: o.quantity, total: total, placedAt: now, handOver: o.handOver,
	})
}

func (m *model) describeOffers(d map[string]string) {
	for id, o := range m.offers {
		d["offer "+id.Text(spec.OfferType)] = fmt.Sprintf("%s %s to %s, %d of %s version %d for %s or %s, at %d %d until %d", o.state, o.buyer, o.seller, o.quantity,
			o.listing.Text(spec.ListingType), o.version, o.total, o.counter, o.created, o.updated, o.expires)
		if o.state == offerOpen || o.state == offerCountered {
			// An offer's hold is told apart from an order's by what has its digest.
			d["hold "+o.buyer.String()+" "+id.Text(spec.OrderType)] = o.total.String()
		}
	}
}

func (m *machine) makeOffer(t *rapid.T) {
	id, listing, _ := m.drawListing(t)
	s := drawOf(t, "buyer", []seat{seats[0], seats[1], drawSeat(t)})
	command := &spec.MakeOffer{
		Reference: drawReference(t), Listing: id[:], Version: 1, Quantity: rapid.Uint32Range(1, 3).Draw(t, "quantity"), Total: drawAmount(t),
		ExpiresAt: m.now + drawOf(t, "for", []int64{-1, 0, 1, 60, offerSeconds, offerSeconds + 1}),
	}
	if listing != nil && drawEvenly(t, "version", 5) < 4 {
		command.Version = uint32(len(listing.versions))
	}
	m.perform(s, drawSkew(t), "market:MakeOffer", command, m.drawHints(t, s))
}

// bid makes a listing and an offer on it, so that there are offers to go on with.
func (m *machine) bid(t *rapid.T) (listing, offer spec.ID) {
	reference := fmt.Sprintf("haggled-%d", m.calls)
	m.perform(seat{merchant, ""}, 0, "market:CreateListing", &spec.CreateListing{
		Reference: reference, Price: spec.CMT(1).Bytes(), Stock: 2, Category: "lamps", ContentHash: make([]byte, 32),
	}, nil)
	listing = spec.NewID(spec.ListingType, spec.OrganisationAddress(merchant), reference)
	buyer := drawOf(t, "buyer", seats[:2])
	offer = spec.OfferID(buyer.address(), listing, reference)
	m.perform(buyer, 0, "market:MakeOffer", &spec.MakeOffer{
		Reference: reference, Listing: listing[:], Version: 1, Quantity: 1, Total: spec.Units(61).Bytes(), ExpiresAt: m.now + offerSeconds,
		HandOverHash: spec.HandOverHash(offer, code),
	}, m.drawHints(t, buyer))
	return listing, offer
}

// strike makes an offer, has the seller ask for more or less, and the buyer take that, mostly.
func (m *machine) strike(t *rapid.T) {
	id, order := m.bid(t)
	offer := m.model.offers[order]
	if offer == nil {
		return
	}
	l, o := id[:], order[:]
	asked := drawOf(t, "asked", []spec.Amount{spec.Units(70), spec.Units(50), spec.Units(61)}).Bytes()
	m.perform(seat{merchant, ""}, 0, "market:CounterOffer", &spec.CounterOffer{Listing: l, Offer: o, Total: asked}, nil)
	if drawEvenly(t, "meanwhile", 4) == 3 {
		m.wait(t)
	}
	s := m.seatOf(offer.buyer)
	m.perform(s, 0, "market:AcceptCounter", &spec.AcceptCounter{Listing: l, Offer: o, Total: asked}, m.drawHints(t, s))
}

// haggle has somebody, mostly a side, answer an offer, mostly one that stands.
func (m *machine) haggle(t *rapid.T) {
	var all, standing []spec.ID
	for _, id := range slices.SortedFunc(maps.Keys(m.model.offers), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) }) {
		all = append(all, id)
		if s := m.model.offers[id].state; s == offerOpen || s == offerCountered {
			standing = append(standing, id)
		}
	}
	if len(standing) > 0 && drawEvenly(t, "ended", 5) < 4 {
		all = standing
	}
	id, offer := spec.ID{1}, &modelOffer{total: big.NewInt(10), counter: big.NewInt(10)}
	if len(all) > 0 {
		id = rapid.SampledFrom(all).Draw(t, "offer")
		offer = m.model.offers[id]
	}
	listing := offer.listing
	if drawEvenly(t, "another listing", 20) == 19 {
		listing = spec.ID{1}
	}
	l, o := listing[:], id[:]
	total := rapid.SampledFrom([][]byte{offer.counter.Bytes(), offer.total.Bytes(), spec.Units(9).Bytes(), spec.Units(70).Bytes()}).Draw(t, "total")
	if len(total) == 0 {
		total = spec.Units(50).Bytes()
	}
	type step struct {
		by      spec.Address
		name    string
		command proto.Message
	}
	chosen := rapid.SampledFrom([]step{
		{offer.seller, "CounterOffer", &spec.CounterOffer{Listing: l, Offer: o, Total: total}},
		{offer.seller, "AcceptOffer", &spec.AcceptOffer{Listing: l, Offer: o}},
		{offer.buyer, "AcceptCounter", &spec.AcceptCounter{Listing: l, Offer: o, Total: total}},
		{offer.seller, "DeclineOffer", &spec.DeclineOffer{Listing: l, Offer: o}},
		{offer.buyer, "WithdrawOffer", &spec.WithdrawOffer{Listing: l, Offer: o}},
		{offer.buyer, "ExpireOffer", &spec.ExpireOffer{Listing: l, Offer: o}},
	}).Draw(t, "step")
	if chosen.name == "ExpireOffer" && rapid.Bool().Draw(t, "when it is due") {
		m.now += offerSeconds
	}
	s := m.mostly(t, chosen.by)
	m.perform(s, drawSkew(t), "market:"+chosen.name, chosen.command, m.drawLot(t, m.drawHints(t, s)))
}

func (m *model) giveReview(c modelCall, command *spec.GiveReview) spec.Code {
	o := m.orders[spec.ID(command.Order)]
	if o == nil {
		return spec.NotFound
	}
	if c.actor != o.buyer && c.actor != o.seller {
		return spec.NotAParty
	}
	key := spec.ID(command.Order).Text(spec.OrderType) + " " + c.actor.String()
	if o.open() || m.reviews[key] != "" {
		return spec.WrongState
	}
	if c.time >= o.updated+reviewSeconds {
		return spec.DeadlinePassed
	}
	m.reviews[key] = fmt.Sprintf("%d at %d", command.Rating, max(c.time, o.updated))
	return ""
}
