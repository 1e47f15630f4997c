package simulate_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/simulate/seed"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// TestHistories runs random calls of all organisations and sub-accounts, and intents of persons that two relays carry, through
// everything that goes wrong on a channel; the auditor checks every invariant after each block.
func TestHistories(t *testing.T) {
	const usual = 150
	valid, codes := map[string]int{}, map[simulate.Code]int{}
	refusals, intentRefusals, byIntent := map[spec.Code]int{}, map[spec.Code]int{}, map[string]int{}
	mismatches, discounted := 0, 0
	for n := range seed.Times(usual) {
		h := playHistory(t, seed.First()+uint64(n))
		for function, count := range h.valid {
			valid[function] += count
		}
		for code, count := range h.codes {
			codes[code] += count
		}
		for code, count := range h.refusals {
			refusals[code] += count
		}
		for code, count := range h.intentRefusals {
			intentRefusals[code] += count
		}
		for function, count := range h.byIntent {
			byIntent[function] += count
		}
		mismatches += h.mismatches
		for _, id := range h.auditor.Orders() {
			if order := h.auditor.Record(ledger.OrderKey(id)).(ledger.Order); !order.Discount.IsZero() {
				discounted++
			}
		}
	}
	// A history in which nothing happens proves nothing. What a person may ask for, the stories do; what is asked for below besides,
	// happens some thirty times or more in so many histories, so that it is missing by chance once in e^30.
	for _, op := range spec.Operations {
		if op.Kind == spec.Write && op.Number == 0 && valid[op.FullName()] == 0 {
			t.Errorf("no history has a valid %s", op.FullName())
		}
		if op.Number > 0 && byIntent[op.FullName()] == 0 {
			t.Errorf("in no history does an intent to %s happen", op.FullName())
		}
	}
	if discounted == 0 {
		t.Error("no history has an order with a discount")
	}
	for _, code := range []simulate.Code{simulate.Valid, simulate.MVCCReadConflict, simulate.DuplicateTxID} {
		if codes[code] == 0 {
			t.Errorf("no history has a transaction that is %s", code)
		}
	}
	if mismatches == 0 {
		t.Error("no history has endorsements that do not match")
	}
	for _, code := range []spec.Code{
		spec.FenceTooEarly, spec.ReferenceUsed, spec.WrongState, spec.NotAParty, spec.NotDue, spec.DeadlinePassed,
		spec.LotEmpty, spec.InsufficientFunds, spec.TimestampOutOfRange, spec.ListingSuspended, spec.VersionStale, spec.ListingClosed, spec.NoCredits,
	} {
		if refusals[code] == 0 {
			t.Errorf("no history has a call that is refused with %s", code)
		}
	}
	for _, code := range []spec.Code{
		spec.NonceUsed, spec.IntentExpired, spec.BadSignature, spec.BadIntent, spec.InsufficientFunds, spec.NoCredits, spec.ReferenceUsed,
		spec.WrongState, spec.NotAParty, spec.NotDue, spec.DeadlinePassed, spec.LotEmpty, spec.VersionStale, spec.ListingClosed,
	} {
		if intentRefusals[code] == 0 {
			t.Errorf("no history has an intent that is refused with %s", code)
		}
	}
	// Two minutes of grace are twice what a clock may be off: whoever is endorsed at all is in an epoch that has no fence yet.
	if refusals[spec.Fenced] > 0 {
		t.Errorf("%d calls were refused by a fence at endorsement", refusals[spec.Fenced])
	}
	t.Logf("valid: %v; codes: %v; mismatches: %d; refusals: %v; intents: %v; refused: %v", valid, codes, mismatches, refusals, byIntent, intentRefusals)
}

// One seed makes one history: else a failure could not be repeated.
func TestASeedRepeatsItsHistory(t *testing.T) {
	first, second, other := playHistory(t, 42).digest(), playHistory(t, 42).digest(), playHistory(t, 43).digest()
	if first != second {
		t.Error("one seed made two histories")
	}
	if first == other {
		t.Error("two seeds made one history")
	}
}

// history is a bazaar and what the players know of it.
type history struct {
	*bazaar
	seed       uint64
	rand       *rand.Rand
	players    []player
	faults     simulate.Faults
	kept       []*simulate.Envelope
	proposals  []simulate.Proposal
	refusals   map[spec.Code]int
	mismatches int
	blocks     []*simulate.Block

	persons []*person
	relays  [2]*relay
	// late are intents that somebody carries once more, at any time.
	late           []letter
	byIntent       map[string]int
	intentRefusals map[spec.Code]int
}

// player is an account with a client and its clock, or a person with a key.
type player struct {
	mspID, subAccount string
	client            *simulate.Client
	address           spec.Address
	person            *person
}

// The places of the players: the treasurer, the two of the merchant, and those who buy.
const (
	treasurerAt = 1
	sellersAt   = 3
	buyersAt    = 5
)

// code is every buyer's hand-over code; who guesses is refused by the commitment.
var code = []byte("0123456789abcdef")

func playHistory(t *testing.T, n uint64) *history {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("repeat with: CMT_TEST_SEED=%d go test -run '^%s$' ./chaincode/simulate", n, t.Name())
		}
	}()
	r := rand.New(rand.NewPCG(n, 1))
	h := &history{
		seed:     n,
		rand:     r,
		bazaar:   openBazaar(t, simulate.Config{Seed: n, MaxLag: r.IntN(3), BlockSize: 1 + r.IntN(12)}),
		refusals: map[spec.Code]int{}, byIntent: map[string]int{}, intentRefusals: map[spec.Code]int{},
		faults: simulate.Faults{
			Duplicate: r.IntN(10), Delay: r.IntN(30), Withhold: r.IntN(8), WithholdSeconds: 1500, LoseStatus: r.IntN(20),
			Reorder: r.IntN(2) == 0, SmallBlocks: r.IntN(2) == 0,
		},
	}
	for _, p := range []struct{ mspID, subAccount string }{
		{operator, ""}, {treasurer, ""}, {carrier, ""}, {merchant, ""}, {merchant, "store"}, {buyers, ""}, {buyers, "anna"}, {buyers, "ben"},
	} {
		client := h.Client(p.mspID, int64(r.IntN(121)-60))
		h.players = append(h.players, player{p.mspID, p.subAccount, client, spec.SubAccountAddress(p.mspID, p.subAccount), nil})
	}
	h.persons = crowdOf(4)
	for _, p := range h.persons {
		h.players = append(h.players, player{address: p.address, person: p})
	}
	for i, mspID := range []string{operator, merchant} {
		h.relays[i] = &relay{client: h.Client(mspID, int64(r.IntN(121)-60))}
	}
	for _, p := range h.players[sellersAt:] {
		h.payOut(p)
	}
	steps := 160 + r.IntN(320)
	for range steps {
		h.step()
	}
	h.tell(n)
	// What was kept back comes in the end, long after its time.
	h.Advance(3000)
	for _, envelope := range h.kept {
		h.Submit(envelope)
	}
	for range 3 {
		h.Advance(1500)
		for _, block := range h.CutAll() {
			h.follow(block)
		}
	}
	return h
}

// payOut gives a player money to begin with: the first half in the account, the other in a credit.
func (h *history) payOut(p player) {
	h.t.Helper()
	faults := h.faults
	h.SetFaults(simulate.Faults{})
	amount := spec.CMT(200)
	if p.person != nil {
		amount = spec.CMT(50) // so that a credit named or not decides
		h.fundPerson(p.person, 50)
	} else {
		h.fund(p.mspID, p.subAccount, amount)
	}
	h.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: fmt.Sprintf("credit-%d", h.Height()), To: p.address.Bytes(), Amount: amount.Bytes()}, nil)
	h.SetFaults(faults)
}

// step is one thing that somebody does.
func (h *history) step() {
	h.t.Helper()
	h.Advance(int64(h.rand.IntN(12)))
	if h.oneIn(25) {
		h.Advance(int64(h.rand.IntN(500)))
	}
	switch {
	case h.oneIn(4):
		if block := h.Cut(); block != nil {
			h.follow(block)
		}
	case h.oneIn(25) && len(h.kept) > 0:
		// Sent late, or a second time.
		h.Submit(h.kept[h.rand.IntN(len(h.kept))])
	case h.oneIn(20) && len(h.proposals) > 0:
		h.endorse(h.proposals[h.rand.IntN(len(h.proposals))])
	case h.oneIn(5), len(h.relays[0].bag)+len(h.relays[1].bag) > 12:
		h.carryBatch(h.relays[h.rand.IntN(2)])
	default:
		who := h.players[h.rand.IntN(len(h.players))]
		function, command, hints := h.draw(&who)
		if who.person != nil && spec.Find(function).Number > 0 {
			h.post(who.person, function, command, hints)
			return
		}
		if who.person != nil {
			who = h.players[0] // what no person may ask for
		}
		client := *who.client
		if h.oneIn(60) {
			client.SkewSeconds = 61 + int64(h.rand.IntN(30))
		}
		proposal := client.Propose(newCall(function, who.subAccount, command, hints))
		if h.oneIn(15) {
			h.proposals = append(h.proposals, proposal)
			return
		}
		h.endorse(proposal)
	}
}

func (h *history) oneIn(n int) bool { return h.rand.IntN(n) == 0 }

// endorse endorses a proposal and submits the envelope, keeps it, or does both.
func (h *history) endorse(proposal simulate.Proposal) {
	h.t.Helper()
	envelope, err := h.Endorse(proposal)
	switch {
	case errors.Is(err, simulate.ErrEndorsementMismatch):
		h.mismatches++
		return
	case err != nil && isRefusal(err):
		h.refusals[spec.ErrorCode(err)]++
		return
	case err != nil:
		h.t.Fatalf("seed %d: %s: %v", h.seed, proposal.Function, err)
	}
	if err := simulate.CheckReads(envelope, ledgerID); err != nil {
		h.t.Fatalf("seed %d: %v", h.seed, err)
	}
	if h.oneIn(12) {
		h.kept = append(h.kept, envelope)
		if h.oneIn(2) {
			return
		}
	}
	h.Submit(envelope)
}

// follow has the auditor check a block, and lets clients that heard no good of their calls ask again.
func (h *history) follow(block *simulate.Block) {
	h.t.Helper()
	h.blocks = append(h.blocks, block)
	h.observe(block)
	for _, tx := range block.Transactions {
		if tx.Proposal.Function == spec.BatchFunction && tx.Code == simulate.Valid {
			h.count(tx.Envelope)
		}
		client := h.Client(tx.Proposal.MSPID, 0)
		if status, heard := client.Status(tx.Proposal.ID); (!heard || status.Code != simulate.Valid) && h.oneIn(2) {
			h.endorse(client.ProposeRaw(tx.Proposal.Function, tx.Proposal.Argument))
		}
	}
}

// digest is a hash over all blocks.
func (h *history) digest() [32]byte {
	sum := sha256.New()
	for _, block := range h.blocks {
		for _, tx := range block.Transactions {
			fmt.Fprintf(sum, "%d %s %v %v\n", block.Number, tx.Code, tx.Proposal, tx.Set)
		}
	}
	return [32]byte(sum.Sum(nil))
}

func (h *history) amount() spec.Amount {
	a, _ := spec.CMT(uint32(h.rand.IntN(20))).Add(spec.Units(h.rand.Uint64N(1000)))
	return a
}

func (h *history) reference() string { return fmt.Sprintf("r%d", h.rand.IntN(30)) }

// entries returns the keys of a kind and parent that there are.
func (h *history) entries(kind ledger.Kind, parent []byte) []ledger.Entry {
	entries, _, err := state.Reader{Stub: h.Stub()}.Page(kind, string(parent), "", 64)
	if err != nil {
		h.t.Fatal(err)
	}
	return entries
}

// credits names some of an account's credits, and sometimes others'.
func (h *history) credits(of spec.Address) [][]byte {
	var names [][]byte
	for _, entry := range h.entries(ledger.CreditKind, of.Bytes()) {
		if !h.oneIn(4) {
			names = append(names, []byte(entry.Key.ID))
		}
	}
	if h.oneIn(8) {
		names = append(names, make([]byte, 20))
	}
	if h.oneIn(8) {
		for _, entry := range h.entries(ledger.CreditKind, h.players[h.rand.IntN(len(h.players))].address.Bytes()) {
			names = append(names, []byte(entry.Key.ID))
		}
	}
	if h.oneIn(8) {
		names = append(names, names...)
	}
	return names[:min(len(names), 64)]
}

// draw chooses what to do. It may put another player in the place of the one that was chosen, who would mostly be refused.
func (h *history) draw(who *player) (string, proto.Message, *spec.Hints) {
	switch h.rand.IntN(50) {
	case 0, 1:
		to := h.players[h.rand.IntN(len(h.players))].address
		if who.person == nil && h.oneIn(2) {
			*who = h.players[treasurerAt] // the treasurer has the money
		}
		reference := h.reference()
		if who.person != nil && h.oneIn(2) {
			reference = "" // its nonce is what happens once
		}
		if h.oneIn(4) {
			return "token:Payout", &spec.Payout{Reference: reference, Payments: h.drawPayments()}, h.folding(who)
		}
		return "token:Transfer", &spec.Transfer{Reference: reference, To: to.Bytes(), Amount: h.positive()}, h.folding(who)
	case 2:
		if h.oneIn(3) {
			return h.drawHomeSweep(who)
		}
		return "token:Sweep", &spec.Sweep{}, h.folding(who)
	case 3:
		if h.oneIn(2) {
			*who = h.players[treasurerAt]
			to := h.players[h.rand.IntN(len(h.players))].address
			return "token:Mint", &spec.Mint{Reference: h.reference(), To: to.Bytes(), Amount: h.positive()}, nil
		}
		*who = h.players[treasurerAt]
		return "token:Burn", &spec.Burn{Reference: h.reference(), Amount: h.positive()}, h.folding(who)
	case 4:
		if h.oneIn(4) {
			return "token:MoveHome", &spec.MoveHome{MspId: members[h.rand.IntN(len(members))]}, nil
		}
		if h.oneIn(3) {
			if who.person != nil {
				return "token:VoidNonce", &spec.VoidNonce{Nonce: 1 + h.rand.Uint64N(who.person.nonce+4)}, nil
			}
			return "token:VoidNonce", &spec.VoidNonce{Nonce: 1 + uint64(h.rand.IntN(100))}, nil
		}
		epoch := uint64(h.Now())/epochSeconds - uint64(h.rand.IntN(3))
		return "consortium:Fence", &spec.Fence{Epoch: epoch}, nil
	case 5:
		if h.oneIn(4) {
			return h.drawDiscountOffer(who)
		}
		return h.drawListing(who)
	case 45, 46, 47, 48, 49:
		return h.drawBidding(who)
	case 24, 25, 26, 27, 28:
		return h.drawSetAside(who)
	case 6, 7, 8, 9:
		if listings := h.auditor.Listings(); len(listings) > 0 {
			if h.oneIn(3) {
				return h.drawCart(who, listings)
			}
			return h.drawPurchase(who, listings[h.rand.IntN(len(listings))])
		}
		return h.drawListing(who)
	case 29, 30, 31, 32, 33, 34:
		return h.drawHaggling(who)
	case 35, 36, 37, 38, 39, 40, 41, 42, 43, 44:
		return h.drawContested(who)
	default:
		orders := h.auditor.Orders()
		if open := slices.DeleteFunc(slices.Clone(orders), func(id spec.ID) bool { return isSettled(h.orderState(id)) }); len(open) > 0 && !h.oneIn(10) {
			orders = open
		}
		if len(orders) > 0 {
			id := orders[h.rand.IntN(len(orders))]
			if isSettled(h.orderState(id)) && !h.oneIn(4) {
				return h.drawReview(who, id)
			}
			return h.drawOrderStep(who, id)
		}
		return h.drawListing(who)
	}
}

// drawHomeSweep sweeps for somebody else: a relay for who is at home there, or anyone for anyone.
func (h *history) drawHomeSweep(who *player) (string, proto.Message, *spec.Hints) {
	guest := h.players[len(h.players)-1-h.rand.IntN(len(h.persons))]
	if !h.oneIn(4) {
		*who = h.players[[]int{0, sellersAt}[h.rand.IntN(2)]] // a relay
	}
	return "token:Sweep", &spec.Sweep{Account: guest.address.Bytes()}, &spec.Hints{Credits: h.credits(guest.address)}
}

// drawPayments pays some of the players, and some persons who never were here before.
func (h *history) drawPayments() []*spec.Payment {
	var payments []*spec.Payment
	for _, at := range h.rand.Perm(len(h.players))[:1+h.rand.IntN(4)] {
		to := h.players[at].address
		if h.oneIn(3) {
			to = newPerson(fmt.Sprintf("newcomer %d", h.rand.IntN(1000)), spec.Scheme_SCHEME_ED25519).address
		}
		payments = append(payments, &spec.Payment{To: to.Bytes(), Amount: h.positive()})
	}
	return slices.CompactFunc(payments, func(a, b *spec.Payment) bool { return string(a.To) == string(b.To) })
}

func (h *history) positive() []byte {
	amount := h.amount()
	if amount.IsZero() {
		amount = spec.Units(1)
	}
	return amount.Bytes()
}

func (h *history) folding(who *player) *spec.Hints {
	return &spec.Hints{Credits: h.credits(who.address)}
}

func (h *history) drawListing(who *player) (string, proto.Message, *spec.Hints) {
	if !h.oneIn(5) {
		*who = h.players[sellersAt+h.rand.IntN(2)] // the merchant or its store
		if h.oneIn(2) {
			*who = h.players[len(h.players)-1-h.rand.IntN(len(h.persons))]
		}
	}
	listings := h.auditor.Listings()
	if len(listings) > 0 && h.oneIn(2) {
		id := listings[h.rand.IntN(len(listings))]
		head := h.auditor.Record(ledger.ListingKey(id)).(ledger.Listing)
		if !h.oneIn(5) {
			h.become(who, head.Seller)
		}
		if head.Suspended && !h.oneIn(3) || h.oneIn(30) {
			*who = h.players[0] // the operator
			return "market:ResumeListing", &spec.ResumeListing{Listing: id[:]}, nil
		}
		if h.oneIn(8) {
			*who = h.players[0]
			return "market:SuspendListing", &spec.SuspendListing{Listing: id[:], Reason: "a test"}, nil
		}
		if h.oneIn(6) {
			return "market:CloseListing", &spec.CloseListing{Listing: id[:]}, nil
		}
		return "market:EditListing", &spec.EditListing{
			Listing: id[:], Version: max(1, head.Version-uint32(h.rand.IntN(2))), Price: h.positive(), ShippingPrice: h.amount().Bytes(),
			AddStock: uint32(h.rand.IntN(4)), Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: h.oneIn(2), Milestones: h.milestones(),
			Variants: h.variants(),
		}, nil
	}
	return "market:CreateListing", &spec.CreateListing{
		Reference: h.reference(), Price: h.positive(), ShippingPrice: h.amount().Bytes(), Stock: 1 + uint32(h.rand.IntN(10)),
		Lots: uint32(h.rand.IntN(5)), Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: h.oneIn(2), Milestones: h.milestones(),
		Variants: h.variants(),
	}, nil
}

// become puts the player with the address in the place of who.
func (h *history) become(who *player, address spec.Address) {
	for _, p := range h.players {
		if p.address == address {
			*who = p
		}
	}
}

func (h *history) drawPurchase(who *player, listing spec.ID) (string, proto.Message, *spec.Hints) {
	head := h.auditor.Record(ledger.ListingKey(listing)).(ledger.Listing)
	number := head.Version
	if h.oneIn(5) {
		number = 1 + uint32(h.rand.IntN(int(head.Version)))
	}
	version := h.auditor.Record(ledger.VersionKey(listing, number)).(ledger.Version)
	if h.oneIn(2) {
		*who = h.players[buyersAt+h.rand.IntN(len(h.players)-buyersAt)]
	}
	quantity := 1 + uint32(h.rand.IntN(3))
	price, variant := version.Price, uint32(0)
	if !version.VariantPrices[0].IsZero() && h.oneIn(2) {
		price, variant = version.VariantPrices[0], 1
	}
	goods, _ := price.Mul(uint64(quantity))
	total, _ := goods.Add(version.ShippingPrice)
	if h.oneIn(20) {
		total = spec.CMT(3)
	}
	reference := h.reference()
	order := spec.NewID(spec.OrderType, who.address, reference)
	command := &spec.PlaceOrder{Reference: reference, Listing: listing[:], Version: number, Variant: variant, Quantity: quantity, Total: total.Bytes()}
	if h.oneIn(2) {
		command.HandOverHash = spec.HandOverHash(order, code)
	}
	if h.oneIn(3) {
		command.Discount, command.DiscountId = h.drawDiscount(who.address, version.Seller)
		if less, fits := total.Sub(h.takenOff(command, goods)); fits && !less.IsZero() {
			command.Total = less.Bytes()
		}
	}
	hints := h.folding(who)
	if lots := h.entries(ledger.LotKind, listing[:]); len(lots) > 0 && !h.oneIn(10) {
		own := slices.DeleteFunc(slices.Clone(lots), func(lot ledger.Entry) bool { return lot.Record.(ledger.Lot).Variant != variant })
		if len(own) > 0 && !h.oneIn(10) {
			lots = own
		}
		hints.Lot = []byte(lots[h.rand.IntN(len(lots))].Key.ID)
	}
	return "market:PlaceOrder", command, hints
}

// drawCart draws lines of listings that are mostly one seller's.
func (h *history) drawCart(who *player, listings []spec.ID) (string, proto.Message, *spec.Hints) {
	if h.oneIn(2) {
		*who = h.players[buyersAt+h.rand.IntN(len(h.players)-buyersAt)]
	}
	command, hints := &spec.PlaceCart{Reference: h.reference()}, h.folding(who)
	var of spec.Address
	var total spec.Amount
	shipped := map[spec.ID]bool{}
	for _, at := range h.rand.Perm(len(listings)) {
		id := listings[at]
		head := h.auditor.Record(ledger.ListingKey(id)).(ledger.Listing)
		version := h.auditor.Record(ledger.VersionKey(id, head.Version)).(ledger.Version)
		if (len(command.Lines) > 0 && head.Seller != of || version.Milestones[0] > 0 || head.State() != spec.ListingState_LISTING_STATE_OPEN) && !h.oneIn(60) {
			continue
		}
		of = head.Seller
		line := &spec.CartLine{Listing: id[:], Version: head.Version, Quantity: 1 + uint32(h.rand.IntN(2))}
		goods, _ := version.Price.Mul(uint64(line.Quantity))
		if total, _ = total.Add(goods); !shipped[id] {
			shipped[id] = true
			total, _ = total.Add(version.ShippingPrice)
		}
		command.Lines = append(command.Lines, line)
		lot := spec.StockLot(id, 1, 0)
		if lots := h.entries(ledger.LotKind, id[:]); len(lots) > 0 {
			lot = spec.ID([]byte(lots[h.rand.IntN(len(lots))].Key.ID))
		}
		if hints.Lots = append(hints.Lots, lot[:]); len(command.Lines) == 3 || h.oneIn(3) {
			break
		}
	}
	if len(command.Lines) == 0 {
		return h.drawPurchase(who, listings[0])
	}
	if command.Total = total.Bytes(); h.oneIn(20) {
		command.Total = spec.CMT(3).Bytes()
	}
	if h.oneIn(2) {
		command.HandOverHash = spec.HandOverHash(spec.NewID(spec.OrderType, who.address, command.Reference), code)
	}
	return "market:PlaceCart", command, hints
}

// variants are none, mostly, or one.
func (h *history) variants() []*spec.VariantTerms {
	if !h.oneIn(3) {
		return nil
	}
	return []*spec.VariantTerms{{Price: h.positive(), Stock: uint32(h.rand.IntN(5))}}
}

// milestones are none, as goods have, or a service's.
func (h *history) milestones() []uint32 {
	return [][]uint32{nil, nil, nil, {10_000}, {3333, 6667}}[h.rand.IntN(5)]
}

func (h *history) drawOrderStep(who *player, id spec.ID) (string, proto.Message, *spec.Hints) {
	order := h.auditor.Record(ledger.OrderKey(id)).(ledger.Order)
	step := orderSteps[h.rand.IntN(len(orderSteps))]
	if likely := likelySteps[order.State]; len(likely) > 0 && !h.oneIn(20) {
		step = likely[h.rand.IntN(len(likely))]
	}
	if step == "RuleDispute" {
		return h.drawContest(who, id, order)
	}
	either := []spec.Address{order.Seller, order.Buyer}[h.rand.IntN(2)]
	as := func(address spec.Address) {
		if !h.oneIn(12) {
			h.become(who, address)
		}
	}
	switch step {
	case "AcceptOrder", "ShipOrder", "RefundOrder", "ReportMilestone", "AcceptReturn", "DeclineReturn":
		as(order.Seller)
	case "ConfirmOrder", "AskReturn", "ShipReturn":
		as(order.Buyer)
	case "HandOverOrder", "CancelOrder", "ProposeSplit", "AgreeSplit", "OpenDispute":
		as(either)
	case "ReportDelivery":
		as(spec.OrganisationAddress([]string{carrier, carrier, merchant}[h.rand.IntN(3)]))
	}
	return "market:" + step, h.orderCommand(step, id, order), nil
}

func (h *history) orderCommand(step string, id spec.ID, order ledger.Order) proto.Message {
	o := id[:]
	switch step {
	case "AcceptOrder":
		return &spec.AcceptOrder{Order: o}
	case "ShipOrder":
		return &spec.ShipOrder{Order: o, Quantity: uint32(max(0, h.rand.IntN(6)-3))}
	case "HandOverOrder":
		guess := code
		if h.oneIn(5) {
			guess = make([]byte, 16)
		}
		return &spec.HandOverOrder{Order: o, Code: guess}
	case "ReportDelivery":
		return &spec.ReportDelivery{Order: o}
	case "ConfirmOrder":
		return &spec.ConfirmOrder{Order: o, Amount: h.part(order)}
	case "CancelOrder":
		return &spec.CancelOrder{Order: o}
	case "RefundOrder":
		return &spec.RefundOrder{Order: o, Amount: h.part(order)}
	case "ReleaseOrder":
		return &spec.ReleaseOrder{Order: o}
	case "ReportMilestone":
		return &spec.ReportMilestone{Order: o, Milestone: 1 + uint32(h.rand.IntN(2))}
	case "ReleaseMilestone":
		return &spec.ReleaseMilestone{Order: o, Milestone: 1 + uint32(h.rand.IntN(2))}
	case "ProposeSplit":
		return &spec.ProposeSplit{Order: o, SellerAmount: h.part(order)}
	case "AgreeSplit":
		return &spec.AgreeSplit{Order: o, SellerAmount: order.SplitAmount.Bytes()}
	case "OpenDispute":
		return &spec.OpenDispute{Order: o, ReasonHash: make([]byte, 32)}
	case "AskReturn":
		return &spec.AskReturn{Order: o}
	case "AcceptReturn":
		return &spec.AcceptReturn{Order: o}
	case "DeclineReturn":
		return &spec.DeclineReturn{Order: o}
	case "ShipReturn":
		return &spec.ShipReturn{Order: o}
	}
	return &spec.ExpireOrder{Order: o}
}

// part names a third of what an order holds, or nothing, which is all.
func (h *history) part(order ledger.Order) []byte {
	if h.oneIn(2) {
		return nil
	}
	return order.Held().Portion(1, 3).Bytes()
}

// orderSteps are the operations on an order; likelySteps are those that a state waits for.
var (
	orderSteps = []string{
		"AcceptOrder", "ShipOrder", "HandOverOrder", "ReportDelivery", "ConfirmOrder", "CancelOrder", "RefundOrder", "ReleaseOrder", "ExpireOrder",
		"ReportMilestone", "ReleaseMilestone", "ProposeSplit", "AgreeSplit", "AskReturn", "AcceptReturn", "DeclineReturn", "ShipReturn",
		"OpenDispute", "RuleDispute",
	}
	likelySteps = map[spec.OrderState][]string{
		spec.OrderState_ORDER_STATE_PLACED:          {"AcceptOrder", "AcceptOrder", "AcceptOrder", "AcceptOrder", "AcceptOrder", "CancelOrder", "ExpireOrder"},
		spec.OrderState_ORDER_STATE_ACCEPTED:        {"ShipOrder", "ShipOrder", "ShipOrder", "ShipOrder", "ShipOrder", "HandOverOrder", "HandOverOrder", "ConfirmOrder", "CancelOrder", "ExpireOrder"},
		spec.OrderState_ORDER_STATE_PART_SHIPPED:    {"ShipOrder", "ExpireOrder", "RefundOrder", "AgreeSplit"},
		spec.OrderState_ORDER_STATE_SHIPPED:         {"HandOverOrder", "HandOverOrder", "ReportDelivery", "ReportDelivery", "ReportDelivery", "ReportDelivery", "ConfirmOrder", "RefundOrder", "ExpireOrder", "ProposeSplit", "AgreeSplit", "OpenDispute", "OpenDispute", "OpenDispute"},
		spec.OrderState_ORDER_STATE_HANDED_OVER:     {"ConfirmOrder", "RefundOrder", "ReleaseOrder", "AskReturn", "AskReturn", "AskReturn", "AskReturn", "AskReturn", "AgreeSplit", "OpenDispute", "OpenDispute"},
		spec.OrderState_ORDER_STATE_COMMISSIONED:    {"ReportMilestone", "ReportMilestone", "ReleaseMilestone", "CancelOrder", "ExpireOrder"},
		spec.OrderState_ORDER_STATE_WORKING:         {"ReportMilestone", "ReleaseMilestone", "ReleaseMilestone", "ExpireOrder", "ProposeSplit", "AgreeSplit"},
		spec.OrderState_ORDER_STATE_RETURN_ASKED:    {"AcceptReturn", "AcceptReturn", "DeclineReturn", "DeclineReturn", "ShipReturn", "ReleaseOrder"},
		spec.OrderState_ORDER_STATE_RETURN_ACCEPTED: {"ShipReturn", "ShipReturn", "ReleaseOrder"},
		spec.OrderState_ORDER_STATE_RETURN_SHIPPED:  {"RefundOrder", "ExpireOrder", "ProposeSplit"},
		spec.OrderState_ORDER_STATE_DISPUTED:        {"HandOverOrder", "ReportDelivery", "ConfirmOrder", "RefundOrder", "ProposeSplit", "AgreeSplit", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute", "RuleDispute"},
	}
)

func isSettled(s spec.OrderState) bool { return len(likelySteps[s]) == 0 }
