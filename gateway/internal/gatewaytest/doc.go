// Package gatewaytest puts a whole gateway together for tests: the real API, use cases and store over a ledger in memory.
package gatewaytest
