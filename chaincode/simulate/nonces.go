package simulate

import (
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// nonceWindow is how many nonces, the highest used one among them, the ledger tells apart; lower ones are over.
const nonceWindow = 64

// nonces is a dumb model of an account's window: every nonce that was ever used.
type nonces struct {
	used map[uint64]bool
	top  uint64
}

func (n *nonces) free(nonce uint64) bool {
	return nonce > 0 && !n.used[nonce] && nonce+nonceWindow > n.top
}

func (n *nonces) use(nonce uint64) {
	n.used[nonce] = true
	n.top = max(n.top, nonce)
}

// record is what the account should say.
func (n *nonces) record() ledger.Nonces {
	record := ledger.Nonces{Top: n.top}
	for behind := range uint64(nonceWindow) {
		if behind < n.top && n.used[n.top-behind] {
			record.Used |= 1 << behind
		}
	}
	return record
}

func (a *Auditor) noncesOf(actor spec.Address) *nonces {
	if a.nonces[actor] == nil {
		a.nonces[actor] = &nonces{used: map[uint64]bool{}}
	}
	return a.nonces[actor]
}

// happened returns the commands that happened, by the word of the transaction's own answer, and holds that to the model: each
// nonce happens once ever and while it is free; who did not sign, or whose time is over, does nothing; nobody is told that a
// free nonce was used.
func (a *Auditor) happened(envelope *Envelope, acts []*act) []*act {
	if envelope.Proposal.Function != spec.BatchFunction {
		a.void(acts[0])
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
	for i, act := range acts {
		code, isRefused := refused[i]
		switch {
		case isRefused:
			a.checkRefusal(i, act, code)
		case act == nil:
			a.fault("intent %d happened and is nobody's", i)
		default:
			a.use(i, act)
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
		window := a.noncesOf(refused.actor)
		void, isVoid := refused.call.Command.(*spec.VoidNonce)
		if window.free(refused.nonce) && (!isVoid || window.free(void.Nonce)) {
			a.fault("intent %d of %s is told that its free nonce %d was used", i, refused.actor, refused.nonce)
		}
	}
}

func (a *Auditor) use(i int, deed *act) {
	window := a.noncesOf(deed.actor)
	if !window.free(deed.nonce) {
		a.fault("intent %d of %s happened with the nonce %d, which was not free below %d", i, deed.actor, deed.nonce, window.top)
	}
	a.void(deed)
	window.use(deed.nonce)
}

// void marks what a command to void a nonce, by either door, uses up.
func (a *Auditor) void(deed *act) {
	command, ok := deed.call.Command.(*spec.VoidNonce)
	if !ok {
		return
	}
	window := a.noncesOf(deed.actor)
	if !window.free(command.Nonce) {
		a.fault("%s voids the nonce %d, which was not free below %d", deed.actor, command.Nonce, window.top)
	}
	window.use(command.Nonce)
}

// checkNonces: after a transaction the accounts that acted in it or were changed say of their nonces what the model says.
func (a *Auditor) checkNonces(acts []*act, changes []change) {
	for _, act := range acts {
		if act != nil {
			a.checkWindow(act.actor)
		}
	}
	for _, c := range changes {
		if c.key.Kind != ledger.AccountKind {
			continue
		}
		owner, err := spec.AddressFromBytes([]byte(c.key.ID))
		if err != nil {
			a.fault("%w", err)
		}
		a.checkWindow(owner)
	}
}

func (a *Auditor) checkWindow(owner spec.Address) {
	account, _ := a.records[ledger.AccountKey(owner)].(ledger.Account)
	if want := a.noncesOf(owner).record(); account.Nonces != want {
		a.fault("%s has the nonces %d %064b, what happened says %d %064b", owner, account.Nonces.Top, account.Nonces.Used, want.Top, want.Used)
	}
}
