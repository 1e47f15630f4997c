package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// rule is how one operation is decided.
type rule struct {
	// keys names what decide reads, from what is loaded so far. It is asked again after each round.
	keys func(*task) []Key
	// decide puts the changes and returns the result, or refuses.
	decide func(*task) (proto.Message, error)
}

// define makes a rule of functions that take the operation's own command.
func define[C proto.Message](keys func(*task, C) []Key, decide func(*task, C) (proto.Message, error)) rule {
	return rule{
		keys:   func(t *task) []Key { return keys(t, t.call.Command.(C)) },
		decide: func(t *task) (proto.Message, error) { return decide(t, t.call.Command.(C)) },
	}
}

const genesisName = spec.ConsortiumContract + ":Genesis"

// rules has one rule for each row of the operation table.
var rules = map[string]rule{
	genesisName:                                define(genesisKeys, genesis),
	spec.ConsortiumContract + ":Fence":         define(fenceKeys, fence),
	spec.ConsortiumContract + ":GetParameters": define(noKeys[*spec.GetParameters], getParameters),
	spec.ConsortiumContract + ":GetMember":     define(getMemberKeys, getMember),

	spec.TokenContract + ":Mint":           define(mintKeys, mint),
	spec.TokenContract + ":Burn":           define(burnKeys, burn),
	spec.TokenContract + ":Transfer":       define(transferKeys, transfer),
	spec.TokenContract + ":Sweep":          define(sweepKeys, sweep),
	spec.TokenContract + ":VoidNonce":      define(voidNonceKeys, voidNonce),
	spec.TokenContract + ":MoveHome":       define(moveHomeKeys, moveHome),
	spec.TokenContract + ":Payout":         define(payoutKeys, payout),
	spec.TokenContract + ":GetPayout":      define(getPayoutKeys, getPayout),
	spec.TokenContract + ":Approve":        define(approveKeys, approve),
	spec.TokenContract + ":TransferFrom":   define(transferFromKeys, transferFrom),
	spec.TokenContract + ":GetAllowance":   define(getAllowanceKeys, getAllowance),
	spec.TokenContract + ":ListAllowances": define(noKeys[*spec.ListAllowances], listAllowances),
	spec.TokenContract + ":PlaceHold":      define(placeHoldKeys, placeHold),
	spec.TokenContract + ":CaptureHold":    define(tokenHoldKeys[*spec.CaptureHold], captureHold),
	spec.TokenContract + ":VoidHold":       define(tokenHoldKeys[*spec.VoidHold], voidHold),
	spec.TokenContract + ":ExpireHold":     define(tokenHoldKeys[*spec.ExpireHold], expireHold),
	spec.TokenContract + ":GetHold":        define(tokenHoldKeys[*spec.GetHold], getHold),
	spec.TokenContract + ":GetTransfer":    define(getTransferKeys, getTransfer),
	spec.TokenContract + ":GetMint":        define(getMintKeys, getMint),
	spec.TokenContract + ":GetBurn":        define(getBurnKeys, getBurn),
	spec.TokenContract + ":GetBalance":     define(getBalanceKeys, getBalance),
	spec.TokenContract + ":ListCredits":    define(noKeys[*spec.ListCredits], listCredits),
	spec.TokenContract + ":GetSupply":      define(getSupplyKeys, getSupply),

	spec.MarketContract + ":CreateListing":    define(createListingKeys, createListing),
	spec.MarketContract + ":EditListing":      define(editListingKeys, editListing),
	spec.MarketContract + ":CloseListing":     define(closeListingKeys, closeListing),
	spec.MarketContract + ":SuspendListing":   define(suspendListingKeys, suspendListing),
	spec.MarketContract + ":ResumeListing":    define(resumeListingKeys, resumeListing),
	spec.MarketContract + ":GetListing":       define(getListingKeys, getListing),
	spec.MarketContract + ":PlaceOrder":       define(placeOrderKeys, placeOrder),
	spec.MarketContract + ":PlaceCart":        define(placeCartKeys, placeCart),
	spec.MarketContract + ":OfferDiscount":    define(offerDiscountKeys, offerDiscount),
	spec.MarketContract + ":GetDiscount":      define(getDiscountKeys, getDiscount),
	spec.MarketContract + ":AcceptOrder":      define(orderKeys[*spec.AcceptOrder], acceptOrder),
	spec.MarketContract + ":ShipOrder":        define(orderKeys[*spec.ShipOrder], shipOrder),
	spec.MarketContract + ":HandOverOrder":    define(orderKeys[*spec.HandOverOrder], handOverOrder),
	spec.MarketContract + ":ReportDelivery":   define(orderKeys[*spec.ReportDelivery], reportDelivery),
	spec.MarketContract + ":ConfirmOrder":     define(settlementKeys[*spec.ConfirmOrder], confirmOrder),
	spec.MarketContract + ":CancelOrder":      define(settlementKeys[*spec.CancelOrder], cancelOrder),
	spec.MarketContract + ":RefundOrder":      define(settlementKeys[*spec.RefundOrder], refundOrder),
	spec.MarketContract + ":ExpireOrder":      define(settlementKeys[*spec.ExpireOrder], expireOrder),
	spec.MarketContract + ":ReleaseOrder":     define(settlementKeys[*spec.ReleaseOrder], releaseOrder),
	spec.MarketContract + ":ReportMilestone":  define(milestoneKeys[*spec.ReportMilestone], reportMilestone),
	spec.MarketContract + ":ReleaseMilestone": define(settlementKeys[*spec.ReleaseMilestone], releaseMilestone),
	spec.MarketContract + ":ProposeSplit":     define(orderKeys[*spec.ProposeSplit], proposeSplit),
	spec.MarketContract + ":AgreeSplit":       define(settlementKeys[*spec.AgreeSplit], agreeSplit),
	spec.MarketContract + ":AskReturn":        define(orderKeys[*spec.AskReturn], askReturn),
	spec.MarketContract + ":AcceptReturn":     define(orderKeys[*spec.AcceptReturn], acceptReturn),
	spec.MarketContract + ":DeclineReturn":    define(orderKeys[*spec.DeclineReturn], declineReturn),
	spec.MarketContract + ":ShipReturn":       define(orderKeys[*spec.ShipReturn], shipReturn),
	spec.MarketContract + ":GetMilestones":    define(milestoneKeys[*spec.GetMilestones], getMilestones),
	spec.MarketContract + ":GetOrder":         define(getOrderKeys, getOrder),
	spec.MarketContract + ":OpenAuction":      define(openAuctionKeys, openAuction),
	spec.MarketContract + ":PlaceBid":         define(placeBidKeys, placeBid),
	spec.MarketContract + ":CloseAuction":     define(closeAuctionKeys, closeAuction),
	spec.MarketContract + ":CancelAuction":    define(cancelAuctionKeys, cancelAuction),
	spec.MarketContract + ":GetAuction":       define(getAuctionKeys, getAuction),
	spec.MarketContract + ":ListBids":         define(noKeys[*spec.ListBids], listBids),

	spec.MarketContract + ":MakeOffer":     define(makeOfferKeys, makeOffer),
	spec.MarketContract + ":CounterOffer":  define(offerKeys[*spec.CounterOffer], counterOffer),
	spec.MarketContract + ":AcceptOffer":   define(acceptOfferKeys, acceptOffer),
	spec.MarketContract + ":AcceptCounter": define(acceptCounterKeys, acceptCounter),
	spec.MarketContract + ":DeclineOffer":  define(endOfferKeys[*spec.DeclineOffer], declineOffer),
	spec.MarketContract + ":WithdrawOffer": define(endOfferKeys[*spec.WithdrawOffer], withdrawOffer),
	spec.MarketContract + ":ExpireOffer":   define(endOfferKeys[*spec.ExpireOffer], expireOffer),
	spec.MarketContract + ":GetOffer":      define(offerKeys[*spec.GetOffer], getOffer),
	spec.MarketContract + ":ListOffers":    define(noKeys[*spec.ListOffers], listOffers),
	spec.MarketContract + ":GiveReview":    define(giveReviewKeys, giveReview),
	spec.MarketContract + ":GetReviews":    define(getReviewsKeys, getReviews),

	spec.MarketContract + ":OpenDispute":    define(openDisputeKeys, openDispute),
	spec.MarketContract + ":AnswerDispute":  define(disputeKeys[*spec.AnswerDispute], answerDispute),
	spec.MarketContract + ":SubmitEvidence": define(evidenceKeys, submitEvidence),
	spec.MarketContract + ":VoteDispute":    define(voteDisputeKeys, voteDispute),
	spec.MarketContract + ":RuleDispute":    define(ruleDisputeKeys, ruleDispute),
	spec.MarketContract + ":GetDispute":     define(getDisputeKeys, getDispute),
}

func noKeys[C proto.Message](*task, C) []Key { return nil }

// amount, address and identifier read fields of a command, whose form was checked at the door.

func amount(b []byte) spec.Amount {
	a, _ := spec.AmountFromBytes(b)
	return a
}

func address(b []byte) spec.Address {
	a, _ := spec.AddressFromBytes(b)
	return a
}

func identifier(b []byte) spec.ID {
	id, _ := spec.IDFromBytes(b)
	return id
}

func hash(b []byte) (h [32]byte) {
	copy(h[:], b)
	return h
}

// optionalHash returns nothing for a hash that was not given.
func optionalHash(h [32]byte) []byte {
	if h == [32]byte{} {
		return nil
	}
	return h[:]
}
