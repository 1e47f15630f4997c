// Package memledger is a ledger in memory for tests: the real rules and codecs over a map, one transaction a block, several
// organisations. It has no endorsement and no conflicts of its own; faults are put in by whoever tests.
package memledger
