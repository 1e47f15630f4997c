package app

import (
	"context"
	"hash/fnv"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// lotChoice is an order's way through the lots of its listing.
type lotChoice struct {
	listing  spec.ID
	quantity uint32
	// refused are the lots that said lot_empty; told is a peer's word on the lots, once it was asked.
	refused map[spec.ID]bool
	asked   bool
	told    []Lot
}

// hintLot names the lot that an order takes from, unless the caller did: this gateway's own one first, so that gateways
// which sell side by side keep out of each other's way.
func (a *attempt) hintLot(ctx context.Context) {
	named, quantity, takes := stockTaken(a.call.Command)
	if !takes || len(a.call.Hints.GetLot()) > 0 {
		return
	}
	listing, err := spec.IDFromBytes(named)
	if err != nil {
		// The codec lets no such listing in.
		return
	}
	a.lots = &lotChoice{listing: listing, quantity: quantity, refused: map[spec.ID]bool{}}
	a.nameLot(a.knownLots(ctx))
}

// stockTaken returns the listing whose stock a command takes, and how many units: 0 when only the offer that it accepts says.
func stockTaken(command proto.Message) (listing []byte, quantity uint32, takes bool) {
	switch c := command.(type) {
	case *spec.PlaceOrder:
		return c.GetListing(), c.GetQuantity(), true
	case *spec.AcceptOffer:
		return c.GetListing(), 0, true
	case *spec.AcceptCounter:
		return c.GetListing(), 0, true
	}
	return nil, 0, false
}

// knownLots returns the lots as the read model has them; none when it does not answer.
func (a *attempt) knownLots(ctx context.Context) []Lot {
	lots, err := a.service.model.Lots(ctx, a.lots.listing)
	if err != nil {
		a.service.log.Error("the read model does not know a listing's lots", "listing", a.lots.listing.Text(spec.ListingType), "error", err)
	}
	return lots
}

// nameLot hints at a lot, and reports whether there is one.
func (a *attempt) nameLot(lots []Lot) bool {
	lot, ok := chooseLot(a.service.settings.MSPID, lots, a.lots.quantity, a.lots.refused)
	if ok {
		a.call.Hints.Lot = lot[:]
	}
	return ok
}

// chooseLot returns the first lot with enough stock that was not refused, beginning at the gateway's own; for an unknown
// quantity the fullest one.
func chooseLot(mspID string, lots []Lot, quantity uint32, refused map[spec.ID]bool) (spec.ID, bool) {
	own := ownLot(mspID, len(lots))
	var best Lot
	for i := range lots {
		lot := lots[(own+i)%len(lots)]
		switch {
		case refused[lot.ID] || lot.Stock < max(quantity, 1):
		case quantity > 0:
			return lot.ID, true
		case lot.Stock > best.Stock:
			best = lot
		}
	}
	return best.ID, best.Stock > 0
}

// ownLot spreads organisations over lots; the same organisation always gets the same one.
func ownLot(mspID string, lots int) int {
	if lots == 0 {
		return 0
	}
	digest := fnv.New32a()
	digest.Write([]byte(mspID))
	return int(digest.Sum32() % uint32(lots))
}

// remedyLot goes on to the next lot that may have enough. When the read model knows of none, a peer is asked once; when
// that knows of none either, the listing is sold out.
func (a *attempt) remedyLot(ctx context.Context, refusal error) (bool, error) {
	if a.lots == nil {
		return false, refusal
	}
	if named := a.call.Hints.GetLot(); len(named) > 0 {
		a.lots.refused[spec.ID(named)] = true
	}
	if a.lots.asked {
		return a.nextLot(a.lots.told)
	}
	if a.nameLot(a.knownLots(ctx)) {
		return true, nil
	}
	var err error
	if a.lots.told, err = a.service.askLots(ctx, a.lots.listing); err != nil {
		return false, refusal
	}
	// What a peer says now is newer than a refusal from before.
	a.lots.asked, a.lots.refused = true, map[spec.ID]bool{}
	return a.nextLot(a.lots.told)
}

// nextLot goes on to another lot, or says that there is none.
func (a *attempt) nextLot(lots []Lot) (bool, error) {
	if a.nameLot(lots) {
		return true, nil
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
		lots = append(lots, Lot{ID: id, Stock: found.GetStock()})
	}
	return lots, nil
}
