// Package neighbours hands signed intents over to other members' gateways, by their API. It knows where each is and whether it
// answered of late; it must never know which intents are to be handed over, nor what to do when nobody answers.
package neighbours
