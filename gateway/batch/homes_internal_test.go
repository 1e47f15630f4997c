package batch

import (
	"encoding/binary"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// However many accounts blocks show, the witness remembers some of them: those it met last.
func TestHomesAreForgotten(t *testing.T) {
	const all = 5 * rememberedHomes
	w := NewWitness()
	w.SetHome(1)
	person := func(n uint32) spec.Address { return spec.KeyAddress("ed25519", binary.BigEndian.AppendUint32(nil, n)) }
	for n := range uint32(all) {
		w.learn(person(n), 1)
	}
	if remembered := len(w.homes.young) + len(w.homes.old); remembered > 2*rememberedHomes {
		t.Errorf("%d homes are remembered", remembered)
	}
	if _, known := w.guest(person(0)); known {
		t.Error("the first of all is remembered")
	}
	for n := uint32(all - rememberedHomes); n < all; n++ {
		if is, known := w.guest(person(n)); !is || !known {
			t.Fatalf("number %d is forgotten", n)
		}
	}
}
