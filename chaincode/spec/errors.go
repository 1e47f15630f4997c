package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Code names an error for machines. The same code travels from the chaincode through the gateway to whoever asked.
type Code string

// The catalogue's codes, in the order of precedence: of several that apply, the first is told.
const (
	// How the question was put.
	UnknownOperation    Code = "unknown_operation"
	WrongArgumentCount  Code = "wrong_argument_count"
	BodyTooLarge        Code = "body_too_large"
	Malformed           Code = "malformed"
	DuplicateField      Code = "duplicate_field"
	UnknownField        Code = "unknown_field"
	MissingField        Code = "missing_field"
	InvalidField        Code = "invalid_field"
	UnsupportedMedia    Code = "unsupported_media_type"
	MethodNotAllowed    Code = "method_not_allowed"
	TimestampOutOfRange Code = "timestamp_out_of_range"

	// Who asks; a ledger that has not begun knows nobody.
	Unauthenticated Code = "unauthenticated"
	ScopeRequired   Code = "scope_required"
	NotAClient      Code = "not_a_client"
	NotInitialised  Code = "not_initialised"
	NotAMember      Code = "not_a_member"
	RoleRequired    Code = "role_required"
	RateLimited     Code = "rate_limited"

	// Whether the ledger can answer at all.
	AlreadyInitialised Code = "already_initialised"
	GenesisMismatch    Code = "genesis_mismatch"
	Fenced             Code = "fenced"

	// What somebody signed: one of many that a transaction carries.
	BadIntent     Code = "bad_intent"
	BadSignature  Code = "bad_signature"
	NotAnIntent   Code = "not_an_intent"
	IntentExpired Code = "intent_expired"
	NonceUsed     Code = "nonce_used"

	// What the rules say; a used reference first, but for proofs: what a retry was about may have changed since.
	BadDiscount        Code = "bad_discount"
	ReferenceUsed      Code = "reference_used"
	NotFound           Code = "not_found"
	NotAParty          Code = "not_a_party"
	WrongState         Code = "wrong_state"
	ListingClosed      Code = "listing_closed"
	ListingSuspended   Code = "listing_suspended"
	VersionStale       Code = "version_stale"
	ValueStale         Code = "value_stale"
	DiscountUsed       Code = "discount_used"
	SameAccount        Code = "same_account"
	CartMismatch       Code = "cart_mismatch"
	DiscountMismatch   Code = "discount_mismatch"
	TotalMismatch      Code = "total_mismatch"
	SplitMismatch      Code = "split_mismatch"
	BelowMinimum       Code = "below_minimum"
	BidTooLow          Code = "bid_too_low"
	OverCap            Code = "over_cap"
	DeadlineOutOfRange Code = "deadline_out_of_range"
	DeadlinePassed     Code = "deadline_passed"
	NotDue             Code = "not_due"
	FenceTooEarly      Code = "fence_too_early"
	WrongCode          Code = "wrong_code"
	LotEmpty           Code = "lot_empty"
	SoldOut            Code = "sold_out"
	NotEnoughHeld      Code = "not_enough_held"
	InsufficientFunds  Code = "insufficient_funds"
	NoCredits          Code = "no_credits"

	// What became of it.
	IdempotencyMismatch Code = "idempotency_mismatch"
	Conflict            Code = "conflict"
	Unavailable         Code = "unavailable"
	OutcomeUnknown      Code = "outcome_unknown"
	Internal            Code = "internal"
)

// Entry is a code's row in the catalogue.
type Entry struct {
	Code Code
	// HTTPStatus is what the gateway answers with.
	HTTPStatus int
	// Retryable: the same request, unchanged, may succeed later.
	Retryable bool
	// Title is the same for every occurrence, as RFC 9457 wants it.
	Title string
	// Doc says what happened and what to do next.
	Doc string
}

// Catalogue lists every code, in the order of precedence.
var Catalogue = []Entry{
	{UnknownOperation, 404, false, "No such operation", "The path or the contract's function is not in the operation table; /openapi.json and `cmt operations` list them."},
	{WrongArgumentCount, 400, false, "Wrong number of arguments", "A contract call takes one argument, the command as a JSON object."},
	{BodyTooLarge, 413, false, "Body too large", "A command is at most 64 KiB, a batch of intents 1 MiB, 8,000 keys and 8,000 receivers of payouts and lines of carts: send less at once."},
	{Malformed, 400, false, "Not a JSON object", "The body must be one JSON object in UTF-8, nested no deeper than the operation's schema."},
	{DuplicateField, 400, false, "Field given twice", "Each field may stand once."},
	{UnknownField, 400, false, "Unknown field", "Fields are written as the schema has them, in lower case; there are no others."},
	{MissingField, 400, false, "Field missing", "The named field is required."},
	{InvalidField, 400, false, "Field invalid", "The named field breaks the rule in the detail."},
	{UnsupportedMedia, 415, false, "Unsupported media type", "Send Content-Type: application/json."},
	{MethodNotAllowed, 405, false, "Method not allowed", "The path exists under other methods; the Allow header names them."},
	{TimestampOutOfRange, 400, true, "Clock out of range", "A proposal's timestamp may be at most 60 seconds off the peer's clock: set the clock right."},
	{Unauthenticated, 401, false, "API key missing or unknown", "Send Authorization: Bearer KEY with a key of this gateway."},
	{ScopeRequired, 403, false, "API key lacks the scope", "The key was not given the scope or account that this operation needs; ask the gateway's operator."},
	{NotAClient, 403, false, "Certificate is not a client's", "Contract calls need a certificate with the client organisational unit."},
	{NotInitialised, 503, true, "Ledger not initialised", "The genesis has not been submitted yet."},
	{NotAMember, 403, false, "Organisation is not a member", "The caller's organisation is not on the ledger's list of members."},
	{RoleRequired, 403, false, "Role required", "The caller's organisation lacks the role that this operation needs."},
	{RateLimited, 429, true, "Too many requests", "Wait as long as Retry-After says."},
	{AlreadyInitialised, 409, false, "Ledger already initialised", "The genesis happens once."},
	{GenesisMismatch, 403, false, "Genesis differs from the endorser's", "Each organisation endorses only the genesis it was configured with."},
	{Fenced, 409, true, "Transaction too old", "Its epoch was closed; nothing happened. Send the request again."},
	{BadIntent, 400, false, "Intent malformed", "An intent is refused whole when its bytes have another, canonical form, its scheme is unknown or its parts have the wrong size."},
	{BadSignature, 403, false, "Signature does not hold", "The signature is not the named key's over this ledger's identifier and the intent's bytes."},
	{NotAnIntent, 403, false, "Not a person's operation", "This operation is an organisation's, by contract call."},
	{IntentExpired, 409, false, "Intent expired", "Its validity has ended; sign a new one."},
	{NonceUsed, 409, false, "Nonce used", "The nonce was used by a success or a void, or lies behind the window; sign with a higher one."},
	{BadDiscount, 403, false, "Discount's signature does not hold", "The signature is not the named key's over this ledger's identifier and the discount's bytes."},
	{ReferenceUsed, 409, false, "Reference already used", "The actor has created this before under the same reference; look it up by its identifier."},
	{NotFound, 404, false, "Not found", "There is no such object on the ledger."},
	{NotAParty, 403, false, "Not a party", "The actor is not the one who may do this to that object."},
	{WrongState, 409, false, "Wrong state", "The object's state does not allow this."},
	{ListingClosed, 409, false, "Listing closed", "The listing takes no more orders."},
	{ListingSuspended, 409, false, "Listing suspended", "The operator suspended it; once it is resumed, it has a newer version: look at the listing again."},
	{VersionStale, 409, false, "Listing has changed", "The named version is not the current one: look at the listing again."},
	{ValueStale, 409, false, "Value has changed", "The named value is not the current one, which the detail tells: look again, or it happened already."},
	{DiscountUsed, 409, false, "Discount used", "The buyer has used this discount for an order already; each is for one."},
	{SameAccount, 409, false, "Same account", "The two sides must be different accounts."},
	{CartMismatch, 409, false, "Not of one cart", "A cart has goods of one seller: order services and what another seller or organisation offers by itself."},
	{DiscountMismatch, 409, false, "Discount does not fit", "The order has too little, or nothing, of the goods that the discount is on, or the discount says neither or both of an amount and a share."},
	{TotalMismatch, 409, false, "Total does not match", "The total must be quantity times price plus shipping of the named version, of a cart the sum over its lines, less the discount, or what the seller asked for in its counter-offer."},
	{SplitMismatch, 409, false, "Split does not match", "The other side proposed another split, or none: look at the order again."},
	{BelowMinimum, 409, false, "Amount below the minimum", "The ledger refuses amounts smaller than its credit_minimum."},
	{BidTooLow, 409, false, "Bid too low", "It must be at least the start price, or the beaten bid and the step."},
	{OverCap, 409, false, "Over the cap", "There are never more than 1,000,000,000 CMT."},
	{DeadlineOutOfRange, 409, false, "Deadline out of range", "It must lie ahead of the transaction's time, and no further than the ledger's parameter allows."},
	{DeadlinePassed, 409, false, "Deadline passed", "It is too late for this; what is due may be done by anyone."},
	{NotDue, 409, true, "Not due yet", "The deadline lies ahead; the detail says when."},
	{FenceTooEarly, 409, true, "Epoch still open", "A fence may be written only when its epoch and the grace after it have ended."},
	{WrongCode, 403, false, "Wrong hand-over code", "The code does not match the buyer's commitment."},
	{LotEmpty, 409, true, "Lot empty", "This lot has too few units; another may have them."},
	{SoldOut, 409, false, "Sold out", "No lot has that many units."},
	{NotEnoughHeld, 409, false, "Not enough held", "The allowance, the hold or the order has less left than was asked for."},
	{InsufficientFunds, 409, true, "Insufficient funds", "Account and named credits do not cover the amount; more credits may."},
	{NoCredits, 409, true, "No credits to fold", "None of the named credits is open."},
	{IdempotencyMismatch, 422, false, "Idempotency key used for another request", "The key was seen with a different body: use a new one."},
	{Conflict, 503, true, "Conflict", "Others changed the same objects again and again; nothing happened. Try again."},
	{Unavailable, 503, true, "Ledger unavailable", "Too few peers or orderers answer; nothing happened. Try again."},
	{OutcomeUnknown, 504, false, "Outcome unknown", "The transaction was sent but its commit was not seen in time: ask for it under its identifier before trying anew."},
	{Internal, 500, false, "Internal error", "A fault of ours; the log has the details."},
}

// Precedes reports whether the code is told before the other when both apply.
func (c Code) Precedes(other Code) bool {
	for _, entry := range Catalogue {
		if entry.Code == other {
			return false
		}
		if entry.Code == c {
			return true
		}
	}
	return false
}

// Lookup returns the code's row; an unknown code is Internal.
func Lookup(code Code) Entry {
	for _, entry := range Catalogue {
		if entry.Code == code {
			return entry
		}
	}
	return Lookup(Internal)
}

// Error is a refusal: a code of the catalogue, the field it is about, and what exactly was wrong.
type Error struct {
	Code   Code   `json:"code"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Errorf returns a refusal that is about no field.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// FieldErrorf returns a refusal about a field.
func FieldErrorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Error returns the refusal as one line of JSON, which is how it leaves the chaincode.
func (e *Error) Error() string {
	line, err := json.Marshal(e)
	if err != nil {
		return `{"code":"internal"}`
	}
	return string(line)
}

// Is makes errors.Is compare codes.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && other.Code == e.Code && other.Field == "" && other.Detail == ""
}

// ErrorCode returns the code of the refusal in err's chain, or Internal.
func ErrorCode(err error) Code {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return Internal
}

// ParseError finds the refusal in a text that carries one behind a prefix, as Fabric's peer does.
func ParseError(text string) (*Error, bool) {
	start := strings.Index(text, `{"code":"`)
	if start < 0 {
		return nil, false
	}
	var e Error
	if err := json.NewDecoder(strings.NewReader(text[start:])).Decode(&e); err != nil {
		return nil, false
	}
	if e.Code != Internal && Lookup(e.Code).Code != e.Code {
		return nil, false
	}
	return &e, true
}
