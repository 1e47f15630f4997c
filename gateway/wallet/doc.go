// Package wallet is a person's own key: how it is made, how its file looks, and how it signs intents, all without a network.
// It must never know a gateway or what becomes of an intent.
package wallet
