// Package batch carries signed intents: it gathers them into transactions of up to two thousand, keeps those that touch the
// same keys together or apart in time, and tells each submitter what became of its own. It knows intents, the keys that
// their rules name, and a port that carries a batch to the ledger; it must never know Fabric, HTTP or SQL.
//
// The way of an intent: Submit queues it in its account's lane; the dispatcher takes from the lanes in turn whatever touches
// no key of a batch in flight, checks the signatures together, names open credits, and carries the batch; the outcome goes
// to whoever waits. What a rule refused is carried again when a remedy has other hints for it: more credits, another lot; the
// batcher knows no more of these than app.Remedy says. Two batches are in flight at a time, so that the endorsement of one
// overlaps the commit of the other. Alone on an idle network an intent leaves at once; under load batches fill while others
// are in flight.
//
// Beside these ride two small ones: one of quiet parties, while a busy one keeps the others full, and one of accounts that cost
// others their batch, or are seen to act through other gateways as well. So neither a merchant nor a troublemaker holds up who
// has nothing to do with them.
package batch
