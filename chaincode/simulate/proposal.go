package simulate

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// TxID is a transaction's identifier.
type TxID = [32]byte

// Proposal is what a client signs and peers simulate.
type Proposal struct {
	ID TxID
	// Time is the client's clock when it made the proposal, in Unix seconds.
	Time     int64
	MSPID    string
	IsClient bool
	// Function is the operation's full name and Argument the call's JSON form, or the batch's name and bytes.
	Function string
	Argument []byte
}

// Client is somebody with a certificate and a clock of their own.
type Client struct {
	MSPID string
	// SkewSeconds is how far the client's clock is ahead of the true time; negative when behind.
	SkewSeconds int64
	world       *World
}

// Client returns a client of an organisation.
func (w *World) Client(mspID string, skewSeconds int64) *Client {
	return &Client{MSPID: mspID, SkewSeconds: skewSeconds, world: w}
}

// Propose makes a proposal of a call. Each has an identifier of its own, also where the call is the same.
func (c *Client) Propose(call *spec.Call) Proposal {
	argument, err := call.Encode()
	if err != nil {
		panic("simulate: the call has no JSON form: " + err.Error())
	}
	return c.ProposeRaw(call.Operation.FullName(), argument)
}

// ProposeRaw makes a proposal of any function and argument, whatever their form.
func (c *Client) ProposeRaw(function string, argument []byte) Proposal {
	w := c.world
	w.nonces++
	nonce := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, w.config.Seed), w.nonces)
	return Proposal{
		ID:       sha256.Sum256(append(nonce, c.MSPID...)),
		Time:     w.now + c.SkewSeconds,
		MSPID:    c.MSPID,
		IsClient: true,
		Function: function,
		Argument: argument,
	}
}

// Status returns what the client hears of a transaction: false while it is in no block, and by chance also when it is.
func (c *Client) Status(id TxID) (Status, bool) {
	status, ok := c.world.Status(id)
	if ok && c.world.chance(c.world.config.Faults.LoseStatus) {
		return Status{}, false
	}
	return status, ok
}
