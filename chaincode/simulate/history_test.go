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
