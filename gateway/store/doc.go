// Package store keeps in one SQLite file what the gateway remembers: the read model built from blocks with its checkpoint,
// idempotency keys, API keys, and the sub-accounts in use. It knows records through the chaincode's own codecs; it must
// never know who asks, nor decide what is allowed.
package store
