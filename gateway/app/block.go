package app

import "time"

// Block is what the follower brings of a block: its transactions in their order, write sets of our namespace only.
type Block struct {
	Number uint64
	// Hash is the block header's; PreviousHash that of the block before.
	Hash, PreviousHash []byte
	Transactions       []BlockTransaction
}

// BlockTransaction is one transaction of a block.
type BlockTransaction struct {
	ID string
	// Code is Fabric's validation code by name; only VALID has Writes.
	Code string
	// Function and Args are what the chaincode was called with; Result is what it answered.
	Function string
	Args     [][]byte
	Result   []byte
	// Creator is the membership service provider identifier of who signed.
	Creator string
	Time    time.Time
	Writes  []Write
}

// Valid is the validation code of a transaction that took effect.
const Valid = "VALID"

// Write is one key's change.
type Write struct {
	Key    string
	Value  []byte
	Delete bool
}
