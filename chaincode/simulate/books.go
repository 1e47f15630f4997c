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
	// orders are the states that the orders came to, settled those that paid out.
	orders map[spec.ID]spec.OrderState
	// offers are the offers as the transaction makes them.
	offers map[ledger.Key]ledger.Offer
	// rulings are the disputes that the transaction settles.
	rulings map[spec.ID]ledger.Dispute
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
		orders: map[spec.ID]spec.OrderState{}, offers: map[ledger.Key]ledger.Offer{}, rulings: map[spec.ID]ledger.Dispute{}, stock: map[spec.ID]int64{},
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
		b.addStock(spec.NewID(spec.ListingType, deed.actor, c.Reference), c.Stock)
	case *spec.EditListing:
		b.addStock(spec.ID(c.Listing), c.AddStock)
	case *spec.PlaceOrder:
		b.place(deed, c)
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

func (b *books) addStock(listing spec.ID, units uint32) {
	b.stock[listing] += int64(units)
	b.added[listing] += int64(units)
}

// order returns what the transaction leaves of an order; its terms are those that it was funded with.
func (b *books) order(id spec.ID) (ledger.Order, bool) {
	c := find(b.changes, ledger.OrderKey(id))
	if c == nil {
		b.fault("a command changes the order %x and nothing is written of it", id)
		return ledger.Order{}, false
	}
	order, ok := c.after.(ledger.Order)
	return order, ok
}

func (b *books) place(deed *act, c *spec.PlaceOrder) {
	id := spec.NewID(spec.OrderType, deed.actor, c.Reference)
	order, ok := b.order(id)
	if !ok {
		return
	}
	if _, again := b.orders[id]; again || b.records[ledger.OrderKey(id)] != nil {
		b.fault("the order %x is placed a second time", id)
	}
	version, _ := b.after(ledger.VersionKey(spec.ID(c.Listing), c.Version)).(ledger.Version)
	want := new(big.Int).Mul(units(version.Price), big.NewInt(int64(c.Quantity)))
	want.Add(want, units(version.ShippingPrice))
	if order.Buyer != deed.actor || order.Seller != version.Seller || order.Quantity != c.Quantity || units(order.Total).Cmp(want) != 0 {
		b.fault("the order %x is not what %s asked for", id, deed.actor)
	}
	b.spend(deed.actor, want)
	b.stock[order.Listing] -= int64(order.Quantity)
	b.orders[id] = spec.OrderState_ORDER_STATE_ACCEPTED
	if version.AcceptRequired {
		b.orders[id] = spec.OrderState_ORDER_STATE_PLACED
	}
}

// after is a record as the transaction leaves it.
func (b *books) after(key ledger.Key) ledger.Record {
	if c := find(b.changes, key); c != nil {
		return c.after
	}
	return b.records[key]
}

// successors are the steps that an order's state may take.
var successors = map[spec.OrderState][]spec.OrderState{
	spec.OrderState_ORDER_STATE_PLACED: {
		spec.OrderState_ORDER_STATE_ACCEPTED, spec.OrderState_ORDER_STATE_CANCELLED, spec.OrderState_ORDER_STATE_REFUNDED,
		spec.OrderState_ORDER_STATE_EXPIRED,
	},
	spec.OrderState_ORDER_STATE_ACCEPTED: {
		spec.OrderState_ORDER_STATE_SHIPPED, spec.OrderState_ORDER_STATE_HANDED_OVER, spec.OrderState_ORDER_STATE_RELEASED,
		spec.OrderState_ORDER_STATE_CANCELLED, spec.OrderState_ORDER_STATE_REFUNDED, spec.OrderState_ORDER_STATE_EXPIRED,
	},
	spec.OrderState_ORDER_STATE_SHIPPED: {
		spec.OrderState_ORDER_STATE_HANDED_OVER, spec.OrderState_ORDER_STATE_RELEASED, spec.OrderState_ORDER_STATE_REFUNDED,
		spec.OrderState_ORDER_STATE_EXPIRED, spec.OrderState_ORDER_STATE_DISPUTED,
	},
	spec.OrderState_ORDER_STATE_HANDED_OVER: {
		spec.OrderState_ORDER_STATE_RELEASED, spec.OrderState_ORDER_STATE_REFUNDED, spec.OrderState_ORDER_STATE_DISPUTED,
	},
	// Hand-over may be proven while the order is contested, which it stays.
	spec.OrderState_ORDER_STATE_DISPUTED: {
		spec.OrderState_ORDER_STATE_RELEASED, spec.OrderState_ORDER_STATE_REFUNDED, spec.OrderState_ORDER_STATE_DISPUTED, spec.OrderState_ORDER_STATE_RULED,
	},
}

// open reports whether an order in the state holds money.
func open(s spec.OrderState) bool { return len(successors[s]) > 0 }

// unshipped reports whether the goods of an order in the state are still the seller's to sell.
func unshipped(s spec.OrderState) bool {
	return s == spec.OrderState_ORDER_STATE_PLACED || s == spec.OrderState_ORDER_STATE_ACCEPTED
}

// stepOf returns where a command takes an order, and whether only its seller or only its buyer may.
func stepOf(command any) (to spec.OrderState, onlySeller, onlyBuyer bool) {
	switch command.(type) {
	case *spec.AcceptOrder:
		return spec.OrderState_ORDER_STATE_ACCEPTED, true, false
	case *spec.ShipOrder:
		return spec.OrderState_ORDER_STATE_SHIPPED, true, false
	case *spec.HandOverOrder, *spec.ReportDelivery:
		return spec.OrderState_ORDER_STATE_HANDED_OVER, false, false
	case *spec.ConfirmOrder:
		return spec.OrderState_ORDER_STATE_RELEASED, false, true
	case *spec.ReleaseOrder:
		return spec.OrderState_ORDER_STATE_RELEASED, false, false
	case *spec.CancelOrder:
		return spec.OrderState_ORDER_STATE_CANCELLED, false, false
	case *spec.RefundOrder:
		return spec.OrderState_ORDER_STATE_REFUNDED, true, false
	case *spec.ExpireOrder:
		return spec.OrderState_ORDER_STATE_EXPIRED, false, false
	case *spec.OpenDispute:
		return spec.OrderState_ORDER_STATE_DISPUTED, false, false
	case *spec.RuleDispute:
		return spec.OrderState_ORDER_STATE_RULED, false, false
	}
	return spec.OrderState_ORDER_STATE_UNSPECIFIED, false, false
}

func (b *books) step(deed *act, id spec.ID) {
	order, ok := b.order(id)
	if !ok {
		return
	}
	from, begun := b.orders[id]
	if !begun {
		before, _ := b.records[ledger.OrderKey(id)].(ledger.Order)
		from = before.State
	}
	to, onlySeller, onlyBuyer := stepOf(deed.call.Command)
	if from == spec.OrderState_ORDER_STATE_DISPUTED && to == spec.OrderState_ORDER_STATE_HANDED_OVER {
		to = from
	}
	if !contains(successors[from], to) {
		b.fault("order %x goes from %s to %s", id, from, to)
	}
	if onlySeller && deed.actor != order.Seller || onlyBuyer && deed.actor != order.Buyer {
		b.fault("order %x comes to %s by %s", id, to, deed.actor)
	}
	b.orders[id] = to
	if open(to) {
		return
	}
	b.settle(id, order, to)
	if unshipped(from) && to != spec.OrderState_ORDER_STATE_RELEASED {
		b.stock[order.Listing] += int64(order.Quantity)
		b.returned[id] += int64(order.Quantity)
	}
}

// settle: a release pays the seller all but ⌊total × bps / 10,000⌋, which the fee account gets; everything else pays the
// buyer all.
func (b *books) settle(id spec.ID, order ledger.Order, to spec.OrderState) {
	if to == spec.OrderState_ORDER_STATE_RULED {
		b.rule(id, order)
		return
	}
	total := units(order.Total)
	if to != spec.OrderState_ORDER_STATE_RELEASED {
		b.give(order.Buyer.Bytes(), spec.CreditKind_CREDIT_KIND_REFUND, total)
		return
	}
	fee := bpsOf(total, int64(order.FeeBps))
	b.give(order.Seller.Bytes(), spec.CreditKind_CREDIT_KIND_RELEASE, new(big.Int).Sub(total, fee))
	params, _ := b.records[ledger.ParametersKey()].(ledger.Parameters)
	b.give(params.FeeAccount.Bytes(), spec.CreditKind_CREDIT_KIND_FEE, fee)
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

// checkOrders: an order takes only steps that commands ask for; its hold begins and ends with it.
func (b *books) checkOrders() {
	for _, c := range b.changes {
		switch c.key.Kind {
		case ledger.OrderKind:
			b.checkOrder(spec.ID([]byte(c.key.ID)), c)
		case ledger.HoldKind:
			id := spec.ID([]byte(c.key.ID))
			if find(b.changes, ledger.OrderKey(id)) == nil && find(b.changes, ledger.TokenHoldKey(id)) == nil && offerOf(b.changes, c.key) == nil && !b.bids[id] {
				b.fault("%s changes without its order, offer, token hold or bid", state.FormatKey(c.key))
			}
		}
	}
}

func (b *books) checkOrder(id spec.ID, c change) {
	after, _ := c.after.(ledger.Order)
	before, existed := c.before.(ledger.Order)
	if reached, asked := b.orders[id]; !asked || reached != after.State {
		b.fault("order %x is %s, what was asked makes it %s", id, after.State, reached)
	}
	var released, refunded, panel spec.Amount
	switch {
	case after.State == spec.OrderState_ORDER_STATE_RULED:
		ruling := b.rulings[id]
		released, refunded, panel = ruling.ToSeller, ruling.ToBuyer, ruling.PanelFee
	case after.State == spec.OrderState_ORDER_STATE_RELEASED:
		released = after.Total
	case !open(after.State):
		refunded = after.Total
	}
	if after.Released != released || after.Refunded != refunded || after.PanelPaid != panel {
		b.fault("order %x records %s released and %s refunded, not %s and %s", id, after.Released, after.Refunded, released, refunded)
	}
	if existed && after.UpdatedAt < before.UpdatedAt {
		b.fault("order %x goes back in time", id)
	}
	if existed && termsOf(before) != termsOf(after) {
		b.fault("order %x: the terms it was funded with change", id)
	}
	var held ledger.Record
	if open(after.State) {
		held = ledger.Hold{Amount: after.Total}
	}
	key := ledger.HoldKey(after.Buyer, id)
	// What is held before an order is an offer's.
	var heldBefore ledger.Record
	if offer, haggled := b.records[ledger.OfferKey(after.Listing, id)].(ledger.Offer); existed {
		heldBefore = ledger.Hold{Amount: after.Total}
	} else if haggled {
		heldBefore = ledger.Hold{Amount: offer.Total}
	}
	if b.after(key) != held || b.records[key] != heldBefore && !b.won[id] {
		b.fault("order %x is %s and its hold went from %v to %v", id, after.State, b.records[key], b.after(key))
	}
}

// termsOf is what never changes in an order.
func termsOf(o ledger.Order) ledger.Order {
	o.State, o.UpdatedAt, o.ReleaseDue = 0, 0, 0
	o.Released, o.Refunded, o.PanelPaid = spec.Amount{}, spec.Amount{}, spec.Amount{}
	o.TrackingHash, o.ProofHash = [32]byte{}, [32]byte{}
	return o
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
