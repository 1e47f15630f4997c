// Package app holds the gateway's use cases and the ports they need: who may ask for what, which credits and lot a call
// names, which calls wait for each other, what is tried again, and what is remembered so that nothing happens twice. It
// must never know HTTP, Fabric or SQL.
package app
