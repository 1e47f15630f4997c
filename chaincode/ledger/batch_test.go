package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// bench is a ledger in memory that batches are tried on: what a peer would have committed.
type bench map[ledger.Key]ledger.Record

func (b bench) Load(keys []ledger.Key) ([]ledger.Record, error) {
	records := make([]ledger.Record, len(keys))
	for i, key := range keys {
		records[i] = b[key]
	}
	return records, nil
}

func (b bench) Page(ledger.Kind, string, string, int) ([]ledger.Entry, string, error) {
	return nil, "", fmt.Errorf("a writing transaction ranged")
}

func (b bench) apply(writes []ledger.Write) {
	for _, write := range writes {
		if write.Record == nil {
			delete(b, write.Key)
		} else {
			b[write.Key] = write.Record
		}
	}
}

const (
	relayMSP  = "RelayMSP"
	otherMSP  = "OtherMSP"
	batchTime = 1_800_000_000
)

func person(name string) spec.Address { return spec.KeyAddress("ed25519", []byte(name)) }

// opened is a ledger whose persons have so many CMT each.
func opened(cmt uint32, names ...string) bench {
	b := bench{
		ledger.ParametersKey():     ledger.Parameters{FeeAccount: spec.OrganisationAddress(relayMSP), FeeBps: 250, CreditMinimum: spec.Units(1), ShipSeconds: 60, ReleaseSeconds: 60, ProtectionSeconds: 600, FenceEpochSeconds: 300, FenceGraceSeconds: 120, HoldSeconds: 600, AuctionSeconds: 600, AuctionExtensionSeconds: 30},
		ledger.MemberKey(relayMSP): ledger.Member{MSPID: relayMSP, Index: 1},
		ledger.MemberKey(otherMSP): ledger.Member{MSPID: otherMSP, Index: 2},
	}
	for _, name := range names {
		b[ledger.AccountKey(person(name))] = ledger.Account{Balance: spec.CMT(cmt)}
	}
	return b
}

func (b bench) total() spec.Amount {
	var sum spec.Amount
	for _, record := range b {
		var part spec.Amount
		switch r := record.(type) {
		case ledger.Account:
			part = r.Balance
		case ledger.Allowance:
			part = r.Amount
		case ledger.Credit:
			part = r.Amount
		case ledger.Hold:
			part = r.Amount
		}
		sum, _ = sum.Add(part)
	}
	return sum
}

func intentOf(actor string, nonce uint64, command proto.Message) *ledger.Intent {
	var op *spec.Operation
	for i := range spec.Operations {
		if spec.Operations[i].Command.ProtoReflect().Descriptor() == command.ProtoReflect().Descriptor() {
			op = &spec.Operations[i]
		}
	}
	return &ledger.Intent{Actor: person(actor), Nonce: nonce, ValidUntil: batchTime + 60, Call: &spec.Call{Operation: op, Command: command}}
}

func payment(actor string, nonce uint64, to spec.Address, cmt uint32) *ledger.Intent {
	return intentOf(actor, nonce, &spec.Transfer{To: to.Bytes(), Amount: spec.CMT(cmt).Bytes()})
}

// execute runs a batch as its door does, which has read the parameters.
func (b bench) execute(tx ledger.Transaction, intents []*ledger.Intent) ([]ledger.Write, []*spec.Error, error) {
	params, err := ledger.ReadParameters(b)
	if err != nil {
		return nil, nil, err
	}
	return ledger.ExecuteBatch(b, tx, params, intents)
}

func (b bench) batch(t testing.TB, intents ...*ledger.Intent) []spec.Code {
	t.Helper()
	return b.batchBy(t, relayMSP, intents...)
}

func (b bench) batchBy(t testing.TB, mspID string, intents ...*ledger.Intent) []spec.Code {
	t.Helper()
	tx := ledger.Transaction{ID: sha256.Sum256(fmt.Append(nil, len(b), intents)), Time: batchTime, MSPID: mspID, IsClient: true}
	writes, refusals, err := b.execute(tx, intents)
	if err != nil {
		t.Fatal(err)
	}
	b.apply(writes)
	codes := make([]spec.Code, len(refusals))
	for i, refusal := range refusals {
		if refusal != nil {
			codes[i] = refusal.Code
		}
	}
	return codes
}

func wantCodes(t *testing.T, got []spec.Code, want ...spec.Code) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("codes %q, want %q", got, want)
	}
}

// Commands see what those before them in the batch did; strangers get one credit a batch, those who act get theirs at once.
func TestBatchSharesOneOverlay(t *testing.T) {
	b := opened(10, "anna", "ben")
	shop := spec.OrganisationAddress("ShopMSP")
	wantCodes(t, b.batch(t,
		payment("anna", 1, person("ben"), 10),
		payment("ben", 1, shop, 15),
		payment("ben", 2, shop, 5),
		payment("ben", 3, shop, 1),
		payment("anna", 2, person("ben"), 1),
	), "", "", "", spec.InsufficientFunds, spec.InsufficientFunds)
	if got := b[ledger.AccountKey(person("ben"))].(ledger.Account); got.Balance != (spec.Amount{}) || got.Nonces.Top != 2 {
		t.Errorf("ben's account is %+v", got)
	}
	var credits []spec.Amount
	for key, record := range b {
		if credit, ok := record.(ledger.Credit); ok && key.Parent == string(shop.Bytes()) {
			credits = append(credits, credit.Amount)
		}
	}
	if len(credits) != 1 || credits[0] != spec.CMT(20) {
		t.Errorf("the shop has the credits %v, want one of 20", credits)
	}
}

// A home pays into its guests' accounts; anyone else, and whoever does not look, gives a credit.
func TestHomePaysDirectly(t *testing.T) {
	b := opened(10, "anna", "ben")
	direct := func(nonce uint64, to spec.Address) *ledger.Intent {
		in := payment("anna", nonce, to, 1)
		in.Call.Hints = &spec.Hints{Direct: true}
		return in
	}
	// Ben's first intent is carried by the relay, which becomes his home.
	wantCodes(t, b.batch(t, intentOf("ben", 1, &spec.VoidNonce{Nonce: 9})), "")
	if home := b[ledger.AccountKey(person("ben"))].(ledger.Account).Home; home != 1 {
		t.Fatalf("ben is at home with member %d", home)
	}
	has := func(who string) spec.Amount { return b[ledger.AccountKey(person(who))].(ledger.Account).Balance }
	wantCodes(t, b.batch(t, direct(1, person("ben")), payment("anna", 2, spec.OrganisationAddress("ShopMSP"), 1)), "", "")
	if has("ben") != spec.CMT(11) {
		t.Errorf("paid at home, ben has %s in his account", has("ben"))
	}
	wantCodes(t, b.batch(t, payment("anna", 3, person("ben"), 1)), "")
	wantCodes(t, b.batchBy(t, otherMSP, direct(4, person("ben")), direct(5, person("cleo"))), "", "")
	if has("ben") != spec.CMT(11) {
		t.Errorf("paid blindly or by another, ben has %s in his account", has("ben"))
	}
	if b.total() != spec.CMT(20) {
		t.Errorf("together they have %s", b.total())
	}
	home := func(who string) uint32 { return b[ledger.AccountKey(person(who))].(ledger.Account).Home }
	if home("anna") != 1 {
		t.Errorf("carried by another, anna moved to member %d", home("anna"))
	}
	wantCodes(t, b.batch(t, intentOf("ben", 2, &spec.MoveHome{MspId: otherMSP}), intentOf("anna", 6, &spec.MoveHome{MspId: "StrangerMSP"})), "", spec.NotFound)
	wantCodes(t, b.batch(t, direct(7, person("ben"))), "")
	if home("ben") != 2 || has("ben") != spec.CMT(11) {
		t.Errorf("moved away, ben is at home with member %d and was paid directly by another: %s", home("ben"), has("ben"))
	}
}

// A home folds its guests' credits; nobody else may.
func TestHomeSweeps(t *testing.T) {
	b := opened(10, "anna", "ben")
	wantCodes(t, b.batch(t, intentOf("ben", 1, &spec.VoidNonce{Nonce: 9}), payment("anna", 1, person("cleo"), 1)), "", "")
	wantCodes(t, b.batch(t, payment("anna", 2, person("ben"), 3)), "")
	hints := &spec.Hints{}
	for key := range b {
		if key.Kind == ledger.CreditKind && key.Parent == string(person("ben").Bytes()) {
			hints.Credits = append(hints.Credits, []byte(key.ID))
		}
	}
	call := &spec.Call{Operation: spec.Find("token:Sweep"), Hints: hints, Command: &spec.Sweep{Account: person("ben").Bytes()}}
	sweep := func(mspID string) error {
		writes, _, err := ledger.Execute(b, ledger.Transaction{ID: [32]byte{9}, Time: batchTime, MSPID: mspID, IsClient: true}, call)
		b.apply(writes)
		return err
	}
	if err := sweep(otherMSP); spec.ErrorCode(err) != spec.NotAParty {
		t.Errorf("by another member: %v", err)
	}
	if err := sweep(relayMSP); err != nil {
		t.Errorf("by the home: %v", err)
	}
	if account := b[ledger.AccountKey(person("ben"))].(ledger.Account); account.Balance != spec.CMT(13) || account.Nonces.Top != 9 || account.Home != 1 {
		t.Errorf("ben's account is %+v", account)
	}
}

func TestNoncesHappenOnce(t *testing.T) {
	b := opened(1000, "anna")
	ben := person("ben")
	wantCodes(t, b.batch(t, payment("anna", 5, ben, 1), payment("anna", 5, ben, 1)), "", spec.NonceUsed)
	wantCodes(t, b.batch(t, payment("anna", 5, ben, 1), payment("anna", 3, ben, 1), payment("anna", 4, ben, 1)), spec.NonceUsed, "", "")
	// The window is 64 wide: what lies behind it is refused, what lies in it is not.
	wantCodes(t, b.batch(t, payment("anna", 100, ben, 1)), "")
	wantCodes(t, b.batch(t, payment("anna", 37, ben, 1), payment("anna", 36, ben, 1), payment("anna", 5, ben, 1)), "", spec.NonceUsed, spec.NonceUsed)
	wantCodes(t, b.batch(t, payment("anna", 37, ben, 1), payment("anna", 1<<53-1, ben, 1), payment("anna", 100, ben, 1)), spec.NonceUsed, "", spec.NonceUsed)
}

func TestRefusalUsesNothingUp(t *testing.T) {
	b := opened(10, "anna")
	ben := person("ben")
	wantCodes(t, b.batch(t, payment("anna", 1, ben, 11)), spec.InsufficientFunds)
	b[ledger.AccountKey(person("anna"))] = ledger.Account{Balance: spec.CMT(11)}
	wantCodes(t, b.batch(t, payment("anna", 1, ben, 11)), "")
}

func TestVoidKillsWhatWasKeptBack(t *testing.T) {
	b := opened(10, "anna")
	wantCodes(t, b.batch(t, intentOf("anna", 2, &spec.VoidNonce{Nonce: 1})), "")
	wantCodes(t, b.batch(t, payment("anna", 1, person("ben"), 1), intentOf("anna", 3, &spec.VoidNonce{Nonce: 2}), intentOf("anna", 4, &spec.VoidNonce{Nonce: 4})),
		spec.NonceUsed, spec.NonceUsed, "")
}

func TestIntentsExpire(t *testing.T) {
	b := opened(10, "anna")
	last, late := payment("anna", 1, person("ben"), 1), payment("anna", 2, person("ben"), 1)
	last.ValidUntil, late.ValidUntil = batchTime, batchTime-1
	wantCodes(t, b.batch(t, last, late), "", spec.IntentExpired)
}

func TestOrganisationsOperationsAreNotCarried(t *testing.T) {
	b := opened(10, "anna")
	mint := intentOf("anna", 1, &spec.Mint{Reference: "r", To: person("anna").Bytes(), Amount: spec.CMT(1).Bytes()})
	wantCodes(t, b.batch(t, mint, payment("anna", 1, person("ben"), 1)), spec.NotAnIntent, "")
}

// Of each pair of an intent's faults, its command's among them, the first in the catalogue's order is told.
func TestTheFirstFaultOfAnIntentIsTold(t *testing.T) {
	faults := []struct {
		code spec.Code
		make func(*ledger.Intent)
	}{
		{spec.NotAnIntent, func(in *ledger.Intent) {
			in.Call = intentOf("anna", 1, &spec.Burn{Reference: "r", Amount: spec.CMT(11).Bytes()}).Call
		}},
		{spec.IntentExpired, func(in *ledger.Intent) { in.ValidUntil = batchTime - 1 }},
		{spec.NonceUsed, func(in *ledger.Intent) { in.Nonce = 1 }},
		{spec.InsufficientFunds, func(in *ledger.Intent) {
			if transfer, ok := in.Call.Command.(*spec.Transfer); ok {
				transfer.Amount = spec.CMT(11).Bytes()
			}
		}},
	}
	for i, first := range faults {
		for _, second := range faults[i:] {
			b := opened(10, "anna")
			wantCodes(t, b.batch(t, intentOf("anna", 2, &spec.VoidNonce{Nonce: 1})), "")
			in := payment("anna", 3, person("ben"), 1)
			second.make(in)
			first.make(in)
			wantCodes(t, b.batch(t, in), first.code)
		}
		if i > 0 && rank(t, faults[i-1].code) >= rank(t, first.code) {
			t.Errorf("%s stands before %s in the catalogue", first.code, faults[i-1].code)
		}
	}
}

func TestRelayIsChecked(t *testing.T) {
	b := opened(10, "anna")
	intents := []*ledger.Intent{payment("anna", 1, person("ben"), 1)}
	for name, row := range map[string]struct {
		tx   ledger.Transaction
		code spec.Code
	}{
		"a stranger": {ledger.Transaction{Time: batchTime, MSPID: "StrangerMSP", IsClient: true}, spec.NotAMember},
		"a peer":     {ledger.Transaction{Time: batchTime, MSPID: relayMSP}, spec.NotAClient},
	} {
		if writes, _, err := b.execute(row.tx, intents); spec.ErrorCode(err) != row.code || writes != nil {
			t.Errorf("%s: %v, %d writes", name, err, len(writes))
		}
	}
	b[ledger.FenceKey(batchTime/300)] = ledger.Fence{}
	if _, _, err := b.execute(ledger.Transaction{Time: batchTime, MSPID: relayMSP, IsClient: true}, intents); spec.ErrorCode(err) != spec.Fenced {
		t.Errorf("behind its fence: %v", err)
	}
}

// Whatever is refused in a batch might as well not have been in it: the ledger is the same with and without.
func TestNeighboursAreUntouched(t *testing.T) {
	names := []string{"anna", "ben", "cleo", "dora"}
	rapid.Check(t, func(t *rapid.T) {
		with := opened(5, names...)
		for round := range rapid.IntRange(1, 4).Draw(t, "rounds") {
			intents := rapid.SliceOfN(rapid.Custom(drawIntent), 1, 12).Draw(t, "intents")
			without := maps.Clone(with)
			tx := ledger.Transaction{ID: sha256.Sum256([]byte{byte(round)}), Time: batchTime, MSPID: relayMSP, IsClient: true}
			writes, refusals, err := with.execute(tx, intents)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.IsSortedFunc(writes, func(a, b ledger.Write) int { return a.Key.Compare(b.Key) }) {
				t.Fatal("the writes are not in the order of their keys")
			}
			with.apply(writes)
			// A passed-over intent keeps its place, so that the two batches differ in nothing else.
			accepted := slices.Clone(intents)
			for i := range refusals {
				if refusals[i] != nil {
					accepted[i] = nil
				}
			}
			writes, refusals, err = without.execute(tx, accepted)
			if err != nil {
				t.Fatal(err)
			}
			without.apply(writes)
			for i, refusal := range refusals {
				if refusal != nil {
					t.Fatalf("intent %d was accepted beside refused ones and is refused without them: %v", i, refusal)
				}
			}
			if got, want := balances(with), balances(without); got != want {
				t.Fatalf("with the refused ones:\n%s\nwithout:\n%s", got, want)
			}
			if total := with.total(); total != spec.CMT(20) {
				t.Fatalf("%s CMT became %s", spec.CMT(20), total)
			}
		}
	})
}

// balances writes what everyone has, used nonces and all objects, in order. Whether money lies in the account or in a credit
// does not matter: who acts, were it in vain, gets it at once.
func balances(b bench) string {
	free := map[string]spec.Amount{}
	var lines []string
	for key, record := range b {
		switch r := record.(type) {
		case ledger.Account:
			free[key.ID], _ = free[key.ID].Add(r.Balance)
			lines = append(lines, fmt.Sprintf("nonces %x %v", key.ID, r.Nonces))
		case ledger.Credit:
			free[key.Parent], _ = free[key.Parent].Add(r.Amount)
		case ledger.Hold, ledger.Lot, ledger.Order, ledger.Listing:
			lines = append(lines, fmt.Sprintf("%T %x %x %v", r, key.Parent, key.ID, r))
		}
	}
	for owner, amount := range free {
		lines = append(lines, fmt.Sprintf("free %x %v", owner, amount))
	}
	slices.Sort(lines)
	return fmt.Sprintln(lines)
}

func drawIntent(t *rapid.T) *ledger.Intent {
	names := rapid.SampledFrom([]string{"anna", "ben", "cleo", "dora"})
	actor, nonce := names.Draw(t, "actor"), rapid.Uint64Range(1, 12).Draw(t, "nonce")
	reference := rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "reference")
	seller := names.Draw(t, "seller")
	listing := spec.NewID(spec.ListingType, person(seller), reference)
	order := spec.NewID(spec.OrderType, person(names.Draw(t, "buyer")), reference)
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return intentOf(actor, nonce, &spec.CreateListing{Reference: reference, Price: spec.CMT(2).Bytes(), Stock: 2, Category: "x", ContentHash: make([]byte, 32)})
	case 1:
		return intentOf(actor, nonce, &spec.PlaceOrder{Reference: reference, Listing: listing[:], Version: 1, Quantity: 1, Total: spec.CMT(2).Bytes()})
	case 2:
		return intentOf(actor, nonce, &spec.ConfirmOrder{Order: order[:]})
	case 3:
		return intentOf(actor, nonce, &spec.CancelOrder{Order: order[:]})
	case 4:
		return intentOf(actor, nonce, &spec.VoidNonce{Nonce: rapid.Uint64Range(1, 12).Draw(t, "void")})
	}
	to := names.Draw(t, "to")
	if rapid.Bool().Draw(t, "stranger") {
		to = "stranger"
	}
	return payment(actor, nonce, person(to), rapid.Uint32Range(1, 8).Draw(t, "amount"))
}
