// Package history tells from the blocks what happened: to each object, step by step, and with each account's money. It is pure: it
// knows the chaincode's own codecs and what the ledger's keys were before a transaction; it must never know where rows are kept, nor
// who asks.
package history
