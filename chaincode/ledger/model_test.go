package ledger_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"

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
	variants      map[string]uint32 // of lots, by the same
	orders        map[spec.ID]*modelOrder
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
	// suspended are the versions at which it was suspended.
	suspended   map[int]bool
	isSuspended bool
	updated     int64
}

type modelVersion struct {
	price, shipping *big.Int
	variants        []*big.Int // the prices of further variants
	acceptRequired  bool
	milestones      []uint32
}

type modelOrder struct {
	state             spec.OrderState
	buyer, seller     spec.Address
	buyerMSP          string
	sellerMSP         string
	listing           spec.ID
	version, quantity uint32
	variant           uint32
	total             *big.Int
	// released and refunded are what left the hold, each step by itself.
	released, refunded *big.Int
	placedAt, updated  int64
	releaseDue         int64
	handOver           []byte
	shipped            uint32
	splitBy            spec.Address
	splitAmount        *big.Int
	returnDue          int64
	milestones         []modelMilestone
}

type modelMilestone struct {
	share    int64
	due      int64
	released bool
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
		variants: map[string]uint32{},
		orders:   map[spec.ID]*modelOrder{},
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
	needs := map[string]spec.Role{"Mint": spec.Role_ROLE_TREASURER, "Burn": spec.Role_ROLE_TREASURER, "ReportDelivery": spec.Role_ROLE_CARRIER, "SuspendListing": spec.Role_ROLE_OPERATOR, "ResumeListing": spec.Role_ROLE_OPERATOR}
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
	case *spec.SuspendListing:
		return m.suspend(c, command.Listing, true)
	case *spec.ResumeListing:
		return m.suspend(c, command.Listing, false)
	case *spec.PlaceOrder:
		return m.placeOrder(c, command)
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
	version, code := newModelVersion(command)
	if code != "" {
		return code
	}
	m.listings[id] = &modelListing{seller: c.actor, msp: c.msp, updated: c.time, versions: []modelVersion{version}, suspended: map[int]bool{}}
	// Unit after unit goes into the next lot.
	lots := command.Lots
	if lots == 0 {
		lots = 1
	}
	stocks := []uint32{command.Stock}
	for _, variant := range command.Variants {
		stocks = append(stocks, variant.Stock)
	}
	for variant, stock := range stocks {
		for unit := range stock {
			m.addStock(id, 1, uint32(variant), unit%lots, 1)
		}
	}
	return ""
}

// addStock adds units to the n-th lot of a variant that came with a version.
func (m *model) addStock(listing spec.ID, version, variant, n, units uint32) {
	key := lotKey(listing, spec.StockLot(listing, version, variant*16+n))
	m.lots[key] += units
	m.variants[key] = variant
}

func newModelVersion(command interface {
	GetPrice() []byte
	GetShippingPrice() []byte
	GetVariants() []*spec.VariantTerms
	GetAcceptRequired() bool
	GetMilestones() []uint32
}) (modelVersion, spec.Code) {
	v := modelVersion{price: number(command.GetPrice()), shipping: number(command.GetShippingPrice()), acceptRequired: command.GetAcceptRequired(), milestones: command.GetMilestones()}
	for _, variant := range command.GetVariants() {
		v.variants = append(v.variants, number(variant.Price))
	}
	for _, price := range append([]*big.Int{v.price}, v.variants...) {
		if price.Cmp(big.NewInt(10)) < 0 {
			return v, spec.BelowMinimum
		}
	}
	return v, ""
}

// suspend is the operator's word, and its opposite.
func (m *model) suspend(c modelCall, listing []byte, suspended bool) spec.Code {
	l := m.listings[spec.ID(listing)]
	switch {
	case l == nil:
		return spec.NotFound
	case l.isSuspended == suspended:
		return spec.WrongState
	case l.closed:
		return spec.ListingClosed
	}
	if l.isSuspended = suspended; suspended {
		l.suspended[len(l.versions)] = true
	} else {
		l.versions = append(l.versions, l.versions[len(l.versions)-1])
	}
	l.updated = max(l.updated, c.time)
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
	if listing.isSuspended {
		return spec.ListingSuspended
	}
	if int(command.Version) != len(listing.versions) {
		return spec.VersionStale
	}
	version, code := newModelVersion(command)
	if code != "" {
		return code
	}
	listing.versions = append(listing.versions, version)
	listing.updated = max(listing.updated, c.time)
	id := spec.ID(command.Listing)
	m.addStock(id, uint32(len(listing.versions)), 0, 0, command.AddStock)
	for i, variant := range command.Variants {
		m.addStock(id, uint32(len(listing.versions)), uint32(i)+1, 0, variant.Stock)
	}
	return ""
}

func (m *model) placeOrder(c modelCall, command *spec.PlaceOrder) spec.Code {
	id := spec.NewID(spec.OrderType, c.actor, command.Reference)
	listingID := spec.ID(command.Listing)
	listing := m.listings[listingID]
	if m.orders[id] != nil {
		return spec.ReferenceUsed
	}
	if listing == nil || int(command.Version) > len(listing.versions) {
		return spec.NotFound
	}
	version := listing.versions[command.Version-1]
	prices := append([]*big.Int{version.price}, version.variants...)
	if int(command.Variant) >= len(prices) {
		return spec.NotFound
	}
	current := int(command.Version) == len(listing.versions)
	if listing.suspended[int(command.Version)] {
		return spec.ListingSuspended
	}
	if current && listing.closed {
		return spec.ListingClosed
	}
	if !current {
		return spec.VersionStale
	}
	if listing.seller == c.actor {
		return spec.SameAccount
	}
	total := new(big.Int).Mul(prices[command.Variant], big.NewInt(int64(command.Quantity)))
	total.Add(total, version.shipping)
	if total.Cmp(maxUnits) > 0 || total.Cmp(number(command.Total)) != 0 {
		return spec.TotalMismatch
	}
	lot := spec.StockLot(listingID, 1, command.Variant*16)
	if hint := c.hints.GetLot(); len(hint) > 0 {
		lot = spec.ID(hint)
	}
	if key := lotKey(listingID, lot); m.lots[key] < command.Quantity || m.variants[key] != command.Variant {
		return spec.LotEmpty
	}
	if !m.pay(c, total) {
		return spec.InsufficientFunds
	}
	m.lots[lotKey(listingID, lot)] -= command.Quantity
	m.orders[id] = version.begin(modelOrder{
		buyer: c.actor, buyerMSP: c.msp, seller: listing.seller, sellerMSP: listing.msp, listing: listingID, version: command.Version,
		variant: command.Variant, quantity: command.Quantity, total: total, placedAt: c.time, handOver: command.HandOverHash,
	})
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
	case listing.suspended[int(command.Version)]:
		return spec.ListingSuspended
	case int(command.Version) == len(listing.versions) && listing.closed:
		return spec.ListingClosed
	case int(command.Version) < len(listing.versions):
		return spec.VersionStale
	case a.start.Cmp(big.NewInt(10)) < 0:
		return spec.BelowMinimum
	case a.ends <= c.time || a.ends > c.time+auctionSeconds:
		return spec.DeadlineOutOfRange
	case m.lots[lotKey(listingID, lot)] < a.quantity || m.variants[lotKey(listingID, lot)] != 0:
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
	m.orders[spec.AuctionOrder(id, uint32(n))] = listing.versions[a.version-1].begin(modelOrder{
		buyer: bid.bidder, buyerMSP: bid.msp, seller: a.seller, sellerMSP: listing.msp, listing: a.listing, version: a.version,
		quantity: a.quantity, total: bid.units, placedAt: now, handOver: bid.handOver,
	})
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

// begin makes an order of a version begin.
func (v modelVersion) begin(o modelOrder) *modelOrder {
	o.state, o.updated, o.released, o.refunded = accepted, o.placedAt, new(big.Int), new(big.Int)
	for _, share := range v.milestones {
		o.milestones = append(o.milestones, modelMilestone{share: int64(share)})
		o.state = commissioned
	}
	if v.acceptRequired {
		o.state = placed
	}
	return &o
}

// held is what an order still holds.
func (o *modelOrder) held() *big.Int {
	h := new(big.Int).Sub(o.total, o.released)
	return h.Sub(h, o.refunded)
}

// fee is that on all that was released, rounded down.
func (o *modelOrder) fee() *big.Int {
	fee := new(big.Int).Mul(o.released, big.NewInt(feeBps))
	return fee.Quo(fee, big.NewInt(10_000))
}

func (o *modelOrder) in(states ...spec.OrderState) bool { return slices.Contains(states, o.state) }

// open: the order holds money.
func (o *modelOrder) open() bool { return !o.in(released, cancelled, refunded, expired, split) }

// outcome is what a step does: the state that follows, and what the two sides get.
type outcome struct {
	to                spec.OrderState
	toSeller, toBuyer *big.Int
	// back are the units that come back.
	back uint32
}

func (m *model) stepOrder(c modelCall, command proto.Message) spec.Code {
	id := orderOf(command)
	o := m.orders[id]
	if o == nil {
		return spec.NotFound
	}
	// An order's time never goes back.
	now := max(c.time, o.updated)
	before := o.updated
	o.updated = now
	got, code := m.outcomeOf(c, o, command)
	if code != "" {
		o.updated = before
		return code
	}
	if got.toSeller != nil || got.toBuyer != nil {
		m.payOut(c, o, got)
	}
	if got.back > 0 {
		key := lotKey(o.listing, spec.ReturnLot(o.listing, id))
		m.lots[key], m.variants[key] = got.back, o.variant
	}
	if got.to == handedOver && o.state != handedOver && o.state != returnAsked {
		o.releaseDue = now + releaseSeconds
	}
	o.state = got.to
	return ""
}

func (m *model) payOut(c modelCall, o *modelOrder, got outcome) {
	paid := o.fee()
	toSeller, toBuyer := new(big.Int), new(big.Int)
	if got.toSeller != nil {
		toSeller.Set(got.toSeller)
	}
	if got.toBuyer != nil {
		toBuyer.Set(got.toBuyer)
	}
	o.released.Add(o.released, toSeller)
	o.refunded.Add(o.refunded, toBuyer)
	o.splitBy, o.splitAmount = spec.Address{}, nil
	fee := paid.Sub(o.fee(), paid)
	m.give(c,
		modelCredit{o.seller, new(big.Int).Sub(toSeller, fee), spec.CreditKind_CREDIT_KIND_RELEASE},
		modelCredit{spec.OrganisationAddress(operator), fee, spec.CreditKind_CREDIT_KIND_FEE},
		modelCredit{o.buyer, toBuyer, spec.CreditKind_CREDIT_KIND_REFUND})
}

// unsent are the units that the seller still has.
func (o *modelOrder) unsent() uint32 {
	switch {
	case o.in(placed, accepted, commissioned):
		return o.quantity
	case o.in(partShipped):
		return o.quantity - o.shipped
	}
	return 0
}

// check is in the order of the catalogue: party, state, then time.
func check(party, state bool, late bool) spec.Code {
	switch {
	case !party:
		return spec.NotAParty
	case !state:
		return spec.WrongState
	case late:
		return spec.DeadlinePassed
	}
	return ""
}

func (m *model) outcomeOf(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	isBuyer, isSeller := c.actor == o.buyer, c.actor == o.seller
	now := o.updated
	shipLate, protectionLate := now >= o.placedAt+shipSeconds, now >= o.placedAt+protectionSeconds
	got.to = o.state
	switch command := command.(type) {
	case *spec.AcceptOrder:
		if got.to = accepted; len(o.milestones) > 0 {
			got.to = commissioned
		}
		return got, check(isSeller, o.in(placed), shipLate)
	case *spec.ShipOrder:
		code = check(isSeller, o.in(accepted, partShipped), shipLate)
		if left := o.quantity - o.shipped; code == "" && command.Quantity > left {
			return got, spec.NotEnoughHeld
		}
		if code != "" {
			return got, code
		}
		o.shipped += command.Quantity
		if got.to = partShipped; command.Quantity == 0 || o.shipped == o.quantity {
			got.to, o.shipped = shipped, 0
		}
		return got, ""
	case *spec.HandOverOrder:
		late := shipLate && o.state == accepted || protectionLate && o.state == shipped
		code = check(isBuyer || isSeller, o.in(accepted, shipped), late)
		if code == "" && !bytes.Equal(o.handOver, spec.HandOverHash(orderOf(command), command.Code)) {
			code = spec.WrongCode
		}
		got.to = handedOver
		return got, code
	case *spec.ReportDelivery:
		got.to = handedOver
		return got, check(c.msp != o.buyerMSP && c.msp != o.sellerMSP, o.in(shipped), protectionLate)
	case *spec.ReportMilestone, *spec.ReleaseMilestone:
		return m.milestoneOutcome(c, o, command)
	case *spec.AskReturn, *spec.AcceptReturn, *spec.DeclineReturn, *spec.ShipReturn:
		return m.returnOutcome(c, o, command)
	}
	return m.moneyOutcome(c, o, command)
}

// moneyOutcome: of the steps that are about money alone.
func (m *model) moneyOutcome(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	isBuyer, isSeller := c.actor == o.buyer, c.actor == o.seller
	now := o.updated
	got.to = o.state
	switch command := command.(type) {
	case *spec.ConfirmOrder:
		part, code := o.part(check(isBuyer, o.open() && !o.in(placed), false), command.Amount)
		if got.toSeller = part; part != nil && part.Cmp(o.held()) == 0 {
			got.to = released
		}
		return got, code
	case *spec.RefundOrder:
		part, code := o.part(check(isSeller, o.open(), false), command.Amount)
		if got.toBuyer = part; part != nil && part.Cmp(o.held()) == 0 {
			got.to, got.back = refunded, o.unsent()
		}
		return got, code
	case *spec.CancelOrder:
		return outcome{cancelled, nil, o.held(), o.unsent()}, check(isBuyer || isSeller, o.in(placed, accepted, commissioned), false)
	case *spec.ProposeSplit:
		code = check(isBuyer || isSeller, o.open(), false)
		if code == "" && number(command.SellerAmount).Cmp(o.held()) > 0 {
			code = spec.NotEnoughHeld
		}
		if code == "" {
			o.splitBy, o.splitAmount = c.actor, number(command.SellerAmount)
		}
		return got, code
	case *spec.AgreeSplit:
		code = check(isBuyer || isSeller, o.open(), false)
		if code == "" && (o.splitAmount == nil || o.splitBy == c.actor || o.splitAmount.Cmp(number(command.SellerAmount)) != 0) {
			code = spec.SplitMismatch
		}
		if code != "" {
			return got, code
		}
		return outcome{split, o.splitAmount, new(big.Int).Sub(o.held(), o.splitAmount), o.unsent()}, ""
	case *spec.ReleaseOrder:
		due := map[spec.OrderState]int64{handedOver: o.releaseDue, returnAsked: o.returnDue + returnSeconds, returnAccepted: o.returnDue}
		if !o.in(handedOver, returnAsked, returnAccepted) {
			return got, spec.WrongState
		}
		if now < due[o.state] {
			return got, spec.NotDue
		}
		return outcome{released, o.held(), nil, 0}, ""
	}
	return m.expiryOutcome(o)
}

// part is the part of what is held that a command names, or all.
func (o *modelOrder) part(code spec.Code, named []byte) (*big.Int, spec.Code) {
	if code != "" {
		return nil, code
	}
	if len(named) == 0 {
		return o.held(), ""
	}
	if number(named).Cmp(big.NewInt(10)) < 0 {
		return nil, spec.BelowMinimum
	}
	if number(named).Cmp(o.held()) > 0 {
		return nil, spec.NotEnoughHeld
	}
	return number(named), ""
}

func (m *model) expiryOutcome(o *modelOrder) (got outcome, code spec.Code) {
	end := o.placedAt + protectionSeconds
	switch o.state {
	case placed, accepted, partShipped:
		end = o.placedAt + shipSeconds
	case working:
		for _, one := range o.milestones {
			end = max(end, one.due)
		}
	case returnShipped:
		end = o.returnDue
	case commissioned, shipped:
	default:
		return got, spec.WrongState
	}
	if o.updated < end {
		return got, spec.NotDue
	}
	got = outcome{expired, nil, o.held(), o.unsent()}
	switch o.state {
	case partShipped:
		// What went is worth its share, rounded down; the rest is the buyer's, and a part of it may be back already.
		sent := new(big.Int).Mul(o.total, big.NewInt(int64(o.shipped)))
		sent.Quo(sent, big.NewInt(int64(o.quantity)))
		back := new(big.Int).Sub(o.total, sent)
		back.Sub(back, o.refunded)
		if back.Sign() < 0 {
			back.SetInt64(0)
		}
		if back.Cmp(o.held()) > 0 {
			back = o.held()
		}
		got.toBuyer, o.shipped = back, 0
		if back.Cmp(o.held()) < 0 {
			got.to = shipped
		}
	case working:
		done, copied := new(big.Int), *o
		copied.milestones = slices.Clone(o.milestones)
		for at, one := range copied.milestones {
			if one.due > 0 && !one.released {
				done.Add(done, copied.worth(at, done))
				copied.milestones[at].released = true
			}
		}
		got.toSeller, got.toBuyer = done, new(big.Int).Sub(o.held(), done)
	}
	return got, ""
}

// worth is what a milestone is paid, when so much of what is held is spoken for.
func (o *modelOrder) worth(at int, spoken *big.Int) *big.Int {
	left := new(big.Int).Sub(o.held(), spoken)
	others := 0
	for i, one := range o.milestones {
		if i != at && !one.released {
			others++
		}
	}
	share := new(big.Int).Mul(o.total, big.NewInt(o.milestones[at].share))
	share.Quo(share, big.NewInt(10_000))
	if others == 0 || share.Cmp(left) > 0 {
		return left
	}
	return share
}

func (m *model) milestoneOutcome(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	at := int(command.(interface{ GetMilestone() uint32 }).GetMilestone()) - 1
	got.to = working
	report, isReport := command.(*spec.ReportMilestone)
	if code = check(!isReport || c.actor == o.seller, o.in(commissioned, working), false); code != "" {
		return got, code
	}
	if at >= len(o.milestones) {
		return got, spec.NotFound
	}
	one := &o.milestones[at]
	if one.released || report != nil && one.due > 0 {
		return got, spec.WrongState
	}
	if isReport {
		code = check(true, true, o.updated >= o.placedAt+protectionSeconds)
		if code == "" {
			one.due = o.updated + releaseSeconds
		}
		return got, code
	}
	if c.actor != o.buyer && (one.due == 0 || o.updated < one.due) {
		return got, spec.NotDue
	}
	if got.toSeller = o.worth(at, new(big.Int)); got.toSeller.Cmp(o.held()) == 0 {
		got.to = released
	}
	one.released = true
	return got, ""
}

func (m *model) returnOutcome(c modelCall, o *modelOrder, command proto.Message) (got outcome, code spec.Code) {
	isBuyer, isSeller, now := c.actor == o.buyer, c.actor == o.seller, o.updated
	switch command.(type) {
	case *spec.AskReturn:
		code = check(isBuyer, o.in(handedOver) && o.returnDue == 0, now >= o.releaseDue)
		got.to = returnAsked
	case *spec.AcceptReturn:
		code = check(isSeller, o.in(returnAsked), now >= o.returnDue)
		got.to = returnAccepted
	case *spec.DeclineReturn:
		code = check(isSeller, o.in(returnAsked), now >= o.returnDue)
		if got.to = handedOver; code == "" {
			o.releaseDue = max(o.releaseDue, now+returnSeconds)
		}
	case *spec.ShipReturn:
		end := o.returnDue
		if o.in(returnAsked) {
			end += returnSeconds
		}
		code = check(isBuyer, o.in(returnAsked, returnAccepted), now >= end)
		if code == "" && o.in(returnAsked) && now < o.returnDue {
			code = spec.NotDue
		}
		got.to = returnShipped
	}
	if code == "" {
		o.returnDue = now + returnSeconds
	}
	return got, code
}

func variantsOf(v ledger.Version) (prices []*big.Int) {
	for _, price := range v.VariantPrices {
		if !price.IsZero() {
			prices = append(prices, number(price.Bytes()))
		}
	}
	return prices
}

// orderLine describes an order.
const orderLine = "%s %s from %s, %d of %s version %d for %s, released %s, refunded %s, fee %s, at %d %d, due %d, shipped %d, split by %s %s, return due %d"

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
		side := map[spec.Address]spec.OrderSide{o.buyer: spec.OrderSide_ORDER_SIDE_BUYER, o.seller: spec.OrderSide_ORDER_SIDE_SELLER}[o.splitBy]
		splitAmount := o.splitAmount
		if splitAmount == nil {
			splitAmount = new(big.Int)
		}
		d["order "+name] = fmt.Sprintf(orderLine, o.state, o.buyer, o.seller, o.quantity, o.listing.Text(spec.ListingType), o.version, o.total,
			o.released, o.refunded, o.fee(), o.placedAt, o.updated, o.releaseDue, o.shipped, side, splitAmount, o.returnDue)
		for i, one := range o.milestones {
			d[fmt.Sprintf("milestone %s %d", name, i+1)] = fmt.Sprint(one)
		}
		if o.open() {
			d["hold "+o.buyer.String()+" "+name] = o.held().String()
		}
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
			d["listing "+id().Text(spec.ListingType)] = fmt.Sprintf("%s version %d closed %t suspended %t at %d", r.Seller, r.Version, r.Closed, r.Suspended, r.UpdatedAt)
		case ledger.Version:
			n := number([]byte(key.ID)).Uint64()
			_, ended := b.records[ledger.EndKey(parent(), uint32(n))]
			d[fmt.Sprintf("version %s %d", parent().Text(spec.ListingType), n)] = fmt.Sprintf("%s %s + %s %t ended %t", number(r.Price.Bytes()), variantsOf(r), number(r.ShippingPrice.Bytes()), r.AcceptRequired, ended)
		case ledger.Lot:
			d["lot "+lotKey(parent(), id())] = fmt.Sprint(r.Stock, r.Variant)
		case ledger.Order:
			d["order "+id().Text(spec.OrderType)] = fmt.Sprintf(orderLine, r.State, r.Buyer, r.Seller, r.Quantity, r.Listing.Text(spec.ListingType), r.Version,
				number(r.Total.Bytes()), number(r.Released.Bytes()), number(r.Refunded.Bytes()), number(r.Fee().Bytes()), r.PlacedAt, r.UpdatedAt, r.ReleaseDue,
				r.Shipped, r.SplitBy, number(r.SplitAmount.Bytes()), r.ReturnDue)
		case ledger.Milestones:
			for i, one := range r {
				if one.ShareBps > 0 {
					d[fmt.Sprintf("milestone %s %d", id().Text(spec.OrderType), i+1)] = fmt.Sprint(modelMilestone{int64(one.ShareBps), one.Due, one.Released})
				}
			}
		}
	}
	return d
}
