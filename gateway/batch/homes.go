package batch

import (
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/chaincode/state"
)

// SetHome says which member the gateway is of. Before that nobody is known to be at home here.
func (w *Witness) SetHome(index uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index = index
}

// forget drops what was seen of another ledger.
func (w *Witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index, w.next, w.recent = 0, 0, nil
	clear(w.changed)
	clear(w.homes)
}

// Guest reports whether the account is at home here, as far as blocks have shown it since the start. Who is missing is paid
// by a credit: it is a hint, never an authority.
func (w *Witness) Guest(address spec.Address) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.index != 0 && w.homes[address] == w.index
}

// learn remembers an account's home as the read model has it, unless a block has shown it since the start.
func (w *Witness) learn(address spec.Address, home uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.homes[address]; !known && home != 0 {
		w.homes[address] = home
	}
}

func (w *Witness) knows(address spec.Address) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.homes[address]
	return known
}

// elsewhere returns the other member with which an account is at home, 0 when there is none or it is not known.
func (w *Witness) elsewhere(address spec.Address) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if home := w.homes[address]; w.index != 0 && home != w.index {
		return home
	}
	return 0
}

// seeHome remembers the home of an account that was written. The caller holds the lock.
func (w *Witness) seeHome(key ledger.Key, value []byte) {
	address, err := spec.AddressFromBytes([]byte(key.ID))
	if key.Kind != ledger.AccountKind || err != nil || address.Type != spec.KeyAccount {
		return
	}
	if record, err := state.DecodeRecord(key.Kind, value); err == nil {
		w.homes[address] = record.(ledger.Account).Home
	}
}
