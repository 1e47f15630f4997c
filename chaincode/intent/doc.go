// Package intent is the ledger's second door: what a key signs, and how that is checked. It knows schemes, canonical bytes and
// signatures; it must never know the ledger's records, a clock or who carries an intent. The chaincode, the gateway, which
// screens what it carries, and the command line, which signs offline, use the same functions.
//
// A key signs the domain "cmt/intent/1", the ledger's identifier and the intent's bytes, each behind its length. The bytes
// that are carried are the bytes that were signed. The account that acts is not among them: it is made of the scheme and the
// key that the signature holds under.
package intent
