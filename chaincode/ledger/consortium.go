package ledger

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func genesisKeys(*task, *spec.Genesis) []Key { return nil }

// genesis begins the ledger: parameters, members, and the whole supply in the treasury's account.
func genesis(t *task, c *spec.Genesis) (proto.Message, error) {
	if has(t, ParametersKey()) {
		return nil, spec.Errorf(spec.AlreadyInitialised, "the ledger has begun")
	}
	var arbiters []string
	for i, m := range c.Members {
		if len(m.Address) > 0 {
			return nil, spec.FieldErrorf(spec.InvalidField, "members.address", "is derived from the msp_id and must not be given")
		}
		if m.Index > 0 {
			return nil, spec.FieldErrorf(spec.InvalidField, "members.index", "is given by the ledger")
		}
		for _, earlier := range c.Members[:i] {
			if earlier.MspId == m.MspId {
				return nil, spec.FieldErrorf(spec.InvalidField, "members.msp_id", "%s stands twice", m.MspId)
			}
		}
		if slices.Contains(m.Roles, spec.Role_ROLE_ARBITER) {
			arbiters = append(arbiters, memberText(uint32(i)+1)+":"+m.MspId)
		}
		member := Member{MSPID: m.MspId, Index: uint32(i) + 1}
		for _, role := range m.Roles {
			member.Roles |= 1 << uint32(role)
		}
		t.put(MemberKey(m.MspId), member)
	}
	for _, named := range []struct{ field, mspID string }{{"treasury_msp", c.TreasuryMsp}, {"operator_msp", c.OperatorMsp}} {
		if _, ok := get[Member](t, MemberKey(named.mspID)); !ok {
			return nil, spec.FieldErrorf(spec.InvalidField, named.field, "must be one of the members")
		}
	}
	if _, ok := get[Member](t, MemberKey(t.tx.MSPID)); !ok {
		return nil, spec.Errorf(spec.NotAMember, "%s is not among the members", t.tx.MSPID)
	}
	if c.ProtectionSeconds <= c.ShipSeconds {
		return nil, spec.FieldErrorf(spec.InvalidField, "protection_seconds", "must be more than ship_seconds: what was just shipped would be refunded")
	}
	if c.AnswerSeconds >= c.DisputeSeconds {
		return nil, spec.FieldErrorf(spec.InvalidField, "answer_seconds", "must be less than dispute_seconds: who does not answer would keep the panel from voting")
	}
	if c.PanelSize%2 == 0 {
		return nil, spec.FieldErrorf(spec.InvalidField, "panel_size", "must be odd")
	}
	params := Parameters{
		LedgerID:                [16]byte(c.LedgerId),
		FeeAccount:              spec.OrganisationAddress(c.OperatorMsp),
		Treasury:                spec.OrganisationAddress(c.TreasuryMsp),
		FeeBps:                  c.FeeBps,
		CreditMinimum:           amount(c.CreditMinimum),
		ShipSeconds:             c.ShipSeconds,
		ReleaseSeconds:          c.ReleaseSeconds,
		ProtectionSeconds:       c.ProtectionSeconds,
		FenceEpochSeconds:       c.FenceEpochSeconds,
		FenceGraceSeconds:       c.FenceGraceSeconds,
		HoldSeconds:             c.HoldSeconds,
		AuctionSeconds:          c.AuctionSeconds,
		AuctionExtensionSeconds: c.AuctionExtensionSeconds,
		OfferSeconds:            c.OfferSeconds,
		ReviewSeconds:           c.ReviewSeconds,
		AnswerSeconds:           c.AnswerSeconds,
		DisputeSeconds:          c.DisputeSeconds,
		PanelSize:               c.PanelSize,
		PanelFeeBps:             c.PanelFeeBps,
		PanelFeeCap:             amount(c.PanelFeeCap),
	}
	t.put(ParametersKey(), params)
	t.put(ArbitersKey(), Arbiters{Names: joinNames(arbiters)})
	supply := amount(c.InitialSupply)
	t.put(SupplyKey(), Supply{Minted: supply})
	t.put(AccountKey(params.Treasury), Account{Balance: supply})
	return params.view(), nil
}

// fenceKeys: the caller's own epoch is read like by every write; this is the one to be ended.
func fenceKeys(_ *task, c *spec.Fence) []Key { return []Key{FenceKey(c.Epoch)} }

// fence ends an epoch. The grace lies beyond the time by which a peer accepts a proposal's timestamp to be off, so that
// nothing can be endorsed any more in the epoch once its fence stands; what was endorsed before read the absent fence.
func fence(t *task, c *spec.Fence) (proto.Message, error) {
	if has(t, FenceKey(c.Epoch)) {
		return nil, spec.FieldErrorf(spec.WrongState, "epoch", "the fence of epoch %d stands already", c.Epoch)
	}
	params := t.params()
	if open := params.epoch(t.tx.Time - int64(params.FenceGraceSeconds)); c.Epoch >= open {
		return nil, spec.FieldErrorf(spec.FenceTooEarly, "epoch", "must be below %d: an epoch may be fenced %d s after its end", open, params.FenceGraceSeconds)
	}
	t.put(FenceKey(c.Epoch), Fence{Time: t.tx.Time})
	return &spec.FenceView{Epoch: c.Epoch}, nil
}

func getParameters(t *task, _ *spec.GetParameters) (proto.Message, error) {
	return t.params().view(), nil
}

func (p Parameters) view() *spec.Parameters {
	return &spec.Parameters{
		LedgerId:                p.LedgerID[:],
		FeeAccount:              p.FeeAccount.Bytes(),
		Treasury:                p.Treasury.Bytes(),
		FeeBps:                  p.FeeBps,
		CreditMinimum:           p.CreditMinimum.Bytes(),
		ShipSeconds:             p.ShipSeconds,
		ReleaseSeconds:          p.ReleaseSeconds,
		ProtectionSeconds:       p.ProtectionSeconds,
		FenceEpochSeconds:       p.FenceEpochSeconds,
		FenceGraceSeconds:       p.FenceGraceSeconds,
		HoldSeconds:             p.HoldSeconds,
		AuctionSeconds:          p.AuctionSeconds,
		AuctionExtensionSeconds: p.AuctionExtensionSeconds,
		OfferSeconds:            p.OfferSeconds,
		ReviewSeconds:           p.ReviewSeconds,
		AnswerSeconds:           p.AnswerSeconds,
		DisputeSeconds:          p.DisputeSeconds,
		PanelSize:               p.PanelSize,
		PanelFeeBps:             p.PanelFeeBps,
		PanelFeeCap:             p.PanelFeeCap.Bytes(),
	}
}

func getMemberKeys(_ *task, c *spec.GetMember) []Key { return []Key{MemberKey(c.MspId)} }

func getMember(t *task, c *spec.GetMember) (proto.Message, error) {
	member, ok := get[Member](t, MemberKey(c.MspId))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "msp_id", "%s is not a member", c.MspId)
	}
	view := &spec.Member{MspId: member.MSPID, Address: spec.OrganisationAddress(member.MSPID).Bytes(), Index: member.Index}
	for role := spec.Role_ROLE_OPERATOR; role <= spec.Role_ROLE_TREASURER; role++ {
		if member.Has(role) {
			view.Roles = append(view.Roles, role)
		}
	}
	return view, nil
}

// utc writes a time for people.
func utc(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
