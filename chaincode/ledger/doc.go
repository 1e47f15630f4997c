// Package ledger is the rules: pure functions from what is on the ledger, who asks when, and a command, to changes or a coded
// refusal. It knows the records and what may be done with them. It must never know Fabric, keys as text, encodings, a
// clock or any other source of input: whoever calls loads what the rules name and writes what they decided.
//
// Execute is the one entrance. Its steps: name the keys, load them (at most three rounds), check the caller and the fence,
// decide, return the changes in the order of their keys.
package ledger
