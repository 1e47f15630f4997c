package ledger

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// The states of a dispute, by short names.
const (
	disputeOpen      = spec.DisputeState_DISPUTE_STATE_OPEN
	disputeRuled     = spec.DisputeState_DISPUTE_STATE_RULED
	disputeDefaulted = spec.DisputeState_DISPUTE_STATE_DEFAULTED
	disputeSettled   = spec.DisputeState_DISPUTE_STATE_SETTLED
)

// maxEvidence is how many pieces of evidence a side may name.
const maxEvidence = 8

func openDisputeKeys(_ *task, c *spec.OpenDispute) []Key {
	return append(disputeKeys(nil, c), ArbitersKey(), MilestonesKey(identifier(c.Order)))
}

// disputeKeys names the order and its dispute.
func disputeKeys[C orderCommand](_ *task, c C) []Key {
	id := identifier(c.GetOrder())
	return []Key{OrderKey(id), DisputeKey(id)}
}

// openDispute stops the order's clock and names the panel. Like the release it rewrites the order: of both, the first in the
// block's order wins.
func openDispute(t *task, c *spec.OpenDispute) (proto.Message, error) {
	id, order, err := t.openOrder(c.Order, buyer|seller, shipped, handedOver, working, returnAsked, returnAccepted, returnShipped)
	if err != nil {
		return nil, err
	}
	// A seller answers a return by accepting or declining it, and is held to that; what is on its way back it may contest.
	if t.actor == order.Seller && (order.State == returnAsked || order.State == returnAccepted) {
		return nil, spec.FieldErrorf(spec.WrongState, "order", "is %s: only the buyer may contest it before it is sent back", spec.EnumText(order.State.Descriptor(), order.State.Number()))
	}
	milestones, _ := get[Milestones](t, MilestonesKey(id))
	end, err := order.settlement(milestones)
	if err != nil {
		return nil, err
	}
	if err := order.before(end, "the time to contest it"); err != nil {
		return nil, err
	}
	params, now := t.params(), order.UpdatedAt
	arbiters, _ := get[Arbiters](t, ArbitersKey())
	dispute := Dispute{
		State:          disputeOpen,
		OpenedBy:       t.side(order),
		ReasonHash:     hash(c.ReasonHash),
		OpenedAt:       now,
		UpdatedAt:      now,
		AnswerDeadline: now + int64(params.AnswerSeconds),
		Deadline:       now + int64(params.DisputeSeconds),
		Panel:          arbiters.choose(id, params.PanelSize, order.BuyerMember, order.SellerMember),
		FeeBps:         params.PanelFeeBps,
		FeeCap:         params.PanelFeeCap,
	}
	t.move(id, order, disputed)
	order.State = disputed
	t.put(DisputeKey(id), dispute)
	return dispute.view(id, order), nil
}

// settlement returns from when on anyone may settle what a dispute would be about. Of a service that is a milestone that was reported
// and not paid for; one that is due is released first, and then there is time again for the others.
func (o Order) settlement(milestones Milestones) (int64, error) {
	switch o.State {
	case handedOver:
		return o.ReleaseDue, nil
	case returnAsked:
		return o.lapse(), nil
	case returnAccepted, returnShipped:
		return o.ReturnDue, nil
	case working:
		var first int64
		for _, m := range milestones[:o.Milestones] {
			if m.Due > 0 && !m.Released && (first == 0 || m.Due < first) {
				first = m.Due
			}
		}
		if first == 0 {
			return 0, spec.FieldErrorf(spec.WrongState, "order", "no milestone is reported and unpaid")
		}
		return first, nil
	}
	return o.ProtectionDeadline, nil
}

// contested returns the order under dispute for a step that the parties may take, and the dispute. Whether a dispute is open is
// the order's to say: the sides may settle it by themselves at any time.
func (t *task) contested(b []byte, who party) (spec.ID, Order, Dispute, error) {
	id, order, err := t.openOrder(b, who, disputed)
	if err != nil {
		return id, order, Dispute{}, err
	}
	dispute, ok := get[Dispute](t, DisputeKey(id))
	if !ok {
		return id, order, dispute, spec.Errorf(spec.Internal, "%s is disputed without a dispute", id.Text(spec.OrderType))
	}
	dispute.UpdatedAt = max(t.tx.Time, dispute.UpdatedAt)
	return id, order, dispute, nil
}

// respondent is the party that has to answer.
func (d Dispute) respondent() party {
	if d.OpenedBy == buyerSide {
		return seller
	}
	return buyer
}

// answerDispute is the one word of the side that did not open the dispute; the panel may vote from then on.
func answerDispute(t *task, c *spec.AnswerDispute) (proto.Message, error) {
	// Who has to answer is written in the dispute; without one nobody does.
	who := buyer | seller
	if dispute, ok := get[Dispute](t, DisputeKey(identifier(c.Order))); ok {
		who = dispute.respondent()
	}
	id, order, dispute, err := t.contested(c.Order, who)
	if err != nil {
		return nil, err
	}
	if dispute.AnsweredAt > 0 {
		return nil, spec.FieldErrorf(spec.WrongState, "order", "was answered on %s", utc(dispute.AnsweredAt))
	}
	if err := dispute.before(dispute.AnswerDeadline, "the time to answer"); err != nil {
		return nil, err
	}
	dispute.AnsweredAt, dispute.AnswerHash = dispute.UpdatedAt, hash(c.AnswerHash)
	t.put(DisputeKey(id), dispute)
	return dispute.view(id, order), nil
}

// before refuses what comes at or after one of the dispute's deadlines.
func (d Dispute) before(deadline int64, what string) error {
	if d.UpdatedAt >= deadline {
		return spec.FieldErrorf(spec.DeadlinePassed, "order", "%s ended on %s", what, utc(deadline))
	}
	return nil
}

// evidenceKeys names the piece once the actor's side is known; the dispute itself is not rewritten by evidence.
func evidenceKeys(t *task, c *spec.SubmitEvidence) []Key {
	id := identifier(c.Order)
	keys := disputeKeys(t, c)
	if order, ok := get[Order](t, OrderKey(id)); ok {
		keys = append(keys, EvidenceKey(id, t.side(order), c.Number))
	}
	return keys
}

// submitEvidence writes a key of its own, so that the sides and the arbiters do not wait for each other.
func submitEvidence(t *task, c *spec.SubmitEvidence) (proto.Message, error) {
	id, order, dispute, err := t.contested(c.Order, buyer|seller)
	if err != nil {
		return nil, err
	}
	by := t.side(order)
	if has(t, EvidenceKey(id, by, c.Number)) {
		return nil, spec.FieldErrorf(spec.WrongState, "number", "%d was used for another piece", c.Number)
	}
	if err := dispute.before(dispute.Deadline, "the dispute"); err != nil {
		return nil, err
	}
	evidence := Evidence{ContentHash: hash(c.ContentHash), Time: dispute.UpdatedAt}
	t.put(EvidenceKey(id, by, c.Number), evidence)
	return evidence.view(id, by, c.Number), nil
}

// getDisputeKeys names all that can have been said: so many pieces of evidence and votes that one answer holds them.
func getDisputeKeys(t *task, c *spec.GetDispute) []Key {
	id := identifier(c.Order)
	keys := disputeKeys(t, c)
	for _, by := range []spec.Side{buyerSide, sellerSide} {
		for n := range uint32(maxEvidence) {
			keys = append(keys, EvidenceKey(id, by, n+1))
		}
	}
	dispute, _ := get[Dispute](t, DisputeKey(id))
	return append(keys, dispute.voteKeys(id)...)
}

func getDispute(t *task, c *spec.GetDispute) (proto.Message, error) {
	id := identifier(c.Order)
	order, _ := get[Order](t, OrderKey(id))
	dispute, ok := get[Dispute](t, DisputeKey(id))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "order", "there is no dispute of %s", id.Text(spec.OrderType))
	}
	view := dispute.view(id, order)
	for _, by := range []spec.Side{buyerSide, sellerSide} {
		for n := range uint32(maxEvidence) {
			if evidence, given := get[Evidence](t, EvidenceKey(id, by, n+1)); given {
				view.Evidence = append(view.Evidence, evidence.view(id, by, n+1))
			}
		}
	}
	for _, mspID := range view.Panel {
		if vote, given := get[Vote](t, VoteKey(id, mspID)); given {
			view.Votes = append(view.Votes, vote.view(id, mspID))
		}
	}
	return view, nil
}

func (e Evidence) view(order spec.ID, by spec.Side, number uint32) *spec.EvidenceView {
	return &spec.EvidenceView{Order: order[:], By: by, Number: number, ContentHash: e.ContentHash[:], Time: e.Time}
}

func (d Dispute) view(id spec.ID, order Order) *spec.DisputeView {
	state := d.State
	if state == disputeOpen && order.State != disputed {
		state = disputeSettled
	}
	view := &spec.DisputeView{
		Order:          id[:],
		State:          state,
		OpenedBy:       d.OpenedBy,
		ReasonHash:     d.ReasonHash[:],
		OpenedAt:       d.OpenedAt,
		UpdatedAt:      d.UpdatedAt,
		AnsweredAt:     d.AnsweredAt,
		AnswerDeadline: d.AnswerDeadline,
		Deadline:       d.Deadline,
		Panel:          d.Arbiters(),
		Quorum:         uint32(d.quorum()),
		DefaultRelease: d.favoursSeller(order),
		BuyerBps:       d.BuyerBps,
		ToBuyer:        d.ToBuyer.Bytes(),
		ToSeller:       d.ToSeller.Bytes(),
		PanelFee:       d.PanelFee.Bytes(),
	}
	if d.AnsweredAt > 0 {
		view.AnswerHash = d.AnswerHash[:]
	}
	return view
}

// names are MSP identifiers in one text, which keeps records comparable; no identifier has a comma.
func joinNames(names []string) string { return strings.Join(names, ",") }

func splitNames(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, ",")
}
