package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The states of auctions, by short names.
const (
	auctionOpen      = spec.AuctionState_AUCTION_STATE_OPEN
	auctionSold      = spec.AuctionState_AUCTION_STATE_SOLD
	auctionUnsold    = spec.AuctionState_AUCTION_STATE_UNSOLD
	auctionCancelled = spec.AuctionState_AUCTION_STATE_CANCELLED
)

func openAuctionKeys(t *task, c *spec.OpenAuction) []Key {
	listing := identifier(c.Listing)
	return []Key{
		AuctionKey(spec.NewID(spec.AuctionType, t.actor, c.Reference)),
		VersionKey(listing, c.Version),
		EndKey(listing, c.Version),
		LotKey(listing, t.lot(listing, 0)),
	}
}

// openAuction takes what is sold out of the stock, so that the winner cannot go without.
func openAuction(t *task, c *spec.OpenAuction) (proto.Message, error) {
	id, listing := spec.NewID(spec.AuctionType, t.actor, c.Reference), identifier(c.Listing)
	if has(t, AuctionKey(id)) {
		return nil, spec.FieldErrorf(spec.ReferenceUsed, "reference", "was used for %s", id.Text(spec.AuctionType))
	}
	if version, ok := get[Version](t, VersionKey(listing, c.Version)); ok && version.Seller != t.actor {
		return nil, spec.FieldErrorf(spec.NotAParty, "listing", "is not %s's", t.actor)
	}
	if _, err := t.orderableVersion(listing, c.Version, 0); err != nil {
		return nil, err
	}
	auction := Auction{
		State: auctionOpen, Seller: t.actor, Listing: listing, Version: c.Version, Quantity: c.Quantity,
		StartPrice: amount(c.StartPrice), Reserve: amount(c.Reserve), Step: amount(c.Step),
		OpenedAt: t.tx.Time, EndsAt: c.EndsAt, ExtensionSeconds: t.params().AuctionExtensionSeconds,
	}
	if auction.Reserve.Less(auction.StartPrice) {
		auction.Reserve = auction.StartPrice
	}
	if err := t.atLeastMinimum(auction.StartPrice, "start_price"); err != nil {
		return nil, err
	}
	if err := t.within(c.EndsAt, t.params().AuctionSeconds, "ends_at"); err != nil {
		return nil, err
	}
	if err := t.takeUnits(listing, c.Quantity); err != nil {
		return nil, err
	}
	t.put(AuctionKey(id), auction)
	return auction.view(id), nil
}

// placeBidKeys names the bid that is beaten and the place behind it, where the next one goes: bidders meet there, and nowhere
// else. Then, once the beaten bidder is known, the money that comes back.
func placeBidKeys(t *task, c *spec.PlaceBid) []Key {
	id := identifier(c.Auction)
	keys := append(t.debitKeys(), AuctionKey(id), BidKey(id, c.Beats+1))
	if c.Beats == 0 {
		return keys
	}
	keys = append(keys, BidKey(id, c.Beats))
	if beaten, ok := get[Bid](t, BidKey(id, c.Beats)); ok {
		keys = append(keys, HoldKey(beaten.Bidder, spec.AuctionOrder(id, c.Beats)))
	}
	return keys
}

// placeBid puts a bid behind the one that it beats and gives the beaten bidder its money back. The bids of an auction are a chain
// without branches, so that the last is the highest, and only its money is held.
func placeBid(t *task, c *spec.PlaceBid) (proto.Message, error) {
	id, auction, beaten, err := t.openAuctionAt(c.Auction, c.Beats, "beats")
	if err != nil {
		return nil, err
	}
	endsAt := max(auction.EndsAt, beaten.EndsAt)
	if auction.Seller == t.actor {
		return nil, spec.FieldErrorf(spec.SameAccount, "auction", "is the bidder's own")
	}
	bid := Bid{
		Bidder: t.actor, Member: t.member().Index, Amount: amount(c.Amount), Time: max(t.tx.Time, auction.OpenedAt, beaten.Time),
		HandOverHash: hash(c.HandOverHash), DeliveryHash: hash(c.DeliveryHash),
	}
	bid.EndsAt = max(endsAt, bid.Time+int64(auction.ExtensionSeconds))
	if least, possible := auction.least(c.Beats, beaten); !possible || bid.Amount.Less(least) {
		return nil, spec.FieldErrorf(spec.BidTooLow, "amount", "must be at least %s CMT", least)
	}
	if bid.Time >= endsAt {
		return nil, spec.FieldErrorf(spec.DeadlinePassed, "auction", "ended on %s", utc(endsAt))
	}
	if c.Beats > 0 {
		freed, err := t.freeBid(id, c.Beats, beaten)
		if err != nil {
			return nil, err
		}
		if beaten.Bidder == t.actor {
			// Who raises its own bid needs the difference only.
			t.regain(freed)
		} else {
			t.credit(beaten.Bidder, freed, spec.CreditKind_CREDIT_KIND_REFUND)
		}
	}
	if err := t.debit(bid.Amount); err != nil {
		return nil, err
	}
	t.put(BidKey(id, c.Beats+1), bid)
	t.put(HoldKey(t.actor, spec.AuctionOrder(id, c.Beats+1)), Hold{Amount: bid.Amount})
	return bid.view(id, c.Beats+1), nil
}

// openAuctionAt returns an auction that takes bids or waits to be closed, and its bid of the number, which must be the last;
// number 0 is no bid. That there is none behind it is a key's absence, which the ledger checks like any read: no range is
// needed, and none can have a phantom. It checks the order of the catalogue: not found, wrong state, stale.
func (t *task) openAuctionAt(b []byte, number uint32, field string) (spec.ID, Auction, Bid, error) {
	id := identifier(b)
	auction, ok := get[Auction](t, AuctionKey(id))
	if !ok {
		return id, auction, Bid{}, spec.FieldErrorf(spec.NotFound, "auction", "there is no %s", id.Text(spec.AuctionType))
	}
	bid, ok := get[Bid](t, BidKey(id, number))
	if !ok && number > 0 {
		return id, auction, bid, spec.FieldErrorf(spec.NotFound, field, "there is no bid %d", number)
	}
	if err := auction.mustBeOpen(); err != nil {
		return id, auction, bid, err
	}
	if next, beaten := get[Bid](t, BidKey(id, number+1)); beaten {
		return id, auction, bid, spec.FieldErrorf(spec.ValueStale, field, "bid %d of %s CMT by %s stands already", number+1, next.Amount, next.Bidder)
	}
	return id, auction, bid, nil
}

func (a Auction) mustBeOpen() error {
	if a.State != auctionOpen {
		return spec.FieldErrorf(spec.WrongState, "auction", "is %s", spec.EnumText(a.State.Descriptor(), a.State.Number()))
	}
	return nil
}

// least is the least that the bid behind another may be; false when that is more than all CMT.
func (a Auction) least(number uint32, before Bid) (spec.Amount, bool) {
	if number == 0 {
		return a.StartPrice, true
	}
	return before.Amount.Add(a.Step)
}

// freeBid ends a bid's hold and returns what it held.
func (t *task) freeBid(id spec.ID, number uint32, bid Bid) (spec.Amount, error) {
	key := HoldKey(bid.Bidder, spec.AuctionOrder(id, number))
	hold, ok := get[Hold](t, key)
	if !ok || hold.Amount != bid.Amount {
		return hold.Amount, spec.Errorf(spec.Internal, "the last bid of %s holds %s CMT of %s", id.Text(spec.AuctionType), hold.Amount, bid.Amount)
	}
	t.remove(key)
	return hold.Amount, nil
}

// closeAuctionKeys names the last bid, and the place behind it that must be empty; then the terms of the sale, and the money.
func closeAuctionKeys(t *task, c *spec.CloseAuction) []Key {
	id := identifier(c.Auction)
	keys := []Key{AuctionKey(id), BidKey(id, c.Bids+1)}
	if auction, ok := get[Auction](t, AuctionKey(id)); ok {
		keys = append(keys, VersionKey(auction.Listing, auction.Version))
	}
	if c.Bids == 0 {
		return keys
	}
	keys = append(keys, BidKey(id, c.Bids))
	if last, ok := get[Bid](t, BidKey(id, c.Bids)); ok {
		keys = append(keys, HoldKey(last.Bidder, spec.AuctionOrder(id, c.Bids)))
	}
	return keys
}

// closeAuction ends an auction for good. A highest bid that reaches the reserve becomes an order, whose money is held already.
func closeAuction(t *task, c *spec.CloseAuction) (proto.Message, error) {
	id, auction, last, err := t.openAuctionAt(c.Auction, c.Bids, "bids")
	if err != nil {
		return nil, err
	}
	now, endsAt := max(t.tx.Time, auction.OpenedAt, last.Time), max(auction.EndsAt, last.EndsAt)
	if now < endsAt {
		return nil, spec.FieldErrorf(spec.NotDue, "auction", "is due on %s", utc(endsAt))
	}
	auction.Bids = c.Bids
	if c.Bids == 0 || last.Amount.Less(auction.Reserve) {
		if c.Bids > 0 {
			freed, err := t.freeBid(id, c.Bids, last)
			if err != nil {
				return nil, err
			}
			t.credit(last.Bidder, freed, spec.CreditKind_CREDIT_KIND_REFUND)
		}
		return t.endUnsold(id, auction, auctionUnsold), nil
	}
	version, ok := get[Version](t, VersionKey(auction.Listing, auction.Version))
	if !ok {
		return nil, spec.Errorf(spec.Internal, "%s sells a version that is not there", id.Text(spec.AuctionType))
	}
	t.putOrder(spec.AuctionOrder(id, c.Bids), version, purchase{
		buyer: last.Bidder, buyerMember: last.Member, listing: auction.Listing, version: auction.Version, quantity: auction.Quantity,
		total: last.Amount, handOver: last.HandOverHash, delivery: last.DeliveryHash, time: now,
	})
	auction.State = auctionSold
	t.put(AuctionKey(id), auction)
	return auction.view(id), nil
}

// endUnsold ends an auction without an order: the stock comes back as a lot of its own.
func (t *task) endUnsold(id spec.ID, auction Auction, state spec.AuctionState) *spec.AuctionView {
	t.put(LotKey(auction.Listing, spec.ReturnLot(auction.Listing, id)), Lot{Stock: auction.Quantity})
	auction.State = state
	t.put(AuctionKey(id), auction)
	return auction.view(id)
}

func cancelAuctionKeys(_ *task, c *spec.CancelAuction) []Key {
	id := identifier(c.Auction)
	return []Key{AuctionKey(id), BidKey(id, 1)}
}

// cancelAuction is the seller's until the first bid; after that the auction binds it.
func cancelAuction(t *task, c *spec.CancelAuction) (proto.Message, error) {
	id := identifier(c.Auction)
	auction, ok := get[Auction](t, AuctionKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "auction", "there is no %s", id.Text(spec.AuctionType))
	}
	if auction.Seller != t.actor {
		return nil, spec.FieldErrorf(spec.NotAParty, "auction", "is not %s's", t.actor)
	}
	if err := auction.mustBeOpen(); err != nil {
		return nil, err
	}
	if has(t, BidKey(id, 1)) {
		return nil, spec.FieldErrorf(spec.WrongState, "auction", "has bids")
	}
	return t.endUnsold(id, auction, auctionCancelled), nil
}

func getAuctionKeys(_ *task, c *spec.GetAuction) []Key {
	return []Key{AuctionKey(identifier(c.Auction))}
}

// getAuction shows the highest bid as well; there are never more bids than one answer counts.
func getAuction(t *task, c *spec.GetAuction) (proto.Message, error) {
	id := identifier(c.Auction)
	auction, ok := get[Auction](t, AuctionKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "auction", "there is no %s", id.Text(spec.AuctionType))
	}
	bids, _, err := t.reader.Page(BidKind, string(c.Auction), "", maxCounted)
	if err != nil {
		return nil, err
	}
	view := auction.view(id)
	if n := len(bids); n > 0 {
		last := bids[n-1].Record.(Bid)
		view.Bids, view.Highest, view.EndsAt = uint32(n), last.view(id, uint32(n)), max(auction.EndsAt, last.EndsAt)
	}
	return view, nil
}

func listBids(t *task, c *spec.ListBids) (proto.Message, error) {
	entries, next, err := t.reader.Page(BidKind, string(c.Auction), c.Cursor, pageLimit(c.Limit))
	if err != nil {
		return nil, err
	}
	page := &spec.BidPage{NextCursor: next}
	for _, entry := range entries {
		page.Bids = append(page.Bids, entry.Record.(Bid).view(identifier(c.Auction), bidNumber(entry.Key)))
	}
	return page, nil
}

func (a Auction) view(id spec.ID) *spec.AuctionView {
	view := &spec.AuctionView{
		Auction: id[:], State: a.State, Seller: a.Seller.Bytes(), Listing: a.Listing[:], Version: a.Version, Quantity: a.Quantity,
		StartPrice: a.StartPrice.Bytes(), Reserve: a.Reserve.Bytes(), Step: a.Step.Bytes(), ExtensionSeconds: a.ExtensionSeconds,
		OpenedAt: a.OpenedAt, EndsAt: a.EndsAt, Bids: a.Bids,
	}
	if a.State == auctionSold {
		order := spec.AuctionOrder(id, a.Bids)
		view.Order = order[:]
	}
	return view
}

func (b Bid) view(auction spec.ID, number uint32) *spec.BidView {
	order := spec.AuctionOrder(auction, number)
	return &spec.BidView{
		Auction: auction[:], Number: number, Bidder: b.Bidder.Bytes(), Amount: b.Amount.Bytes(), Time: b.Time, EndsAt: b.EndsAt, Order: order[:],
	}
}
