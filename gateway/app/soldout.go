package app

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// lotChoice is a contract call's way through the lots of its listing.
type lotChoice struct {
	ware     ware
	quantity uint32
	// refused are the lots that said lot_empty; told is a peer's word on the lots, once it was asked.
	refused map[spec.ID]bool
	asked   bool
	told    []Lot
}

// hintLot names the lot that an order takes from, unless the caller did.
func (a *attempt) hintLot(ctx context.Context) {
	if cart, ok := a.call.Command.(*spec.PlaceCart); ok {
		a.hintCart(ctx, cart)
		return
	}
	wanted, quantity, takes := stockTaken(a.call.Command)
	if !takes || len(a.call.Hints.GetLot()) > 0 {
		return
	}
	a.lots = &lotChoice{ware: wanted, quantity: quantity, refused: map[spec.ID]bool{}}
	a.nameLot(a.service.lots.known(ctx, wanted))
}

// nameLot hints at the first lot with enough stock, of an unknown quantity the fullest, and reports whether there is one.
func (a *attempt) nameLot(lots []Lot) bool {
	if a.lots.quantity == 0 {
		lots = fullestFirst(lots)
	}
	for _, lot := range lots {
		if lot.Stock >= max(a.lots.quantity, 1) && !a.lots.refused[lot.ID] {
			a.call.Hints.Lot = lot.ID[:]
			return true
		}
	}
	return false
}

// remedyLot goes on to the next lot that may have enough. When the read model knows of none, a peer is asked once; when
// that knows of none either, the listing is sold out.
func (a *attempt) remedyLot(ctx context.Context, refusal error) (bool, error) {
	if a.cart != nil {
		return a.remedyCart(ctx, refusal)
	}
	if a.lots == nil {
		return false, refusal
	}
	if named := a.call.Hints.GetLot(); len(named) > 0 {
		a.lots.refused[spec.ID(named)] = true
	}
	if a.lots.asked {
		return a.nextLot(refusal)
	}
	if a.nameLot(a.service.lots.known(ctx, a.lots.ware)) {
		return true, nil
	}
	told, err := a.service.askLots(ctx, a.lots.ware.listing)
	if err != nil {
		return false, refusal
	}
	// What a peer says now is newer than a refusal from before.
	a.lots.told = a.service.lots.inTurn(ctx, a.lots.ware, told)
	a.lots.asked, a.lots.refused = true, map[spec.ID]bool{}
	return a.nextLot(refusal)
}

// maxToldLots is how many lots a peer tells at most (market:GetListing).
const maxToldLots = 256

// nextLot goes on to another lot that a peer told of, or says that there is none, unless there may be more than it told.
func (a *attempt) nextLot(refusal error) (bool, error) {
	if a.nameLot(a.lots.told) {
		return true, nil
	}
	if len(a.lots.told) >= maxToldLots {
		return false, refusal
	}
	return false, spec.Errorf(spec.SoldOut, "no lot has %d units left", max(a.lots.quantity, 1))
}

// askLots asks a peer for a listing's lots.
func (s *Service) askLots(ctx context.Context, listing spec.ID) ([]Lot, error) {
	call := &spec.Call{Operation: spec.Find(spec.MarketContract + ":GetListing"), Command: &spec.GetListing{Listing: listing[:]}}
	result, err := s.ledger.Evaluate(ctx, call)
	if err != nil {
		return nil, err
	}
	var view spec.ListingView
	if err := spec.DecodeJSON(result, &view); err != nil {
		return nil, err
	}
	lots := make([]Lot, 0, len(view.GetLots()))
	for _, found := range view.GetLots() {
		id, err := spec.IDFromBytes(found.GetLot())
		if err != nil {
			return nil, err
		}
		lots = append(lots, Lot{ID: id, Stock: found.GetStock(), Variant: found.GetVariant()})
	}
	return lots, nil
}
