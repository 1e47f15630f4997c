package ledger

import (
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// receiverKeys names the account that a command pays, when the carrier hints that it is its home: everyone else's receivers
// are paid blindly.
func (t *task) receiverKeys(to spec.Address) []Key {
	if !t.signed || !t.call.Hints.GetDirect() {
		return nil
	}
	return []Key{AccountKey(to)}
}

// atHome reports whether the carrier is an account's home, as far as the account was read.
func (t *task) atHome(account Account) bool {
	carrier, _ := get[Member](t, MemberKey(t.tx.MSPID))
	return account.Home != 0 && account.Home == carrier.Index
}

// settle makes the carrier the home of an account that has none.
func (t *task) settle(account Account) Account {
	if account.Home == 0 {
		carrier, _ := get[Member](t, MemberKey(t.tx.MSPID))
		account.Home = carrier.Index
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
