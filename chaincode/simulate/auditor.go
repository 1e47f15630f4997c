package simulate

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// Auditor follows a world's blocks and checks what must always hold. It is written from the design, not from the rules: it
// keeps books of its own, in big integers, of what each valid transaction did.
type Auditor struct {
	world   *World
	records map[ledger.Key]ledger.Record
	// ever holds every key that ever was: of those whose absence is authority none may come again.
	ever map[ledger.Key]bool
	// added is the stock that each listing was ever given, returned the units that came back from each order.
	added    map[spec.ID]int64
	returned map[spec.ID]int64
	faults   []error
}

// NewAuditor begins to follow a world without blocks.
func NewAuditor(world *World) *Auditor {
	return &Auditor{
		world:    world,
		records:  map[ledger.Key]ledger.Record{},
		ever:     map[ledger.Key]bool{},
		added:    map[spec.ID]int64{},
		returned: map[spec.ID]int64{},
	}
}

// Record returns the record under a key after the last block seen, or nil.
func (a *Auditor) Record(key ledger.Key) ledger.Record { return a.records[key] }

// Orders returns the identifiers of all orders, in no order that means anything but the same each time.
func (a *Auditor) Orders() []spec.ID { return ids(a.world, ledger.OrderKind) }

// Listings returns the identifiers of all listings.
func (a *Auditor) Listings() []spec.ID { return ids(a.world, ledger.ListingKind) }

func ids(w *World, kind ledger.Kind) []spec.ID {
	var found []spec.ID
	for _, pair := range w.Pairs(w.Height()) {
		if key, err := state.ParseKey(pair.Key); err == nil && key.Kind == kind {
			found = append(found, spec.ID([]byte(key.ID)))
		}
	}
	return found
}

// Observe checks the next block. The error names every rule that broke.
func (a *Auditor) Observe(block *Block) error {
	a.faults = nil
	for n, tx := range block.Transactions {
		if tx.Code != Valid {
			continue
		}
		before := len(a.faults)
		a.observe(tx.Envelope)
		for i := before; i < len(a.faults); i++ {
			a.faults[i] = fmt.Errorf("block %d, transaction %d, %s: %w", block.Number, n+1, tx.Proposal.Function, a.faults[i])
		}
	}
	a.checkState(block.Number)
	return errors.Join(a.faults...)
}

func (a *Auditor) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Errorf(format, args...))
}

// change is one record before and after a transaction; nil is an absent one.
type change struct {
	key           ledger.Key
	before, after ledger.Record
}

func (a *Auditor) observe(envelope *Envelope) {
	a.checkFence(envelope)
	if err := CheckReads(envelope); err != nil {
		a.fault("%w", err)
	}
	changes := a.changes(envelope)
	a.checkKeys(changes)
	a.checkAccounts(envelope, changes)
	a.checkFlow(changes)
	a.checkOrders(changes)
	a.checkStock(envelope, changes)
	for _, c := range changes {
		a.ever[c.key] = true
		if c.after == nil {
			delete(a.records, c.key)
		} else {
			a.records[c.key] = c.after
		}
	}
}

func (a *Auditor) changes(envelope *Envelope) []change {
	var changes []change
	for _, write := range envelope.Set.Writes {
		key, err := state.ParseKey(write.Key)
		if err != nil {
			a.fault("%w", err)
			continue
		}
		c := change{key: key, before: a.records[key]}
		if write.Value != nil {
			if c.after, err = state.DecodeRecord(key.Kind, write.Value); err != nil {
				a.fault("%s: %w", write.Key, err)
				continue
			}
		}
		changes = append(changes, c)
	}
	return changes
}

// checkFence: nothing is valid once its epoch's fence stands.
func (a *Auditor) checkFence(envelope *Envelope) {
	params, begun := a.records[ledger.ParametersKey()].(ledger.Parameters)
	if !begun {
		return
	}
	epoch := uint64(envelope.Proposal.Time) / uint64(params.FenceEpochSeconds)
	if a.records[ledger.FenceKey(epoch)] != nil {
		a.fault("is valid although epoch %d was fenced", epoch)
	}
}

// once are the kinds whose keys are written once and for good.
var once = map[ledger.Kind]bool{
	ledger.ParametersKind: true, ledger.MemberKind: true, ledger.FenceKind: true, ledger.TransferKind: true, ledger.MintKind: true,
	ledger.BurnKind: true, ledger.VersionKind: true, ledger.EndKind: true,
}

// checkKeys: facts are never rewritten, identifiers and credits never used again, objects never deleted.
func (a *Auditor) checkKeys(changes []change) {
	for _, c := range changes {
		switch {
		case once[c.key.Kind] && (a.ever[c.key] || c.after == nil):
			a.fault("%s is written a second time", state.FormatKey(c.key))
		case (c.key.Kind == ledger.CreditKind || c.key.Kind == ledger.HoldKind) && c.before == nil && a.ever[c.key]:
			a.fault("%s comes back", state.FormatKey(c.key))
		case (c.key.Kind == ledger.CreditKind || c.key.Kind == ledger.HoldKind) && c.before != nil && c.after != nil:
			a.fault("%s is rewritten", state.FormatKey(c.key))
		case (c.key.Kind == ledger.OrderKind || c.key.Kind == ledger.ListingKind || c.key.Kind == ledger.AccountKind) && c.after == nil:
			a.fault("%s is deleted", state.FormatKey(c.key))
		}
	}
}

// checkAccounts: money leaves an account, and credits are folded, only when their owner acts.
func (a *Auditor) checkAccounts(envelope *Envelope, changes []change) {
	actor, err := envelope.Actor()
	if err != nil {
		a.fault("%w", err)
	}
	for _, c := range changes {
		foreign := c.key.Kind == ledger.AccountKind && c.key.ID != string(actor.Bytes())
		folded := c.key.Kind == ledger.CreditKind && c.before != nil && c.key.Parent != string(actor.Bytes())
		if genesis := a.records[ledger.ParametersKey()] == nil; (foreign || folded) && !genesis {
			a.fault("%s is changed by %s", state.FormatKey(c.key), actor)
		}
	}
}

func units(a spec.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }

// worth is what a record counts for in "accounts + credits + holds - supply".
func worth(record ledger.Record) *big.Int {
	switch r := record.(type) {
	case ledger.Account:
		return units(r.Balance)
	case ledger.Credit:
		return units(r.Amount)
	case ledger.Hold:
		return units(r.Amount)
	case ledger.Supply:
		return new(big.Int).Sub(units(r.Burnt), units(r.Minted))
	}
	return new(big.Int)
}

// checkFlow: what a transaction takes and what it gives are the same.
func (a *Auditor) checkFlow(changes []change) {
	sum := new(big.Int)
	for _, c := range changes {
		sum.Add(sum, worth(c.after))
		sum.Sub(sum, worth(c.before))
	}
	if sum.Sign() != 0 {
		a.fault("%s base units appear from nothing", sum)
	}
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
		spec.OrderState_ORDER_STATE_EXPIRED,
	},
	spec.OrderState_ORDER_STATE_HANDED_OVER: {
		spec.OrderState_ORDER_STATE_RELEASED, spec.OrderState_ORDER_STATE_REFUNDED,
	},
}

// open reports whether an order in the state holds money.
func open(s spec.OrderState) bool { return len(successors[s]) > 0 }

// checkOrders: an order takes only steps that there are; its hold begins and ends with it; its settlement pays out what was held.
func (a *Auditor) checkOrders(changes []change) {
	for _, c := range changes {
		switch c.key.Kind {
		case ledger.OrderKind:
			a.checkOrder(c, changes)
		case ledger.HoldKind:
			if find(changes, ledger.Key{Kind: ledger.OrderKind, ID: c.key.ID}) == nil {
				a.fault("%s changes without its order", state.FormatKey(c.key))
			}
		}
	}
}

func (a *Auditor) checkOrder(c change, changes []change) {
	id := spec.ID([]byte(c.key.ID))
	after, _ := c.after.(ledger.Order)
	before, existed := c.before.(ledger.Order)
	hold := find(changes, ledger.HoldKey(after.Buyer, id))
	switch {
	case !existed:
		if !open(after.State) || hold == nil || hold.before != nil || hold.after != (ledger.Hold{Amount: after.Total}) {
			a.fault("order %x begins as %s without a hold of its total", id, after.State)
		}
		return
	case !contains(successors[before.State], after.State):
		a.fault("order %x goes from %s to %s", id, before.State, after.State)
	case after.UpdatedAt < before.UpdatedAt:
		a.fault("order %x goes back in time", id)
	}
	if kept := termsOf(before); kept != termsOf(after) {
		a.fault("order %x: the terms it was funded with change", id)
	}
	if open(after.State) {
		if hold != nil {
			a.fault("order %x stays open, but its hold changes", id)
		}
		return
	}
	if hold == nil || hold.before != (ledger.Hold{Amount: after.Total}) || hold.after != nil {
		a.fault("order %x settles without ending its hold", id)
	}
	a.checkSettlement(id, after, changes)
}

// termsOf is what never changes in an order.
func termsOf(o ledger.Order) ledger.Order {
	o.State, o.UpdatedAt, o.ReleaseDue, o.Fee = 0, 0, 0, spec.Amount{}
	o.TrackingHash, o.ProofHash = [32]byte{}, [32]byte{}
	return o
}

// checkSettlement: a release pays the seller all but ⌊total × bps / 10,000⌋, which the fee account gets; everything else pays
// the buyer all.
func (a *Auditor) checkSettlement(id spec.ID, order ledger.Order, changes []change) {
	total := units(order.Total)
	type entry struct {
		to    spec.Address
		cause spec.CreditKind
	}
	due := map[entry]*big.Int{{order.Buyer, spec.CreditKind_CREDIT_KIND_REFUND}: total}
	fee := new(big.Int)
	if order.State == spec.OrderState_ORDER_STATE_RELEASED {
		fee.Mul(total, big.NewInt(int64(order.FeeBps))).Div(fee, big.NewInt(10_000))
		due = map[entry]*big.Int{
			{order.Seller, spec.CreditKind_CREDIT_KIND_RELEASE}: new(big.Int).Sub(total, fee),
			{order.FeeAccount, spec.CreditKind_CREDIT_KIND_FEE}: fee,
		}
	}
	if units(order.Fee).Cmp(fee) != 0 {
		a.fault("order %x records the fee %s, not %s base units", id, order.Fee, fee)
	}
	paid := map[entry]*big.Int{}
	for _, c := range changes {
		if credit, given := c.after.(ledger.Credit); given {
			to, err := spec.AddressFromBytes([]byte(c.key.Parent))
			if err != nil {
				a.fault("%w", err)
			}
			e := entry{to, credit.Cause}
			if paid[e] == nil {
				paid[e] = new(big.Int)
			}
			paid[e].Add(paid[e], units(credit.Amount))
		}
	}
	for e, amount := range due {
		got := paid[e]
		delete(paid, e)
		if got == nil {
			got = new(big.Int)
		}
		if got.Cmp(amount) != 0 {
			a.fault("order %x, now %s, pays %s %s base units, not %s", id, order.State, e.to, got, amount)
		}
	}
	if len(paid) > 0 {
		a.fault("order %x, now %s, pays others as well", id, order.State)
	}
}

// checkStock: stock comes by listing, editing and return, and goes by orders; nothing else moves it.
func (a *Auditor) checkStock(envelope *Envelope, changes []change) {
	given := map[spec.ID]int64{}
	lots := map[spec.ID]int64{}
	for _, c := range changes {
		switch c.key.Kind {
		case ledger.LotKind:
			listing := spec.ID([]byte(c.key.Parent))
			lots[listing] += stock(c.after) - stock(c.before)
			if lot, ok := c.after.(ledger.Lot); ok && lot.Stock == 0 {
				a.fault("%s is kept empty", state.FormatKey(c.key))
			}
		case ledger.OrderKind:
			after, before := c.after.(ledger.Order), c.before
			if before == nil {
				given[after.Listing] -= int64(after.Quantity)
				continue
			}
			from := before.(ledger.Order).State
			unshipped := from == spec.OrderState_ORDER_STATE_PLACED || from == spec.OrderState_ORDER_STATE_ACCEPTED
			if unshipped && !open(after.State) && after.State != spec.OrderState_ORDER_STATE_RELEASED {
				given[after.Listing] += int64(after.Quantity)
				a.returned[spec.ID([]byte(c.key.ID))] += int64(after.Quantity)
			}
		}
	}
	if listing, units := stockAdded(envelope, changes); units > 0 {
		a.added[listing] += units
		given[listing] += units
	}
	for listing, units := range lots {
		if units != given[listing] {
			a.fault("the stock of %x moves by %d, the orders say %d", listing, units, given[listing])
		}
		delete(given, listing)
	}
	for listing, units := range given {
		if units != 0 {
			a.fault("the stock of %x does not move, the orders say %d", listing, units)
		}
	}
}

func stock(record ledger.Record) int64 {
	lot, _ := record.(ledger.Lot)
	return int64(lot.Stock)
}

// stockAdded returns what the call says that it adds to a listing.
func stockAdded(envelope *Envelope, changes []change) (spec.ID, int64) {
	call, err := envelope.Proposal.call()
	if err != nil {
		return spec.ID{}, 0
	}
	switch c := call.Command.(type) {
	case *spec.CreateListing:
		for _, change := range changes {
			if change.key.Kind == ledger.ListingKind {
				return spec.ID([]byte(change.key.ID)), int64(c.Stock)
			}
		}
	case *spec.EditListing:
		return spec.ID(c.Listing), int64(c.AddStock)
	}
	return spec.ID{}, 0
}

// checkState reads the whole state anew and adds it up.
func (a *Auditor) checkState(height uint64) {
	sum := new(big.Int)
	holds := map[ledger.Key]spec.Amount{}
	stocks := map[spec.ID]int64{}
	seen := 0
	for _, pair := range a.world.Pairs(height) {
		key, err := state.ParseKey(pair.Key)
		if err != nil {
			a.fault("%w", err)
			continue
		}
		record, err := state.DecodeRecord(key.Kind, pair.Value)
		if err != nil || a.records[key] != record {
			a.fault("%s holds %v, %v; the transactions wrote %v", pair.Key, record, err, a.records[key])
			continue
		}
		seen++
		sum.Add(sum, worth(record))
		switch r := record.(type) {
		case ledger.Hold:
			holds[key] = r.Amount
		case ledger.Lot:
			stocks[spec.ID([]byte(key.Parent))] += int64(r.Stock)
		case ledger.Order:
			id := spec.ID([]byte(key.ID))
			stocks[r.Listing] += int64(r.Quantity) - a.returned[id]
			if !open(r.State) {
				continue
			}
			// An order's key sorts behind the holds', so that they have all been seen.
			held, ok := holds[ledger.HoldKey(r.Buyer, id)]
			if !ok || held != r.Total {
				a.fault("order %x is open and holds %s of %s", id, held, r.Total)
			}
			delete(holds, ledger.HoldKey(r.Buyer, id))
		}
	}
	if seen != len(a.records) {
		a.fault("%d records are stored, the transactions wrote %d", seen, len(a.records))
	}
	if sum.Sign() != 0 {
		a.fault("accounts + credits + holds - supply is %s base units", sum)
	}
	if len(holds) > 0 {
		a.fault("%d holds belong to no open order", len(holds))
	}
	for listing, units := range stocks {
		if units != a.added[listing] {
			a.fault("%x has %d units in lots and orders, %d were ever added", listing, units, a.added[listing])
		}
	}
}

func find(changes []change, key ledger.Key) *change {
	for i := range changes {
		if changes[i].key == key {
			return &changes[i]
		}
	}
	return nil
}

func contains(states []spec.OrderState, s spec.OrderState) bool {
	for _, other := range states {
		if other == s {
			return true
		}
	}
	return false
}
