package simulate

import (
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// nonceWindow is how many nonces, the highest used one among them, the ledger tells apart; lower ones are over.
const nonceWindow = 64

// signer is a dumb model of what an account remembers of its key: every nonce that was ever used, and the member that is its
// home.
type signer struct {
	used map[uint64]bool
	top  uint64
	home uint32
}

func (s *signer) free(nonce uint64) bool {
	return nonce > 0 && !s.used[nonce] && nonce+nonceWindow > s.top
}

func (s *signer) use(nonce uint64) {
	s.used[nonce] = true
	s.top = max(s.top, nonce)
}

// record is what the account should say.
func (s *signer) record() ledger.Nonces {
	record := ledger.Nonces{Top: s.top}
	for behind := range uint64(nonceWindow) {
		if behind < s.top && s.used[s.top-behind] {
			record.Used |= 1 << behind
		}
	}
	return record
}

func (a *Auditor) signer(actor spec.Address) *signer {
	if a.signers[actor] == nil {
		a.signers[actor] = &signer{used: map[uint64]bool{}}
	}
	return a.signers[actor]
}

// index is a member's short name, 0 for others.
func (a *Auditor) index(mspID string) uint32 {
	member, _ := a.records[ledger.MemberKey(mspID)].(ledger.Member)
	return member.Index
}

// happened returns the commands that happened, by the word of the transaction's own answer, and holds that to the model: each
// nonce happens once ever and while it is free; who did not sign, or whose time is over, does nothing; nobody is told that a
// free nonce was used.
func (a *Auditor) happened(envelope *Envelope, acts []*act) []*act {
	if envelope.Proposal.Function != spec.BatchFunction {
		a.remember(acts[0])
		return acts
	}
	var result spec.BatchResult
	if err := spec.DecodeJSON(envelope.Result, &result); err != nil || int(result.Count) != len(acts) {
		a.fault("%d intents were answered with %q, %v", len(acts), envelope.Result, err)
	}
	refused := map[int]spec.Code{}
	for _, r := range result.Refusals {
		refused[int(r.Index)] = spec.Code(r.Code)
	}
	var deeds []*act
	relay, opening := a.index(envelope.Proposal.MSPID), newOpening(acts)
	for i, act := range acts {
		code, isRefused := refused[i]
		switch {
		case isRefused:
			a.checkRefusal(i, act, code)
		case act == nil:
			a.fault("intent %d happened and is nobody's", i)
		default:
			a.use(i, act, relay)
			a.open(opening, act, relay)
			deeds = append(deeds, act)
		}
	}
	return deeds
}

func (a *Auditor) checkRefusal(i int, refused *act, code spec.Code) {
	nobodys := map[spec.Code]bool{spec.BadIntent: true, spec.BadSignature: true, spec.IntentExpired: true, spec.NotAnIntent: true}
	switch {
	case refused == nil:
	case nobodys[code]:
		a.fault("intent %d of %s is refused with %s and nothing of the kind is wrong", i, refused.actor, code)
	case code == spec.NonceUsed:
		window := a.signer(refused.actor)
		void, isVoid := refused.call.Command.(*spec.VoidNonce)
		if window.free(refused.nonce) && (!isVoid || window.free(void.Nonce)) {
			a.fault("intent %d of %s is told that its free nonce %d was used", i, refused.actor, refused.nonce)
		}
	}
}

func (a *Auditor) use(i int, deed *act, relay uint32) {
	window := a.signer(deed.actor)
	if !window.free(deed.nonce) {
		a.fault("intent %d of %s happened with the nonce %d, which was not free below %d", i, deed.actor, deed.nonce, window.top)
	}
	// The relay of a key's first intent is its home, whoever opened the account, unless the intent itself names another.
	if window.home == 0 || window.top == 0 {
		window.home = relay
	}
	a.remember(deed)
	window.use(deed.nonce)
}

// opening is what a batch did so far to accounts that did not exist before it.
type opening struct{ acting, exists, opened map[spec.Address]bool }

func newOpening(acts []*act) opening {
	o := opening{map[spec.Address]bool{}, map[spec.Address]bool{}, map[spec.Address]bool{}}
	for _, act := range acts {
		if act != nil {
			o.acting[act.actor] = true
		}
	}
	return o
}

// open: a payment whose relay hints so opens the accounts of persons who have none, at home with the relay.
func (a *Auditor) open(o opening, deed *act, relay uint32) {
	for _, p := range deed.payments() {
		to := a.address(p.to)
		exists := o.exists[to] || a.records[ledger.AccountKey(to)] != nil || a.signer(to).home != 0
		if !exists && deed.call.Hints.GetOpen() && to.Type == spec.KeyAccount {
			a.signer(to).home = relay
			o.opened[to], o.exists[to] = true, true
		}
		// Who acts is paid into an account, even when its own intent is refused.
		o.exists[to] = o.exists[to] || o.acting[to]
	}
	for owner := range o.opened {
		deed.opened[owner] = true
	}
}

// remember notes what a command, by either door, changes in what its actor's account remembers.
func (a *Auditor) remember(deed *act) {
	window := a.signer(deed.actor)
	switch c := deed.call.Command.(type) {
	case *spec.MoveHome:
		window.home = a.index(c.MspId)
	case *spec.VoidNonce:
		if !window.free(c.Nonce) {
			a.fault("%s voids the nonce %d, which was not free below %d", deed.actor, c.Nonce, window.top)
		}
		window.use(c.Nonce)
	}
}

// checkSigners: after a transaction the accounts that acted in it or were changed remember what the model does.
func (a *Auditor) checkSigners(acts []*act, changes []change) {
	for _, act := range acts {
		if act != nil {
			a.checkSigner(act.actor)
		}
	}
	for _, c := range changes {
		if c.key.Kind != ledger.AccountKind {
			continue
		}
		a.checkSigner(a.address([]byte(c.key.ID)))
	}
}

func (a *Auditor) checkSigner(owner spec.Address) {
	account, _ := a.records[ledger.AccountKey(owner)].(ledger.Account)
	if want := a.signer(owner).home; account.Home != want {
		a.fault("%s is at home with member %d, what happened says %d", owner, account.Home, want)
	}
	if want := a.signer(owner).record(); account.Nonces != want {
		a.fault("%s has the nonces %d %064b, what happened says %d %064b", owner, account.Nonces.Top, account.Nonces.Used, want.Top, want.Used)
	}
}
