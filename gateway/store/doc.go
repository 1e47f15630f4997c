// Package store is what the gateway remembers. In one SQLite file lie the lists and transactions of the read model with their
// checkpoint, idempotency keys, API keys, kept keys, and the sub-accounts in use; beside it lies the mirror, the read model's
// hot part, with its own. It knows records through the chaincode's own codecs; it must never know who asks, nor decide what
// is allowed.
package store
