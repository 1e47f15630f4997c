// Package spec is the published language of the ledger: commands and views, amounts, addresses, identifiers, the error
// catalogue and the operation table. Everyone imports it; it imports no other package of ours, and it must never know how
// anything is decided, stored or carried.
package spec

//go:generate go run ./internal/generate
