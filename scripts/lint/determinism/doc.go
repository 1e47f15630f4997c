// Package determinism knows what makes two endorsers answer one proposal differently, and finds it in the packages that
// are under that law: chaincode/{spec,ledger,intent,state,contract}. It is an analysis for go vet's framework and knows
// nothing of ledgers.
//
// What it refuses, and the one comment that permits it. The comment stands on the line or on the line above, and gives
// a reason; one that permits nothing is itself refused.
//
//	range over a map, maps.Keys and its kin     //determinism:sorted reason
//	go statements and select                    //determinism:joined reason
//	writes to package-level variables           //determinism:once reason
//	floating point: types, literals, results    nothing permits it
//	the wall clock and the host's time zone     nothing permits it
//	randomness, the host, unsafe memory         nothing permits it
//	encodings whose bytes vary                  nothing permits it
//
// Tests, generated files and package main are free: no endorser runs the first and the last, and a generator's output
// is its own to answer for.
package determinism
