// Package client speaks the gateway's REST API in the ledger's own messages: what to send where is read from the operation
// table. It knows HTTP and problems; it must never know what an operation means.
package client
