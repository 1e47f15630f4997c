package ledger_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// The members of the tests' consortium.
const (
	operator  = "OperatorMSP"
	treasurer = "TreasurerMSP"
	merchant  = "MerchantMSP" // carries for others, too
	buyers    = "BuyersMSP"   // as well
	carrier   = "CarrierMSP"
	stranger  = "StrangerMSP" // no member
)

var roles = map[string][]spec.Role{
	operator:  {spec.Role_ROLE_OPERATOR},
	treasurer: {spec.Role_ROLE_TREASURER},
	merchant:  {spec.Role_ROLE_MERCHANT, spec.Role_ROLE_CARRIER},
	buyers:    {spec.Role_ROLE_CARRIER},
	carrier:   {spec.Role_ROLE_CARRIER},
	// A panel has three of them.
	"PanelAMSP": {spec.Role_ROLE_ARBITER}, "PanelBMSP": {spec.Role_ROLE_ARBITER}, "PanelCMSP": {spec.Role_ROLE_ARBITER}, "PanelDMSP": {spec.Role_ROLE_ARBITER},
}

// The parameters of the tests' ledger; the fee's share leaves a rest to round.
const (
	start             = 1_800_000_000
	feeBps            = 333
	shipSeconds       = 300
	releaseSeconds    = 200
	protectionSeconds = 900
	epochSeconds      = 300
	graceSeconds      = 120
	holdSeconds       = 500
	auctionSeconds    = 400
	extensionSeconds  = 50
	returnSeconds     = 100
	offerSeconds      = 400
	reviewSeconds     = 500
	answerSeconds     = 100
	disputeSeconds    = 400
	panelFeeBps       = 111
)

var (
	initialSupply = spec.CMT(1_000_000)
	minimum       = spec.Units(10)
	panelFeeCap   = spec.CMT(1)
)

func genesisCommand() *spec.Genesis {
	genesis := &spec.Genesis{
		LedgerId:                make([]byte, 16),
		TreasuryMsp:             treasurer,
		InitialSupply:           initialSupply.Bytes(),
		OperatorMsp:             operator,
		FeeBps:                  feeBps,
		CreditMinimum:           minimum.Bytes(),
		ShipSeconds:             shipSeconds,
		ReleaseSeconds:          releaseSeconds,
		ProtectionSeconds:       protectionSeconds,
		FenceEpochSeconds:       epochSeconds,
		FenceGraceSeconds:       graceSeconds,
		HoldSeconds:             holdSeconds,
		AuctionSeconds:          auctionSeconds,
		AuctionExtensionSeconds: extensionSeconds,
		ReturnSeconds:           returnSeconds,
		OfferSeconds:            offerSeconds,
		ReviewSeconds:           reviewSeconds,
		AnswerSeconds:           answerSeconds,
		DisputeSeconds:          disputeSeconds,
		PanelSize:               3,
		PanelFeeBps:             panelFeeBps,
		PanelFeeCap:             panelFeeCap.Bytes(),
	}
	for _, mspID := range slices.Sorted(maps.Keys(roles)) {
		genesis.Members = append(genesis.Members, &spec.Member{MspId: mspID, Roles: roles[mspID]})
	}
	return genesis
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// books are records in a map, and a caller of the rules that holds them to what every call must keep.
type books struct {
	t       tester
	records map[ledger.Key]ledger.Record
	now     int64
	calls   uint64
	// sparing: results of few calls are written as JSON and read back, which costs more than the calls.
	sparing bool
	// loads and pages count what the last call asked, read is what it loaded.
	loads, pages int
	read         map[ledger.Key]bool
	// brings is the signed discount of the commands that have one, as the door gives it.
	brings *spec.SellersDiscount
}

var _ ledger.Reader = (*books)(nil)

// emptyBooks are the books before genesis.
func emptyBooks(t tester) *books {
	return &books{t: t, records: map[ledger.Key]ledger.Record{}, now: start}
}

// openBooks are the books after genesis.
func openBooks(t tester) *books {
	t.Helper()
	b := emptyBooks(t)
	b.must(treasurer, "", "consortium:Genesis", genesisCommand(), nil)
	return b
}

// copy is another set of the same books; records are values that nobody changes.
func (b *books) copy() *books {
	c := *b
	c.records = maps.Clone(b.records)
	return &c
}

func (b *books) Load(keys []ledger.Key) ([]ledger.Record, error) {
	b.loads++
	seen := map[ledger.Key]bool{}
	records := make([]ledger.Record, len(keys))
	for i, key := range keys {
		if seen[key] {
			b.t.Errorf("%v is asked for twice in one round", key)
		}
		seen[key] = true
		if b.read != nil {
			b.read[key] = true
		}
		records[i] = b.records[key]
	}
	return records, nil
}

func (b *books) Page(kind ledger.Kind, parent, cursor string, limit int) ([]ledger.Entry, string, error) {
	b.pages++
	keys := slices.SortedFunc(maps.Keys(b.records), ledger.Key.Compare)
	var entries []ledger.Entry
	for _, key := range keys {
		if key.Kind != kind || key.Parent != parent || cursorOf(key) <= cursor {
			continue
		}
		if len(entries) == limit {
			return entries, cursorOf(entries[limit-1].Key), nil
		}
		entries = append(entries, ledger.Entry{Key: key, Record: b.records[key]})
	}
	return entries, "", nil
}

// cursorOf is a key's place among its siblings, as text.
func cursorOf(key ledger.Key) string { return hex.EncodeToString([]byte(key.ID)) }

// maxLoads is the most rounds that any operation needs. Two: what the command names, then what that leads to; the fence,
// whose epoch's length is a parameter, goes with the second.
const maxLoads = 2

// execute runs a call, applies its writes, and checks what holds for every call.
func (b *books) execute(tx ledger.Transaction, call *spec.Call) (proto.Message, error) {
	b.t.Helper()
	name := call.Operation.FullName()
	b.loads, b.pages, b.read = 0, 0, map[ledger.Key]bool{}
	writes, result, err := ledger.Execute(b, tx, call)
	if b.loads > maxLoads {
		b.t.Errorf("%s needs %d rounds, want at most %d", name, b.loads, maxLoads)
	}
	if err != nil {
		b.checkRefusal(name, call, writes, err)
		return nil, err
	}
	if call.Operation.Kind == spec.Query && len(writes) > 0 {
		b.t.Errorf("the query %s writes %v", name, writes)
	}
	if call.Operation.Kind == spec.Write && b.pages > 0 {
		b.t.Errorf("%s writes and reads a range", name)
	}
	if !slices.IsSortedFunc(writes, func(x, y ledger.Write) int {
		// Two writes of one key are out of order, too.
		if c := x.Key.Compare(y.Key); c != 0 {
			return c
		}
		return 1
	}) {
		b.t.Errorf("%s writes %v: not in the order of the keys, each once", name, writes)
	}
	b.checkResult(call, result)
	for _, write := range writes {
		// What is overwritten unread may be somebody's money.
		if b.records[write.Key] != nil && !b.read[write.Key] {
			b.t.Errorf("%s overwrites %v, which it did not read", name, write.Key)
		}
		if write.Record == nil {
			delete(b.records, write.Key)
			continue
		}
		if write.Record.Kind() != write.Key.Kind {
			b.t.Errorf("%s writes a %T under %v", name, write.Record, write.Key)
		}
		b.records[write.Key] = write.Record
	}
	return result, nil
}

// checkRefusal: a refusal is one that the operation's row lists, names what was wrong, and leaves nothing.
func (b *books) checkRefusal(name string, call *spec.Call, writes []ledger.Write, err error) {
	b.t.Helper()
	var refusal *spec.Error
	if !errors.As(err, &refusal) {
		b.t.Errorf("%s: %v is not of the catalogue", name, err)
		return
	}
	if len(writes) > 0 {
		b.t.Errorf("%s is refused with %s and writes %v", name, refusal.Code, writes)
	}
	if refusal.Detail == "" {
		b.t.Errorf("%s is refused with %s without a reason", name, refusal.Code)
	}
	if !slices.Contains(mayRefuse(call.Operation), refusal.Code) {
		b.t.Errorf("%s is refused with %s, which its row does not list", name, refusal)
	}
}

func mayRefuse(op *spec.Operation) []spec.Code {
	return slices.Concat(op.Errors, spec.FormErrors, spec.CallerErrors)
}

// checkResult: a result is of the row's type and keeps the rules of its form.
func (b *books) checkResult(call *spec.Call, result proto.Message) {
	b.t.Helper()
	name := call.Operation.FullName()
	if got, want := result.ProtoReflect().Descriptor(), call.Operation.Result.ProtoReflect().Descriptor(); got != want {
		b.t.Errorf("%s returns a %s, want a %s", name, got.Name(), want.Name())
		return
	}
	if b.sparing && b.calls%16 != 0 {
		return
	}
	text, err := spec.EncodeJSON(result)
	if err != nil {
		b.t.Errorf("%s: the result has no JSON form: %v", name, err)
		return
	}
	back := call.Operation.Result.ProtoReflect().New().Interface()
	if err := spec.DecodeJSON(text, back); err != nil || !proto.Equal(back, result) {
		b.t.Errorf("%s: the result %s reads back as %v, %v", name, text, back, err)
	}
}

// try runs a call by a client of an organisation, now.
func (b *books) try(mspID, subAccount, function string, command proto.Message, hints *spec.Hints) (proto.Message, error) {
	b.t.Helper()
	call := &spec.Call{Operation: spec.Find(function), SubAccount: subAccount, Command: command, Hints: hints, Discount: b.brings}
	// What comes through the door has passed the rules of form.
	if err := spec.Validate(command); err != nil {
		b.t.Fatalf("%s: %v", function, err)
	}
	return b.execute(b.transaction(mspID), call)
}

// transaction makes the next transaction, of a client of the organisation, now.
func (b *books) transaction(mspID string) ledger.Transaction {
	b.calls++
	return ledger.Transaction{ID: sha256.Sum256(binary.BigEndian.AppendUint64(nil, b.calls)), Time: b.now, MSPID: mspID, IsClient: true}
}

// must runs a call that no rule refuses.
func (b *books) must(mspID, subAccount, function string, command proto.Message, hints *spec.Hints) proto.Message {
	b.t.Helper()
	result, err := b.try(mspID, subAccount, function, command, hints)
	if err != nil {
		b.t.Fatalf("%s by %s/%s: %v", function, mspID, subAccount, err)
	}
	return result
}

// lastCredits names the credits that the last call can have given.
func (b *books) lastCredits() *spec.Hints {
	id := sha256.Sum256(binary.BigEndian.AppendUint64(nil, b.calls))
	hints := &spec.Hints{}
	for n := range uint32(2) {
		name := spec.CreditName{Tx: [20]byte(id[:20]), N: n}
		hints.Credits = append(hints.Credits, name.Bytes())
	}
	return hints
}

// fund gives an account money of its own.
func (b *books) fund(mspID, subAccount string, amount spec.Amount) {
	b.t.Helper()
	to := spec.SubAccountAddress(mspID, subAccount)
	b.must(treasurer, "", "token:Transfer", &spec.Transfer{Reference: fmt.Sprintf("fund-%d", b.calls), To: to.Bytes(), Amount: amount.Bytes()}, nil)
	b.must(mspID, subAccount, "token:Sweep", &spec.Sweep{}, b.lastCredits())
}

// list creates a listing of the merchant's: ten units in two lots at 3 CMT, and shipping at 1.
func (b *books) list(reference string, acceptRequired bool) spec.ID {
	b.t.Helper()
	return b.listTerms(reference, func(c *spec.CreateListing) { c.AcceptRequired = acceptRequired })
}

// listTerms creates such a listing with some terms changed.
func (b *books) listTerms(reference string, change func(*spec.CreateListing)) spec.ID {
	b.t.Helper()
	command := &spec.CreateListing{
		Reference: reference, Price: spec.CMT(3).Bytes(), ShippingPrice: spec.CMT(1).Bytes(), Stock: 10, Lots: 2, Category: "lamps",
		ContentHash: make([]byte, 32),
	}
	change(command)
	b.must(merchant, "", "market:CreateListing", command, nil)
	return spec.NewID(spec.ListingType, spec.OrganisationAddress(merchant), reference)
}

// code is the buyer's hand-over code.
var code = []byte("0123456789abcdef")

// purchase is an order of two units by anna, a sub-account of the buyers, with a hand-over code.
func purchase(listing spec.ID, reference string) (*spec.PlaceOrder, spec.ID) {
	id := spec.NewID(spec.OrderType, spec.SubAccountAddress(buyers, "anna"), reference)
	return &spec.PlaceOrder{
		Reference: reference, Listing: listing[:], Version: 1, Quantity: 2, Total: spec.CMT(7).Bytes(), HandOverHash: spec.HandOverHash(id, code),
	}, id
}

// wealth is what an account has, its own and in credits.
func (b *books) wealth(address spec.Address) spec.Amount {
	var sum spec.Amount
	for key, record := range b.records {
		if account, ok := record.(ledger.Account); ok && key == ledger.AccountKey(address) {
			sum, _ = sum.Add(account.Balance)
		}
		if credit, ok := record.(ledger.Credit); ok && key.Parent == string(address.Bytes()) {
			sum, _ = sum.Add(credit.Amount)
		}
	}
	return sum
}

// stock is what the lots of a listing have.
func (b *books) stock(listing spec.ID) (units uint32) {
	for key, record := range b.records {
		if lot, ok := record.(ledger.Lot); ok && key.Parent == string(listing[:]) {
			units += lot.Stock
		}
	}
	return units
}

// allStock is what all lots have.
func (b *books) allStock() (units uint32) {
	for _, record := range b.records {
		lot, _ := record.(ledger.Lot)
		units += lot.Stock
	}
	return units
}
