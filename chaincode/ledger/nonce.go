package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// windowSize is how far behind the highest used nonce a lower one may still come.
const windowSize = 64

// Nonces is a sliding window of used nonces, as IPsec has it (RFC 4303, 3.4.3): intents may come out of order and side by
// side, but none twice.
type Nonces struct {
	// Top is the highest nonce used; 0 when none was.
	Top uint64
	// Used has bit n set when Top-n was used.
	Used uint64
}

// Free reports whether a nonce may still be used.
func (n Nonces) Free(nonce uint64) bool {
	switch {
	case nonce == 0:
		return false
	case nonce > n.Top:
		return true
	case n.Top-nonce >= windowSize:
		return false
	}
	return n.Used&(1<<(n.Top-nonce)) == 0
}

// Use returns the window with a free nonce used.
func (n Nonces) Use(nonce uint64) Nonces {
	if nonce <= n.Top {
		n.Used |= 1 << (n.Top - nonce)
		return n
	}
	// A shift by the window's size or more leaves nothing, as Go defines it.
	return Nonces{Top: nonce, Used: n.Used<<(nonce-n.Top) | 1}
}

func voidNonceKeys(t *task, _ *spec.VoidNonce) []Key { return []Key{AccountKey(t.actor)} }

// voidNonce uses a nonce up without doing anything: an intent that was signed and kept back is worth nothing then.
func voidNonce(t *task, c *spec.VoidNonce) (proto.Message, error) {
	account, _ := get[Account](t, AccountKey(t.actor))
	if !account.Nonces.Free(c.Nonce) {
		return nil, spec.FieldErrorf(spec.NonceUsed, "nonce", "%d was used or lies behind the window", c.Nonce)
	}
	account.Nonces = account.Nonces.Use(c.Nonce)
	t.put(AccountKey(t.actor), account)
	return &spec.NonceView{Address: t.actor.Bytes(), Nonce: c.Nonce}, nil
}
