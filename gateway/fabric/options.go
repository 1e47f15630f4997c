package fabric

import (
	"log/slog"
	"time"

	"github.com/cybermiles/cmt/gateway/breaker"
)

// Peer is a peer whose gateway service is used.
type Peer struct {
	MSPID string
	// Address is host:port; TLSCA the file of the certificates that its TLS certificate descends from, in PEM.
	Address, TLSCA, TLSServerName string
}

// Options say where the ledger is and how long each step may take.
type Options struct {
	Channel, Chaincode string
	// MSPID, Certificate and Key are the gateway's own identity; the last two are PEM files.
	MSPID, Certificate, Key string
	// Peers are asked in this order; the first is the organisation's own.
	Peers []Peer
	// Orderers are all consenters of the channel in the order of their numbers. Without them the peer tells the orderers.
	Orderers []Orderer
	// Endorsers are the organisations that endorse. When there are none, discovery is asked for those with a peer.
	Endorsers []string
	// Endorsements is how many organisations the endorsement policy wants.
	Endorsements int
	// Probe is a query without fields that tells whether an organisation that failed is well again.
	Probe    string
	Timeouts Timeouts
	Breaker  breaker.Options
	Log      *slog.Logger
}

// Timeouts bound the steps of a transaction.
type Timeouts struct {
	// EndorseAttempt bounds one try with one set of endorsers: what a mute organisation costs. Endorse bounds all tries.
	EndorseAttempt, Endorse time.Duration
	// Order is how long the orderer that leads may take until a transaction is committed, before all orderers are told.
	Order time.Duration
	// Submit bounds sending to the orderers, CommitStatus waiting for the commit, Evaluate a query, and Outcome asking
	// for a transaction that may not be there.
	Submit, CommitStatus, Evaluate, Outcome time.Duration
}
