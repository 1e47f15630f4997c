package simulate_test

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// The members of the test's consortium. The treasurer receives the supply, the operator the fees.
const (
	operator  = "OperatorMSP"
	merchant  = "MerchantMSP"
	buyers    = "BuyersMSP"
	treasurer = "TreasurerMSP"
	carrier   = "CarrierMSP"
)

var (
	members  = append([]string{operator, merchant, buyers, treasurer, carrier}, arbiters...)
	arbiters = []string{"PanelAMSP", "PanelBMSP", "PanelCMSP", "PanelDMSP"}
)

// The parameters of the test's ledger.
const (
	feeBps            = 333 // so that fees have a rest to round
	shipSeconds       = 300
	releaseSeconds    = 200
	protectionSeconds = 900
	epochSeconds      = 300
	graceSeconds      = 120
	holdSeconds       = 500
	offerSeconds      = 1200
	reviewSeconds     = 800
	answerSeconds     = 300
	disputeSeconds    = 900
	panelFeeBps       = 111
	auctionSeconds    = 400
	extensionSeconds  = 50
)

// ledgerID is what keys sign along with what they ask.
var ledgerID = [16]byte([]byte("a bazaar's books"))

var panelFeeCap = spec.CMT(1)

var supply = spec.CMT(1_000_000)

// bazaar is a world whose ledger has begun, and its auditor.
type bazaar struct {
	*simulate.World
	t       testing.TB
	auditor *simulate.Auditor
	// codes and valid count what became of transactions, and what was valid by its function.
	codes map[simulate.Code]int
	valid map[string]int
}

func openBazaar(t testing.TB, config simulate.Config) *bazaar {
	t.Helper()
	faults := config.Faults
	config.Faults = simulate.Faults{}
	world := simulate.New(config)
	b := &bazaar{World: world, t: t, auditor: simulate.NewAuditor(world), codes: map[simulate.Code]int{}, valid: map[string]int{}}
	genesis := &spec.Genesis{
		LedgerId:                ledgerID[:],
		TreasuryMsp:             treasurer,
		InitialSupply:           supply.Bytes(),
		OperatorMsp:             operator,
		FeeBps:                  feeBps,
		CreditMinimum:           spec.Units(10).Bytes(),
		ShipSeconds:             shipSeconds,
		ReleaseSeconds:          releaseSeconds,
		ProtectionSeconds:       protectionSeconds,
		FenceEpochSeconds:       epochSeconds,
		FenceGraceSeconds:       graceSeconds,
		HoldSeconds:             holdSeconds,
		AuctionSeconds:          auctionSeconds,
		AuctionExtensionSeconds: extensionSeconds,
		OfferSeconds:            offerSeconds,
		ReviewSeconds:           reviewSeconds,
		AnswerSeconds:           answerSeconds,
		DisputeSeconds:          disputeSeconds,
		PanelSize:               3,
		PanelFeeBps:             panelFeeBps,
		PanelFeeCap:             panelFeeCap.Bytes(),
	}
	roles := map[string][]spec.Role{
		operator: {spec.Role_ROLE_OPERATOR}, treasurer: {spec.Role_ROLE_TREASURER}, carrier: {spec.Role_ROLE_CARRIER},
		merchant: {spec.Role_ROLE_MERCHANT, spec.Role_ROLE_CARRIER},
	}
	for _, mspID := range arbiters {
		roles[mspID] = []spec.Role{spec.Role_ROLE_ARBITER}
	}
	for _, mspID := range members {
		genesis.Members = append(genesis.Members, &spec.Member{MspId: mspID, Roles: roles[mspID]})
	}
	b.must(treasurer, "", "consortium:Genesis", genesis, nil)
	for _, peer := range world.Peers() {
		peer.CatchUp()
	}
	world.SetFaults(faults)
	return b
}

// newCall puts a call together.
func newCall(function, subAccount string, command proto.Message, hints *spec.Hints) *spec.Call {
	return &spec.Call{Operation: spec.Find(function), SubAccount: subAccount, Command: command, Hints: hints}
}

// endorse has a call endorsed by peers that are all up to date.
func (b *bazaar) endorse(mspID, subAccount, function string, command proto.Message, hints *spec.Hints) (*simulate.Envelope, error) {
	for _, peer := range b.Peers() {
		peer.CatchUp()
	}
	return b.Endorse(b.Client(mspID, 0).Propose(newCall(function, subAccount, command, hints)))
}

// mustEndorse is endorse for a call that no rule refuses.
func (b *bazaar) mustEndorse(mspID, subAccount, function string, command proto.Message, hints *spec.Hints) *simulate.Envelope {
	b.t.Helper()
	envelope, err := b.endorse(mspID, subAccount, function, command, hints)
	if err != nil {
		b.t.Fatalf("%s by %s/%s: %v", function, mspID, subAccount, err)
	}
	return envelope
}

// must carries a call into a block of its own.
func (b *bazaar) must(mspID, subAccount, function string, command proto.Message, hints *spec.Hints) *simulate.Envelope {
	b.t.Helper()
	envelope := b.mustEndorse(mspID, subAccount, function, command, hints)
	b.Submit(envelope)
	b.cut()
	if status, ok := b.Status(envelope.Proposal.ID); !ok || status.Code != simulate.Valid {
		b.t.Fatalf("%s by %s/%s is %v", function, mspID, subAccount, status)
	}
	return envelope
}

// refused expects a refusal.
func (b *bazaar) refused(code spec.Code, mspID, subAccount, function string, command proto.Message, hints *spec.Hints) {
	b.t.Helper()
	if _, err := b.endorse(mspID, subAccount, function, command, hints); err == nil || spec.ErrorCode(err) != code {
		b.t.Errorf("%s by %s/%s: %v, want %s", function, mspID, subAccount, err, code)
	}
}

// cut makes a block and has the auditor check it.
func (b *bazaar) cut() *simulate.Block {
	b.t.Helper()
	block := b.Cut()
	if block != nil {
		b.observe(block)
	}
	return block
}

func (b *bazaar) observe(block *simulate.Block) {
	b.t.Helper()
	for _, tx := range block.Transactions {
		b.codes[tx.Code]++
		if tx.Code == simulate.Valid {
			b.valid[tx.Proposal.Function]++
		}
	}
	if err := b.auditor.Observe(block); err != nil {
		b.t.Fatal(err)
	}
}

// expect checks what became of an envelope.
func (b *bazaar) expect(what string, envelope *simulate.Envelope, code simulate.Code) {
	b.t.Helper()
	if status, ok := b.Status(envelope.Proposal.ID); !ok || status.Code != code {
		b.t.Errorf("%s is %v, want %s", what, status, code)
	}
}

// fund gives a sub-account money of its own, in its account rather than in a credit.
func (b *bazaar) fund(mspID, subAccount string, amount spec.Amount) {
	b.t.Helper()
	to := spec.SubAccountAddress(mspID, subAccount)
	reference := fmt.Sprintf("fund-%d-%d", b.Height(), b.Pending())
	payment := b.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: reference, To: to.Bytes(), Amount: amount.Bytes()}, nil)
	name := spec.CreditName{Tx: [20]byte(payment.Proposal.ID[:20])}
	b.must(mspID, subAccount, "token:Sweep", &spec.Sweep{}, &spec.Hints{Credits: [][]byte{name.Bytes()}})
}

// list creates a listing of the merchant's and returns its identifier.
func (b *bazaar) list(reference string, price spec.Amount, stock, lots uint32, acceptRequired bool) spec.ID {
	b.t.Helper()
	b.must(merchant, "", "market:CreateListing", &spec.CreateListing{
		Reference: reference, Price: price.Bytes(), Stock: stock, Lots: lots, Category: "lamps", ContentHash: make([]byte, 32), AcceptRequired: acceptRequired,
	}, nil)
	return spec.NewID(spec.ListingType, spec.OrganisationAddress(merchant), reference)
}

// order names what a sub-account of the buyers' orders: one unit of a listing.
func (b *bazaar) order(reference string, listing spec.ID, version uint32, price spec.Amount) *spec.PlaceOrder {
	return &spec.PlaceOrder{Reference: reference, Listing: listing[:], Version: version, Quantity: 1, Total: price.Bytes()}
}

// orderState returns the state of an order.
func (b *bazaar) orderState(id spec.ID) spec.OrderState {
	order, ok := b.auditor.Record(ledger.OrderKey(id)).(ledger.Order)
	if !ok {
		b.t.Fatalf("there is no order %s", id.Text(spec.OrderType))
	}
	return order.State
}

// isRefusal reports whether the error is a refusal of the catalogue, and not a fault.
func isRefusal(err error) bool {
	var refusal *spec.Error
	return errors.As(err, &refusal) && refusal.Code != spec.Internal
}

// parse returns a stored pair as key and record.
func (b *bazaar) parse(pair state.Pair) (ledger.Key, ledger.Record) {
	b.t.Helper()
	key, err := state.ParseKey(pair.Key)
	if err != nil {
		b.t.Fatal(err)
	}
	record, err := state.DecodeRecord(key.Kind, pair.Value)
	if err != nil {
		b.t.Fatal(err)
	}
	return key, record
}
