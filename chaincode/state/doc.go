// Package state is how the ledger's records lie in Fabric's state: every key in one file (key.go), every codec in another
// (record.go), a Reader for the rules over a stub, and Apply, which writes what they decided. It knows bytes and text; it
// must never know a rule, a clock, contract-api or the shim. The gateway and the auditor read blocks with the same codecs.
package state
