// Package topology says what a network is made of: organisations, nodes, hosts, ports, block cutting, tuning and
// genesis parameters, as validated data, and where each of its files lies under one data directory.
//
// It is pure but for ReadFacts, which opens one file. It must never know how a node is configured, started or asked
// for its health, and it imports nothing but a YAML decoder, so that clients of a network can afford to import it.
package topology
