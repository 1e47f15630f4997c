package simulate

import (
	"math/big"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// books are what a transaction should have done to money, orders and stock, written down command by command.
type books struct {
	*Auditor
	changes []change
	// spent is what each account paid, given what each was given, and for what.
	spent map[spec.Address]*big.Int
	given map[gift]*big.Int
	// orders are what the orders came to.
	orders map[spec.ID]*orderBook
	// offers are the offers as the transaction makes them.
	offers map[ledger.Key]ledger.Offer
	// uses are the discounts that commands offer and use.
	uses map[ledger.Key]bool
	// stock is what came to each listing's lots.
	stock map[spec.ID]int64
	// allowances and holds are what the commands leave of those that they touch.
	allowances map[ledger.Key]*big.Int
	holds      map[spec.ID]ledger.TokenHold
	// auctions are the states that commands bring auctions to; bids are the orders that bids would become whose holds change, won
	// those of them that did.
	auctions  map[spec.ID]spec.AuctionState
	bids, won map[spec.ID]bool
}

type gift struct {
	to    spec.Address
	cause spec.CreditKind
}

// checkBooks holds the changes to what happened. In a batch, who acts is paid into its account, and so is who is at home with the
// relay that looked; everyone else is paid by credits. The ledger's beginning has no books before it.
func (a *Auditor) checkBooks(envelope *Envelope, acts, deeds []*act, changes []change) {
	b := &books{
		Auditor: a, changes: changes, spent: map[spec.Address]*big.Int{}, given: map[gift]*big.Int{},
		orders: map[spec.ID]*orderBook{}, offers: map[ledger.Key]ledger.Offer{}, uses: map[ledger.Key]bool{}, stock: map[spec.ID]int64{},
		allowances: map[ledger.Key]*big.Int{}, holds: map[spec.ID]ledger.TokenHold{},
		auctions: map[spec.ID]spec.AuctionState{}, bids: map[spec.ID]bool{}, won: map[spec.ID]bool{},
	}
	for _, deed := range deeds {
		if _, genesis := deed.call.Command.(*spec.Genesis); genesis {
			return
		}
		b.enter(envelope, deed)
	}
	paidAtOnce := map[spec.Address]bool{}
	for _, act := range acts {
		if act == nil || act.nonce == 0 {
			continue
		}
		paidAtOnce[act.actor] = true
		for _, to := range act.lookedAt() {
			if a.isHome(envelope.Proposal.MSPID, to) && !b.openedNow(deeds, a.address(to)) {
				paidAtOnce[a.address(to)] = true
			}
		}
	}
	b.checkMoney(paidAtOnce)
	b.checkOrders()
	b.checkOffers()
	b.checkStock()
	b.checkAllowances()
	b.checkHolds()
	b.checkAuctions()
	b.checkDiscounts()
}

// enter writes one command down.
func (b *books) enter(envelope *Envelope, deed *act) {
	switch c := deed.call.Command.(type) {
	case *spec.Transfer, *spec.Payout:
		for _, p := range deed.payments() {
			b.spend(deed.actor, p.amount)
		}
		b.pay(deed)
	case *spec.Approve, *spec.TransferFrom:
		b.allow(deed)
	case *spec.PlaceHold:
		b.placeHold(deed, c)
	case *spec.OpenAuction:
		b.openAuction(deed, c)
	case *spec.PlaceBid:
		b.bid(deed, c)
	case *spec.CloseAuction:
		b.closeAuction(c)
	case *spec.CancelAuction:
		b.cancelAuction(deed, spec.ID(c.Auction))
	case interface{ GetHold() []byte }:
		b.stepHold(deed, spec.ID(c.GetHold()))
	case *spec.Mint:
		b.give(c.To, spec.CreditKind_CREDIT_KIND_MINT, new(big.Int).SetBytes(c.Amount))
	case *spec.Burn:
		b.spend(deed.actor, new(big.Int).SetBytes(c.Amount))
	case *spec.CreateListing:
		b.addStock(spec.NewID(spec.ListingType, deed.actor, c.Reference), c.Stock, c.Variants)
	case *spec.EditListing:
		b.addStock(spec.ID(c.Listing), c.AddStock, c.Variants)
	case *spec.PlaceOrder:
		b.place(deed, c)
	case *spec.OfferDiscount:
		b.offerDiscount(deed, c)
	case *spec.PlaceCart:
		b.placeCart(deed, c)
	case *spec.MakeOffer:
		b.offer(deed, c)
	case *spec.OpenDispute:
		b.openDispute(deed, c)
	case *spec.AnswerDispute:
		b.answer(deed, c)
	case *spec.SubmitEvidence:
		b.evidence(deed, c)
	case *spec.VoteDispute:
		b.vote(envelope, c)
	case *spec.GiveReview:
		b.review(deed, c)
	case offerCommand:
		b.haggle(deed, c)
	case interface{ GetOrder() []byte }:
		b.step(deed, spec.ID(c.GetOrder()))
	}
}

// openedNow reports whether the account was opened by one of the transaction's commands. What it was given before lies in credits.
func (b *books) openedNow(deeds []*act, owner spec.Address) bool {
	return len(deeds) > 0 && deeds[len(deeds)-1].opened[owner]
}

// pay: what is paid into an account that the transaction opened before goes there at once.
func (b *books) pay(deed *act) {
	for _, p := range deed.payments() {
		if to := b.address(p.to); deed.opened[to] {
			b.spend(to, new(big.Int).Neg(p.amount))
			continue
		}
		b.give(p.to, spec.CreditKind_CREDIT_KIND_TRANSFER, p.amount)
	}
}

func (b *books) spend(from spec.Address, amount *big.Int) {
	if b.spent[from] == nil {
		b.spent[from] = new(big.Int)
	}
	b.spent[from].Add(b.spent[from], amount)
}

func (b *books) give(to []byte, cause spec.CreditKind, amount *big.Int) {
	g := gift{b.address(to), cause}
	if b.given[g] == nil {
		b.given[g] = new(big.Int)
	}
	b.given[g].Add(b.given[g], amount)
}

func (b *books) addStock(listing spec.ID, units uint32, variants []*spec.VariantTerms) {
	for _, variant := range variants {
		units += variant.Stock
	}
	b.stock[listing] += int64(units)
	b.added[listing] += int64(units)
}

func (b *books) place(deed *act, c *spec.PlaceOrder) {
	id := spec.NewID(spec.OrderType, deed.actor, c.Reference)
	order, _ := b.after(ledger.OrderKey(id)).(ledger.Order)
	if b.orders[id] != nil || b.records[ledger.OrderKey(id)] != nil {
		b.fault("the order %x is placed a second time", id)
	}
	version, _ := b.after(ledger.VersionKey(spec.ID(c.Listing), c.Version)).(ledger.Version)
	price := version.Price
	if c.Variant > 0 {
		price = version.VariantPrices[c.Variant-1]
	}
	want := new(big.Int).Mul(units(price), big.NewInt(int64(c.Quantity)))
	off := b.redeem(deed, c, id, version.Seller, []ordered{{spec.ID(c.Listing), new(big.Int).Set(want)}})
	want.Sub(want, off)
	want.Add(want, units(version.ShippingPrice))
	if units(order.Discount).Cmp(off) != 0 {
		b.fault("the order %x says that %s is taken off, not %s base units", id, order.Discount, off)
	}
	if order.Buyer != deed.actor || order.Seller != version.Seller || order.Quantity != c.Quantity || order.Variant != c.Variant || units(order.Total).Cmp(want) != 0 {
		b.fault("the order %x is not what %s asked for", id, deed.actor)
	}
	b.spend(deed.actor, want)
	b.stock[order.Listing] -= int64(order.Quantity)
	b.begin(id, order, version)
}

// begin writes down that an order of a version begins.
func (b *books) begin(id spec.ID, order ledger.Order, version ledger.Version) {
	book := &orderBook{terms: order, state: spec.OrderState_ORDER_STATE_ACCEPTED, released: new(big.Int), refunded: new(big.Int), panel: new(big.Int)}
	if version.Milestones[0] > 0 {
		book.state = spec.OrderState_ORDER_STATE_COMMISSIONED
	}
	if version.AcceptRequired {
		book.state = spec.OrderState_ORDER_STATE_PLACED
	}
	for _, share := range version.Milestones {
		book.milestones = append(book.milestones, milestoneBook{share: int64(share)})
	}
	b.orders[id] = book
}

// after is a record as the transaction leaves it.
func (b *books) after(key ledger.Key) ledger.Record {
	if c := find(b.changes, key); c != nil {
		return c.after
	}
	return b.records[key]
}

// checkMoney holds accounts and credits to what was spent and given.
func (b *books) checkMoney(paidAtOnce map[spec.Address]bool) {
	due := map[spec.Address]*big.Int{}
	owe := func(to spec.Address, amount *big.Int) {
		if due[to] == nil {
			due[to] = new(big.Int)
		}
		due[to].Add(due[to], amount)
	}
	for from, amount := range b.spent {
		owe(from, new(big.Int).Neg(amount))
	}
	for g, amount := range b.given {
		if paidAtOnce[g.to] {
			owe(g.to, amount)
			delete(b.given, g)
		}
	}
	for _, c := range b.changes {
		if c.key.Kind != ledger.AccountKind && c.key.Kind != ledger.CreditKind {
			continue
		}
		owner := c.key.ID
		if c.key.Kind == ledger.CreditKind {
			owner = c.key.Parent
		}
		address := b.address([]byte(owner))
		if credit, given := c.after.(ledger.Credit); given {
			b.checkCredit(gift{address, credit.Cause}, credit)
			continue
		}
		// What a credit loses by being folded, its account has more.
		owe(address, new(big.Int).Sub(worth(c.before), worth(c.after)))
	}
	for owner, amount := range due {
		if amount.Sign() != 0 {
			b.fault("%s has %s base units less than what happened makes it", owner, amount)
		}
	}
	for g, amount := range b.given {
		if amount.Sign() != 0 {
			b.fault("%s is not given %s base units (%s)", g.to, amount, g.cause)
		}
	}
}

// checkCredit: all that a transaction gives an account for one cause lies in one credit.
func (b *books) checkCredit(g gift, credit ledger.Credit) {
	amount := b.given[g]
	if amount == nil || amount.Cmp(units(credit.Amount)) != 0 {
		b.fault("%s is given a credit of %s (%s), not of %s base units", g.to, credit.Amount, g.cause, amount)
	}
	delete(b.given, g)
}

// checkStock: stock comes by listing, editing and return, and goes by orders; nothing else moves it.
func (b *books) checkStock() {
	for _, c := range b.changes {
		if c.key.Kind != ledger.LotKind {
			continue
		}
		b.stock[spec.ID([]byte(c.key.Parent))] -= stock(c.after) - stock(c.before)
		if lot, ok := c.after.(ledger.Lot); ok && lot.Stock == 0 {
			b.fault("%s is kept empty", state.FormatKey(c.key))
		}
	}
	for listing, units := range b.stock {
		if units != 0 {
			b.fault("the lots of %x have %d units less than what happened makes them", listing, units)
		}
	}
}

func stock(record ledger.Record) int64 {
	lot, _ := record.(ledger.Lot)
	return int64(lot.Stock)
}
