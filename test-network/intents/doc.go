// Package intents tests the second door on a real network of its own: what keys sign, carried in batches by two members' relays
// through Fabric's own client and by two batchers of the gateway, before and after a restart. When the tests are done, what
// all accounts have must be the supply, and all peers must agree. It knows Fabric's client, the batcher and the published
// language; it must never know how a rule decides: what it expects is what the specification says.
package intents
