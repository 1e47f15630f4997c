package ledger_test

import (
	"bytes"
	"fmt"
	"math/big"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// model is the ledger as the design tells it, written as plainly as can be: maps, big integers and one function an
// operation, with the checks in the order of the error catalogue. It shares no logic with the rules, only names.
type model struct {
	minted, burnt *big.Int
	accounts      map[spec.Address]*big.Int
	credits       map[string]modelCredit // by "owner name"
	transfers     map[spec.ID]string
	payouts       map[spec.ID]string
	allowances    map[[2]spec.Address]*big.Int // by owner and spender
	holds         map[spec.ID]*modelHold
	auctions      map[spec.ID]*modelAuction
	mints, burns  map[spec.ID]string
	listings      map[spec.ID]*modelListing
	lots          map[string]uint32 // by "listing lot"
	orders        map[spec.ID]*modelOrder
	offers        map[spec.ID]*modelOffer
	reviews       map[string]string // by "order address"
	disputes      map[spec.ID]*modelDispute
	fences        map[uint64]bool
}

type modelCredit struct {
	owner spec.Address
	units *big.Int
	kind  spec.CreditKind
}

type modelHold struct {
	state                 spec.HoldState
	payer, payee, arbiter spec.Address
	amount, captured      *big.Int
	expires, updated      int64
}

type modelAuction struct {
	state                string
	seller               spec.Address
	listing              spec.ID
	version, quantity    uint32
	start, reserve, step *big.Int
	opened, ends         int64
	bids                 []modelBid
}

type modelBid struct {
	bidder     spec.Address
	msp        string
	units      *big.Int
	time, ends int64
	handOver   []byte
}

type modelListing struct {
	seller   spec.Address
	msp      string
	versions []modelVersion // the first is version 1
	closed   bool
	updated  int64
}

type modelVersion struct {
	price, shipping *big.Int
	acceptRequired  bool
}

type modelOrder struct {
	state             spec.OrderState
	buyer, seller     spec.Address
	buyerMSP          string
	sellerMSP         string
	listing           spec.ID
	version, quantity uint32
	total, fee        *big.Int
	placedAt, updated int64
	releaseDue        int64
	handOver          []byte
}

// modelCall is who asks what, when.
type modelCall struct {
	txID  [32]byte
	time  int64
	msp   string
	actor spec.Address
	hints *spec.Hints
}

func newModel() *model {
	return &model{
		minted:    number(initialSupply.Bytes()),
		burnt:     new(big.Int),
		accounts:  map[spec.Address]*big.Int{spec.OrganisationAddress(treasurer): number(initialSupply.Bytes())},
		credits:   map[string]modelCredit{},
		transfers: map[spec.ID]string{},
		payouts:   map[spec.ID]string{},

		allowances: map[[2]spec.Address]*big.Int{},
		holds:      map[spec.ID]*modelHold{},
		auctions:   map[spec.ID]*modelAuction{},

		mints:    map[spec.ID]string{},
		burns:    map[spec.ID]string{},
		listings: map[spec.ID]*modelListing{},
		lots:     map[string]uint32{},
		orders:   map[spec.ID]*modelOrder{},
		offers:   map[spec.ID]*modelOffer{},
		reviews:  map[string]string{},
		disputes: map[spec.ID]*modelDispute{},
		fences:   map[uint64]bool{},
	}
}

func number(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

// maxUnits is a billion CMT.
var maxUnits, _ = new(big.Int).SetString("1000000000000000000000000000", 10)

func (m *model) balance(a spec.Address) *big.Int {
	if m.accounts[a] == nil {
		m.accounts[a] = new(big.Int)
	}
	return m.accounts[a]
}

func creditKey(owner spec.Address, name spec.CreditName) string {
	return owner.String() + " " + name.String()
}

func lotKey(listing, lot spec.ID) string {
	return listing.Text(spec.ListingType) + " " + lot.Text(spec.LotType)
}

// named returns the open credits of the actor that the call names, each once.
func (m *model) named(c modelCall) []string {
	var names []string
	seen := map[string]bool{}
	for _, b := range c.hints.GetCredits() {
		name, _ := spec.CreditNameFromBytes(b)
		key := creditKey(c.actor, name)
		if _, open := m.credits[key]; open && !seen[key] {
			names = append(names, key)
		}
		seen[key] = true
	}
	return names
}

// pay takes units from the actor's account and all named credits; what is over stays in the account.
func (m *model) pay(c modelCall, units *big.Int) bool {
	sum := new(big.Int).Set(m.balance(c.actor))
	for _, key := range m.named(c) {
		sum.Add(sum, m.credits[key].units)
	}
	if sum.Cmp(units) < 0 {
		return false
	}
	for _, key := range m.named(c) {
		delete(m.credits, key)
	}
	m.accounts[c.actor] = sum.Sub(sum, units)
	return true
}

// give leaves credits, numbered in the transaction; nothing is left for nothing.
func (m *model) give(c modelCall, gifts ...modelCredit) {
	n := uint32(0)
	for _, gift := range gifts {
		if gift.units.Sign() == 0 {
			continue
		}
		name := spec.CreditName{N: n}
		copy(name.Tx[:], c.txID[:20])
		m.credits[creditKey(gift.owner, name)] = gift
		n++
	}
}

// do applies a command and returns the code that refuses it, or nothing.
func (m *model) do(c modelCall, command proto.Message) spec.Code {
	if _, member := roles[c.msp]; !member {
		return spec.NotAMember
	}
	needs := map[string]spec.Role{"Mint": spec.Role_ROLE_TREASURER, "Burn": spec.Role_ROLE_TREASURER, "ReportDelivery": spec.Role_ROLE_CARRIER, "VoteDispute": spec.Role_ROLE_ARBITER}
	if role := needs[string(command.ProtoReflect().Descriptor().Name())]; role != 0 {
		has := false
		for _, r := range roles[c.msp] {
			has = has || r == role
		}
		if !has {
			return spec.RoleRequired
		}
	}
	if m.fences[uint64(c.time)/epochSeconds] {
		return spec.Fenced
	}
	switch command := command.(type) {
	case *spec.Mint:
		return m.mint(c, command)
	case *spec.Burn:
		return m.burn(c, command)
	case *spec.Transfer:
		return m.transfer(c, command)
	case *spec.Payout:
		return m.payout(c, command)
	case *spec.Approve:
		return m.approve(c, command)
	case *spec.TransferFrom:
		return m.transferFrom(c, command)
	case *spec.PlaceHold:
		return m.placeHold(c, command)
	case *spec.OpenAuction:
		return m.openAuction(c, command)
	case *spec.PlaceBid:
		return m.placeBid(c, command)
	case *spec.CloseAuction:
		return m.closeAuction(c, command)
	case *spec.CancelAuction:
		return m.cancelAuction(c, command)
	case interface {
		proto.Message
		GetHold() []byte
	}:
		return m.stepHold(c, spec.ID(command.GetHold()), command)
	case *spec.Sweep:
		if len(m.named(c)) == 0 {
			return spec.NoCredits
		}
		m.pay(c, new(big.Int))
		return ""
	case *spec.Fence:
		if m.fences[command.Epoch] {
			return spec.WrongState
		}
		if c.time < int64(command.Epoch+1)*epochSeconds+graceSeconds {
			return spec.FenceTooEarly
		}
		m.fences[command.Epoch] = true
		return ""
	case *spec.CreateListing:
		return m.createListing(c, command)
	case *spec.EditListing:
		return m.editListing(c, command)
	case *spec.CloseListing:
		listing, code := m.own(c, command.Listing)
		if code == "" {
			listing.closed = true
			listing.updated = max(listing.updated, c.time)
		}
		return code
	case *spec.PlaceOrder:
		return m.placeOrder(c, command)
	case *spec.MakeOffer:
		return m.makeOffer(c, command)
	case interface{ GetOffer() []byte }:
		return m.haggle(c, command)
	case *spec.GiveReview:
		return m.giveReview(c, command)
	case *spec.OpenDispute, *spec.AnswerDispute, *spec.SubmitEvidence, *spec.VoteDispute, *spec.RuleDispute:
		return m.dispute(c, command)
	}
	return m.stepOrder(c, command)
}

func (m *model) mint(c modelCall, command *spec.Mint) spec.Code {
	id := spec.NewID(spec.MintType, c.actor, command.Reference)
	units := number(command.Amount)
	to, _ := spec.AddressFromBytes(command.To)
	if m.mints[id] != "" {
		return spec.ReferenceUsed
	}
	if units.Cmp(big.NewInt(10)) < 0 {
		return spec.BelowMinimum
	}
	if new(big.Int).Add(m.minted, units).Cmp(maxUnits) > 0 {
		return spec.OverCap
	}
	m.minted.Add(m.minted, units)
	m.mints[id] = fmt.Sprintf("to %s %s at %d", to, units, c.time)
	m.give(c, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_MINT})
	return ""
}

func (m *model) burn(c modelCall, command *spec.Burn) spec.Code {
	id := spec.NewID(spec.BurnType, c.actor, command.Reference)
	units := number(command.Amount)
	if m.burns[id] != "" {
		return spec.ReferenceUsed
	}
	if !m.pay(c, units) {
		return spec.InsufficientFunds
	}
	m.burnt.Add(m.burnt, units)
	m.burns[id] = fmt.Sprintf("from %s %s at %d", c.actor, units, c.time)
	return ""
}

func (m *model) transfer(c modelCall, command *spec.Transfer) spec.Code {
	id := spec.NewID(spec.TransferType, c.actor, command.Reference)
	units := number(command.Amount)
	to, _ := spec.AddressFromBytes(command.To)
	if m.transfers[id] != "" {
		return spec.ReferenceUsed
	}
	if to == c.actor {
		return spec.SameAccount
	}
	if units.Cmp(big.NewInt(10)) < 0 {
		return spec.BelowMinimum
	}
	if !m.pay(c, units) {
		return spec.InsufficientFunds
	}
	m.transfers[id] = fmt.Sprintf("from %s to %s %s %q at %d", c.actor, to, units, command.Memo, c.time)
	m.give(c, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_TRANSFER})
	return ""
}

func (m *model) payout(c modelCall, command *spec.Payout) spec.Code {
	id := spec.NewID(spec.PayoutType, c.actor, command.Reference)
	if m.payouts[id] != "" {
		return spec.ReferenceUsed
	}
	sum, self, dust := new(big.Int), false, false
	var gifts []modelCredit
	for _, p := range command.Payments {
		to, _ := spec.AddressFromBytes(p.To)
		units := number(p.Amount)
		self = self || to == c.actor
		dust = dust || units.Cmp(big.NewInt(10)) < 0
		sum.Add(sum, units)
		gifts = append(gifts, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_TRANSFER})
	}
	switch {
	case self:
		return spec.SameAccount
	case dust:
		return spec.BelowMinimum
	case !m.pay(c, sum):
		return spec.InsufficientFunds
	}
	m.payouts[id] = fmt.Sprintf("from %s to %d %s %q at %d", c.actor, len(gifts), sum, command.Memo, c.time)
	m.give(c, gifts...)
	return ""
}

func (m *model) allowance(owner, spender spec.Address) *big.Int {
	key := [2]spec.Address{owner, spender}
	if m.allowances[key] == nil {
		m.allowances[key] = new(big.Int)
	}
	return m.allowances[key]
}

func (m *model) approve(c modelCall, command *spec.Approve) spec.Code {
	spender, _ := spec.AddressFromBytes(command.Spender)
	left, units := m.allowance(c.actor, spender), number(command.Amount)
	switch {
	case left.Cmp(number(command.Expected)) != 0:
		return spec.ValueStale
	case spender == c.actor:
		return spec.SameAccount
	case units.Sign() > 0 && units.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case !m.pay(c, new(big.Int).Sub(units, left)):
		return spec.InsufficientFunds
	}
	left.Set(units)
	return ""
}

func (m *model) transferFrom(c modelCall, command *spec.TransferFrom) spec.Code {
	id := spec.NewID(spec.TransferType, c.actor, command.Reference)
	owner, _ := spec.AddressFromBytes(command.Owner)
	to, _ := spec.AddressFromBytes(command.To)
	left, units := m.allowance(owner, c.actor), number(command.Amount)
	switch {
	case m.transfers[id] != "":
		return spec.ReferenceUsed
	case to == owner:
		return spec.SameAccount
	case units.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case left.Cmp(units) < 0:
		return spec.NotEnoughHeld
	}
	left.Sub(left, units)
	m.transfers[id] = fmt.Sprintf("from %s to %s %s %q at %d", owner, to, units, command.Memo, c.time)
	m.give(c, modelCredit{to, units, spec.CreditKind_CREDIT_KIND_TRANSFER})
	return ""
}

func (m *model) placeHold(c modelCall, command *spec.PlaceHold) spec.Code {
	id := spec.NewID(spec.HoldType, c.actor, command.Reference)
	payee, _ := spec.AddressFromBytes(command.Payee)
	arbiter := payee
	if len(command.Arbiter) > 0 {
		arbiter, _ = spec.AddressFromBytes(command.Arbiter)
	}
	units := number(command.Amount)
	switch {
	case m.holds[id] != nil:
		return spec.ReferenceUsed
	case payee == c.actor:
		return spec.SameAccount
	case units.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case command.ExpiresAt <= c.time || command.ExpiresAt > c.time+holdSeconds:
		return spec.DeadlineOutOfRange
	case !m.pay(c, units):
		return spec.InsufficientFunds
	}
	m.holds[id] = &modelHold{spec.HoldState_HOLD_STATE_HELD, c.actor, payee, arbiter, units, new(big.Int), command.ExpiresAt, c.time}
	return ""
}

func (m *model) stepHold(c modelCall, id spec.ID, command proto.Message) spec.Code {
	h := m.holds[id]
	if h == nil {
		return spec.NotFound
	}
	_, capturing := command.(*spec.CaptureHold)
	_, voiding := command.(*spec.VoidHold)
	if capturing && c.actor != h.arbiter || voiding && c.actor != h.arbiter && c.actor != h.payee {
		return spec.NotAParty
	}
	if h.state != spec.HoldState_HOLD_STATE_HELD {
		return spec.WrongState
	}
	now, left := max(c.time, h.updated), new(big.Int).Sub(h.amount, h.captured)
	switch command := command.(type) {
	case *spec.CaptureHold:
		units := number(command.Amount)
		switch {
		case number(command.Captured).Cmp(h.captured) != 0:
			return spec.ValueStale
		case units.Cmp(big.NewInt(10)) < 0 && units.Cmp(left) != 0:
			return spec.BelowMinimum
		case now >= h.expires:
			return spec.DeadlinePassed
		case units.Cmp(left) > 0:
			return spec.NotEnoughHeld
		}
		h.captured.Add(h.captured, units)
		if h.captured.Cmp(h.amount) == 0 {
			h.state = spec.HoldState_HOLD_STATE_CAPTURED
		}
		m.give(c, modelCredit{h.payee, units, spec.CreditKind_CREDIT_KIND_RELEASE})
	case *spec.VoidHold:
		h.state = spec.HoldState_HOLD_STATE_VOIDED
		m.give(c, modelCredit{h.payer, left, spec.CreditKind_CREDIT_KIND_REFUND})
	case *spec.ExpireHold:
		if now < h.expires {
			return spec.NotDue
		}
		h.state = spec.HoldState_HOLD_STATE_EXPIRED
		m.give(c, modelCredit{h.payer, left, spec.CreditKind_CREDIT_KIND_REFUND})
	}
	h.updated = now
	return ""
}

func (m *model) createListing(c modelCall, command *spec.CreateListing) spec.Code {
	id := spec.NewID(spec.ListingType, c.actor, command.Reference)
	if m.listings[id] != nil {
		return spec.ReferenceUsed
	}
	if number(command.Price).Cmp(big.NewInt(10)) < 0 {
		return spec.BelowMinimum
	}
	m.listings[id] = &modelListing{
		seller: c.actor, msp: c.msp, updated: c.time,
		versions: []modelVersion{{number(command.Price), number(command.ShippingPrice), command.AcceptRequired}},
	}
	// Unit after unit goes into the next lot.
	lots := command.Lots
	if lots == 0 {
		lots = 1
	}
	for unit := range command.Stock {
		m.lots[lotKey(id, spec.StockLot(id, 1, unit%lots))]++
	}
	return ""
}

func (m *model) own(c modelCall, listing []byte) (*modelListing, spec.Code) {
	id := spec.ID(listing)
	l := m.listings[id]
	if l == nil {
		return nil, spec.NotFound
	}
	if l.seller != c.actor {
		return nil, spec.NotAParty
	}
	if l.closed {
		return nil, spec.ListingClosed
	}
	return l, ""
}

func (m *model) editListing(c modelCall, command *spec.EditListing) spec.Code {
	listing, code := m.own(c, command.Listing)
	if code != "" {
		return code
	}
	if int(command.Version) != len(listing.versions) {
		return spec.VersionStale
	}
	if number(command.Price).Cmp(big.NewInt(10)) < 0 {
		return spec.BelowMinimum
	}
	listing.versions = append(listing.versions, modelVersion{number(command.Price), number(command.ShippingPrice), command.AcceptRequired})
	listing.updated = max(listing.updated, c.time)
	if command.AddStock > 0 {
		id := spec.ID(command.Listing)
		m.lots[lotKey(id, spec.StockLot(id, uint32(len(listing.versions)), 0))] = command.AddStock
	}
	return ""
}

// sells says why nobody can order by a version.
func (l *modelListing) sells(version uint32) spec.Code {
	if l == nil || int(version) > len(l.versions) {
		return spec.NotFound
	}
	current := int(version) == len(l.versions)
	if current && l.closed {
		return spec.ListingClosed
	}
	if !current {
		return spec.VersionStale
	}
	return ""
}

// take takes units from the lot that the call hints at, or from the first.
func (m *model) take(c modelCall, listing spec.ID, quantity uint32) bool {
	key := c.lotOf(listing)
	if m.lots[key] < quantity {
		return false
	}
	m.lots[key] -= quantity
	return true
}

func (c modelCall) lotOf(listing spec.ID) string {
	lot := spec.StockLot(listing, 1, 0)
	if hint := c.hints.GetLot(); len(hint) > 0 {
		lot = spec.ID(hint)
	}
	return lotKey(listing, lot)
}

func (m *model) placeOrder(c modelCall, command *spec.PlaceOrder) spec.Code {
	id := spec.NewID(spec.OrderType, c.actor, command.Reference)
	listingID := spec.ID(command.Listing)
	listing := m.listings[listingID]
	if m.orders[id] != nil {
		return spec.ReferenceUsed
	}
	if code := listing.sells(command.Version); code != "" {
		return code
	}
	if listing.seller == c.actor {
		return spec.SameAccount
	}
	version := listing.versions[command.Version-1]
	total := new(big.Int).Mul(version.price, big.NewInt(int64(command.Quantity)))
	total.Add(total, version.shipping)
	if total.Cmp(maxUnits) > 0 || total.Cmp(number(command.Total)) != 0 {
		return spec.TotalMismatch
	}
	if !m.take(c, listingID, command.Quantity) {
		return spec.LotEmpty
	}
	if !m.pay(c, total) {
		m.lots[c.lotOf(listingID)] += command.Quantity
		return spec.InsufficientFunds
	}
	order := &modelOrder{
		state: accepted, buyer: c.actor, buyerMSP: c.msp, seller: listing.seller, sellerMSP: listing.msp, listing: listingID,
		version: command.Version, quantity: command.Quantity, total: total, fee: new(big.Int), placedAt: c.time, updated: c.time,
		handOver: command.HandOverHash,
	}
	if version.acceptRequired {
		order.state = placed
	}
	m.orders[id] = order
	return ""
}

func (m *model) openAuction(c modelCall, command *spec.OpenAuction) spec.Code {
	id, listingID := spec.NewID(spec.AuctionType, c.actor, command.Reference), spec.ID(command.Listing)
	listing := m.listings[listingID]
	lot := spec.StockLot(listingID, 1, 0)
	if hint := c.hints.GetLot(); len(hint) > 0 {
		lot = spec.ID(hint)
	}
	a := &modelAuction{
		state: "open", seller: c.actor, listing: listingID, version: command.Version, quantity: command.Quantity, start: number(command.StartPrice),
		reserve: number(command.Reserve), step: number(command.Step), opened: c.time, ends: command.EndsAt,
	}
	if a.reserve.Cmp(a.start) < 0 {
		a.reserve = a.start
	}
	switch {
	case m.auctions[id] != nil:
		return spec.ReferenceUsed
	case listing == nil || int(command.Version) > len(listing.versions):
		return spec.NotFound
	case listing.seller != c.actor:
		return spec.NotAParty
	case int(command.Version) == len(listing.versions) && listing.closed:
		return spec.ListingClosed
	case int(command.Version) < len(listing.versions):
		return spec.VersionStale
	case a.start.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case a.ends <= c.time || a.ends > c.time+auctionSeconds:
		return spec.DeadlineOutOfRange
	case m.lots[lotKey(listingID, lot)] < a.quantity:
		return spec.LotEmpty
	}
	m.lots[lotKey(listingID, lot)] -= a.quantity
	m.auctions[id] = a
	return ""
}

// at checks that the auction is open and has so many bids, and returns when it ends and what time it is.
func (a *modelAuction) at(c modelCall, bids uint32) (ends, now int64, code spec.Code) {
	switch {
	case a == nil || int(bids) > len(a.bids):
		return 0, 0, spec.NotFound
	case a.state != "open":
		return 0, 0, spec.WrongState
	case int(bids) < len(a.bids):
		return 0, 0, spec.ValueStale
	}
	ends, now = a.ends, max(c.time, a.opened)
	for _, bid := range a.bids {
		ends, now = max(ends, bid.ends), max(now, bid.time)
	}
	return ends, now, ""
}

func (m *model) placeBid(c modelCall, command *spec.PlaceBid) spec.Code {
	a := m.auctions[spec.ID(command.Auction)]
	ends, now, code := a.at(c, command.Beats)
	if code != "" {
		return code
	}
	units, least := number(command.Amount), a.start
	var last *modelBid
	if n := len(a.bids); n > 0 {
		last = &a.bids[n-1]
		least = new(big.Int).Add(last.units, a.step)
	}
	own := new(big.Int)
	if last != nil && last.bidder == c.actor {
		own = last.units
	}
	switch {
	case a.seller == c.actor:
		return spec.SameAccount
	case units.Cmp(least) < 0:
		return spec.BidTooLow
	case now >= ends:
		return spec.DeadlinePassed
	case !m.pay(c, new(big.Int).Sub(units, own)):
		return spec.InsufficientFunds
	}
	if last != nil && last.bidder != c.actor {
		m.give(c, modelCredit{last.bidder, last.units, spec.CreditKind_CREDIT_KIND_REFUND})
	}
	a.bids = append(a.bids, modelBid{c.actor, c.msp, units, now, max(ends, now+extensionSeconds), command.HandOverHash})
	return ""
}

func (m *model) closeAuction(c modelCall, command *spec.CloseAuction) spec.Code {
	id := spec.ID(command.Auction)
	a := m.auctions[id]
	ends, now, code := a.at(c, command.Bids)
	if code != "" {
		return code
	}
	if now < ends {
		return spec.NotDue
	}
	n := len(a.bids)
	if n == 0 || a.bids[n-1].units.Cmp(a.reserve) < 0 {
		if n > 0 {
			m.give(c, modelCredit{a.bids[n-1].bidder, a.bids[n-1].units, spec.CreditKind_CREDIT_KIND_REFUND})
		}
		m.endAuction(id, "unsold")
		return ""
	}
	a.state = "sold"
	bid, listing := a.bids[n-1], m.listings[a.listing]
	order := &modelOrder{
		state: accepted, buyer: bid.bidder, buyerMSP: bid.msp, seller: a.seller, sellerMSP: listing.msp, listing: a.listing, version: a.version,
		quantity: a.quantity, total: bid.units, fee: new(big.Int), placedAt: now, updated: now, handOver: bid.handOver,
	}
	if listing.versions[a.version-1].acceptRequired {
		order.state = placed
	}
	m.orders[spec.AuctionOrder(id, uint32(n))] = order
	return ""
}

func (m *model) endAuction(id spec.ID, state string) {
	a := m.auctions[id]
	a.state = state
	m.lots[lotKey(a.listing, spec.ReturnLot(a.listing, id))] = a.quantity
}

func (m *model) cancelAuction(c modelCall, command *spec.CancelAuction) spec.Code {
	id := spec.ID(command.Auction)
	a := m.auctions[id]
	switch {
	case a == nil:
		return spec.NotFound
	case a.seller != c.actor:
		return spec.NotAParty
	case a.state != "open" || len(a.bids) > 0:
		return spec.WrongState
	}
	m.endAuction(id, "cancelled")
	return ""
}

// orderOf returns the order that a command is about.
func orderOf(command proto.Message) spec.ID {
	return spec.ID(command.(interface{ GetOrder() []byte }).GetOrder())
}

func (m *model) stepOrder(c modelCall, command proto.Message) spec.Code {
	id := orderOf(command)
	o := m.orders[id]
	if o == nil {
		return spec.NotFound
	}
	isBuyer, isSeller := c.actor == o.buyer, c.actor == o.seller
	unshipped := o.state == placed || o.state == accepted
	contested := o.state == disputed
	unproven := o.state == accepted || o.state == shipped || contested && o.releaseDue == 0
	now := max(c.time, o.updated)
	shipLate, protectionLate := now >= o.placedAt+shipSeconds, now >= o.placedAt+protectionSeconds
	// allowed, in the order of the catalogue: party, state, then time.
	check := func(party, state, inTime bool, late spec.Code) spec.Code {
		switch {
		case !party:
			return spec.NotAParty
		case !state:
			return spec.WrongState
		case !inTime:
			return late
		}
		return ""
	}
	code := spec.Code("")
	to := o.state
	switch command := command.(type) {
	case *spec.AcceptOrder:
		to, code = accepted, check(isSeller, o.state == placed, !shipLate, spec.DeadlinePassed)
	case *spec.ShipOrder:
		to, code = shipped, check(isSeller, o.state == accepted, !shipLate, spec.DeadlinePassed)
	case *spec.HandOverOrder:
		late := shipLate && o.state == accepted || protectionLate && o.state != accepted
		to, code = handedOver, check(isBuyer || isSeller, unproven, !late, spec.DeadlinePassed)
		if code == "" && !bytes.Equal(o.handOver, spec.HandOverHash(id, command.Code)) {
			code = spec.WrongCode
		}
	case *spec.ReportDelivery:
		to, code = handedOver, check(c.msp != o.buyerMSP && c.msp != o.sellerMSP, unproven && o.state != accepted, !protectionLate, spec.DeadlinePassed)
	case *spec.ConfirmOrder:
		to, code = released, check(isBuyer, o.state == accepted || o.state == shipped || o.state == handedOver || contested, true, "")
	case *spec.CancelOrder:
		to, code = cancelled, check(isBuyer || isSeller, unshipped, true, "")
	case *spec.RefundOrder:
		to, code = refunded, check(isSeller, unshipped || o.state == shipped || o.state == handedOver || contested, true, "")
	case *spec.ExpireOrder:
		due := unshipped && shipLate || o.state == shipped && protectionLate
		to, code = expired, check(true, unshipped || o.state == shipped, due, spec.NotDue)
	case *spec.ReleaseOrder:
		to, code = released, check(true, o.state == handedOver, now >= o.releaseDue, spec.NotDue)
	}
	if code != "" {
		return code
	}
	switch to {
	case handedOver:
		o.releaseDue = now + releaseSeconds
		if contested {
			to = disputed
		}
	case released:
		o.fee = new(big.Int).Mul(o.total, big.NewInt(feeBps))
		o.fee.Quo(o.fee, big.NewInt(10_000))
		m.give(c,
			modelCredit{o.seller, new(big.Int).Sub(o.total, o.fee), spec.CreditKind_CREDIT_KIND_RELEASE},
			modelCredit{spec.OrganisationAddress(operator), o.fee, spec.CreditKind_CREDIT_KIND_FEE})
	case cancelled, refunded, expired:
		m.give(c, modelCredit{o.buyer, o.total, spec.CreditKind_CREDIT_KIND_REFUND})
		if unshipped {
			m.lots[lotKey(o.listing, spec.ReturnLot(o.listing, id))] = o.quantity
		}
	}
	o.state, o.updated = to, now
	return ""
}

// describe writes everything the model knows, a line a thing.
func (m *model) describe() map[string]string {
	d := map[string]string{"supply": fmt.Sprintf("%s - %s", m.minted, m.burnt)}
	for a, units := range m.accounts {
		if units.Sign() > 0 {
			d["account "+a.String()] = units.String()
		}
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
		d["listing "+name] = fmt.Sprintf("%s version %d closed %t at %d", l.seller, len(l.versions), l.closed, l.updated)
		for i, v := range l.versions {
			ended := i+1 < len(l.versions) || l.closed
			d[fmt.Sprintf("version %s %d", name, i+1)] = fmt.Sprintf("%s + %s %t ended %t", v.price, v.shipping, v.acceptRequired, ended)
		}
	}
	for key, units := range m.lots {
		if units > 0 {
			d["lot "+key] = fmt.Sprint(units)
		}
	}
	for id, o := range m.orders {
		name := id.Text(spec.OrderType)
		d["order "+name] = fmt.Sprintf("%s %s from %s, %d of %s version %d for %s, fee %s, at %d %d, due %d", o.state, o.buyer, o.seller, o.quantity,
			o.listing.Text(spec.ListingType), o.version, o.total, o.fee, o.placedAt, o.updated, o.releaseDue)
		switch o.state {
		case placed, accepted, shipped, handedOver, disputed:
			d["hold "+o.buyer.String()+" "+name] = o.total.String()
		}
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
			d["listing "+id().Text(spec.ListingType)] = fmt.Sprintf("%s version %d closed %t at %d", r.Seller, r.Version, r.Closed, r.UpdatedAt)
		case ledger.Version:
			n := number([]byte(key.ID)).Uint64()
			_, ended := b.records[ledger.EndKey(parent(), uint32(n))]
			d[fmt.Sprintf("version %s %d", parent().Text(spec.ListingType), n)] = fmt.Sprintf("%s + %s %t ended %t", number(r.Price.Bytes()), number(r.ShippingPrice.Bytes()), r.AcceptRequired, ended)
		case ledger.Lot:
			d["lot "+lotKey(parent(), id())] = fmt.Sprint(r.Stock)
		case ledger.Order:
			d["order "+id().Text(spec.OrderType)] = fmt.Sprintf("%s %s from %s, %d of %s version %d for %s, fee %s, at %d %d, due %d", r.State, r.Buyer, r.Seller, r.Quantity,
				r.Listing.Text(spec.ListingType), r.Version, number(r.Total.Bytes()), number(r.Fee().Bytes()), r.PlacedAt, r.UpdatedAt, r.ReleaseDue)
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
