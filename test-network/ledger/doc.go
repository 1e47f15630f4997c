// Package ledger tests the whole ledger on a real network of its own: rules, contract, peers, orderers and gateways together.
// Its tests run with -tags network and share one network, whose durations are seconds; when they are done, an auditor reads
// every block and the books must add up. It knows Fabric's client, the REST client and the state's codecs; it must never
// know how a rule decides: what it expects is what the specification says.
package ledger
