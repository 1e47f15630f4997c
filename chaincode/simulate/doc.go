// Package simulate is a channel in memory: it endorses, orders and validates as Fabric does, so that the rules are seen under
// concurrency, in microseconds and again at will. It knows read-write sets, versions, blocks and faults; it must never know what
// a rule decides, nor a goroutine, a clock or any randomness but its seed's.
//
//	world := simulate.New(simulate.Config{Seed: 7})
//	shop := world.Client("Org1MSP", 0)
//	envelope, err := world.Endorse(shop.Propose(call)) // a refusal of the rules is an *spec.Error
//	world.Submit(envelope)
//	block := world.Cut()                               // each transaction with its validation code
//
// What is stored is what the peers store: Rules, the default chaincode, comes in by package door, a call's JSON form or a batch's
// bytes, loads and applies through package state. Another Chaincode may stand in its place.
//
//	world      what there is: time, state, peers, orderer, and the status of transactions
//	store      the state's keys with all their versions
//	readset    what a simulation read and wrote, recorded as a stub
//	proposal   what a client signs, by its own clock
//	peer       endorsement at the peer's own height, which may lag
//	envelope   endorsements that agree, ready to be ordered
//	orderer    the queue: blocks of seeded size, delayed, reordered, duplicated, withheld
//	block      validation: duplicates, MVCC, phantoms
//	acts       what a transaction asks for and who: a contract call, or the intents of a batch
//	readrule   what a transaction may read
//	auditor    the invariants of keys, fences, money and state, after every block
//	books      what each command does to money, orders and stock, against what was written
//	signer     each intent once, and who is whose home: a dumb model of what an account remembers
package simulate
