// Package fabric carries calls to the ledger and blocks back: the app package's ports over fabric-gateway. It knows peers,
// endorsers, their errors and their blocks; it must never know what an operation means.
package fabric
