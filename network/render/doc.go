// Package render turns a topology into the texts its programs read: core.yaml, orderer.yaml, configtx.yaml, cryptogen's
// configuration, the external builder, gateway.yaml, connection profiles.
//
// It is pure: values in, bytes out, the same for the same topology. It must never read or write a file, and never name
// in one organisation's text a private key of another.
package render
