package history

import (
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// Subject names what a history is of. Its first octet decides its length, so that no subject begins another.
type Subject string

// The first octets of subjects.
const (
	accountSubject   = "a"
	allowanceSubject = "n"
	auctionSubject   = "u"
	burnSubject      = "b"
	discountSubject  = "q"
	disputeSubject   = "d"
	holdSubject      = "z"
	listingSubject   = "l"
	mintSubject      = "i"
	offerSubject     = "j"
	orderSubject     = "o"
	payoutSubject    = "w"
	transferSubject  = "t"
)

// Account is the statement of an account.
func Account(address spec.Address) Subject { return accountSubject + Subject(address.Octets()) }

// Of returns the history that a record belongs to: an order's with its milestones and reviews, a dispute's with its votes and
// evidence, an auction's with its bids. Records of other kinds have none.
func Of(key ledger.Key) (Subject, bool) {
	switch key.Kind {
	case ledger.OrderKind, ledger.MilestonesKind:
		return orderSubject + Subject(key.ID), true
	case ledger.ReviewKind:
		return orderSubject + Subject(key.Parent), true
	case ledger.DisputeKind:
		return disputeSubject + Subject(key.ID), true
	case ledger.VoteKind, ledger.EvidenceKind:
		return disputeSubject + Subject(key.Parent), true
	case ledger.OfferKind:
		return offerSubject + Subject(key.Parent+key.ID), true
	case ledger.DiscountKind, ledger.DiscountUseKind:
		return discountSubject + Subject(key.ID), true
	case ledger.AuctionKind:
		return auctionSubject + Subject(key.ID), true
	case ledger.BidKind:
		return auctionSubject + Subject(key.Parent), true
	case ledger.ListingKind:
		return listingSubject + Subject(key.ID), true
	case ledger.TokenHoldKind:
		return holdSubject + Subject(key.ID), true
	case ledger.AllowanceKind:
		return allowanceSubject + Subject(key.Parent+key.ID), true
	case ledger.TransferKind:
		return transferSubject + Subject(key.ID), true
	case ledger.PayoutKind:
		return payoutSubject + Subject(key.ID), true
	case ledger.MintKind:
		return mintSubject + Subject(key.ID), true
	case ledger.BurnKind:
		return burnSubject + Subject(key.ID), true
	default:
		return "", false
	}
}

// name returns what steps name the subject by: a digest, which an offer shares with the order that it becomes and a dispute with
// its order; of an allowance, both its sides.
func (s Subject) name() string {
	if s[:1] == offerSubject {
		return string(s[1+len(spec.ID{}):])
	}
	return string(s[1:])
}
