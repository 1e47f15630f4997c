//go:build network

package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// committed is a transaction as a block has it.
type committed struct {
	id     string
	code   peer.TxValidationCode
	writes []*kvrwset.KVWrite
}

// block is a block of the channel.
type block struct {
	number       uint64
	hash         []byte
	transactions []committed
}

// blocks reads blocks from first, inclusive, to end, exclusive, from a peer.
func (m *member) blocks(ctx context.Context, first, end uint64) ([]block, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := m.channel.BlockEvents(ctx, client.WithStartBlock(first))
	if err != nil {
		return nil, err
	}
	var all []block
	for number := first; number < end; number++ {
		raw, ok := <-events
		if !ok {
			return nil, fmt.Errorf("the peer sent no block %d: %w", number, context.Cause(ctx))
		}
		decoded, err := decodeBlock(raw, m.n.facts.Chaincode)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", number, err)
		}
		if len(all) > 0 && !bytes.Equal(raw.GetHeader().GetPreviousHash(), all[len(all)-1].hash) {
			return nil, fmt.Errorf("block %d does not follow the one before it", number)
		}
		all = append(all, decoded)
	}
	return all, nil
}

func decodeBlock(raw *common.Block, chaincode string) (block, error) {
	header := raw.GetHeader()
	form, err := asn1.Marshal(struct {
		Number                 *big.Int
		PreviousHash, DataHash []byte
	}{new(big.Int).SetUint64(header.GetNumber()), header.GetPreviousHash(), header.GetDataHash()})
	if err != nil {
		return block{}, err
	}
	hash := sha256.Sum256(form)
	decoded := block{number: header.GetNumber(), hash: hash[:]}
	codes := raw.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	for i, data := range raw.GetData().GetData() {
		transaction, err := decodeTransaction(data, chaincode)
		if err != nil {
			return block{}, fmt.Errorf("transaction %d: %w", i, err)
		}
		transaction.code = peer.TxValidationCode(codes[i])
		decoded.transactions = append(decoded.transactions, transaction)
	}
	return decoded, nil
}

// decodeTransaction reads what a transaction writes in the chaincode's namespace.
func decodeTransaction(data []byte, chaincode string) (committed, error) {
	var envelope common.Envelope
	var payload common.Payload
	var channel common.ChannelHeader
	if err := errors.Join(proto.Unmarshal(data, &envelope), proto.Unmarshal(envelope.GetPayload(), &payload),
		proto.Unmarshal(payload.GetHeader().GetChannelHeader(), &channel)); err != nil {
		return committed{}, err
	}
	found := committed{id: channel.GetTxId()}
	if common.HeaderType(channel.GetType()) != common.HeaderType_ENDORSER_TRANSACTION {
		return found, nil
	}
	var transaction peer.Transaction
	if err := proto.Unmarshal(payload.GetData(), &transaction); err != nil {
		return found, err
	}
	for _, action := range transaction.GetActions() {
		var endorsed peer.ChaincodeActionPayload
		var response peer.ProposalResponsePayload
		var done peer.ChaincodeAction
		var sets rwset.TxReadWriteSet
		if err := errors.Join(proto.Unmarshal(action.GetPayload(), &endorsed),
			proto.Unmarshal(endorsed.GetAction().GetProposalResponsePayload(), &response),
			proto.Unmarshal(response.GetExtension(), &done), proto.Unmarshal(done.GetResults(), &sets)); err != nil {
			return found, err
		}
		for _, set := range sets.GetNsRwset() {
			var keys kvrwset.KVRWSet
			if err := proto.Unmarshal(set.GetRwset(), &keys); err != nil {
				return found, err
			}
			if set.GetNamespace() == chaincode {
				found.writes = append(found.writes, keys.GetWrites()...)
			}
		}
	}
	return found, nil
}

// auditor keeps the books by itself, from nothing but what the blocks' transactions wrote. It takes a transaction for one
// command, or for a batch of payments: steps of several orders in one batch would need it to tell their credits apart.
type auditor struct {
	records map[ledger.Key]ledger.Record
	// money is Σ accounts + Σ credits + Σ holds + Σ allowances.
	money *big.Int
	// settled counts how often each order's hold was ended.
	settled map[string]int
	// issued, taken and returned count units of stock by listing.
	issued, taken, returned map[string]uint64
	codes                   map[peer.TxValidationCode]int
}

func newAuditor() *auditor {
	return &auditor{
		records: map[ledger.Key]ledger.Record{}, money: new(big.Int), settled: map[string]int{},
		issued: map[string]uint64{}, taken: map[string]uint64{}, returned: map[string]uint64{},
		codes: map[peer.TxValidationCode]int{},
	}
}

// take takes a block's transactions; after each the books must add up.
func (a *auditor) take(b block) error {
	for _, transaction := range b.transactions {
		a.codes[transaction.code]++
		if transaction.code != peer.TxValidationCode_VALID {
			continue
		}
		if err := a.apply(transaction); err != nil {
			return fmt.Errorf("block %d, transaction %s: %w", b.number, transaction.id, err)
		}
	}
	return nil
}

func (a *auditor) apply(transaction committed) error {
	before := map[ledger.Key]ledger.Record{}
	after := map[ledger.Key]ledger.Record{}
	for _, write := range transaction.writes {
		key, err := state.ParseKey(write.GetKey())
		if err != nil {
			return err
		}
		if _, twice := after[key]; twice {
			return fmt.Errorf("%s is written twice", write.GetKey())
		}
		var record ledger.Record
		if !write.GetIsDelete() {
			if record, err = state.DecodeRecord(key.Kind, write.GetValue()); err != nil {
				return fmt.Errorf("%s: %w", write.GetKey(), err)
			}
		}
		if before[key] = a.records[key]; before[key] != nil && permanent(key.Kind) {
			return fmt.Errorf("%s is rewritten", write.GetKey())
		}
		after[key] = record
		a.money.Add(a.money, new(big.Int).Sub(worth(record), worth(before[key])))
		if a.records[key] = record; record == nil {
			delete(a.records, key)
		}
	}
	if err := a.checkStock(before, after); err != nil {
		return err
	}
	if err := a.checkOrders(before, after); err != nil {
		return err
	}
	if err := a.checkOffers(before, after); err != nil {
		return err
	}
	return a.checkSupply()
}

// permanent kinds are written once and for all: their presence is authority.
func permanent(kind ledger.Kind) bool {
	switch kind {
	case ledger.ParametersKind, ledger.MemberKind, ledger.FenceKind, ledger.TransferKind, ledger.MintKind, ledger.BurnKind, ledger.VersionKind, ledger.EndKind,
		ledger.PayoutKind, ledger.BidKind, ledger.ReviewKind, ledger.VoteKind, ledger.EvidenceKind, ledger.ArbitersKind, ledger.LinesKind,
		ledger.DiscountKind, ledger.DiscountUseKind:
		return true
	}
	return false
}

// worth is the money that lies in a record, in base units.
func worth(record ledger.Record) *big.Int {
	var amount spec.Amount
	switch r := record.(type) {
	case ledger.Account:
		amount = r.Balance
	case ledger.Credit:
		amount = r.Amount
	case ledger.Hold:
		amount = r.Amount
	case ledger.Allowance:
		amount = r.Amount
	}
	return new(big.Int).SetBytes(amount.Bytes())
}

func (a *auditor) checkSupply() error {
	supply, _ := a.records[ledger.SupplyKey()].(ledger.Supply)
	if total := new(big.Int).SetBytes(supply.Total().Bytes()); a.money.Cmp(total) != 0 {
		return fmt.Errorf("accounts, credits, holds and allowances are %v base units together, the supply is %v", a.money, total)
	}
	return nil
}

// checkStock counts units: a lot begins with a version's terms or with an order or auction that gives its units back, and
// shrinks by what one takes.
func (a *auditor) checkStock(before, after map[ledger.Key]ledger.Record) error {
	returns := map[ledger.Key]uint32{}
	terms := map[string]bool{}
	for key, record := range after {
		switch r := record.(type) {
		case ledger.Order:
			for i, line := range a.linesOf(key, r) {
				returns[returnLot(key, r, i, line)] = line.Quantity
			}
		case ledger.Auction:
			returns[ledger.LotKey(r.Listing, spec.ReturnLot(r.Listing, spec.ID([]byte(key.ID))))] = r.Quantity
		case ledger.Version:
			terms[key.Parent] = true
		}
	}
	for key, record := range after {
		if key.Kind != ledger.LotKind {
			continue
		}
		old, existed := before[key].(ledger.Lot)
		now, _ := record.(ledger.Lot)
		quantity, isReturn := returns[key]
		switch {
		case existed && now.Stock < old.Stock:
			a.taken[key.Parent] += uint64(old.Stock - now.Stock)
		case !existed && isReturn && now.Stock == quantity:
			a.returned[key.Parent] += uint64(now.Stock)
		case !existed && !isReturn && terms[key.Parent]:
			a.issued[key.Parent] += uint64(now.Stock)
		default:
			return fmt.Errorf("a lot of listing %x goes from %d to %d", key.Parent, old.Stock, now.Stock)
		}
	}
	return nil
}

// linesOf is what an order is of: a cart's lines, or the one thing.
func (a *auditor) linesOf(order ledger.Key, r ledger.Order) []ledger.Line {
	if r.Lines == 0 {
		return []ledger.Line{{Listing: r.Listing, Quantity: r.Quantity}}
	}
	lines, _ := a.records[ledger.LinesKey(spec.ID([]byte(order.ID)))].(ledger.Lines)
	return lines[:r.Lines]
}

// returnLot is where the units of an order's line come back.
func returnLot(order ledger.Key, r ledger.Order, at int, line ledger.Line) ledger.Key {
	id := spec.ReturnLot(line.Listing, spec.ID([]byte(order.ID)))
	if r.Lines > 0 {
		id = spec.LineReturnLot(line.Listing, spec.ID([]byte(order.ID)), uint32(at))
	}
	return ledger.LotKey(line.Listing, id)
}

// final: an order without a hold is settled.
func final(order ledger.Order) bool { return order.Held().IsZero() }

// checkOrders: an order's hold begins with it, ends once, with its state, and what leaves it is what was in it.
func (a *auditor) checkOrders(before, after map[ledger.Key]ledger.Record) error {
	for key, record := range after {
		if key.Kind != ledger.OrderKind {
			continue
		}
		now, exists := record.(ledger.Order)
		old, existed := before[key].(ledger.Order)
		hold := ledger.HoldKey(now.Buyer, spec.ID([]byte(key.ID)))
		switch {
		case !exists:
			return fmt.Errorf("order %x is deleted", key.ID)
		case existed && final(old):
			return fmt.Errorf("order %x goes on from %v to %v", key.ID, old.State, now.State)
		case existed && (old.Total != now.Total || old.Buyer != now.Buyer || old.Seller != now.Seller || old.FeeBps != now.FeeBps):
			return fmt.Errorf("order %x changes its terms", key.ID)
		case !existed && a.records[hold] != ledger.Record(ledger.Hold{Amount: now.Total}):
			// An order that was haggled for takes its offer's hold over; an auction's finds its money where the winning bid held it.
			return fmt.Errorf("order %x begins with %v for %s", key.ID, a.records[hold], now.Total)
		case final(now):
			a.settled[key.ID]++
			unshipped := old.State == spec.OrderState_ORDER_STATE_PLACED || old.State == spec.OrderState_ORDER_STATE_ACCEPTED
			for i, line := range a.linesOf(key, now) {
				if _, back := after[returnLot(key, now, i, line)]; back != (unshipped && now.State != spec.OrderState_ORDER_STATE_RELEASED) {
					return fmt.Errorf("order %x goes from %v to %v and its units come back: %v", key.ID, old.State, now.State, back)
				}
			}
		}
		if existed && old.Held() != now.Held() {
			if err := checkSettlement(old, now, spec.ID([]byte(key.ID)), before[hold], after, a.feeAccount()); err != nil {
				return fmt.Errorf("order %x: %w", key.ID, err)
			}
		}
		if _, held := a.records[hold]; held == final(now) {
			return fmt.Errorf("order %x is %v and its money is held: %v", key.ID, now.State, held)
		}
	}
	return nil
}

// checkSettlement: what leaves the hold, all of it or a part, goes to the seller less the fee, or back to the buyer, whole.
func checkSettlement(old, now ledger.Order, id spec.ID, hold ledger.Record, after map[ledger.Key]ledger.Record, feeAccount spec.Address) error {
	if hold != ledger.Record(ledger.Hold{Amount: old.Held()}) {
		return fmt.Errorf("%v was held for %s", hold, old.Held())
	}
	got := credited(after)
	if now.State == spec.OrderState_ORDER_STATE_RULED {
		return checkRuling(now, id, got, after)
	}
	refunded, _ := now.Refunded.Sub(old.Refunded)
	released, _ := now.Released.Sub(old.Released)
	fee, _ := now.Fee().Sub(old.Fee())
	payout, _ := released.Sub(fee)
	if sum, _ := released.Add(refunded); sum.IsZero() {
		return fmt.Errorf("%v: the hold went from %s to %s, and nobody was paid", now.State, old.Held(), now.Held())
	}
	want := map[string]spec.Amount{}
	for address, amount := range map[spec.Address]spec.Amount{now.Buyer: refunded, now.Seller: payout, feeAccount: fee} {
		if !amount.IsZero() {
			want[string(address.Bytes())] = amount
		}
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("%v pays %v, want %v", now.State, got, want)
	}
	return nil
}

// checkRuling: the two sides have what the dispute says, and who voted the rest, which is no more than the panel's fee.
func checkRuling(order ledger.Order, id spec.ID, got map[string]spec.Amount, after map[ledger.Key]ledger.Record) error {
	dispute, ok := after[ledger.DisputeKey(id)].(ledger.Dispute)
	var paid spec.Amount
	for _, amount := range got {
		paid, _ = paid.Add(amount)
	}
	sum, _ := dispute.ToBuyer.Add(dispute.ToSeller)
	sum, _ = sum.Add(dispute.PanelFee)
	sellers, _ := got[string(order.Seller.Bytes())].Add(order.Fee())
	if !ok || paid != order.Total || sum != order.Total || got[string(order.Buyer.Bytes())] != dispute.ToBuyer || sellers != dispute.ToSeller ||
		dispute.FeeCap.Less(dispute.PanelFee) {
		return fmt.Errorf("the ruling %+v pays %v of %s", dispute, got, order.Total)
	}
	return nil
}

// credited is what a transaction gives by credits, by address.
func credited(after map[ledger.Key]ledger.Record) map[string]spec.Amount {
	got := map[string]spec.Amount{}
	for key, record := range after {
		if credit, ok := record.(ledger.Credit); ok {
			got[key.Parent], _ = got[key.Parent].Add(credit.Amount)
		}
	}
	return got
}

// standing reports whether an offer holds money.
func standing(o ledger.Offer) bool { return o.State <= spec.OfferState_OFFER_STATE_COUNTERED }

// checkOffers: an offer holds its total while it stands; then an order does, or its buyer has it back.
func (a *auditor) checkOffers(before, after map[ledger.Key]ledger.Record) error {
	for key, record := range after {
		if key.Kind != ledger.OfferKind {
			continue
		}
		now, exists := record.(ledger.Offer)
		old, existed := before[key].(ledger.Offer)
		id := spec.ID([]byte(key.ID))
		hold := ledger.HoldKey(now.Buyer, id)
		switch {
		case !exists:
			return fmt.Errorf("offer %x is deleted", key.ID)
		case existed && !standing(old):
			return fmt.Errorf("offer %x goes on from %v to %v", key.ID, old.State, now.State)
		case existed && (old.Total != now.Total || old.Buyer != now.Buyer || old.Seller != now.Seller || old.Quantity != now.Quantity):
			return fmt.Errorf("offer %x changes its terms", key.ID)
		case standing(now):
			if a.records[hold] != ledger.Record(ledger.Hold{Amount: now.Total}) {
				return fmt.Errorf("offer %x is %v and holds %v of %s", key.ID, now.State, a.records[hold], now.Total)
			}
		case now.State == spec.OfferState_OFFER_STATE_ACCEPTED:
			if order, ok := after[ledger.OrderKey(id)].(ledger.Order); !ok || order.Total != now.Total && order.Total != now.Counter {
				return fmt.Errorf("offer %x became the order %+v", key.ID, after[ledger.OrderKey(id)])
			}
		case a.records[hold] != nil || credited(after)[string(now.Buyer.Bytes())] != now.Total:
			return fmt.Errorf("offer %x is %v, holds %v and gave %v back", key.ID, now.State, a.records[hold], credited(after))
		}
	}
	return nil
}

// feeAccount is where fees go.
func (a *auditor) feeAccount() spec.Address {
	params, _ := a.records[ledger.ParametersKey()].(ledger.Parameters)
	return params.FeeAccount
}

// finish checks what must hold at the end of the blocks.
func (a *auditor) finish() error {
	left := map[string]uint64{}
	sold := map[string]uint64{}
	holds := 0
	for key, record := range a.records {
		switch r := record.(type) {
		case ledger.Lot:
			left[key.Parent] += uint64(r.Stock)
		case ledger.Hold:
			holds++
		case ledger.Offer:
			if standing(r) {
				holds--
			}
		case ledger.TokenHold:
			if r.State == spec.HoldState_HOLD_STATE_HELD {
				holds--
			}
		case ledger.Auction:
			if r.State == spec.AuctionState_AUCTION_STATE_OPEN && a.records[ledger.BidKey(spec.ID([]byte(key.ID)), 1)] != nil {
				holds--
			}
			if r.State != spec.AuctionState_AUCTION_STATE_SOLD {
				sold[string(r.Listing[:])] += uint64(r.Quantity)
			}
		case ledger.Order:
			if !final(r) {
				holds--
				if held := a.records[ledger.HoldKey(r.Buyer, spec.ID([]byte(key.ID)))]; held != ledger.Record(ledger.Hold{Amount: r.Total}) {
					return fmt.Errorf("order %x is %v and holds %v of %s", key.ID, r.State, held, r.Total)
				}
			}
			for _, line := range a.linesOf(key, r) {
				sold[string(line.Listing[:])] += uint64(line.Quantity)
			}
			if want := map[bool]int{true: 1, false: 0}[final(r)]; a.settled[key.ID] != want {
				return fmt.Errorf("order %x is %v and was settled %d times", key.ID, r.State, a.settled[key.ID])
			}
		}
	}
	if holds != 0 {
		return fmt.Errorf("%d holds belong to no open order, offer, token hold or auction", holds)
	}
	for listing, issued := range a.issued {
		if a.taken[listing] != sold[listing] || left[listing] != issued-a.taken[listing]+a.returned[listing] {
			return fmt.Errorf("listing %x: of %d units %d were taken for orders of %d, %d came back, %d are left",
				listing, issued, a.taken[listing], sold[listing], a.returned[listing], left[listing])
		}
	}
	return nil
}

// addresses returns every account that there is anything of, in order.
func (a *auditor) addresses() []spec.Address {
	seen := map[string]bool{}
	for key := range a.records {
		switch key.Kind {
		case ledger.AccountKind:
			seen[key.ID] = true
		case ledger.CreditKind, ledger.HoldKind, ledger.AllowanceKind:
			seen[key.Parent] = true
		}
	}
	var all []spec.Address
	for bytes := range seen {
		address, err := spec.AddressFromBytes([]byte(bytes))
		if err == nil {
			all = append(all, address)
		}
	}
	slices.SortFunc(all, func(a, b spec.Address) int { return bytes.Compare(a.Bytes(), b.Bytes()) })
	return all
}

// balance is what the auditor's books say of an account.
func (a *auditor) balance(address spec.Address) *spec.Balance {
	own, _ := a.records[ledger.AccountKey(address)].(ledger.Account)
	view := &spec.Balance{Address: address.Bytes(), Account: own.Balance.Bytes(), Complete: true}
	var credits, held spec.Amount
	for key, record := range a.records {
		if key.Parent != string(address.Bytes()) {
			continue
		}
		switch r := record.(type) {
		case ledger.Credit:
			credits, _ = credits.Add(r.Amount)
			view.CreditCount++
		case ledger.Hold:
			held, _ = held.Add(r.Amount)
		case ledger.Allowance:
			held, _ = held.Add(r.Amount)
		}
	}
	view.Credits, view.Held = credits.Bytes(), held.Bytes()
	return view
}

// audit reads the whole chain, keeps the books, and compares them with every peer's state. A gateway that folds credits
// meanwhile makes it begin again.
func (n *network) audit() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	for {
		height, err := n.settledHeight(ctx)
		if err != nil {
			return fmt.Errorf("the peers do not agree: %w", err)
		}
		books := newAuditor()
		found := n.auditAt(ctx, books, height)
		after, err := n.settledHeight(ctx)
		if err != nil {
			return errors.Join(found, err)
		}
		if after != height {
			continue
		}
		if found == nil {
			fmt.Printf("audit: %d blocks, %v transactions, %d records, %d orders settled once, the supply is whole, %d peers agree\n",
				height, books.codes, len(books.records), len(books.settled), len(n.facts.Peers))
		}
		return found
	}
}

// auditAt audits the chain up to a height, which is the state's.
func (n *network) auditAt(ctx context.Context, books *auditor, height uint64) error {
	for i, fact := range n.facts.Peers {
		reader, err := n.member(clientIdentity(n.organisation(fact.Organisation)), fact)
		if err != nil {
			return err
		}
		if i == 0 {
			if err := books.read(ctx, reader, height); err != nil {
				return err
			}
		}
		if err := books.compare(ctx, reader); err != nil {
			return fmt.Errorf("%s: %w", fact.Name, err)
		}
	}
	return nil
}

// settledHeight waits until all peers tell the same height and last block.
func (n *network) settledHeight(ctx context.Context) (uint64, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		height, _, err := n.agreement(ctx)
		if err == nil {
			return height, nil
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-tick.C:
		}
	}
}

// read takes every block up to a height.
func (a *auditor) read(ctx context.Context, from *member, height uint64) error {
	all, err := from.blocks(ctx, 0, height)
	if err != nil {
		return err
	}
	for _, block := range all {
		if err := a.take(block); err != nil {
			return err
		}
	}
	return a.finish()
}

// compare asks one peer for every balance.
func (a *auditor) compare(ctx context.Context, at *member) error {
	for _, address := range a.addresses() {
		call := &spec.Call{Operation: spec.Find("token:GetBalance"), Command: &spec.GetBalance{Address: address.Bytes()}}
		argument, err := call.Encode()
		if err != nil {
			return err
		}
		answer, err := at.endorseAlone(ctx, at.proposal(at.n.facts.Chaincode, time.Now(), []byte(call.Operation.FullName()), argument))
		if err != nil {
			return err
		}
		var view spec.Balance
		if err := spec.DecodeJSON(answer.GetResponse().GetPayload(), &view); err != nil {
			return err
		}
		// Only the money: the view tells more of an account.
		got := &spec.Balance{
			Address: view.Address, Account: view.Account, Credits: view.Credits, CreditCount: view.CreditCount, Held: view.Held, Complete: view.Complete,
		}
		if want := a.balance(address); !proto.Equal(got, want) {
			return fmt.Errorf("the peer says %v of %s, the blocks say %v", got, address, want)
		}
	}
	return nil
}
