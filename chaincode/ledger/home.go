package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// receiverKeys names the account that a command pays, when the carrier hints that it is its home or is to be: everyone else's
// receivers are paid blindly.
func (t *task) receiverKeys(to spec.Address) []Key {
	if !t.signed || !t.call.Hints.GetDirect() && !t.call.Hints.GetOpen() {
		return nil
	}
	return []Key{AccountKey(to)}
}

// opens returns the account that the command opens at home with its carrier: that of a person who has none, when the carrier
// hints so and the account was looked at. Organisations' accounts are theirs to open.
func (t *task) opens(to spec.Address) (Account, bool) {
	record, looked := t.look(AccountKey(to))
	if !t.signed || !t.call.Hints.GetOpen() || !looked || record != nil || to.Type != spec.KeyAccount {
		return Account{}, false
	}
	return Account{Home: t.member().Index}, true
}

// atHome reports whether the carrier is an account's home, as far as the account was read.
func (t *task) atHome(account Account) bool {
	return account.Home != 0 && account.Home == t.member().Index
}

// settle makes the carrier the home of an account that has none, or one that its owner never chose: whoever carries a key's
// first intent is, even when another opened the account to pay into it.
func (t *task) settle(account Account) Account {
	if account.Home == 0 || account.Nonces.Top == 0 {
		account.Home = t.member().Index
	}
	return account
}

func moveHomeKeys(t *task, c *spec.MoveHome) []Key {
	return []Key{AccountKey(t.actor), MemberKey(c.MspId)}
}

// moveHome is the owner's word alone: neither the old home nor the new one has a say.
func moveHome(t *task, c *spec.MoveHome) (proto.Message, error) {
	member, ok := get[Member](t, MemberKey(c.MspId))
	if !ok {
		return nil, spec.FieldErrorf(spec.NotFound, "msp_id", "%s is not a member", c.MspId)
	}
	account, _ := get[Account](t, AccountKey(t.actor))
	account.Home = member.Index
	t.put(AccountKey(t.actor), account)
	return &spec.HomeView{Address: t.actor.Bytes(), MspId: c.MspId}, nil
}
