package ledger

import (
	"cmp"
	"encoding/binary"
	"strconv"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Kind is the kind of a record.
type Kind uint8

// The kinds of records, in the order in which changes are written.
const (
	ParametersKind Kind = iota + 1
	MemberKind
	SupplyKind
	FenceKind
	AccountKind
	CreditKind
	HoldKind
	TransferKind
	MintKind
	BurnKind
	ListingKind
	VersionKind
	EndKind
	LotKind
	OrderKind
	PayoutKind
	AllowanceKind
	TokenHoldKind
	AuctionKind
	BidKind
	MilestonesKind
	OfferKind
	ReviewKind
	DisputeKind
	VoteKind
	EvidenceKind
	ArbitersKind
	LinesKind
	DiscountKind
	DiscountUseKind
)

// Key names a record. Parent groups records that are listed together; ID tells them apart. Both are raw octets (text for
// members and fences); package state gives them their form on the ledger.
type Key struct {
	Kind   Kind
	Parent string
	ID     string
}

// Compare orders keys by kind, parent and identifier.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Kind, other.Kind), cmp.Compare(k.Parent, other.Parent), cmp.Compare(k.ID, other.ID))
}

// The keys of the records.

// ParametersKey is the key of the one Parameters record.
func ParametersKey() Key { return Key{Kind: ParametersKind} }

// SupplyKey is the key of the one Supply record, which only minting and burning touch.
func SupplyKey() Key { return Key{Kind: SupplyKind} }

// MemberKey is the key of a member organisation.
func MemberKey(mspID string) Key { return Key{Kind: MemberKind, ID: mspID} }

// FenceKey is the key of an epoch's fence; the epoch is in decimal.
func FenceKey(epoch uint64) Key { return Key{Kind: FenceKind, ID: strconv.FormatUint(epoch, 10)} }

// AccountKey is the key of an account.
func AccountKey(a spec.Address) Key { return Key{Kind: AccountKind, ID: a.Octets()} }

// CreditKey is the key of an open credit of an account.
func CreditKey(a spec.Address, name spec.CreditName) Key {
	return Key{Kind: CreditKind, Parent: a.Octets(), ID: string(name.Bytes())}
}

// HoldKey is the key of an account's money that an order holds.
func HoldKey(a spec.Address, order spec.ID) Key {
	return Key{Kind: HoldKind, Parent: a.Octets(), ID: string(order[:])}
}

// TransferKey is the key of a transfer.
func TransferKey(id spec.ID) Key { return Key{Kind: TransferKind, ID: string(id[:])} }

// MintKey is the key of a mint.
func MintKey(id spec.ID) Key { return Key{Kind: MintKind, ID: string(id[:])} }

// BurnKey is the key of a burn.
func BurnKey(id spec.ID) Key { return Key{Kind: BurnKind, ID: string(id[:])} }

// ListingKey is the key of a listing's head.
func ListingKey(id spec.ID) Key { return Key{Kind: ListingKind, ID: string(id[:])} }

// VersionKey is the key of a listing's version.
func VersionKey(listing spec.ID, version uint32) Key {
	return Key{Kind: VersionKind, Parent: string(listing[:]), ID: versionID(version)}
}

// EndKey is the key of the mark that a listing's version takes no more orders.
func EndKey(listing spec.ID, version uint32) Key {
	return Key{Kind: EndKind, Parent: string(listing[:]), ID: versionID(version)}
}

// bidNumber is the inverse of BidKey.
func bidNumber(key Key) uint32 { return binary.BigEndian.Uint32([]byte(key.ID)) }

func versionID(version uint32) string { return string(binary.BigEndian.AppendUint32(nil, version)) }

// LotKey is the key of a lot of a listing's stock.
func LotKey(listing, lot spec.ID) Key {
	return Key{Kind: LotKind, Parent: string(listing[:]), ID: string(lot[:])}
}

// OrderKey is the key of an order.
func OrderKey(id spec.ID) Key { return Key{Kind: OrderKind, ID: string(id[:])} }

// PayoutKey is the key of a payout.
func PayoutKey(id spec.ID) Key { return Key{Kind: PayoutKind, ID: string(id[:])} }

// AllowanceKey is the key of what a spender may draw of an owner's money.
func AllowanceKey(owner, spender spec.Address) Key {
	return Key{Kind: AllowanceKind, Parent: owner.Octets(), ID: spender.Octets()}
}

// TokenHoldKey is the key of a token hold. Its money lies under HoldKey, as an order's does.
func TokenHoldKey(id spec.ID) Key { return Key{Kind: TokenHoldKind, ID: string(id[:])} }

// AuctionKey is the key of an auction.
func AuctionKey(id spec.ID) Key { return Key{Kind: AuctionKind, ID: string(id[:])} }

// BidKey is the key of an auction's n-th bid, counted from 1. Its money lies under HoldKey with the order that it may become.
func BidKey(auction spec.ID, n uint32) Key {
	return Key{Kind: BidKind, Parent: string(auction[:]), ID: versionID(n)}
}

// MilestonesKey is the key of an order's milestones.
func MilestonesKey(order spec.ID) Key { return Key{Kind: MilestonesKind, ID: string(order[:])} }

// OfferKey is the key of a buyer's offer on a listing.
func OfferKey(listing, offer spec.ID) Key {
	return Key{Kind: OfferKind, Parent: string(listing[:]), ID: string(offer[:])}
}

// ReviewKey is the key of what one side of an order says of the other.
func ReviewKey(order spec.ID, by spec.Side) Key {
	return Key{Kind: ReviewKind, Parent: string(order[:]), ID: string([]byte{byte(by)})}
}

// DisputeKey is the key of an order's dispute.
func DisputeKey(order spec.ID) Key { return Key{Kind: DisputeKind, ID: string(order[:])} }

// VoteKey is the key of an arbiter organisation's vote on a dispute.
func VoteKey(order spec.ID, mspID string) Key {
	return Key{Kind: VoteKind, Parent: string(order[:]), ID: mspID}
}

// EvidenceKey is the key of a piece of evidence; each side numbers its own.
func EvidenceKey(order spec.ID, by spec.Side, number uint32) Key {
	return Key{Kind: EvidenceKind, Parent: string(order[:]), ID: string([]byte{byte(by), byte(number)})}
}

// ArbitersKey is the key of the one record of who may be on a panel.
func ArbitersKey() Key { return Key{Kind: ArbitersKind} }

// LinesKey is the key of a cart's lines.
func LinesKey(order spec.ID) Key { return Key{Kind: LinesKind, ID: string(order[:])} }

// DiscountKey is the key of a discount that a seller offered on the ledger.
func DiscountKey(id spec.ID) Key { return Key{Kind: DiscountKind, ID: string(id[:])} }

// DiscountUseKey is the key of the mark that a discount was used.
func DiscountUseKey(id spec.ID) Key { return Key{Kind: DiscountUseKind, ID: string(id[:])} }

// Record is what is stored under a key. Records are values: a rule changes a copy and puts it back.
type Record interface{ Kind() Kind }

// Parameters are what genesis fixed. Durations are in seconds.
type Parameters struct {
	LedgerID          [16]byte
	FeeAccount        spec.Address
	Treasury          spec.Address
	FeeBps            uint32
	CreditMinimum     spec.Amount
	ShipSeconds       uint32
	ReleaseSeconds    uint32
	ProtectionSeconds uint32
	FenceEpochSeconds uint32
	FenceGraceSeconds uint32
	// HoldSeconds is the longest time that a token hold may last.
	HoldSeconds uint32
	// AuctionSeconds is the longest time that an auction may run before extensions, AuctionExtensionSeconds how long it stays
	// open at least after each bid.
	AuctionSeconds, AuctionExtensionSeconds uint32
	ReturnSeconds                           uint32
	OfferSeconds                            uint32
	ReviewSeconds                           uint32
	AnswerSeconds                           uint32
	DisputeSeconds                          uint32
	// PanelSize is odd. The panel's fee is a share of what it rules on, in hundredths of a percent, up to the cap.
	PanelSize   uint32
	PanelFeeBps uint32
	PanelFeeCap spec.Amount
}

// Member is an organisation on the ledger.
type Member struct {
	MSPID string
	// Roles has bit 1<<role set for each role.
	Roles uint32
	// Index is a short name for the member, from 1, never given to another.
	Index uint32
}

// Has reports whether the member has the role.
func (m Member) Has(role spec.Role) bool { return m.Roles&(1<<uint32(role)) != 0 }

// Supply counts what was created and destroyed; the difference is what there is.
type Supply struct{ Minted, Burnt spec.Amount }

// Total is all CMT there is.
func (s Supply) Total() spec.Amount {
	total, _ := s.Minted.Sub(s.Burnt)
	return total
}

// Fence marks an epoch whose endorsements can no longer commit. It is never deleted.
type Fence struct {
	// Time is when it was written, in Unix seconds.
	Time int64
}

// Account is an account's own money and the nonces that its key used. Only its owner's transactions and its home's rewrite it.
type Account struct {
	Balance spec.Amount
	Nonces  Nonces
	// Home is the index of the member that carried the owner's first intent, or that the owner moved to; 0 for none. It alone may pay into the account
	// directly and fold its credits.
	Home uint32
}

// Credit is money that somebody gave an account and its owner has not folded in yet.
type Credit struct {
	Amount spec.Amount
	Cause  spec.CreditKind
}

// Hold is money that left an account and lies with an order until it settles.
type Hold struct{ Amount spec.Amount }

// Transfer is the fact of a payment.
type Transfer struct {
	From, To spec.Address
	Amount   spec.Amount
	Memo     string
	Time     int64
}

// Mint is the fact of a creation of CMT.
type Mint struct {
	To     spec.Address
	Amount spec.Amount
	Time   int64
}

// Burn is the fact of a destruction of CMT.
type Burn struct {
	From   spec.Address
	Amount spec.Amount
	Time   int64
}

// Listing is the head of a listing, which only its seller reads and writes.
type Listing struct {
	Seller  spec.Address
	Version uint32
	Closed  bool
	// Suspended by the operator, for the reason; the last reason stays after it was resumed.
	Suspended            bool
	Reason               string
	ReasonHash           [32]byte
	CreatedAt, UpdatedAt int64
}

// Version is a listing's terms. It is never rewritten: an order names it.
type Version struct {
	Seller spec.Address
	// SellerMember is the index of the organisation behind the seller, which may not judge or carry for it.
	SellerMember   uint32
	Price          spec.Amount
	ShippingPrice  spec.Amount
	Category       string
	Region         string
	ContentHash    [32]byte
	AcceptRequired bool
	// Milestones are a service's, their shares in hundredths of a percent; goods have none.
	Milestones [MaxMilestones]uint32
	// VariantPrices are those of the further variants, from 1; those behind the last are nothing.
	VariantPrices [MaxVariants - 1]spec.Amount
	CreatedAt     int64
}

// MaxVariants is how many variants a version may have, MaxLots into how many lots the stock of one is divided at most.
const (
	MaxVariants = 16
	MaxLots     = 16
)

// End marks that a version takes no more orders. It is never rewritten.
type End struct {
	Cause EndCause
	Time  int64
}

// EndCause is why a version takes no more orders.
type EndCause uint8

// The causes.
const (
	// Edited: a newer version took its place.
	Edited EndCause = iota
	Closed
	// Suspended: if the listing was resumed since, a newer version took its place.
	Suspended
)

// Lot is a part of the stock of a listing's variant.
type Lot struct{ Stock, Variant uint32 }

// Order is a purchase, with the terms it was funded under. Times are Unix seconds; a hash that is not given is zero. It is
// written at each step of a purchase, so it has nothing that follows from elsewhere: what it still holds and what fee was paid are
// the methods Held and Fee.
type Order struct {
	State         spec.OrderState
	Buyer, Seller spec.Address
	// BuyerMember and SellerMember are the indexes of the organisations behind the sides, which may not judge or carry for them.
	BuyerMember, SellerMember uint32
	Listing                   spec.ID
	Version, Quantity         uint32
	// Total is what was paid, less Discount.
	Total, Discount spec.Amount
	// Released is what left the hold for the seller so far, the fee included; Refunded what went back to the buyer.
	Released, Refunded spec.Amount
	// PanelPaid is what its arbiters were paid of it.
	PanelPaid      spec.Amount
	FeeBps         uint32
	ReleaseSeconds uint32
	ReturnSeconds  uint32
	// Variant is the listing's.
	Variant uint32
	// Shipped counts the units on their way, through the lines in their order, while others have to follow; 0 otherwise.
	Shipped uint32
	// Milestones counts those of a service, which lie in a record of their own.
	Milestones uint32
	// Lines counts those of a cart, which lie in a record of their own; the order's listing is the first one's then, its quantity that of all.
	Lines uint32
	// SplitBy proposes that the seller has SplitAmount of what is held.
	SplitBy            spec.Side
	SplitAmount        spec.Amount
	PlacedAt           int64
	UpdatedAt          int64
	ShipDeadline       int64
	ProtectionDeadline int64
	// ReleaseDue is 0 until hand-over is proven.
	ReleaseDue int64
	// ReturnDue is when the next step of a return has to be taken, and 0 until one is asked; a return is asked once.
	ReturnDue int64
	// ReturnSent is the buyer's word that it went back, ReturnProven a carrier's that it is back.
	ReturnSent, ReturnProven bool
	HandOverHash             [32]byte
	DeliveryHash             [32]byte
	TrackingHash             [32]byte
	ProofHash                [32]byte
	ReturnHash               [32]byte
	ReturnTrackingHash       [32]byte
	ReturnProofHash          [32]byte
}

// MaxLines is how many lines a cart may have.
const MaxLines = 16

// Line is so many units of one thing in a cart, at the price that it was ordered for.
type Line struct {
	Listing                    spec.ID
	Version, Variant, Quantity uint32
	Price                      spec.Amount
}

// Lines are what a cart is of; those behind the order's number of them are empty. They are never rewritten.
type Lines [MaxLines]Line

// Discount is what a seller takes off the goods of one order of a buyer's. It is never rewritten.
type Discount struct {
	Seller, Buyer spec.Address
	Reference     string
	// Listing is whose goods it is on; zero for all of the seller's in the order.
	Listing spec.ID
	// Minimum is what those goods must cost at least.
	Minimum spec.Amount
	// Amount is what it takes off, or Bps the share in hundredths of a percent; the other is zero.
	Amount     spec.Amount
	Bps        uint32
	ValidUntil int64
}

// DiscountUse marks that a discount was used, whether it was signed or lies on the ledger. It is never rewritten.
type DiscountUse struct{ Order spec.ID }

// MaxMilestones is how many milestones a service may have.
const MaxMilestones = 8

// Milestone is a part of a service.
type Milestone struct {
	// ShareBps is its share of the order's total.
	ShareBps uint32
	// Due is when anyone may release it; 0 until it is reported done.
	Due       int64
	Released  bool
	ProofHash [32]byte
}

// Milestones are the parts of an order of a service; those behind the order's number of them are empty.
type Milestones [MaxMilestones]Milestone

// Payout is the fact of a payment to many. Who received what is in its transaction: a copy would cost 20 KB.
type Payout struct {
	From  spec.Address
	Count uint32
	Total spec.Amount
	Memo  string
	Time  int64
}

// Allowance is money that its owner set apart for a spender to draw.
type Allowance struct{ Amount spec.Amount }

// TokenHold is money set aside for a payee until it is captured, voided or expired. Times are Unix seconds.
type TokenHold struct {
	State        spec.HoldState
	Payer, Payee spec.Address
	// Arbiter captures: the payee, unless the payer named another.
	Arbiter          spec.Address
	Amount, Captured spec.Amount
	PlacedAt         int64
	UpdatedAt        int64
	ExpiresAt        int64
	Memo             string
}

// Auction is an offer to whoever bids most. Bids do not rewrite it. Times are Unix seconds.
type Auction struct {
	State                     spec.AuctionState
	Seller                    spec.Address
	Listing                   spec.ID
	Version, Quantity         uint32
	StartPrice, Reserve, Step spec.Amount
	OpenedAt, EndsAt          int64
	ExtensionSeconds          uint32
	// Bids is how many there were, once it is closed.
	Bids uint32
}

// Bid is one bid of an auction. It is never rewritten: the next one beats it.
type Bid struct {
	Bidder spec.Address
	// Member is the index of the organisation behind the bidder.
	Member uint32
	Amount spec.Amount
	Time   int64
	// EndsAt is until when it could be beaten.
	EndsAt                     int64
	HandOverHash, DeliveryHash [32]byte
}

// Offer is what a buyer would pay for a part of a listing. The money lies in a hold under the offer's identifier; the order that
// an accepted offer becomes has the same digest, and so the same hold.
type Offer struct {
	State                     spec.OfferState
	Buyer, Seller             spec.Address
	BuyerMember, SellerMember uint32
	Version, Quantity         uint32
	Total                     spec.Amount
	// Counter is what the seller wants instead, 0 when it said nothing.
	Counter              spec.Amount
	CreatedAt, UpdatedAt int64
	ExpiresAt            int64
	HandOverHash         [32]byte
	DeliveryHash         [32]byte
}

// Review is what one side of a settled order says of the other. It is never rewritten, and nothing adds reviews up here.
type Review struct {
	// Rating is from 1 to 5.
	Rating      uint32
	ContentHash [32]byte
	Time        int64
}

// Arbiters are the members that have the arbiter role: a writing transaction may not range over the members to find them.
type Arbiters struct {
	// Names are theirs in the order of the members, by commas, each behind the member's index and a colon.
	Names string
}

// Dispute is the contest of an order. Whether it is open is the order's to say, which its sides may settle by themselves.
type Dispute struct {
	State                  spec.DisputeState
	OpenedBy               spec.Side
	ReasonHash, AnswerHash [32]byte
	OpenedAt, UpdatedAt    int64
	// AnsweredAt is 0 until the other side answered.
	AnsweredAt               int64
	AnswerDeadline, Deadline int64
	// Panel has the names of the arbiters, by commas.
	Panel string
	// FeeBps and FeeCap are the panel's, as they were when it was named.
	FeeBps uint32
	FeeCap spec.Amount
	// BuyerBps, ToBuyer, ToSeller and PanelFee are what it came to.
	BuyerBps                    uint32
	ToBuyer, ToSeller, PanelFee spec.Amount
}

// Vote is an arbiter organisation's. It is never rewritten.
type Vote struct {
	// BuyerBps is the buyer's share in hundredths of a percent.
	BuyerBps uint32
	Time     int64
}

// Evidence is a commitment to a piece of evidence. It is never rewritten.
type Evidence struct {
	ContentHash [32]byte
	Time        int64
}

// Kind names the record's kind.
func (Parameters) Kind() Kind { return ParametersKind }

// Kind names the record's kind.
func (Member) Kind() Kind { return MemberKind }

// Kind names the record's kind.
func (Supply) Kind() Kind { return SupplyKind }

// Kind names the record's kind.
func (Fence) Kind() Kind { return FenceKind }

// Kind names the record's kind.
func (Account) Kind() Kind { return AccountKind }

// Kind names the record's kind.
func (Credit) Kind() Kind { return CreditKind }

// Kind names the record's kind.
func (Hold) Kind() Kind { return HoldKind }

// Kind names the record's kind.
func (Transfer) Kind() Kind { return TransferKind }

// Kind names the record's kind.
func (Mint) Kind() Kind { return MintKind }

// Kind names the record's kind.
func (Burn) Kind() Kind { return BurnKind }

// Kind names the record's kind.
func (Listing) Kind() Kind { return ListingKind }

// Kind names the record's kind.
func (Version) Kind() Kind { return VersionKind }

// Kind names the record's kind.
func (End) Kind() Kind { return EndKind }

// Kind names the record's kind.
func (Lot) Kind() Kind { return LotKind }

// Kind names the record's kind.
func (Order) Kind() Kind { return OrderKind }

// Kind names the record's kind.
func (Payout) Kind() Kind { return PayoutKind }

// Kind names the record's kind.
func (Allowance) Kind() Kind { return AllowanceKind }

// Kind names the record's kind.
func (TokenHold) Kind() Kind { return TokenHoldKind }

// Kind names the record's kind.
func (Auction) Kind() Kind { return AuctionKind }

// Kind names the record's kind.
func (Bid) Kind() Kind { return BidKind }

// Kind names the record's kind.
func (Milestones) Kind() Kind { return MilestonesKind }

// Kind names the record's kind.
func (Offer) Kind() Kind { return OfferKind }

// Kind names the record's kind.
func (Review) Kind() Kind { return ReviewKind }

// Kind names the record's kind.
func (Dispute) Kind() Kind { return DisputeKind }

// Kind names the record's kind.
func (Vote) Kind() Kind { return VoteKind }

// Kind names the record's kind.
func (Evidence) Kind() Kind { return EvidenceKind }

// Kind names the record's kind.
func (Arbiters) Kind() Kind { return ArbitersKind }

// Kind names the record's kind.
func (Lines) Kind() Kind { return LinesKind }

// Kind names the record's kind.
func (Discount) Kind() Kind { return DiscountKind }

// Kind names the record's kind.
func (DiscountUse) Kind() Kind { return DiscountUseKind }
