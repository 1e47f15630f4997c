package app

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

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
	if cart, ok := call.Command.(*spec.PlaceCart); ok {
		l.hintCart(ctx, cart, hints)
		return
	}
	wanted, quantity, takes := stockTaken(call.Command)
	if !takes || len(hints.GetLot()) > 0 {
		return
	}
	lots := l.known(ctx, wanted)
	if quantity == 0 {
		lots = fullestFirst(lots)
	}
	for _, lot := range lots {
		if lot.Stock >= max(quantity, 1) {
			hints.Lot = lot.ID[:]
			return
		}
	}
}

// stockTaken returns what a command takes stock of, and how many units: 0 when only the offer that it accepts says. Offers are for
// a listing's first variant.
func stockTaken(command proto.Message) (wanted ware, quantity uint32, takes bool) {
	switch c := command.(type) {
	case *spec.PlaceOrder:
		return ware{spec.ID(c.GetListing()), c.GetVariant()}, c.GetQuantity(), true
	case *spec.AcceptOffer:
		return ware{listing: spec.ID(c.GetListing())}, 0, true
	case *spec.AcceptCounter:
		return ware{listing: spec.ID(c.GetListing())}, 0, true
	}
	return wanted, 0, false
}

// fullestFirst returns the lots as they are tried for who does not say how much is taken.
func fullestFirst(lots []Lot) []Lot {
	sorted := slices.Clone(lots)
	slices.SortStableFunc(sorted, func(a, b Lot) int { return cmp.Compare(b.Stock, a.Stock) })
	return sorted
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
	all := l.shelves(l.model.Lots)
	for _, r := range refused {
		if err := l.again(ctx, all, r); err != nil {
			l.log.Error("the read model does not know a listing's lots", "error", err)
			return
		}
	}
}

// again deals what a refused buyer may take from the shelves.
func (l *Lots) again(ctx context.Context, all *shelves, r *RefusedIntent) error {
	if cart, ok := r.Call.Command.(*spec.PlaceCart); ok {
		return l.cartAgain(ctx, cart, all, r)
	}
	wanted, quantity, takes := stockTaken(r.Call.Command)
	if !takes {
		return nil
	}
	shelf, err := all.of(ctx, wanted)
	switch {
	case err != nil:
		return err
	case quantity == 0:
		shelf.serveFullest(r)
	default:
		shelf.serve(r, quantity)
	}
	return nil
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

// find returns the first lot that has enough left, when so much of some is taken as well. Who comes when all is dealt out is tried behind the
// others, for they may yet be refused, until no lot has enough: -1.
func (s *shelf) find(quantity uint32, taken map[spec.ID]uint32) int {
	behind := -1
	for n, lot := range s.lots {
		switch wanted := quantity + taken[lot.ID]; {
		case s.left[n] >= wanted:
			return n
		case lot.Stock >= wanted:
			behind = n
		}
	}
	return behind
}

// take takes units off the lots.
func (s *shelf) take(units map[spec.ID]uint32) {
	for n, lot := range s.lots {
		s.left[n] -= min(s.left[n], units[lot.ID])
	}
}

// serve gives a buyer the next lot that has enough, or says that it is sold out, if all lots are known.
func (s *shelf) serve(r *RefusedIntent, quantity uint32) {
	at := s.find(quantity, nil)
	switch {
	case at >= 0 && s.left[at] >= quantity:
		s.left[at] -= quantity
	case at < 0 && len(s.lots) < MaxLots:
		r.Refusal = spec.FieldErrorf(spec.SoldOut, "quantity", "no lot has %d units left", quantity)
		return
	}
	s.deal(r, at)
}

// serveFullest tries who accepts an offer, which alone says how much it takes, with the fullest lot. Has that refused already, no lot
// has enough.
func (s *shelf) serveFullest(r *RefusedIntent) {
	at := -1
	for n, left := range s.left {
		if left > 0 && (at < 0 || left > s.left[at]) {
			at = n
		}
	}
	if at < 0 || bytes.Equal(r.Hints.GetLot(), s.lots[at].ID[:]) {
		r.Refusal = spec.FieldErrorf(spec.SoldOut, "quantity", "no lot has as many units as the offer is for")
		return
	}
	s.deal(r, at)
}

// deal has a refused buyer tried again with a lot; without one (-1), or after too many, the refusal stands.
func (s *shelf) deal(r *RefusedIntent, at int) {
	if at < 0 || r.Tries >= maxLotTries {
		return
	}
	r.Tries++
	id := s.lots[at].ID
	r.Hints.Lot, r.Again, r.Apart = id[:], true, true // for it is no longer the own one
}
