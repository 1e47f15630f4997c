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
	returned map[returnedLine]int64
	signers  map[spec.Address]*signer
	faults   []error
}

// NewAuditor begins to follow a world without blocks.
func NewAuditor(world *World) *Auditor {
	return &Auditor{
		world:    world,
		records:  map[ledger.Key]ledger.Record{},
		ever:     map[ledger.Key]bool{},
		added:    map[spec.ID]int64{},
		returned: map[returnedLine]int64{},
		signers:  map[spec.Address]*signer{},
	}
}

// Record returns the record under a key after the last block seen, or nil.
func (a *Auditor) Record(key ledger.Key) ledger.Record { return a.records[key] }

// Orders returns the identifiers of all orders, in no order that means anything but the same each time.
func (a *Auditor) Orders() []spec.ID { return ids(a.world, ledger.OrderKind) }

// Holds returns the identifiers of all token holds.
func (a *Auditor) Holds() []spec.ID { return ids(a.world, ledger.TokenHoldKind) }

// Discounts returns the identifiers of all discounts on the ledger.
func (a *Auditor) Discounts() []spec.ID { return ids(a.world, ledger.DiscountKind) }

// Auctions returns the identifiers of all auctions.
func (a *Auditor) Auctions() []spec.ID { return ids(a.world, ledger.AuctionKind) }

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
	params, _ := a.records[ledger.ParametersKey()].(ledger.Parameters)
	acts, err := envelope.Proposal.acts(params.LedgerID)
	if err != nil {
		a.fault("%w", err)
		return
	}
	if err := checkReads(envelope, acts); err != nil {
		a.fault("%w", err)
	}
	changes := a.changes(envelope)
	a.checkKeys(changes)
	deeds := a.happened(envelope, acts)
	a.checkAccounts(envelope, deeds, changes)
	a.checkFlow(changes)
	a.checkBooks(envelope, acts, deeds, changes)
	for _, c := range changes {
		a.ever[c.key] = true
		if c.after == nil {
			delete(a.records, c.key)
		} else {
			a.records[c.key] = c.after
		}
	}
	a.checkSigners(acts, changes)
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
	ledger.BurnKind: true, ledger.VersionKind: true, ledger.EndKind: true, ledger.PayoutKind: true, ledger.BidKind: true, ledger.ReviewKind: true,
	ledger.VoteKind: true, ledger.EvidenceKind: true, ledger.ArbitersKind: true, ledger.LinesKind: true, ledger.DiscountKind: true, ledger.DiscountUseKind: true,
}

// checkKeys: facts are never rewritten, identifiers and credits never used again, objects never deleted.
func (a *Auditor) checkKeys(changes []change) {
	for _, c := range changes {
		switch {
		case once[c.key.Kind] && (a.ever[c.key] || c.after == nil):
			a.fault("%s is written a second time", state.FormatKey(c.key))
		case (c.key.Kind == ledger.CreditKind || c.key.Kind == ledger.HoldKind) && c.before == nil && a.ever[c.key]:
			a.fault("%s comes back", state.FormatKey(c.key))
		case c.key.Kind == ledger.CreditKind && c.before != nil && c.after != nil:
			a.fault("%s is rewritten", state.FormatKey(c.key))
		case c.key.Kind == ledger.HoldKind && offerOf(changes, c.key) == nil && c.before != nil && worth(c.after).Cmp(worth(c.before)) > 0:
			a.fault("%s holds more than before", state.FormatKey(c.key))
		case (c.key.Kind == ledger.OrderKind || c.key.Kind == ledger.MilestonesKind || c.key.Kind == ledger.OfferKind || c.key.Kind == ledger.DisputeKind || c.key.Kind == ledger.ListingKind || c.key.Kind == ledger.AuctionKind || c.key.Kind == ledger.TokenHoldKind || c.key.Kind == ledger.AccountKind) && c.after == nil:
			a.fault("%s is deleted", state.FormatKey(c.key))
		}
	}
}

// checkAccounts: money leaves an account only when a command of its owner happened, and credits are folded only then or when
// their owner's home sweeps; what an account is given at once is for the books to tell.
func (a *Auditor) checkAccounts(envelope *Envelope, deeds []*act, changes []change) {
	acting, swept := map[string]bool{}, map[string]bool{}
	for _, deed := range deeds {
		acting[string(deed.actor.Bytes())] = true
		if guest := deed.sweptGuest(); guest != nil && a.isHome(envelope.Proposal.MSPID, guest) {
			swept[string(guest)] = true
		}
	}
	for _, c := range changes {
		before, after := worth(c.before), worth(c.after)
		taken := c.key.Kind == ledger.AccountKind && !acting[c.key.ID] && after.Cmp(before) < 0
		folded := c.key.Kind == ledger.CreditKind && !acting[c.key.Parent] && !swept[c.key.Parent] && c.before != nil
		if genesis := a.records[ledger.ParametersKey()] == nil; (taken || folded) && !genesis {
			a.fault("%s is changed by others", state.FormatKey(c.key))
		}
	}
}

// isHome reports whether the member is the home of an account that a transaction has not yet touched.
func (a *Auditor) isHome(mspID string, of []byte) bool {
	home := a.signer(a.address(of)).home
	return home != 0 && home == a.index(mspID)
}

// address is that of a key or a command which was checked before.
func (a *Auditor) address(octets []byte) spec.Address {
	address, err := spec.AddressFromBytes(octets)
	if err != nil {
		a.fault("%w", err)
	}
	return address
}

func units(a spec.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }

// worth is what a record counts for in "accounts + credits + holds + allowances - supply".
func worth(record ledger.Record) *big.Int {
	switch r := record.(type) {
	case ledger.Account:
		return units(r.Balance)
	case ledger.Credit:
		return units(r.Amount)
	case ledger.Hold:
		return units(r.Amount)
	case ledger.Allowance:
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

// checkState reads the whole state anew and adds it up.
func (a *Auditor) checkState(height uint64) {
	sum := new(big.Int)
	holds := map[ledger.Key]spec.Amount{}
	stocks := map[spec.ID]int64{}
	var auctions []spec.ID
	highest := leaders{}
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
		case ledger.TokenHold:
			if r.State != spec.HoldState_HOLD_STATE_HELD {
				continue
			}
			// A token hold's key sorts behind the holds', too.
			rest, _ := r.Amount.Sub(r.Captured)
			at := ledger.HoldKey(r.Payer, spec.ID([]byte(key.ID)))
			if held, ok := holds[at]; !ok || held != rest {
				a.fault("token hold %x is open and holds %s of %s", key.ID, held, rest)
			}
			delete(holds, at)
		case ledger.Auction:
			if r.State == spec.AuctionState_AUCTION_STATE_OPEN {
				auctions = append(auctions, spec.ID([]byte(key.ID)))
				stocks[r.Listing] += int64(r.Quantity)
			}
		case ledger.Bid:
			highest.see(key, r)
		case ledger.Lot:
			stocks[spec.ID([]byte(key.Parent))] += int64(r.Stock)
		case ledger.Order:
			id := spec.ID([]byte(key.ID))
			for i, line := range a.linesOf(id, r) {
				stocks[line.Listing] += int64(line.Quantity) - a.returned[returnedLine{id, i}]
			}
			if !open(r.State) {
				continue
			}
			// An order's key sorts behind the holds', so that they have all been seen.
			held, ok := holds[ledger.HoldKey(r.Buyer, id)]
			if !ok || held != r.Held() {
				a.fault("order %x is open and holds %s of %s", id, held, r.Held())
			}
			delete(holds, ledger.HoldKey(r.Buyer, id))
		case ledger.Offer:
			hold := ledger.HoldKey(r.Buyer, spec.ID([]byte(key.ID)))
			if !standing(r.State) {
				continue
			}
			if held, ok := holds[hold]; !ok || held != r.Total {
				a.fault("offer %x stands and holds %s of %s", key.ID, held, r.Total)
			}
			delete(holds, hold)
		}
	}
	a.checkLeaders(auctions, highest, holds)
	if seen != len(a.records) {
		a.fault("%d records are stored, the transactions wrote %d", seen, len(a.records))
	}
	if sum.Sign() != 0 {
		a.fault("accounts + credits + holds + allowances - supply is %s base units", sum)
	}
	if len(holds) > 0 {
		a.fault("%d holds belong to no open order, offer, token hold or highest bid", len(holds))
	}
	for listing, units := range stocks {
		if units != a.added[listing] {
			a.fault("%x has %d units in lots, orders and auctions, %d were ever added", listing, units, a.added[listing])
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
