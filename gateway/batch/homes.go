package batch

import (
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// SetHome says which member the gateway is of. Before that nobody is known to be at home here.
func (w *Witness) SetHome(index uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index = index
}

// rememberedHomes bounds each of two generations: gateways serve millions, and the read model has the homes of all.
const rememberedHomes = 50_000

// homes are where accounts that were met lately are at home.
type homes struct{ young, old map[spec.Address]uint32 }

func (h *homes) of(address spec.Address) (home uint32, known bool) {
	if home, known = h.young[address]; known {
		return home, true
	}
	home, known = h.old[address]
	return home, known
}

func (h *homes) put(address spec.Address, home uint32) {
	switch {
	case h.young == nil:
		h.young, h.old = make(map[spec.Address]uint32, rememberedHomes), make(map[spec.Address]uint32, rememberedHomes)
	case len(h.young) >= rememberedHomes:
		h.young, h.old = h.old, h.young
		clear(h.young)
	}
	h.young[address] = home
}

// forget drops what was seen of another ledger.
func (w *Witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index, w.next, w.turned = 0, 0, 0
	clear(w.changed)
	clear(w.before)
	w.homes = homes{}
}

// guest reports whether the account is at home here, and whether that is known of it.
func (w *Witness) guest(address spec.Address) (is, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	home, known := w.homes.of(address)
	return known && w.index != 0 && home == w.index, known
}

// learn remembers an account's home as the read model has it, unless a block has shown it lately.
func (w *Witness) learn(address spec.Address, home uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.homes.of(address); !known && home != 0 {
		w.homes.put(address, home)
	}
}

// elsewhere returns the other member with which an account is at home, 0 when there is none or it is not known.
func (w *Witness) elsewhere(address spec.Address) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if home, _ := w.homes.of(address); w.index != 0 && home != w.index {
		return home
	}
	return 0
}

// seeHome remembers the home of an account that was written. The caller holds the lock.
func (w *Witness) seeHome(account spec.Address, value []byte) {
	if account.Type != spec.KeyAccount {
		return
	}
	if home, err := state.HomeOf(value); err == nil {
		w.homes.put(account, home)
	}
}
