package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Market is the contract of listings, orders and their escrow. Each transaction takes the command as a JSON object and answers with one;
// the operation table in package spec says more.
type Market struct{ contractapi.Contract }

func newMarket() *Market {
	return &Market{contractapi.Contract{Name: spec.MarketContract}}
}

// GetEvaluateTransactions names the queries, so that clients know not to submit them.
func (*Market) GetEvaluateTransactions() []string { return queries(spec.MarketContract) }

// CreateListing: offer something for sale.
func (*Market) CreateListing(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":CreateListing", command)
}

// EditListing: replace a listing's terms by a new version; orders already placed keep theirs.
func (*Market) EditListing(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":EditListing", command)
}

// CloseListing: stop selling for good; orders already placed go on.
func (*Market) CloseListing(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":CloseListing", command)
}

// SuspendListing: the operator stops a listing's sale, with a reason; orders already placed go on.
func (*Market) SuspendListing(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":SuspendListing", command)
}

// ResumeListing: the operator lets a listing be sold again, as a new version with the same terms.
func (*Market) ResumeListing(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ResumeListing", command)
}

// GetListing: look up a listing and the lots of its stock.
func (*Market) GetListing(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetListing", command)
}

// PlaceOrder: buy: take stock and have the money held.
func (*Market) PlaceOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":PlaceOrder", command)
}

// PlaceCart: buy several listings of one seller in one order, all or nothing.
func (*Market) PlaceCart(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":PlaceCart", command)
}

// OfferDiscount: a seller offers a buyer a discount on one order.
func (*Market) OfferDiscount(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":OfferDiscount", command)
}

// GetDiscount: look up a discount, and the order that used it.
func (*Market) GetDiscount(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetDiscount", command)
}

// AcceptOrder: the seller takes the order.
func (*Market) AcceptOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":AcceptOrder", command)
}

// ShipOrder: the seller says that it, or a part of it, is on its way; no clock starts.
func (*Market) ShipOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ShipOrder", command)
}

// HandOverOrder: a party reveals the buyer's code: hand-over is proven and the release clock starts.
func (*Market) HandOverOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":HandOverOrder", command)
}

// ReportDelivery: a carrier that is no party says it was delivered, and the release clock starts; or that what was sent back is back.
func (*Market) ReportDelivery(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ReportDelivery", command)
}

// ConfirmOrder: the buyer releases the money, or a part of it, to the seller.
func (*Market) ConfirmOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ConfirmOrder", command)
}

// CancelOrder: either side calls it off before shipment: refund, and the stock comes back.
func (*Market) CancelOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":CancelOrder", command)
}

// RefundOrder: the seller gives the money, or a part of it, back.
func (*Market) RefundOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":RefundOrder", command)
}

// ExpireOrder: anyone refunds what was not shipped, proven, done or taken back in time.
func (*Market) ExpireOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ExpireOrder", command)
}

// ReleaseOrder: anyone pays the seller once the release is due.
func (*Market) ReleaseOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ReleaseOrder", command)
}

// ReportMilestone: the seller says that a milestone of a service is done: its release clock starts.
func (*Market) ReportMilestone(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ReportMilestone", command)
}

// ReleaseMilestone: the buyer pays for a milestone, or anyone once it is due.
func (*Market) ReleaseMilestone(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ReleaseMilestone", command)
}

// ProposeSplit: a side proposes how to split what is held.
func (*Market) ProposeSplit(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ProposeSplit", command)
}

// AgreeSplit: the other side agrees: the split is paid out and ends the order.
func (*Market) AgreeSplit(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":AgreeSplit", command)
}

// AskReturn: the buyer asks to send it back, once: the release clock stops.
func (*Market) AskReturn(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":AskReturn", command)
}

// AcceptReturn: the seller takes it back.
func (*Market) AcceptReturn(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":AcceptReturn", command)
}

// DeclineReturn: the seller does not take it back: the release clock goes on.
func (*Market) DeclineReturn(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":DeclineReturn", command)
}

// ShipReturn: the buyer says it is on its way back; silence of the seller is consent.
func (*Market) ShipReturn(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ShipReturn", command)
}

// GetMilestones: look up the milestones of a service.
func (*Market) GetMilestones(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetMilestones", command)
}

// GetOrder: look up an order.
func (*Market) GetOrder(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetOrder", command)
}

// OpenAuction: sell some of a listing's stock to whoever bids most.
func (*Market) OpenAuction(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":OpenAuction", command)
}

// PlaceBid: beat the highest bid: the money is held, and the beaten bidder's comes back.
func (*Market) PlaceBid(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":PlaceBid", command)
}

// CloseAuction: anyone ends an auction whose time is over: the highest bid becomes an order, or its money comes back.
func (*Market) CloseAuction(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":CloseAuction", command)
}

// CancelAuction: the seller takes an auction back that nobody bid in.
func (*Market) CancelAuction(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":CancelAuction", command)
}

// GetAuction: look up an auction and its highest bid.
func (*Market) GetAuction(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetAuction", command)
}

// ListBids: an auction's bids, page by page.
func (*Market) ListBids(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ListBids", command)
}

// MakeOffer: haggle: offer a total of the buyer's own for a listing and have it held.
func (*Market) MakeOffer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":MakeOffer", command)
}

// CounterOffer: the seller names the total that it would take instead; the offer stands.
func (*Market) CounterOffer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":CounterOffer", command)
}

// AcceptOffer: the seller takes the offer: it becomes an order, which holds the money.
func (*Market) AcceptOffer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":AcceptOffer", command)
}

// AcceptCounter: the buyer takes the seller's total, and the offer becomes an order.
func (*Market) AcceptCounter(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":AcceptCounter", command)
}

// DeclineOffer: the seller turns the offer down: the buyer has the money back.
func (*Market) DeclineOffer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":DeclineOffer", command)
}

// WithdrawOffer: the buyer takes the offer and the money back.
func (*Market) WithdrawOffer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":WithdrawOffer", command)
}

// ExpireOffer: anyone gives the buyer the money back once the offer's time is over.
func (*Market) ExpireOffer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ExpireOffer", command)
}

// GetOffer: look up an offer.
func (*Market) GetOffer(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetOffer", command)
}

// ListOffers: a listing's offers, page by page.
func (*Market) ListOffers(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":ListOffers", command)
}

// GiveReview: one side of a settled order rates the other, once.
func (*Market) GiveReview(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GiveReview", command)
}

// GetReviews: what the sides of an order say of each other.
func (*Market) GetReviews(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetReviews", command)
}

// OpenDispute: a side contests what was shipped, done or sent back before it is settled: the clocks stop, and a panel of arbiters is named.
func (*Market) OpenDispute(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":OpenDispute", command)
}

// AnswerDispute: the other side answers, once: the panel may vote from then on.
func (*Market) AnswerDispute(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":AnswerDispute", command)
}

// SubmitEvidence: either side names a piece of evidence by its hash.
func (*Market) SubmitEvidence(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":SubmitEvidence", command)
}

// VoteDispute: an arbiter organisation on the panel votes the buyer's share, once.
func (*Market) VoteDispute(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":VoteDispute", command)
}

// RuleDispute: anyone settles the order by the votes of a quorum, or by the default when time is over.
func (*Market) RuleDispute(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":RuleDispute", command)
}

// GetDispute: look up an order's dispute, its evidence and its votes.
func (*Market) GetDispute(ctx contractapi.TransactionContextInterface, command []byte) (string, error) {
	return run(ctx, spec.MarketContract+":GetDispute", command)
}
