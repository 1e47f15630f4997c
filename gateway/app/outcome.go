package app

import (
	"fmt"
	"time"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// Commit is a transaction that the ledger took as valid.
type Commit struct {
	// Transaction is the identifier, 64 hex digits; Block the number of the block that holds it.
	Transaction string
	Block       uint64
	// Result is the JSON form of the operation's view.
	Result []byte
}

// Answer is what a use case gives back. A query has a result only.
type Answer struct {
	Commit
	// Replayed: the answer was stored under the idempotency key, nothing happened now.
	Replayed bool
}

// Sent is a transaction as it leaves for the orderers: enough to ask for it, and to send the very same one again, which
// can never have a second effect.
type Sent struct {
	Transaction string
	Envelope    []byte
}

// TransactionState says what is known of a transaction.
type TransactionState string

// The states. Pending: it was sent by this gateway and may still commit. Unknown: this gateway and its peer have never
// seen it.
const (
	TransactionCommitted TransactionState = "committed"
	TransactionInvalid   TransactionState = "invalid"
	TransactionPending   TransactionState = "pending"
	TransactionUnknown   TransactionState = "unknown"
)

// TransactionRecord is what the gateway tells about a transaction.
type TransactionRecord struct {
	Transaction string
	State       TransactionState
	// Block and Code (Fabric's validation code, such as VALID) are set once it is in a block; the rest when the read
	// model has it.
	Block     uint64
	Code      string
	Operation string
	Creator   string
	Time      time.Time
	Result    []byte
}

// UnknownOutcome is the error of a transaction that was sent, or may have been, and whose commit was not seen in time.
// In its chain is the catalogue's OutcomeUnknown.
type UnknownOutcome struct {
	Transaction string
	// Cause is the last error on the way, for the log.
	Cause error
}

// Error says what happened, for the log.
func (e *UnknownOutcome) Error() string {
	return fmt.Sprintf("outcome of transaction %s unknown: %v", e.Transaction, e.Cause)
}

// Unwrap returns the catalogue's refusal.
func (e *UnknownOutcome) Unwrap() error {
	return spec.Errorf(spec.OutcomeUnknown, "transaction %s was sent and its commit was not seen in time; ask for it before trying anew", e.Transaction)
}
