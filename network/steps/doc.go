// Package steps brings a network from what it is to what its topology says, by steps that check before they apply, so
// that doing them again changes nothing and a run that was killed is completed by the next.
//
// It knows Fabric's programs and protocols. It must never know what our chaincode and gateway do: they are programs
// with an environment, a configuration file and an answer to "are you ready", and genesis is a call with bytes.
package steps
