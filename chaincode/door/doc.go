// Package door turns the argument of a transaction into changes: the JSON of one call, or the bytes of a batch of signed
// intents. It knows both forms, checks signatures, and lets package ledger decide. It must never know the shim or how
// changes are stored: the contract, the simulator, the gateway that executes blocks again and the auditor all come in here.
package door
