package spec

import (
	"strings"

	"google.golang.org/protobuf/proto"
)

// Kind says whether an operation writes to the ledger.
type Kind string

// The kinds of operations.
const (
	Query Kind = "query"
	Write Kind = "write"
)

// Scope is what an API key must have been given for an operation.
type Scope string

// The scopes. Treasury is apart so that a shop's key cannot create money.
const (
	ScopeRead     Scope = "read"
	ScopePay      Scope = "pay"
	ScopeSell     Scope = "sell"
	ScopeBuy      Scope = "buy"
	ScopeTreasury Scope = "treasury"
	// ScopeArbitrate is for who votes for an arbiter organisation.
	ScopeArbitrate Scope = "arbitrate"
	// ScopeRelay is for who hands in what others signed, ScopeKeys for who acts with keys that the gateway keeps.
	ScopeRelay Scope = "relay"
	ScopeKeys  Scope = "keys"
)

// Scopes lists all scopes.
var Scopes = []Scope{ScopeRead, ScopePay, ScopeSell, ScopeBuy, ScopeTreasury, ScopeArbitrate, ScopeRelay, ScopeKeys}

// Operation is a row of the operation table: everything that is known of an operation but its rule.
type Operation struct {
	// Contract and Name are how a Fabric client calls it: "market:PlaceOrder".
	Contract, Name string
	// Number stands for the operation in a signed intent; it is never given to another. Operations without one are no
	// person's to ask for.
	Number uint32
	Kind   Kind
	// Role is what the caller's organisation must have; unspecified means any member.
	Role Role
	// Command and Result are empty messages of what goes in and what comes back.
	Command, Result proto.Message
	// Creates is the type of the identifier that the command's reference makes, if any.
	Creates IDType
	// Method and Path are the operation's REST route; a {name} in the path is the command's field of that name. Without a
	// path the operation is not offered over REST.
	Method, Path string
	Scope        Scope
	// Errors lists the rule's own refusals, beside those of form and of caller that every operation has.
	Errors []Code
	// Doc is one line.
	Doc string
}

// FullName returns the name that a Fabric client calls: contract, colon, name.
func (o *Operation) FullName() string { return o.Contract + ":" + o.Name }

// PathFields returns the names of the fields that stand in the path.
func (o *Operation) PathFields() []string {
	var fields []string
	for _, part := range strings.Split(o.Path, "/") {
		if strings.HasPrefix(part, "{") {
			fields = append(fields, strings.Trim(part, "{}"))
		}
	}
	return fields
}

// FindNumber returns the operation with the number, or nil.
func FindNumber(number uint32) *Operation {
	for i := range Operations {
		if number > 0 && Operations[i].Number == number {
			return &Operations[i]
		}
	}
	return nil
}

// Find returns the operation that a Fabric client calls by this exact name, or nil.
func Find(fullName string) *Operation {
	for i := range Operations {
		if Operations[i].FullName() == fullName {
			return &Operations[i]
		}
	}
	return nil
}

// The contracts.
const (
	TokenContract      = "token"
	MarketContract     = "market"
	ConsortiumContract = "consortium"
	BatchContract      = "batch"
)

// BatchFunction is the one function that is no row of the table: it carries rows, as signed intents. Its argument is the bytes
// of a Batch.
const BatchFunction = BatchContract + ":Execute"

// MaxHintedCredits is how many credits one command may fold.
const MaxHintedCredits = 64

// Bounds of one batch. A transaction costs the network what two hundred payments do, so that a batch is as large as the 50 ms allow that
// the design gives one call (BenchmarkPaymentsMost in chaincode/door: 33 to 44 ms on two cores).
const (
	MaxBatchBytes   = 2 << 20
	MaxBatchIntents = 2000
)

// MaxRoundKeys is how many keys a transaction reads at once at most: what the largest batch may name.
const MaxRoundKeys = 12_000

// Operations is the operation table.
var Operations = []Operation{
	{TokenContract, "Mint", 0, Write, Role_ROLE_TREASURER, &Mint{}, &MintView{}, MintType, "POST", "/v1/mints", ScopeTreasury,
		[]Code{ReferenceUsed, BelowMinimum, OverCap}, "Create CMT for a deposit outside the ledger."},
	{TokenContract, "Burn", 0, Write, Role_ROLE_TREASURER, &Burn{}, &BurnView{}, BurnType, "POST", "/v1/burns", ScopeTreasury,
		[]Code{ReferenceUsed, InsufficientFunds}, "Destroy CMT of the actor's own for a withdrawal outside the ledger."},
	{TokenContract, "Transfer", 1, Write, 0, &Transfer{}, &TransferView{}, TransferType, "POST", "/v1/transfers", ScopePay,
		[]Code{ReferenceUsed, SameAccount, BelowMinimum, InsufficientFunds}, "Pay: debit the actor and give the receiver a credit."},
	{TokenContract, "Sweep", 2, Write, 0, &Sweep{}, &SweepView{}, "", "POST", "/v1/sweeps", ScopePay,
		[]Code{NotAParty, NoCredits}, "Fold the actor's named credits into its account."},
	{TokenContract, "VoidNonce", 3, Write, 0, &VoidNonce{}, &NonceView{}, "", "", "", "",
		[]Code{NonceUsed}, "Use a nonce up, so that no intent that bears it can happen any more."},
	{TokenContract, "MoveHome", 4, Write, 0, &MoveHome{}, &HomeView{}, "", "", "", "",
		[]Code{NotFound}, "Make another member the home of the actor's account; the first is whoever carried its first intent."},
	{TokenContract, "Payout", 5, Write, 0, &Payout{}, &PayoutView{}, PayoutType, "POST", "/v1/payouts", ScopePay,
		[]Code{ReferenceUsed, SameAccount, BelowMinimum, InsufficientFunds}, "Pay up to 500 receivers at once, all or none: debit the actor and give each a credit."},
	{TokenContract, "GetPayout", 0, Query, 0, &GetPayout{}, &PayoutView{}, "", "GET", "/v1/payouts/{payout}", ScopeRead,
		[]Code{NotFound}, "Look up a payout."},
	{TokenContract, "Approve", 6, Write, 0, &Approve{}, &AllowanceView{}, "", "POST", "/v1/allowances", ScopePay,
		[]Code{ValueStale, SameAccount, BelowMinimum, InsufficientFunds}, "Set what a spender may draw: the money moves out of the actor's account into the allowance, or back."},
	{TokenContract, "TransferFrom", 7, Write, 0, &TransferFrom{}, &TransferView{}, TransferType, "POST", "/v1/transfers/from", ScopePay,
		[]Code{ReferenceUsed, SameAccount, BelowMinimum, NotEnoughHeld}, "Pay from an allowance that its owner gave the actor."},
	{TokenContract, "GetAllowance", 0, Query, 0, &GetAllowance{}, &AllowanceView{}, "", "GET", "/v1/accounts/{owner}/allowances/{spender}", ScopeRead,
		nil, "What is left of an allowance."},
	{TokenContract, "ListAllowances", 0, Query, 0, &ListAllowances{}, &AllowancePage{}, "", "GET", "/v1/accounts/{owner}/allowances", ScopeRead,
		nil, "The allowances that an account gave, page by page."},
	{TokenContract, "PlaceHold", 8, Write, 0, &PlaceHold{}, &HoldView{}, HoldType, "POST", "/v1/holds", ScopePay,
		[]Code{ReferenceUsed, SameAccount, BelowMinimum, DeadlineOutOfRange, InsufficientFunds}, "Set money aside for a payee, who captures it before it expires."},
	{TokenContract, "CaptureHold", 9, Write, 0, &CaptureHold{}, &HoldView{}, "", "POST", "/v1/holds/{hold}/capture", ScopePay,
		[]Code{NotFound, NotAParty, WrongState, ValueStale, BelowMinimum, DeadlinePassed, NotEnoughHeld}, "Pay the payee from a hold, in part or whole."},
	{TokenContract, "VoidHold", 70, Write, 0, &VoidHold{}, &HoldView{}, "", "POST", "/v1/holds/{hold}/void", ScopePay,
		[]Code{NotFound, NotAParty, WrongState}, "The payee, or who captures for it, gives what is still held back to the payer."},
	{TokenContract, "ExpireHold", 71, Write, 0, &ExpireHold{}, &HoldView{}, "", "POST", "/v1/holds/{hold}/expire", ScopePay,
		[]Code{NotFound, WrongState, NotDue}, "Anyone gives what was not captured in time back to the payer."},
	{TokenContract, "GetHold", 0, Query, 0, &GetHold{}, &HoldView{}, "", "GET", "/v1/holds/{hold}", ScopeRead,
		[]Code{NotFound}, "Look up a hold."},
	{TokenContract, "GetTransfer", 0, Query, 0, &GetTransfer{}, &TransferView{}, "", "GET", "/v1/transfers/{transfer}", ScopeRead,
		[]Code{NotFound}, "Look up a transfer."},
	{TokenContract, "GetMint", 0, Query, 0, &GetMint{}, &MintView{}, "", "GET", "/v1/mints/{mint}", ScopeRead,
		[]Code{NotFound}, "Look up a mint."},
	{TokenContract, "GetBurn", 0, Query, 0, &GetBurn{}, &BurnView{}, "", "GET", "/v1/burns/{burn}", ScopeRead,
		[]Code{NotFound}, "Look up a burn."},
	{TokenContract, "GetBalance", 0, Query, 0, &GetBalance{}, &Balance{}, "", "GET", "/v1/accounts/{address}", ScopeRead,
		nil, "What an account has: in itself, in open credits, and held."},
	{TokenContract, "ListCredits", 0, Query, 0, &ListCredits{}, &CreditPage{}, "", "GET", "/v1/accounts/{address}/credits", ScopeRead,
		nil, "An account's open credits, page by page."},
	{TokenContract, "GetSupply", 0, Query, 0, &GetSupply{}, &Supply{}, "", "GET", "/v1/supply", ScopeRead,
		nil, "How much CMT there is."},

	{MarketContract, "CreateListing", 10, Write, 0, &CreateListing{}, &ListingView{}, ListingType, "POST", "/v1/listings", ScopeSell,
		[]Code{ReferenceUsed, BelowMinimum}, "Offer something for sale."},
	{MarketContract, "EditListing", 11, Write, 0, &EditListing{}, &ListingView{}, "", "PUT", "/v1/listings/{listing}", ScopeSell,
		[]Code{NotFound, NotAParty, ListingClosed, ListingSuspended, VersionStale, BelowMinimum}, "Replace a listing's terms by a new version; orders already placed keep theirs."},
	{MarketContract, "CloseListing", 12, Write, 0, &CloseListing{}, &ListingView{}, "", "POST", "/v1/listings/{listing}/close", ScopeSell,
		[]Code{NotFound, NotAParty, ListingClosed}, "Stop selling for good; orders already placed go on."},
	{MarketContract, "SuspendListing", 0, Write, Role_ROLE_OPERATOR, &SuspendListing{}, &ListingView{}, "", "POST", "/v1/listings/{listing}/suspend", ScopeSell,
		[]Code{NotFound, WrongState, ListingClosed}, "The operator stops a listing's sale, with a reason; orders already placed go on."},
	{MarketContract, "ResumeListing", 0, Write, Role_ROLE_OPERATOR, &ResumeListing{}, &ListingView{}, "", "POST", "/v1/listings/{listing}/resume", ScopeSell,
		[]Code{NotFound, WrongState, ListingClosed}, "The operator lets a listing be sold again, as a new version with the same terms."},
	{MarketContract, "GetListing", 0, Query, 0, &GetListing{}, &ListingView{}, "", "GET", "/v1/listings/{listing}", ScopeRead,
		[]Code{NotFound}, "Look up a listing and the lots of its stock."},
	{MarketContract, "PlaceOrder", 20, Write, 0, &PlaceOrder{}, &OrderView{}, OrderType, "POST", "/v1/orders", ScopeBuy,
		[]Code{BadDiscount, ReferenceUsed, NotFound, NotAParty, ListingClosed, ListingSuspended, VersionStale, DiscountUsed, SameAccount, DiscountMismatch, TotalMismatch, BelowMinimum, DeadlinePassed, LotEmpty, InsufficientFunds}, "Buy: take stock and have the money held."},
	{MarketContract, "PlaceCart", 41, Write, 0, &PlaceCart{}, &OrderView{}, OrderType, "POST", "/v1/carts", ScopeBuy,
		[]Code{BadDiscount, ReferenceUsed, NotFound, NotAParty, ListingClosed, ListingSuspended, VersionStale, DiscountUsed, SameAccount, CartMismatch, DiscountMismatch, TotalMismatch, BelowMinimum, DeadlinePassed, LotEmpty, InsufficientFunds}, "Buy several listings of one seller in one order: all or nothing."},
	{MarketContract, "OfferDiscount", 42, Write, 0, &OfferDiscount{}, &DiscountView{}, DiscountType, "POST", "/v1/discounts", ScopeSell,
		[]Code{ReferenceUsed, SameAccount, DiscountMismatch, DeadlineOutOfRange}, "A seller offers a buyer a discount on one order; a key may sign one off the ledger instead."},
	{MarketContract, "GetDiscount", 0, Query, 0, &GetDiscount{}, &DiscountView{}, "", "GET", "/v1/discounts/{discount}", ScopeRead,
		[]Code{NotFound}, "Look up a discount, and the order that used it."},
	{MarketContract, "AcceptOrder", 21, Write, 0, &AcceptOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/accept", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "The seller takes the order."},
	{MarketContract, "ShipOrder", 22, Write, 0, &ShipOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/ship", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed, NotEnoughHeld}, "The seller says that it, or a part of it, is on its way; no clock starts."},
	{MarketContract, "HandOverOrder", 23, Write, 0, &HandOverOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/hand-over", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed, WrongCode}, "A party reveals the buyer's code: hand-over is proven and the release clock starts."},
	{MarketContract, "ReportDelivery", 0, Write, Role_ROLE_CARRIER, &ReportDelivery{}, &OrderView{}, "", "POST", "/v1/orders/{order}/report-delivery", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "A carrier that is no party says it was delivered, and the release clock starts; or that what was sent back is back."},
	{MarketContract, "ConfirmOrder", 24, Write, 0, &ConfirmOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/confirm", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, BelowMinimum, NotEnoughHeld}, "The buyer releases the money, or a part of it, to the seller."},
	{MarketContract, "CancelOrder", 25, Write, 0, &CancelOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/cancel", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState}, "Either side calls it off before shipment: refund, and the stock comes back."},
	{MarketContract, "RefundOrder", 26, Write, 0, &RefundOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/refund", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, BelowMinimum, NotEnoughHeld}, "The seller gives the money, or a part of it, back."},
	{MarketContract, "ExpireOrder", 27, Write, 0, &ExpireOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/expire", ScopeBuy,
		[]Code{NotFound, WrongState, NotDue}, "Anyone refunds what was not shipped, proven, done or taken back in time."},
	{MarketContract, "ReleaseOrder", 28, Write, 0, &ReleaseOrder{}, &OrderView{}, "", "POST", "/v1/orders/{order}/release", ScopeSell,
		[]Code{NotFound, WrongState, NotDue}, "Anyone pays the seller once the release is due."},
	{MarketContract, "ReportMilestone", 30, Write, 0, &ReportMilestone{}, &MilestonesView{}, "", "POST", "/v1/orders/{order}/report-milestone", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "The seller says that a milestone of a service is done: its release clock starts."},
	{MarketContract, "ReleaseMilestone", 31, Write, 0, &ReleaseMilestone{}, &OrderView{}, "", "POST", "/v1/orders/{order}/release-milestone", ScopeBuy,
		[]Code{NotFound, WrongState, NotDue}, "The buyer pays for a milestone, or anyone once it is due."},
	{MarketContract, "ProposeSplit", 32, Write, 0, &ProposeSplit{}, &OrderView{}, "", "POST", "/v1/orders/{order}/split", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, NotEnoughHeld}, "A side proposes how to split what is held."},
	{MarketContract, "AgreeSplit", 33, Write, 0, &AgreeSplit{}, &OrderView{}, "", "POST", "/v1/orders/{order}/split/agree", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, SplitMismatch}, "The other side agrees: the split is paid out and ends the order."},
	{MarketContract, "AskReturn", 34, Write, 0, &AskReturn{}, &OrderView{}, "", "POST", "/v1/orders/{order}/return", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "The buyer asks to send it back, once: the release clock stops."},
	{MarketContract, "AcceptReturn", 35, Write, 0, &AcceptReturn{}, &OrderView{}, "", "POST", "/v1/orders/{order}/return/accept", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "The seller takes it back."},
	{MarketContract, "DeclineReturn", 36, Write, 0, &DeclineReturn{}, &OrderView{}, "", "POST", "/v1/orders/{order}/return/decline", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "The seller does not take it back: the release clock goes on."},
	{MarketContract, "ShipReturn", 37, Write, 0, &ShipReturn{}, &OrderView{}, "", "POST", "/v1/orders/{order}/return/ship", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed, NotDue}, "The buyer says it is on its way back; silence of the seller is consent."},
	{MarketContract, "GetMilestones", 0, Query, 0, &GetMilestones{}, &MilestonesView{}, "", "GET", "/v1/orders/{order}/milestones", ScopeRead,
		[]Code{NotFound}, "Look up the milestones of a service."},
	{MarketContract, "GetOrder", 0, Query, 0, &GetOrder{}, &OrderView{}, "", "GET", "/v1/orders/{order}", ScopeRead,
		[]Code{NotFound}, "Look up an order."},

	{MarketContract, "OpenAuction", 60, Write, 0, &OpenAuction{}, &AuctionView{}, AuctionType, "POST", "/v1/auctions", ScopeSell,
		[]Code{ReferenceUsed, NotFound, NotAParty, ListingClosed, ListingSuspended, VersionStale, BelowMinimum, DeadlineOutOfRange, LotEmpty}, "Sell some of a listing's stock to whoever bids most."},
	{MarketContract, "PlaceBid", 61, Write, 0, &PlaceBid{}, &BidView{}, "", "POST", "/v1/auctions/{auction}/bids", ScopeBuy,
		[]Code{NotFound, WrongState, ValueStale, SameAccount, BidTooLow, DeadlinePassed, InsufficientFunds}, "Beat the highest bid: the money is held, and the beaten bidder's comes back."},
	{MarketContract, "CloseAuction", 62, Write, 0, &CloseAuction{}, &AuctionView{}, "", "POST", "/v1/auctions/{auction}/close", ScopeBuy,
		[]Code{NotFound, WrongState, ValueStale, NotDue}, "Anyone ends an auction whose time is over: the highest bid becomes an order, or its money comes back."},
	{MarketContract, "CancelAuction", 63, Write, 0, &CancelAuction{}, &AuctionView{}, "", "POST", "/v1/auctions/{auction}/cancel", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState}, "The seller takes an auction back that nobody bid in."},
	{MarketContract, "GetAuction", 0, Query, 0, &GetAuction{}, &AuctionView{}, "", "GET", "/v1/auctions/{auction}", ScopeRead,
		[]Code{NotFound}, "Look up an auction and its highest bid."},
	{MarketContract, "ListBids", 0, Query, 0, &ListBids{}, &BidPage{}, "", "GET", "/v1/auctions/{auction}/bids", ScopeRead,
		nil, "An auction's bids, page by page."},

	{MarketContract, "MakeOffer", 50, Write, 0, &MakeOffer{}, &OfferView{}, OfferType, "POST", "/v1/listings/{listing}/offers", ScopeBuy,
		[]Code{ReferenceUsed, NotFound, ListingClosed, ListingSuspended, VersionStale, SameAccount, BelowMinimum, DeadlineOutOfRange, InsufficientFunds}, "Haggle: offer a total of the buyer's own for a listing and have it held."},
	{MarketContract, "CounterOffer", 51, Write, 0, &CounterOffer{}, &OfferView{}, "", "POST", "/v1/listings/{listing}/offers/{offer}/counter", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, BelowMinimum, DeadlinePassed}, "The seller names the total that it would take instead; the offer stands."},
	{MarketContract, "AcceptOffer", 52, Write, 0, &AcceptOffer{}, &OfferView{}, "", "POST", "/v1/listings/{listing}/offers/{offer}/accept", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed, LotEmpty}, "The seller takes the offer: it becomes an order, which holds the money."},
	{MarketContract, "AcceptCounter", 53, Write, 0, &AcceptCounter{}, &OfferView{}, "", "POST", "/v1/listings/{listing}/offers/{offer}/accept-counter", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, ListingClosed, ListingSuspended, VersionStale, TotalMismatch, DeadlinePassed, LotEmpty, InsufficientFunds}, "The buyer takes the seller's total: the difference is topped up or given back, and the offer becomes an order."},
	{MarketContract, "DeclineOffer", 54, Write, 0, &DeclineOffer{}, &OfferView{}, "", "POST", "/v1/listings/{listing}/offers/{offer}/decline", ScopeSell,
		[]Code{NotFound, NotAParty, WrongState}, "The seller turns the offer down: the buyer has the money back."},
	{MarketContract, "WithdrawOffer", 55, Write, 0, &WithdrawOffer{}, &OfferView{}, "", "POST", "/v1/listings/{listing}/offers/{offer}/withdraw", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState}, "The buyer takes the offer and the money back."},
	{MarketContract, "ExpireOffer", 56, Write, 0, &ExpireOffer{}, &OfferView{}, "", "POST", "/v1/listings/{listing}/offers/{offer}/expire", ScopeBuy,
		[]Code{NotFound, WrongState, NotDue}, "Anyone gives the buyer the money back once the offer's time is over."},
	{MarketContract, "GetOffer", 0, Query, 0, &GetOffer{}, &OfferView{}, "", "GET", "/v1/listings/{listing}/offers/{offer}", ScopeRead,
		[]Code{NotFound}, "Look up an offer."},
	{MarketContract, "ListOffers", 0, Query, 0, &ListOffers{}, &OfferPage{}, "", "GET", "/v1/listings/{listing}/offers", ScopeRead,
		nil, "A listing's offers, page by page."},

	{MarketContract, "GiveReview", 57, Write, 0, &GiveReview{}, &ReviewView{}, "", "POST", "/v1/orders/{order}/reviews", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "One side of a settled order rates the other, once."},
	{MarketContract, "GetReviews", 0, Query, 0, &GetReviews{}, &OrderReviews{}, "", "GET", "/v1/orders/{order}/reviews", ScopeRead,
		[]Code{NotFound}, "What the sides of an order say of each other."},

	{MarketContract, "OpenDispute", 80, Write, 0, &OpenDispute{}, &DisputeView{}, "", "POST", "/v1/orders/{order}/dispute", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "A side contests what was shipped, done or sent back before it is settled: the clocks stop, and a panel of arbiters is named."},
	{MarketContract, "AnswerDispute", 81, Write, 0, &AnswerDispute{}, &DisputeView{}, "", "POST", "/v1/orders/{order}/dispute/answer", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "The other side answers, once: the panel may vote from then on."},
	{MarketContract, "SubmitEvidence", 82, Write, 0, &SubmitEvidence{}, &EvidenceView{}, "", "POST", "/v1/orders/{order}/dispute/evidence", ScopeBuy,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed}, "Either side names a piece of evidence by its hash."},
	{MarketContract, "VoteDispute", 0, Write, Role_ROLE_ARBITER, &VoteDispute{}, &VoteView{}, "", "POST", "/v1/orders/{order}/dispute/votes", ScopeArbitrate,
		[]Code{NotFound, NotAParty, WrongState, DeadlinePassed, NotDue}, "An arbiter organisation on the panel votes the buyer's share, once."},
	{MarketContract, "RuleDispute", 83, Write, 0, &RuleDispute{}, &DisputeView{}, "", "POST", "/v1/orders/{order}/dispute/rule", ScopeBuy,
		[]Code{NotFound, WrongState, NotDue}, "Anyone settles the order by the median of the votes once a quorum voted, or by the default when time is over."},
	{MarketContract, "GetDispute", 0, Query, 0, &GetDispute{}, &DisputeView{}, "", "GET", "/v1/orders/{order}/dispute", ScopeRead,
		[]Code{NotFound}, "Look up an order's dispute, its evidence and its votes."},

	{ConsortiumContract, "Genesis", 0, Write, 0, &Genesis{}, &Parameters{}, "", "", "", "",
		[]Code{AlreadyInitialised, GenesisMismatch}, "Begin the ledger, once, as every endorsing organisation was configured."},
	{ConsortiumContract, "Fence", 0, Write, 0, &Fence{}, &FenceView{}, "", "POST", "/v1/fences", ScopePay,
		[]Code{WrongState, FenceTooEarly}, "Anyone ends an epoch: what was endorsed in it and not committed is void."},
	{ConsortiumContract, "GetParameters", 0, Query, 0, &GetParameters{}, &Parameters{}, "", "GET", "/v1/parameters", ScopeRead,
		nil, "The ledger's parameters."},
	{ConsortiumContract, "GetMember", 0, Query, 0, &GetMember{}, &Member{}, "", "GET", "/v1/members/{msp_id}", ScopeRead,
		[]Code{NotFound}, "A member organisation and its roles."},
}

// FormErrors are the refusals that every operation has before its rule is asked.
var FormErrors = []Code{UnknownOperation, WrongArgumentCount, BodyTooLarge, Malformed, DuplicateField, UnknownField, MissingField, InvalidField}

// CallerErrors are the refusals that every operation has because of who asks, or when.
var CallerErrors = []Code{TimestampOutOfRange, NotAMember, NotAClient, RoleRequired, NotInitialised, Fenced}
