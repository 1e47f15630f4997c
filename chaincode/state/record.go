package state

import (
	"fmt"
	"math"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// Bounds of the texts in records; the formats of spec are narrower.
const (
	maxMSP   = 64
	maxLabel = 32
	maxMemo  = 64
	// maxReference is the longest name that a client gives.
	maxReference = 64
	// maxNames holds the names of 64 members and what parts and numbers them.
	maxNames = 64 * (maxMSP + 4)
)

// EncodeRecord returns the value under which Fabric stores a record: the codec's version and the fields in a fixed order.
// Numbers are in the shortest base-128 form, amounts and texts behind their length.
func EncodeRecord(record ledger.Record) []byte {
	w := &writer{b: make([]byte, 1, 64)}
	w.b[0] = codecVersion
	switch r := record.(type) {
	case ledger.Parameters:
		writeParameters(w, r)
	case ledger.Member:
		w.bytes([]byte(r.MSPID))
		w.number(uint64(r.Roles))
		w.number(uint64(r.Index))
	case ledger.Supply:
		w.amount(r.Minted)
		w.amount(r.Burnt)
	case ledger.Fence:
		w.time(r.Time)
	case ledger.Account:
		w.amount(r.Balance)
		w.number(r.Nonces.Top)
		w.number(unused(r.Nonces))
		w.number(uint64(r.Home))
	case ledger.Credit:
		w.number(uint64(r.Cause))
		w.amount(r.Amount)
	case ledger.Hold:
		w.amount(r.Amount)
	case ledger.Transfer:
		w.address(r.From)
		w.address(r.To)
		w.amount(r.Amount)
		w.bytes([]byte(r.Memo))
		w.time(r.Time)
	case ledger.Mint:
		w.address(r.To)
		w.amount(r.Amount)
		w.time(r.Time)
	case ledger.Burn:
		w.address(r.From)
		w.amount(r.Amount)
		w.time(r.Time)
	case ledger.Listing:
		w.address(r.Seller)
		w.number(uint64(r.Version))
		w.flag(r.Closed)
		w.flag(r.Suspended)
		w.bytes([]byte(r.Reason))
		w.hashes(r.ReasonHash)
		w.time(r.CreatedAt)
		w.time(r.UpdatedAt)
	case ledger.Version:
		writeVersion(w, r)
	case ledger.End:
		w.number(uint64(r.Cause))
		w.time(r.Time)
	case ledger.Lot:
		w.number(uint64(r.Stock))
		w.number(uint64(r.Variant))
	case ledger.Order:
		writeOrder(w, r)
	case ledger.Milestones:
		writeMilestones(w, r)
	case ledger.Payout:
		w.address(r.From)
		w.number(uint64(r.Count))
		w.amount(r.Total)
		w.bytes([]byte(r.Memo))
		w.time(r.Time)
	case ledger.Allowance:
		w.amount(r.Amount)
	case ledger.TokenHold:
		writeTokenHold(w, r)
	case ledger.Auction:
		writeAuction(w, r)
	case ledger.Bid:
		w.address(r.Bidder)
		w.number(uint64(r.Member))
		w.amount(r.Amount)
		w.time(r.Time)
		w.time(r.EndsAt)
		w.hashes(r.HandOverHash, r.DeliveryHash)
	case ledger.Offer:
		writeOffer(w, r)
	case ledger.Review:
		w.number(uint64(r.Rating))
		w.octets(r.ContentHash[:])
		w.time(r.Time)
	case ledger.Dispute:
		writeDispute(w, r)
	case ledger.Vote:
		w.number(uint64(r.BuyerBps))
		w.time(r.Time)
	case ledger.Evidence:
		w.octets(r.ContentHash[:])
		w.time(r.Time)
	case ledger.Arbiters:
		w.bytes([]byte(r.Names))
	case ledger.Lines:
		writeLines(w, r)
	case ledger.Discount:
		writeDiscount(w, r)
	case ledger.DiscountUse:
		w.octets(r.Order[:])
	default:
		panic(fmt.Sprintf("state: no codec for %T", record))
	}
	return w.b
}

// DecodeRecord reads what EncodeRecord wrote for a record of the kind, and refuses every other value.
func DecodeRecord(kind ledger.Kind, value []byte) (ledger.Record, error) {
	if len(value) == 0 {
		return nil, errShort
	}
	if value[0] != codecVersion {
		return nil, errVersion
	}
	r := &reader{b: value[1:]}
	record := readRecord(r, kind)
	if err := r.end(); err != nil {
		return nil, err
	}
	return record, nil
}

func readRecord(r *reader, kind ledger.Kind) ledger.Record {
	switch kind {
	case ledger.ParametersKind:
		return readParameters(r)
	case ledger.MemberKind:
		return ledger.Member{MSPID: string(r.bytes(maxMSP)), Roles: r.uint32(), Index: r.uint32()}
	case ledger.SupplyKind:
		return ledger.Supply{Minted: r.amount(), Burnt: r.amount()}
	case ledger.FenceKind:
		return ledger.Fence{Time: r.time()}
	case ledger.AccountKind:
		return ledger.Account{Balance: r.amount(), Nonces: readNonces(r), Home: r.uint32()}
	case ledger.CreditKind:
		return ledger.Credit{Cause: spec.CreditKind(r.number(1<<31 - 1)), Amount: r.amount()}
	case ledger.HoldKind:
		return ledger.Hold{Amount: r.amount()}
	case ledger.TransferKind:
		return ledger.Transfer{From: r.address(), To: r.address(), Amount: r.amount(), Memo: string(r.bytes(maxMemo)), Time: r.time()}
	case ledger.MintKind:
		return ledger.Mint{To: r.address(), Amount: r.amount(), Time: r.time()}
	case ledger.BurnKind:
		return ledger.Burn{From: r.address(), Amount: r.amount(), Time: r.time()}
	case ledger.ListingKind:
		return readListing(r)
	case ledger.VersionKind:
		return readVersion(r)
	case ledger.EndKind:
		return ledger.End{Cause: ledger.EndCause(r.number(uint64(ledger.Suspended))), Time: r.time()}
	case ledger.LotKind:
		return ledger.Lot{Stock: r.uint32(), Variant: r.uint32()}
	case ledger.OrderKind:
		return readOrder(r)
	case ledger.MilestonesKind:
		return readMilestones(r)
	case ledger.PayoutKind:
		return ledger.Payout{From: r.address(), Count: r.uint32(), Total: r.amount(), Memo: string(r.bytes(maxMemo)), Time: r.time()}
	case ledger.AllowanceKind:
		return ledger.Allowance{Amount: r.amount()}
	case ledger.TokenHoldKind:
		return readTokenHold(r)
	case ledger.AuctionKind:
		return readAuction(r)
	case ledger.BidKind:
		b := ledger.Bid{Bidder: r.address(), Member: r.uint32(), Amount: r.amount(), Time: r.time(), EndsAt: r.time()}
		r.hashes(&b.HandOverHash, &b.DeliveryHash)
		return b
	case ledger.OfferKind:
		return readOffer(r)
	case ledger.ReviewKind:
		return ledger.Review{Rating: r.uint32(), ContentHash: [32]byte(r.octets(32)), Time: r.time()}
	case ledger.DisputeKind:
		return readDispute(r)
	case ledger.VoteKind:
		return ledger.Vote{BuyerBps: r.uint32(), Time: r.time()}
	case ledger.EvidenceKind:
		return ledger.Evidence{ContentHash: [32]byte(r.octets(32)), Time: r.time()}
	case ledger.ArbitersKind:
		return ledger.Arbiters{Names: string(r.bytes(maxNames))}
	case ledger.LinesKind:
		return readLines(r)
	case ledger.DiscountKind:
		return readDiscount(r)
	case ledger.DiscountUseKind:
		return ledger.DiscountUse{Order: r.id()}
	}
	r.fail(fmt.Errorf("is of unknown kind %d", kind))
	return nil
}

// unused has bit n set when the nonce Top-n was not used: whoever uses them in their order has none, which is one byte instead
// of ten.
func unused(n ledger.Nonces) uint64 { return ^n.Used & window(n.Top) }

// window has a bit for each nonce from 1 to the top that the window of 64 still has.
func window(top uint64) uint64 { return 1<<min(top, 64) - 1 }

func readNonces(r *reader) ledger.Nonces {
	top := r.number(1<<64 - 1)
	skipped := r.number(window(top))
	return ledger.Nonces{Top: top, Used: ^skipped & window(top)}
}

func writeParameters(w *writer, p ledger.Parameters) {
	w.octets(p.LedgerID[:])
	w.address(p.FeeAccount)
	w.address(p.Treasury)
	w.number(uint64(p.FeeBps))
	w.amount(p.CreditMinimum)
	for _, seconds := range []uint32{p.ShipSeconds, p.ReleaseSeconds, p.ProtectionSeconds, p.FenceEpochSeconds, p.FenceGraceSeconds, p.HoldSeconds, p.AuctionSeconds, p.AuctionExtensionSeconds, p.ReturnSeconds, p.OfferSeconds, p.ReviewSeconds, p.AnswerSeconds, p.DisputeSeconds} {
		w.number(uint64(seconds))
	}
	w.number(uint64(p.PanelSize))
	w.number(uint64(p.PanelFeeBps))
	w.amount(p.PanelFeeCap)
}

func readParameters(r *reader) ledger.Parameters {
	p := ledger.Parameters{LedgerID: [16]byte(r.octets(16)), FeeAccount: r.address(), Treasury: r.address(), FeeBps: r.uint32(), CreditMinimum: r.amount()}
	for _, seconds := range []*uint32{&p.ShipSeconds, &p.ReleaseSeconds, &p.ProtectionSeconds, &p.FenceEpochSeconds, &p.FenceGraceSeconds, &p.HoldSeconds, &p.AuctionSeconds, &p.AuctionExtensionSeconds, &p.ReturnSeconds, &p.OfferSeconds, &p.ReviewSeconds, &p.AnswerSeconds, &p.DisputeSeconds} {
		*seconds = r.uint32()
	}
	p.PanelSize, p.PanelFeeBps, p.PanelFeeCap = r.uint32(), r.uint32(), r.amount()
	return p
}

func writeVersion(w *writer, v ledger.Version) {
	w.address(v.Seller)
	w.number(uint64(v.SellerMember))
	w.amount(v.Price)
	w.amount(v.ShippingPrice)
	w.bytes([]byte(v.Category))
	w.bytes([]byte(v.Region))
	w.octets(v.ContentHash[:])
	w.flag(v.AcceptRequired)
	w.shares(v.Milestones)
	variants := 0
	for variants < len(v.VariantPrices) && !v.VariantPrices[variants].IsZero() {
		variants++
	}
	w.number(uint64(variants))
	for _, price := range v.VariantPrices[:variants] {
		w.amount(price)
	}
	w.time(v.CreatedAt)
}

func readVersion(r *reader) ledger.Version {
	return ledger.Version{
		Seller:         r.address(),
		SellerMember:   r.uint32(),
		Price:          r.amount(),
		ShippingPrice:  r.amount(),
		Category:       string(r.bytes(maxLabel)),
		Region:         string(r.bytes(maxLabel)),
		ContentHash:    [32]byte(r.octets(32)),
		AcceptRequired: r.flag(),
		Milestones:     r.shares(),
		VariantPrices:  readPrices(r),
		CreatedAt:      r.time(),
	}
}

func readPrices(r *reader) (prices [ledger.MaxVariants - 1]spec.Amount) {
	for i := range r.number(ledger.MaxVariants - 1) {
		if prices[i] = r.amount(); prices[i].IsZero() {
			r.fail(errForm)
		}
	}
	return prices
}

func readListing(r *reader) ledger.Listing {
	l := ledger.Listing{Seller: r.address(), Version: r.uint32(), Closed: r.flag(), Suspended: r.flag(), Reason: string(r.bytes(maxMemo))}
	r.hashes(&l.ReasonHash)
	l.CreatedAt, l.UpdatedAt = r.time(), r.time()
	return l
}

// writeOrder writes times as seconds since the order was placed, and of what most orders lack only what there is.
func writeOrder(w *writer, o ledger.Order) {
	w.number(uint64(o.State))
	w.address(o.Buyer)
	w.address(o.Seller)
	w.number(uint64(o.BuyerMember))
	w.number(uint64(o.SellerMember))
	w.octets(o.Listing[:])
	w.number(uint64(o.Version))
	w.number(uint64(o.Quantity))
	for _, amount := range []spec.Amount{o.Total, o.Discount, o.Released, o.Refunded, o.PanelPaid, o.SplitAmount} {
		w.amount(amount)
	}
	for _, n := range []uint32{o.FeeBps, o.ReleaseSeconds, o.ReturnSeconds} {
		w.number(uint64(n))
	}
	w.time(o.PlacedAt)
	for _, seconds := range []int64{o.UpdatedAt, o.ShipDeadline, o.ProtectionDeadline} {
		w.time(seconds - o.PlacedAt)
	}
	w.some(uint64(o.Variant), uint64(o.Shipped), uint64(o.Milestones), uint64(o.SplitBy), since(o.PlacedAt, o.ReleaseDue), since(o.PlacedAt, o.ReturnDue), marks(o.ReturnSent, o.ReturnProven), uint64(o.Lines))
	w.hashes(o.HandOverHash, o.DeliveryHash, o.TrackingHash, o.ProofHash, o.ReturnHash, o.ReturnTrackingHash, o.ReturnProofHash)
}

func readOrder(r *reader) ledger.Order {
	o := ledger.Order{
		State:        spec.OrderState(r.number(1<<31 - 1)),
		Buyer:        r.address(),
		Seller:       r.address(),
		BuyerMember:  r.uint32(),
		SellerMember: r.uint32(),
		Listing:      r.id(),
		Version:      r.uint32(),
		Quantity:     r.uint32(),
	}
	for _, amount := range []*spec.Amount{&o.Total, &o.Discount, &o.Released, &o.Refunded, &o.PanelPaid, &o.SplitAmount} {
		*amount = r.amount()
	}
	for _, n := range []*uint32{&o.FeeBps, &o.ReleaseSeconds, &o.ReturnSeconds} {
		*n = r.uint32()
	}
	o.PlacedAt = r.time()
	for _, seconds := range []*int64{&o.UpdatedAt, &o.ShipDeadline, &o.ProtectionDeadline} {
		*seconds = o.PlacedAt + r.seconds()
	}
	var variant, shipped, milestones, splitBy, releaseDue, returnDue, back, lines uint64
	r.some(&variant, &shipped, &milestones, &splitBy, &releaseDue, &returnDue, &back, &lines)
	o.Variant, o.Shipped, o.Milestones, o.SplitBy = uint32(variant), uint32(shipped), uint32(milestones), spec.Side(splitBy)
	if o.Lines = uint32(lines); o.Lines > ledger.MaxLines {
		r.fail(errForm)
	}
	o.ReleaseDue, o.ReturnDue = after(o.PlacedAt, releaseDue), after(o.PlacedAt, returnDue)
	r.marks(back, &o.ReturnSent, &o.ReturnProven)
	r.hashes(&o.HandOverHash, &o.DeliveryHash, &o.TrackingHash, &o.ProofHash, &o.ReturnHash, &o.ReturnTrackingHash, &o.ReturnProofHash)
	return o
}

func writeOffer(w *writer, o ledger.Offer) {
	w.number(uint64(o.State))
	w.address(o.Buyer)
	w.address(o.Seller)
	w.number(uint64(o.BuyerMember))
	w.number(uint64(o.SellerMember))
	w.number(uint64(o.Version))
	w.number(uint64(o.Quantity))
	w.amount(o.Total)
	w.amount(o.Counter)
	for _, seconds := range []int64{o.CreatedAt, o.UpdatedAt, o.ExpiresAt} {
		w.time(seconds)
	}
	w.hashes(o.HandOverHash, o.DeliveryHash)
}

func readOffer(r *reader) ledger.Offer {
	o := ledger.Offer{
		State:        spec.OfferState(r.number(1<<31 - 1)),
		Buyer:        r.address(),
		Seller:       r.address(),
		BuyerMember:  r.uint32(),
		SellerMember: r.uint32(),
		Version:      r.uint32(),
		Quantity:     r.uint32(),
		Total:        r.amount(),
		Counter:      r.amount(),
		CreatedAt:    r.time(),
		UpdatedAt:    r.time(),
		ExpiresAt:    r.time(),
	}
	r.hashes(&o.HandOverHash, &o.DeliveryHash)
	return o
}

func writeDispute(w *writer, d ledger.Dispute) {
	w.number(uint64(d.State))
	w.number(uint64(d.OpenedBy))
	w.hashes(d.ReasonHash, d.AnswerHash)
	for _, seconds := range []int64{d.OpenedAt, d.UpdatedAt, d.AnsweredAt, d.AnswerDeadline, d.Deadline} {
		w.time(seconds)
	}
	w.bytes([]byte(d.Panel))
	w.number(uint64(d.FeeBps))
	w.amount(d.FeeCap)
	w.number(uint64(d.BuyerBps))
	for _, amount := range []spec.Amount{d.ToBuyer, d.ToSeller, d.PanelFee} {
		w.amount(amount)
	}
}

func readDispute(r *reader) ledger.Dispute {
	d := ledger.Dispute{State: spec.DisputeState(r.number(1<<31 - 1)), OpenedBy: spec.Side(r.number(1<<31 - 1))}
	r.hashes(&d.ReasonHash, &d.AnswerHash)
	for _, seconds := range []*int64{&d.OpenedAt, &d.UpdatedAt, &d.AnsweredAt, &d.AnswerDeadline, &d.Deadline} {
		*seconds = r.time()
	}
	d.Panel, d.FeeBps, d.FeeCap, d.BuyerBps = string(r.bytes(maxNames)), r.uint32(), r.amount(), r.uint32()
	for _, amount := range []*spec.Amount{&d.ToBuyer, &d.ToSeller, &d.PanelFee} {
		*amount = r.amount()
	}
	return d
}

func writeTokenHold(w *writer, h ledger.TokenHold) {
	w.number(uint64(h.State))
	w.address(h.Payer)
	w.address(h.Payee)
	w.address(h.Arbiter)
	w.amount(h.Amount)
	w.amount(h.Captured)
	w.time(h.PlacedAt)
	w.time(h.UpdatedAt)
	w.time(h.ExpiresAt)
	w.bytes([]byte(h.Memo))
}

func readTokenHold(r *reader) ledger.TokenHold {
	return ledger.TokenHold{
		State:     spec.HoldState(r.number(1<<31 - 1)),
		Payer:     r.address(),
		Payee:     r.address(),
		Arbiter:   r.address(),
		Amount:    r.amount(),
		Captured:  r.amount(),
		PlacedAt:  r.time(),
		UpdatedAt: r.time(),
		ExpiresAt: r.time(),
		Memo:      string(r.bytes(maxMemo)),
	}
}

func writeAuction(w *writer, a ledger.Auction) {
	w.number(uint64(a.State))
	w.address(a.Seller)
	w.octets(a.Listing[:])
	w.number(uint64(a.Version))
	w.number(uint64(a.Quantity))
	w.amount(a.StartPrice)
	w.amount(a.Reserve)
	w.amount(a.Step)
	w.time(a.OpenedAt)
	w.time(a.EndsAt)
	w.number(uint64(a.ExtensionSeconds))
	w.number(uint64(a.Bids))
}

func readAuction(r *reader) ledger.Auction {
	return ledger.Auction{
		State:            spec.AuctionState(r.number(1<<31 - 1)),
		Seller:           r.address(),
		Listing:          r.id(),
		Version:          r.uint32(),
		Quantity:         r.uint32(),
		StartPrice:       r.amount(),
		Reserve:          r.amount(),
		Step:             r.amount(),
		OpenedAt:         r.time(),
		EndsAt:           r.time(),
		ExtensionSeconds: r.uint32(),
		Bids:             r.uint32(),
	}
}

func writeMilestones(w *writer, milestones ledger.Milestones) {
	var shares [ledger.MaxMilestones]uint32
	for i, m := range milestones {
		shares[i] = m.ShareBps
	}
	w.shares(shares)
	for _, m := range milestones[:count(shares)] {
		w.time(m.Due)
		w.flag(m.Released)
		w.hashes(m.ProofHash)
	}
}

func readMilestones(r *reader) (milestones ledger.Milestones) {
	shares := r.shares()
	for i := range count(shares) {
		milestones[i] = ledger.Milestone{ShareBps: shares[i], Due: r.time(), Released: r.flag()}
		r.hashes(&milestones[i].ProofHash)
	}
	return milestones
}

// HomeOf returns the member with which an account's value says that it is at home, and passes over the rest. It makes no record.
func HomeOf(account []byte) (uint32, error) {
	if len(account) == 0 {
		return 0, errShort
	}
	if account[0] != codecVersion {
		return 0, errVersion
	}
	r := &reader{b: account[1:]}
	r.bytes(16)
	r.number(math.MaxUint64)
	r.number(math.MaxUint64)
	home := r.uint32()
	return home, r.end()
}

func writeLines(w *writer, lines ledger.Lines) {
	n := 0
	for n < len(lines) && lines[n].Quantity > 0 {
		n++
	}
	w.number(uint64(n))
	for _, line := range lines[:n] {
		w.octets(line.Listing[:])
		w.number(uint64(line.Version))
		w.number(uint64(line.Variant))
		w.number(uint64(line.Quantity))
		w.amount(line.Price)
	}
}

func readLines(r *reader) (lines ledger.Lines) {
	for i := range r.number(ledger.MaxLines) {
		lines[i] = ledger.Line{Listing: r.id(), Version: r.uint32(), Variant: r.uint32(), Quantity: r.uint32(), Price: r.amount()}
		if lines[i].Quantity == 0 {
			r.fail(errForm)
		}
	}
	return lines
}

func writeDiscount(w *writer, d ledger.Discount) {
	w.address(d.Seller)
	w.address(d.Buyer)
	w.bytes([]byte(d.Reference))
	w.octets(d.Listing[:])
	w.amount(d.Minimum)
	w.amount(d.Amount)
	w.number(uint64(d.Bps))
	w.time(d.ValidUntil)
}

func readDiscount(r *reader) ledger.Discount {
	return ledger.Discount{
		Seller: r.address(), Buyer: r.address(), Reference: string(r.bytes(maxReference)), Listing: r.id(), Minimum: r.amount(), Amount: r.amount(),
		Bps: r.uint32(), ValidUntil: r.time(),
	}
}
