package app

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// maxCartTries bounds how often a peer is asked for the lots of one cart, each listing of which is a question.
const maxCartTries = 4

// shelves are what there is of what is asked for. Each listing is asked about once.
type shelves struct {
	choice *Lots
	ask    func(context.Context, spec.ID) ([]Lot, error)
	told   map[spec.ID][]Lot
	byWare map[ware]*shelf
}

func (l *Lots) shelves(ask func(context.Context, spec.ID) ([]Lot, error)) *shelves {
	return &shelves{choice: l, ask: ask, told: map[spec.ID][]Lot{}, byWare: map[ware]*shelf{}}
}

// of returns the shelf of a variant of a listing.
func (s *shelves) of(ctx context.Context, wanted ware) (*shelf, error) {
	if s.byWare[wanted] != nil {
		return s.byWare[wanted], nil
	}
	lots, asked := s.told[wanted.listing]
	if !asked {
		var err error
		if lots, err = s.ask(ctx, wanted.listing); err != nil {
			return nil, fmt.Errorf("the lots of %s: %w", wanted.listing.Text(spec.ListingType), err)
		}
		s.told[wanted.listing] = lots
	}
	s.byWare[wanted] = newShelf(s.choice.inTurn(ctx, wanted, lots))
	return s.byWare[wanted], nil
}

// dealCart gives each line of a cart a lot. A line that no lot has enough for gets the variant's first one, and the first such line
// is returned; -1 when there is none. What is dealt out is no longer on the shelves, unless a line goes without.
func (s *shelves) dealCart(ctx context.Context, cart *spec.PlaceCart) (lots [][]byte, without int, err error) {
	without = -1
	// taken is what this cart takes of each lot.
	taken := map[spec.ID]uint32{}
	for i, line := range cart.GetLines() {
		wanted := wareOf(line)
		shelf, err := s.of(ctx, wanted)
		if err != nil {
			return nil, i, err
		}
		id := spec.StockLot(wanted.listing, 1, wanted.variant*ledger.MaxLots)
		if at := shelf.find(line.GetQuantity(), taken); at >= 0 {
			id = shelf.lots[at].ID
			taken[id] += line.GetQuantity()
		} else if without < 0 {
			without = i
		}
		lots = append(lots, bytes.Clone(id[:]))
	}
	if without < 0 {
		for _, shelf := range s.byWare {
			shelf.take(taken)
		}
	}
	return lots, without, nil
}

func wareOf(line *spec.CartLine) ware { return ware{spec.ID(line.GetListing()), line.GetVariant()} }

// soldOut says that no lot has enough for a line of a cart, if all lots are known: so many are told at most.
func (s *shelves) soldOut(cart *spec.PlaceCart, at, most int) *spec.Error {
	line := cart.GetLines()[at]
	if len(s.told[spec.ID(line.GetListing())]) >= most {
		return nil
	}
	return spec.FieldErrorf(spec.SoldOut, fmt.Sprintf("lines[%d].quantity", at), "no lot has %d units left", line.GetQuantity())
}

// hintCart names a lot for each line, unless the buyer named some.
func (l *Lots) hintCart(ctx context.Context, cart *spec.PlaceCart, hints *spec.Hints) {
	if len(hints.GetLots()) > 0 {
		return
	}
	lots, _, err := l.shelves(l.model.Lots).dealCart(ctx, cart)
	if err != nil {
		l.log.Error("the read model does not know a cart's lots", "error", err)
		return
	}
	hints.Lots = lots
}

// cartAgain deals lots out to a cart that was refused, beside those that were refused with it.
func (l *Lots) cartAgain(ctx context.Context, cart *spec.PlaceCart, all *shelves, r *RefusedIntent) error {
	lots, without, err := all.dealCart(ctx, cart)
	if err != nil {
		return err
	}
	if without >= 0 {
		if refusal := all.soldOut(cart, without, MaxLots); refusal != nil {
			r.Refusal = refusal
		}
		return nil
	}
	if r.Tries < maxLotTries {
		r.Tries++
		r.Hints.Lots, r.Again, r.Apart = lots, true, true // for they are no longer the own ones
	}
	return nil
}

// hintCart names lots for a cart, unless the caller did.
func (a *attempt) hintCart(ctx context.Context, cart *spec.PlaceCart) {
	if len(a.call.Hints.GetLots()) == 0 {
		a.cart = cart
		a.service.lots.hintCart(ctx, cart, a.call.Hints)
	}
}

// remedyCart asks a peer for the lots of a cart that met an empty one, and goes on with those that have enough; when a line goes
// without, that is sold out.
func (a *attempt) remedyCart(ctx context.Context, refusal error) (bool, error) {
	if a.cartTries++; a.cartTries > maxCartTries {
		return false, refusal
	}
	all := a.service.lots.shelves(a.service.askLots)
	lots, without, err := all.dealCart(ctx, a.cart)
	if err != nil {
		a.service.log.Warn("no peer tells a cart's lots", "error", err)
		return false, refusal
	}
	if without >= 0 {
		if out := all.soldOut(a.cart, without, maxToldLots); out != nil {
			return false, out
		}
		return false, refusal
	}
	a.call.Hints.Lots = lots
	return true, nil
}
