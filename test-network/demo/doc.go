// Package demo plays stories on a running network, as people would: over REST alone, each side at its own organisation's gateway, people with
// keys of their own that no gateway sees. Arbiters without a gateway vote with Fabric's own peer command. Each story is a file and reads as an
// example of how the API is used. It knows the REST client and the network's facts; it must never talk to Fabric by itself, for what it shows
// has to be what everyone can do.
package demo
