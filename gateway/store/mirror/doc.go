// Package mirror keeps what is hot of the read model: a copy of the ledger's keys as they are after a block, and what the
// blocks said of each signed intent, in an embedded log-structured store with a checkpoint of its own. It knows the keys
// through the chaincode's own codecs; it must never know SQL, who asks, or what is allowed.
package mirror
