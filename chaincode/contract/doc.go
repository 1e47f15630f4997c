// Package contract is the ledger's first door: the contracts of fabric-contract-api-go over the pure rules. It knows the
// shim, decodes a call, says who asks and when, lets package ledger decide and package state write. It must never know a
// rule: a contract's transaction is one line.
package contract
