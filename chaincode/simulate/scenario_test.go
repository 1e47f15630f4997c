package simulate_test

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// crowd is as many buyers as lost 98 % of their payments on an account-a-key token with balances on both sides.
const crowd = 64

func buyerName(n int) string { return fmt.Sprintf("buyer-%d", n) }

func TestManyPayOneMerchantInOneBlock(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	for n := range crowd {
		b.fund(buyers, buyerName(n), spec.CMT(10))
	}
	to := spec.OrganisationAddress(merchant)
	for n := range crowd {
		b.Submit(b.mustEndorse(buyers, buyerName(n), "token:Transfer", &spec.Transfer{Reference: "pay", To: to.Bytes(), Amount: spec.CMT(1).Bytes()}, nil))
	}
	block := b.cut()
	if got := block.Count(simulate.Valid); got != crowd || len(block.Transactions) != crowd {
		t.Errorf("%d of %d payments to one merchant in one block are valid, want all %d", got, len(block.Transactions), crowd)
	}

	var hints spec.Hints
	for _, tx := range block.Transactions {
		name := spec.CreditName{Tx: [20]byte(tx.Proposal.ID[:20])}
		hints.Credits = append(hints.Credits, name.Bytes())
	}
	b.must(merchant, "", "token:Sweep", &spec.Sweep{}, &hints)
	if got := b.auditor.Record(ledger.AccountKey(to)); got != (ledger.Account{Balance: spec.CMT(crowd)}) {
		t.Errorf("after the sweep the merchant has %v, want %d CMT", got, crowd)
	}
}

// The merchant may fold and spend while it is paid: its own transaction touches no key of those who pay it.
func TestMerchantSpendsWhileItIsPaid(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	b.fund(merchant, "", spec.CMT(5))
	for n := range crowd {
		b.fund(buyers, buyerName(n), spec.CMT(10))
	}
	to := spec.OrganisationAddress(merchant)
	first := b.must(buyers, buyerName(0), "token:Transfer", &spec.Transfer{Reference: "first", To: to.Bytes(), Amount: spec.CMT(1).Bytes()}, nil)
	name := spec.CreditName{Tx: [20]byte(first.Proposal.ID[:20])}
	spend := &spec.Transfer{Reference: "spend", To: spec.OrganisationAddress(operator).Bytes(), Amount: spec.CMT(6).Bytes()}
	b.Submit(b.mustEndorse(merchant, "", "token:Transfer", spend, &spec.Hints{Credits: [][]byte{name.Bytes()}}))
	for n := range crowd {
		b.Submit(b.mustEndorse(buyers, buyerName(n), "token:Transfer", &spec.Transfer{Reference: "pay", To: to.Bytes(), Amount: spec.CMT(1).Bytes()}, nil))
	}
	if block := b.cut(); block.Count(simulate.Valid) != crowd+1 {
		t.Errorf("%d of %d transactions are valid", block.Count(simulate.Valid), crowd+1)
	}
}

// One account's own payments do stand in each other's way: it cannot spend twice what it has once.
func TestAnAccountSpendsOnce(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	b.fund(buyers, "anna", spec.CMT(10))
	pay := func(reference string, to string) *simulate.Envelope {
		return b.mustEndorse(buyers, "anna", "token:Transfer", &spec.Transfer{Reference: reference, To: spec.OrganisationAddress(to).Bytes(), Amount: spec.CMT(10).Bytes()}, nil)
	}
	one, two := pay("one", merchant), pay("two", operator)
	b.Submit(one)
	b.Submit(two)
	b.cut()
	b.expect("the first payment", one, simulate.Valid)
	b.expect("the second payment", two, simulate.MVCCReadConflict)
	b.refused(spec.InsufficientFunds, buyers, "anna", "token:Transfer", &spec.Transfer{Reference: "two", To: spec.OrganisationAddress(operator).Bytes(), Amount: spec.CMT(10).Bytes()}, nil)
}

func TestManyBuyFromOneListingThroughItsLots(t *testing.T) {
	const lots = 16
	b := openBazaar(t, simulate.Config{})
	price := spec.CMT(2)
	for n := range crowd {
		b.fund(buyers, buyerName(n), price)
	}
	listing := b.list("lamp", price, crowd-lots, lots, false)
	waiting := make([]int, crowd)
	for n := range waiting {
		waiting[n] = n
	}
	rounds := 0
	for len(waiting) > 0 {
		rounds++
		submitted := map[int]*simulate.Envelope{}
		var soldOut []int
		for at, n := range waiting {
			// Each gateway sells from a lot of its own.
			lot := spec.StockLot(listing, 1, uint32(at%lots))
			envelope, err := b.endorse(buyers, buyerName(n), "market:PlaceOrder", b.order("lamp", listing, 1, price), &spec.Hints{Lot: lot[:]})
			if err != nil {
				if spec.ErrorCode(err) != spec.LotEmpty {
					t.Fatal(err)
				}
				soldOut = append(soldOut, n)
				continue
			}
			submitted[n] = envelope
			b.Submit(envelope)
		}
		if len(submitted) == 0 {
			waiting = soldOut
			break
		}
		block := b.cut()
		if valid := block.Count(simulate.Valid); valid < min(lots, len(submitted)) {
			t.Errorf("round %d: %d orders of %d are valid, want one a lot", rounds, valid, len(submitted))
		}
		waiting = soldOut
		for n := range crowd {
			if envelope := submitted[n]; envelope != nil {
				if status, _ := b.Status(envelope.Proposal.ID); status.Code != simulate.Valid {
					waiting = append(waiting, n)
				}
			}
		}
	}
	if sold := len(b.auditor.Orders()); sold != crowd-lots || len(waiting) != lots {
		t.Errorf("%d units were sold and %d buyers went without, want %d and %d", sold, len(waiting), crowd-lots, lots)
	}
}

// An edit or a close hits only the orders in flight on that version; the next attempt is told why.
func TestListingChangesWhileItSells(t *testing.T) {
	price := spec.CMT(2)
	for _, row := range []struct {
		what     string
		function string
		command  func(listing spec.ID) proto.Message
		code     spec.Code
	}{
		{"an edit", "market:EditListing", func(listing spec.ID) proto.Message {
			return &spec.EditListing{Listing: listing[:], Version: 1, Price: spec.CMT(3).Bytes(), AddStock: 5, Category: "lamps", ContentHash: make([]byte, 32)}
		}, spec.VersionStale},
		{"a close", "market:CloseListing", func(listing spec.ID) proto.Message {
			return &spec.CloseListing{Listing: listing[:]}
		}, spec.ListingClosed},
		{"a suspension", "market:SuspendListing", func(listing spec.ID) proto.Message {
			return &spec.SuspendListing{Listing: listing[:], Reason: "stolen goods"}
		}, spec.ListingSuspended},
	} {
		t.Run(row.what, func(t *testing.T) {
			b := openBazaar(t, simulate.Config{})
			for _, name := range []string{"anna", "ben", "carl", "dora"} {
				b.fund(buyers, name, spec.CMT(10))
			}
			listing, other := b.list("lamp", price, 10, 4, false), b.list("vase", price, 10, 4, false)
			hint := func(id spec.ID, n uint32) *spec.Hints {
				lot := spec.StockLot(id, 1, n)
				return &spec.Hints{Lot: lot[:]}
			}
			before := b.mustEndorse(buyers, "anna", "market:PlaceOrder", b.order("o", listing, 1, price), hint(listing, 0))
			by := merchant
			if row.code == spec.ListingSuspended {
				by = operator
			}
			change := b.mustEndorse(by, "", row.function, row.command(listing), nil)
			after := b.mustEndorse(buyers, "ben", "market:PlaceOrder", b.order("o", listing, 1, price), hint(listing, 1))
			elsewhere := b.mustEndorse(buyers, "carl", "market:PlaceOrder", b.order("o", other, 1, price), hint(other, 0))
			for _, envelope := range []*simulate.Envelope{before, change, after, elsewhere} {
				b.Submit(envelope)
			}
			b.cut()
			b.expect("the order before it", before, simulate.Valid)
			b.expect(row.what, change, simulate.Valid)
			b.expect("the order behind it", after, simulate.MVCCReadConflict)
			b.expect("the order of another listing", elsewhere, simulate.Valid)
			b.refused(row.code, buyers, "ben", "market:PlaceOrder", b.order("o", listing, 1, price), hint(listing, 1))

			// The order placed before keeps its terms and goes on.
			order := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, "anna"), "o")
			b.must(merchant, "", "market:ShipOrder", &spec.ShipOrder{Order: order[:]}, nil)
			b.must(buyers, "anna", "market:ConfirmOrder", &spec.ConfirmOrder{Order: order[:]}, nil)
			if row.code == spec.VersionStale {
				// The new version sells the stock that came with it, at its own price.
				lot := spec.StockLot(listing, 2, 0)
				b.must(buyers, "dora", "market:PlaceOrder", b.order("o", listing, 2, spec.CMT(3)), &spec.Hints{Lot: lot[:]})
			}
		})
	}
}

// Whichever settlement comes first in the block's order wins; the other has no effect and is told so when it asks again.
func TestSettlementsRace(t *testing.T) {
	price := spec.CMT(2)
	code := []byte("0123456789abcdef")
	type step struct {
		mspID, subAccount, function string
		command                     func(order []byte) proto.Message
		state                       spec.OrderState
	}
	confirm := step{buyers, "anna", "market:ConfirmOrder", func(o []byte) proto.Message { return &spec.ConfirmOrder{Order: o} }, spec.OrderState_ORDER_STATE_RELEASED}
	release := step{operator, "", "market:ReleaseOrder", func(o []byte) proto.Message { return &spec.ReleaseOrder{Order: o} }, spec.OrderState_ORDER_STATE_RELEASED}
	expire := step{operator, "", "market:ExpireOrder", func(o []byte) proto.Message { return &spec.ExpireOrder{Order: o} }, spec.OrderState_ORDER_STATE_EXPIRED}
	refund := step{merchant, "", "market:RefundOrder", func(o []byte) proto.Message { return &spec.RefundOrder{Order: o} }, spec.OrderState_ORDER_STATE_REFUNDED}
	cancel := step{buyers, "anna", "market:CancelOrder", func(o []byte) proto.Message { return &spec.CancelOrder{Order: o} }, spec.OrderState_ORDER_STATE_CANCELLED}
	for _, row := range []struct {
		one, two   step
		handedOver bool
		wait       int64
	}{
		{confirm, expire, false, shipSeconds},
		{confirm, cancel, false, 0},
		{confirm, refund, false, 0},
		{cancel, refund, false, 0},
		{expire, cancel, false, shipSeconds},
		{expire, refund, false, shipSeconds},
		{release, refund, true, releaseSeconds},
		{release, confirm, true, releaseSeconds},
		{confirm, refund, true, 0},
	} {
		for _, swapped := range []bool{false, true} {
			first, second := row.one, row.two
			if swapped {
				first, second = second, first
			}
			t.Run(first.function+" before "+second.function, func(t *testing.T) {
				b := openBazaar(t, simulate.Config{})
				b.fund(buyers, "anna", price)
				listing := b.list("lamp", price, 3, 1, false)
				command := b.order("o", listing, 1, price)
				order := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, "anna"), "o")
				command.HandOverHash = spec.HandOverHash(order, code)
				b.must(buyers, "anna", "market:PlaceOrder", command, nil)
				if row.handedOver {
					b.must(merchant, "", "market:HandOverOrder", &spec.HandOverOrder{Order: order[:], Code: code}, nil)
				}
				b.Advance(row.wait)
				winner := b.mustEndorse(first.mspID, first.subAccount, first.function, first.command(order[:]), nil)
				loser := b.mustEndorse(second.mspID, second.subAccount, second.function, second.command(order[:]), nil)
				b.Submit(winner)
				b.Submit(loser)
				b.cut()
				b.expect("the first", winner, simulate.Valid)
				b.expect("the second", loser, simulate.MVCCReadConflict)
				if got := b.orderState(order); got != first.state {
					t.Errorf("the order is %s, want %s", got, first.state)
				}
				b.refused(spec.WrongState, second.mspID, second.subAccount, second.function, second.command(order[:]), nil)
			})
		}
	}
}

// Fabric lets nothing expire; the fence does.
func TestWhatWasEndorsedBeforeItsFenceDiesWithIt(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	b.fund(buyers, "anna", spec.CMT(10))
	command := &spec.Transfer{Reference: "pay", To: spec.OrganisationAddress(merchant).Bytes(), Amount: spec.CMT(1).Bytes()}
	epoch := uint64(b.Now()) / epochSeconds
	withheld := b.mustEndorse(buyers, "anna", "token:Transfer", command, nil)
	b.refused(spec.FenceTooEarly, operator, "", "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)

	end := int64(epoch+1)*epochSeconds + graceSeconds
	b.Advance(end - b.Now() - 1)
	b.refused(spec.FenceTooEarly, operator, "", "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
	b.Advance(1)
	// The fence may even stand in the same block, before what it kills.
	fence := b.mustEndorse(operator, "", "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
	b.Submit(fence)
	b.Submit(withheld)
	b.cut()
	b.expect("the fence", fence, simulate.Valid)
	b.expect("the payment behind it", withheld, simulate.MVCCReadConflict)

	// Only now may the replacement be built: the same reference, and no second effect.
	b.must(buyers, "anna", "token:Transfer", command, nil)
	if got := b.auditor.Record(ledger.AccountKey(spec.SubAccountAddress(buyers, "anna"))); got != (ledger.Account{Balance: spec.CMT(9)}) {
		t.Errorf("anna has %v, want 9 CMT: she paid once", got)
	}
	b.refused(spec.WrongState, operator, "", "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
}

// A client whose clock is still in a fenced epoch is refused by the rules already.
func TestNobodyEndorsesInAFencedEpoch(t *testing.T) {
	b := openBazaar(t, simulate.Config{Start: 1_800_000_000 / epochSeconds * epochSeconds})
	b.fund(buyers, "anna", spec.CMT(10))
	epoch := uint64(b.Now()) / epochSeconds
	// A clock 60 s ahead may fence up to 60 s early; a clock 60 s behind is then still in the grace, not in the epoch.
	b.Advance(epochSeconds + graceSeconds - 60)
	ahead := b.Client(operator, 60)
	fence, err := b.Endorse(ahead.Propose(newCall("consortium:Fence", "", &spec.Fence{Epoch: epoch}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	b.Submit(fence)
	b.cut()
	pay := newCall("token:Transfer", "anna", &spec.Transfer{Reference: "pay", To: spec.OrganisationAddress(merchant).Bytes(), Amount: spec.CMT(1).Bytes()}, nil)
	if _, err := b.Endorse(b.Client(buyers, -60).Propose(pay)); err != nil {
		t.Errorf("a clock 60 s behind is refused: %v", err)
	}
	if _, err := b.Endorse(b.Client(buyers, -61).Propose(pay)); spec.ErrorCode(err) != spec.TimestampOutOfRange {
		t.Errorf("a clock 61 s behind: %v, want %s", err, spec.TimestampOutOfRange)
	}
	if _, err := b.Endorse(b.Client(buyers, 61).Propose(pay)); spec.ErrorCode(err) != spec.TimestampOutOfRange {
		t.Errorf("a clock 61 s ahead: %v, want %s", err, spec.TimestampOutOfRange)
	}
}

// Who does not hear what became of a call asks again under the same reference, as often as wanted.
func TestARetryAfterALostStatusHasNoSecondEffect(t *testing.T) {
	b := openBazaar(t, simulate.Config{Faults: simulate.Faults{LoseStatus: 100}})
	b.fund(buyers, "anna", spec.CMT(10))
	price := spec.CMT(2)
	listing := b.list("lamp", price, 10, 2, false)
	client := b.Client(buyers, 0)
	for _, row := range []struct {
		function string
		command  proto.Message
	}{
		{"token:Transfer", &spec.Transfer{Reference: "pay", To: spec.OrganisationAddress(merchant).Bytes(), Amount: spec.CMT(1).Bytes()}},
		{"market:PlaceOrder", b.order("o", listing, 1, price)},
	} {
		first := b.mustEndorse(buyers, "anna", row.function, row.command, nil)
		// The impatient client asks again before the first is in a block: both are ordered, one is valid.
		second := b.mustEndorse(buyers, "anna", row.function, row.command, nil)
		b.Submit(first)
		b.cut()
		if _, heard := client.Status(first.Proposal.ID); heard {
			t.Fatal("the status was not lost")
		}
		b.Submit(second)
		b.Submit(first)
		block := b.cut()
		b.expect("the first attempt", first, simulate.Valid)
		b.expect("the second attempt", second, simulate.MVCCReadConflict)
		if block.Transactions[1].Code != simulate.DuplicateTxID {
			t.Errorf("the first envelope, sent again, is %s, want %s", block.Transactions[1].Code, simulate.DuplicateTxID)
		}
		b.refused(spec.ReferenceUsed, buyers, "anna", row.function, row.command, nil)
	}
	if got := b.auditor.Record(ledger.AccountKey(spec.SubAccountAddress(buyers, "anna"))); got != (ledger.Account{Balance: spec.CMT(7)}) {
		t.Errorf("anna has %v, want 7 CMT: 1 paid and 2 held", got)
	}
}

// A peer that lags makes an endorsement that does not match, or one that is invalid; neither moves money.
func TestStaleEndorsementsHaveNoEffect(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	b.fund(buyers, "anna", spec.CMT(10))
	pay := func(reference string) simulate.Proposal {
		return b.Client(buyers, 0).Propose(newCall("token:Transfer", "anna", &spec.Transfer{
			Reference: reference, To: spec.OrganisationAddress(merchant).Bytes(), Amount: spec.CMT(6).Bytes(),
		}, nil))
	}
	peers := b.Peers()
	stale, err := b.EndorseBy(pay("stale"), peers[0], peers[1])
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := b.EndorseBy(pay("fresh"), peers[0], peers[1])
	if err != nil {
		t.Fatal(err)
	}
	b.Submit(fresh)
	b.cut()
	b.Submit(stale)
	b.cut()
	b.expect("the fresh payment", fresh, simulate.Valid)
	b.expect("the stale payment", stale, simulate.MVCCReadConflict)
}

func TestPeersAtDifferentHeightsDoNotMatch(t *testing.T) {
	b := openBazaar(t, simulate.Config{MaxLag: 1000})
	peers := b.Peers()
	b.fund(buyers, "anna", spec.CMT(10))
	for _, peer := range peers {
		peer.CatchUp()
	}
	payment := func(reference string) simulate.Proposal {
		return b.Client(buyers, 0).Propose(newCall("token:Transfer", "anna", &spec.Transfer{Reference: reference, To: spec.OrganisationAddress(merchant).Bytes(), Amount: spec.CMT(1).Bytes()}, nil))
	}
	envelope, err := b.EndorseBy(payment("one"), peers[0], peers[1])
	if err != nil {
		t.Fatal(err)
	}
	b.Submit(envelope)
	b.cut()
	peers[0].CatchUp()
	if peers[1].Height() == peers[0].Height() {
		t.Fatal("chance brought the second peer up to date: choose another seed")
	}
	if _, err := b.EndorseBy(payment("two"), peers[0], peers[1]); !errors.Is(err, simulate.ErrEndorsementMismatch) {
		t.Errorf("peers at heights %d and %d: %v, want a mismatch", peers[0].Height(), peers[1].Height(), err)
	}
	peers[1].CatchUp()
	if _, err := b.EndorseBy(payment("two"), peers[0], peers[1]); err != nil {
		t.Errorf("peers at heights %d and %d: %v", peers[0].Height(), peers[1].Height(), err)
	}
}

// What would happen without notes: a writing transaction that ranges over credits dies of every new one. This is why the
// read rule is there, and that the simulator sees it.
func TestARangeReadConflictsWithEveryNewKey(t *testing.T) {
	b := openBazaar(t, simulate.Config{})
	b.fund(buyers, "anna", spec.CMT(10))
	to := spec.OrganisationAddress(merchant)
	ranging := b.mustEndorse(buyers, "", "token:GetBalance", &spec.GetBalance{Address: to.Bytes()}, nil)
	if len(ranging.Set.Ranges) == 0 || simulate.CheckReads(ranging, ledgerID) == nil {
		t.Fatal("a balance is a range over credits, which no writing transaction may read")
	}
	b.Submit(b.mustEndorse(buyers, "anna", "token:Transfer", &spec.Transfer{Reference: "pay", To: to.Bytes(), Amount: spec.CMT(1).Bytes()}, nil))
	b.cut()
	b.Submit(ranging)
	b.Cut()
	b.expect("the range", ranging, simulate.PhantomReadConflict)
}
