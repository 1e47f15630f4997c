package app

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

const (
	// MaxLots is how many lots of a listing the read model tells. Of a listing with more, nobody here says that it is sold out.
	MaxLots = 1024
	// maxLotTries bounds the lots that one intent is tried with. Lots never grow, so that each is tried once.
	maxLotTries = 32
	// lotsWait bounds the wait for the read model to take the block of a refusal.
	lotsWait = 10 * time.Second
)

// LotModel is what the choice of lots asks of the read model.
type LotModel interface {
	// Lots returns a listing's lots in the order of their identifiers, MaxLots at most.
	Lots(ctx context.Context, listing spec.ID) ([]Lot, error)
	// AwaitBlock returns when the model has taken the block, or with ctx's error.
	AwaitBlock(ctx context.Context, number uint64) error
}

// Lots chooses the lots that orders take from. Stock lies in lots, one a gateway: each gateway sells from its own one first, so
// that gateways which sell side by side keep out of each other's way.
type Lots struct {
	mspID  string
	ledger Ledger
	model  LotModel
	log    *slog.Logger
	// index is the own member's number, 0 until it was asked for.
	index atomic.Uint32
}

var _ Remedy = (*Lots)(nil)

// NewLots returns the choice of an organisation's gateway.
func NewLots(mspID string, ledger Ledger, model LotModel, log *slog.Logger) *Lots {
	return &Lots{mspID: mspID, ledger: ledger, model: model, log: log}
}

// Hint names the first lot with enough stock, beginning at the own one, unless the buyer named one.
func (l *Lots) Hint(ctx context.Context, call *spec.Call, hints *spec.Hints) {
	order, ok := call.Command.(*spec.PlaceOrder)
	if !ok || len(hints.GetLot()) > 0 {
		return
	}
	for _, lot := range l.known(ctx, wareOf(order)) {
		if lot.Stock >= order.GetQuantity() {
			hints.Lot = lot.ID[:]
			return
		}
	}
}

// Shared: strangers meet at lots.
func (l *Lots) Shared(key ledger.Key) bool { return key.Kind == ledger.LotKind }

// Again deals out what is left to buyers whose lot had too little. The read model is asked at the height of the refusal or a
// later one; what no lot has by then is sold out.
func (l *Lots) Again(ctx context.Context, block uint64, refused []*RefusedIntent) {
	waiting, cancel := context.WithTimeout(ctx, lotsWait)
	defer cancel()
	if err := l.model.AwaitBlock(waiting, block); err != nil {
		l.log.Warn("the read model lags behind a refusal", "block", block, "error", err)
		return
	}
	shelves := map[ware]*shelf{}
	for _, r := range refused {
		order, ok := r.Call.Command.(*spec.PlaceOrder)
		if !ok {
			continue
		}
		wanted := wareOf(order)
		if shelves[wanted] == nil {
			lots, err := l.model.Lots(ctx, wanted.listing)
			if err != nil {
				l.log.Error("the read model does not know a listing's lots", "listing", wanted.listing.Text(spec.ListingType), "error", err)
				return
			}
			shelves[wanted] = newShelf(l.inTurn(ctx, wanted, lots))
		}
		shelves[wanted].serve(r, order.GetQuantity())
	}
}

// known returns a variant's lots in the own turn as the read model has them; none when it does not answer.
func (l *Lots) known(ctx context.Context, wanted ware) []Lot {
	lots, err := l.model.Lots(ctx, wanted.listing)
	if err != nil {
		l.log.Error("the read model does not know a listing's lots", "listing", wanted.listing.Text(spec.ListingType), "error", err)
		return nil
	}
	return l.inTurn(ctx, wanted, lots)
}

// ware is what an order takes units of: a variant of a listing.
type ware struct {
	listing spec.ID
	variant uint32
}

// wareOf returns what an order, whose form was checked, is about.
func wareOf(order *spec.PlaceOrder) ware {
	return ware{listing: spec.ID(order.GetListing()), variant: order.GetVariant()}
}

// inTurn returns the variant's lots in the order in which this gateway sells from them: the n-th member's gateway begins at the n-th of
// those that the listing began with, goes round them, and comes to stock that was added or came back at last.
func (l *Lots) inTurn(ctx context.Context, wanted ware, lots []Lot) []Lot {
	lots = slices.DeleteFunc(slices.Clone(lots), func(lot Lot) bool { return lot.Variant != wanted.variant })
	if len(lots) < 2 {
		return lots
	}
	own, start := int(max(l.member(ctx), 1))-1, -1
	var first []Lot
	for n := range ledger.MaxLots {
		id := spec.StockLot(wanted.listing, 1, wanted.variant*ledger.MaxLots+uint32(n))
		at := slices.IndexFunc(lots, func(lot Lot) bool { return lot.ID == id })
		if at < 0 {
			continue
		}
		if n >= own && start < 0 {
			start = len(first)
		}
		first = append(first, lots[at])
	}
	rest := slices.DeleteFunc(slices.Clone(lots), func(lot Lot) bool { return slices.Contains(first, lot) })
	if start < 0 {
		start = own
	}
	return append(rotated(first, start), rotated(rest, own)...)
}

// rotated returns the lots as they come when one begins at the n-th.
func rotated(lots []Lot, n int) []Lot {
	if len(lots) == 0 {
		return nil
	}
	n %= len(lots)
	return append(slices.Clone(lots[n:]), lots[:n]...)
}

// member returns the own member's number, or 0 while no peer tells it.
func (l *Lots) member(ctx context.Context) uint32 {
	if index := l.index.Load(); index > 0 {
		return index
	}
	index, err := MemberIndex(ctx, l.ledger, l.mspID)
	if err != nil {
		l.log.Warn("could not ask for the own member's number", "error", err)
		return 0
	}
	l.index.Store(index)
	return index
}

// shelf is what a listing's lots have and have not been dealt out yet.
type shelf struct {
	lots []Lot
	left []uint32
}

func newShelf(lots []Lot) *shelf {
	s := &shelf{lots: lots}
	for _, lot := range lots {
		s.left = append(s.left, lot.Stock)
	}
	return s
}

// serve gives a buyer the next lot that has enough. Who comes when all is dealt out is tried behind the others, for they may
// yet be refused, until no lot has enough.
func (s *shelf) serve(r *RefusedIntent, quantity uint32) {
	at, behind := -1, -1
	for n, lot := range s.lots {
		if s.left[n] >= quantity {
			at = n
			break
		}
		if lot.Stock >= quantity {
			behind = n
		}
	}
	switch {
	case at >= 0:
		s.left[at] -= quantity
	case behind >= 0:
		at = behind
	case len(s.lots) < MaxLots:
		r.Refusal = spec.FieldErrorf(spec.SoldOut, "quantity", "no lot has %d units left", quantity)
		return
	}
	if at < 0 || r.Tries >= maxLotTries {
		return
	}
	r.Tries++
	id := s.lots[at].ID
	r.Hints.Lot, r.Again, r.Apart = id[:], true, true // for it is no longer the own one
}
