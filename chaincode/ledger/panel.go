package ledger

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// choose returns the panel of an order's dispute: of the arbiters that stand behind neither side the first ones, up to a number,
// in an order that the order's identifier decides. Who opens the dispute has no say in it.
func (a Arbiters) choose(order spec.ID, most uint32, excluded ...uint32) string {
	var eligible []string
	for _, entry := range splitNames(a.Names) {
		index, name, _ := strings.Cut(entry, ":")
		if !slices.ContainsFunc(excluded, func(member uint32) bool { return index == memberText(member) }) {
			eligible = append(eligible, name)
		}
	}
	slices.SortFunc(eligible, func(x, y string) int {
		rankX, rankY := spec.PanelRank(order, x), spec.PanelRank(order, y)
		return bytes.Compare(rankX[:], rankY[:])
	})
	return joinNames(eligible[:min(int(most), len(eligible))])
}

func memberText(index uint32) string { return strconv.FormatUint(uint64(index), 10) }

// Arbiters returns the names of the panel.
func (d Dispute) Arbiters() []string { return splitNames(d.Panel) }

// quorum is more than half of the panel.
func (d Dispute) quorum() int { return len(d.Arbiters())/2 + 1 }

func (d Dispute) voteKeys(order spec.ID) []Key {
	var keys []Key
	for _, mspID := range d.Arbiters() {
		keys = append(keys, VoteKey(order, mspID))
	}
	return keys
}

// proven reports whether hand-over to the buyer is proven.
func (o Order) proven() bool { return o.ReleaseDue > 0 }

// favoursSeller reports whether the seller is paid without a ruling: who says that the goods went has to prove it. So hand-over to the
// buyer must be proven; and when the buyer says that they went back, that must not be, and the seller must have said a word against
// it. The reported work of a service is the seller's word alone.
func (d Dispute) favoursSeller(o Order) bool {
	if o.ReturnSent {
		return !o.ReturnProven && (d.OpenedBy == sellerSide || d.AnsweredAt > 0)
	}
	return o.proven()
}

func voteDisputeKeys(t *task, c *spec.VoteDispute) []Key {
	return append(disputeKeys(t, c), VoteKey(identifier(c.Order), t.tx.MSPID))
}

// voteDispute writes a key of the arbiter's own and rewrites nothing, so that arbiters vote side by side. The respondent is heard
// first, or has had its time.
func voteDispute(t *task, c *spec.VoteDispute) (proto.Message, error) {
	id := identifier(c.Order)
	if dispute, ok := get[Dispute](t, DisputeKey(id)); ok && !slices.Contains(dispute.Arbiters(), t.tx.MSPID) {
		return nil, spec.FieldErrorf(spec.NotAParty, "order", "%s is not on the panel", t.tx.MSPID)
	}
	_, _, dispute, err := t.contested(c.Order, 0)
	if err != nil {
		return nil, err
	}
	if has(t, VoteKey(id, t.tx.MSPID)) {
		return nil, spec.FieldErrorf(spec.WrongState, "order", "%s has voted", t.tx.MSPID)
	}
	if err := dispute.before(dispute.Deadline, "the dispute"); err != nil {
		return nil, err
	}
	if dispute.AnsweredAt == 0 && dispute.UpdatedAt < dispute.AnswerDeadline {
		return nil, spec.FieldErrorf(spec.NotDue, "order", "the other side may answer until %s", utc(dispute.AnswerDeadline))
	}
	vote := Vote{BuyerBps: c.BuyerBps, Time: dispute.UpdatedAt}
	t.put(VoteKey(id, t.tx.MSPID), vote)
	return vote.view(id, t.tx.MSPID), nil
}

func (v Vote) view(order spec.ID, mspID string) *spec.VoteView {
	return &spec.VoteView{Order: order[:], MspId: mspID, BuyerBps: v.BuyerBps, Time: v.Time}
}

// ruleDisputeKeys names the hold and the panel's votes once they are known, each by its key: no range, whose every new vote would
// be a phantom.
func ruleDisputeKeys(t *task, c *spec.RuleDispute) []Key {
	id := identifier(c.Order)
	keys := disputeKeys(t, c)
	if order, ok := get[Order](t, OrderKey(id)); ok {
		keys = append(keys, HoldKey(order.Buyer, id))
	}
	dispute, _ := get[Dispute](t, DisputeKey(id))
	return append(keys, dispute.voteKeys(id)...)
}

// ruleDispute settles the order by the votes once a quorum voted, or else, when time is over, by the default.
func ruleDispute(t *task, c *spec.RuleDispute) (proto.Message, error) {
	id, order, dispute, err := t.contested(c.Order, 0)
	if err != nil {
		return nil, err
	}
	var voters []string
	var votes []uint32
	for _, mspID := range dispute.Arbiters() {
		if vote, given := get[Vote](t, VoteKey(id, mspID)); given {
			voters, votes = append(voters, mspID), append(votes, vote.BuyerBps)
		}
	}
	sellerFavoured := dispute.favoursSeller(order)
	switch {
	case len(votes) >= dispute.quorum():
		dispute.State, dispute.BuyerBps = disputeRuled, median(votes, sellerFavoured)
	case dispute.UpdatedAt >= dispute.Deadline:
		dispute.State, voters = disputeDefaulted, nil
		if !sellerFavoured {
			dispute.BuyerBps = wholeBps
		}
	default:
		return nil, spec.FieldErrorf(spec.NotDue, "order", "%d of %d votes are there; without them the default applies on %s", len(votes), dispute.quorum(), utc(dispute.Deadline))
	}
	// The order ends when its dispute does, though an answer may have come by a clock ahead of this one's.
	order.UpdatedAt = max(order.UpdatedAt, dispute.UpdatedAt)
	// What the panel is paid leaves the hold first; the sides have the rest.
	key := HoldKey(order.Buyer, id)
	hold, _ := get[Hold](t, key)
	dispute.PanelFee = t.payPanel(dispute, order.Held(), voters)
	order.PanelPaid = dispute.PanelFee
	t.put(key, Hold{Amount: minus(hold.Amount, dispute.PanelFee)})
	dispute.ToBuyer = dispute.share(order.Held(), sellerFavoured)
	dispute.ToSeller = minus(order.Held(), dispute.ToBuyer)
	t.put(DisputeKey(id), dispute)
	if _, err := t.conclude(id, order, dispute.ToSeller, ruled); err != nil {
		return nil, err
	}
	return dispute.view(id, order), nil
}

// wholeBps is all of it, in hundredths of a percent.
const wholeBps = 10_000

// median returns the middle vote; of an even number the mean of the middle two, rounded to the side that the default favours.
func median(votes []uint32, sellerFavoured bool) uint32 {
	slices.Sort(votes)
	middle := len(votes) / 2
	if len(votes)%2 == 1 {
		return votes[middle]
	}
	sum := votes[middle-1] + votes[middle]
	if sum%2 == 1 && !sellerFavoured {
		sum++
	}
	return sum / 2
}

// share returns the buyer's part. The other side's is rounded down; the side that the default favours has the rest.
func (d Dispute) share(held spec.Amount, sellerFavoured bool) spec.Amount {
	if sellerFavoured {
		return held.Share(d.BuyerBps)
	}
	toBuyer, _ := held.Sub(held.Share(wholeBps - d.BuyerBps))
	return toBuyer
}

// payPanel pays those who voted in equal parts, rounded down, and returns what they got together: never more than the cap.
func (t *task) payPanel(d Dispute, held spec.Amount, voters []string) (paid spec.Amount) {
	fee := held.Share(d.FeeBps)
	if d.FeeCap.Less(fee) {
		fee = d.FeeCap
	}
	for _, mspID := range voters {
		part := fee.Quo(uint32(len(voters)))
		t.credit(spec.OrganisationAddress(mspID), part, spec.CreditKind_CREDIT_KIND_PANEL)
		paid, _ = paid.Add(part)
	}
	return paid
}
