package ledger_test

import (
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/spec"
)

func (m *machine) mint(t *rapid.T) {
	s := rapid.SampledFrom([]seat{{treasurer, ""}, {treasurer, ""}, {treasurer, "desk"}, drawSeat(t)}).Draw(t, "minter")
	m.perform(s, drawSkew(t), "token:Mint", &spec.Mint{Reference: drawReference(t), To: drawSeat(t).address().Bytes(), Amount: drawAmount(t)}, nil)
}

func (m *machine) burn(t *rapid.T) {
	s := rapid.SampledFrom([]seat{{treasurer, ""}, {treasurer, ""}, {treasurer, "desk"}, drawSeat(t)}).Draw(t, "burner")
	m.perform(s, drawSkew(t), "token:Burn", &spec.Burn{Reference: drawReference(t), Amount: drawAmount(t)}, m.drawHints(t, s))
}

func (m *machine) transfer(t *rapid.T) {
	s := drawSeat(t)
	command := &spec.Transfer{Reference: drawReference(t), To: drawSeat(t).address().Bytes(), Amount: drawAmount(t), Memo: drawOf(t, "memo", []string{"", "thanks"})}
	m.perform(s, drawSkew(t), "token:Transfer", command, m.drawHints(t, s))
}

func (m *machine) payout(t *rapid.T) {
	s := drawSeat(t)
	command := &spec.Payout{Reference: drawReference(t), Memo: drawOf(t, "memo", []string{"", "wages"})}
	for _, to := range rapid.SliceOfNDistinct(rapid.SampledFrom(seats), 1, 4, func(s seat) seat { return s }).Draw(t, "receivers") {
		command.Payments = append(command.Payments, &spec.Payment{To: to.address().Bytes(), Amount: drawAmount(t)})
	}
	m.perform(s, drawSkew(t), "token:Payout", command, m.drawHints(t, s))
}

func (m *machine) approve(t *rapid.T) {
	s, spender := drawSeat(t), drawSeat(t)
	expected := m.model.allowance(s.address(), spender.address())
	command := &spec.Approve{Spender: spender.address().Bytes(), Expected: expected.Bytes(), Amount: drawAmount(t)}
	switch drawEvenly(t, "change", 6) {
	case 0:
		command.Expected = drawAmount(t)
	case 1:
		command.Amount = nil
	}
	m.perform(s, drawSkew(t), "token:Approve", command, m.drawHints(t, s))
}

// transferFrom draws mostly from an allowance that there is.
func (m *machine) transferFrom(t *rapid.T) {
	s, owner := drawSeat(t), drawSeat(t).address()
	var given [][2]spec.Address
	for key, left := range m.model.allowances {
		if left.Sign() > 0 {
			given = append(given, key)
		}
	}
	if len(given) > 0 && drawEvenly(t, "given", 5) > 0 {
		slices.SortFunc(given, func(a, b [2]spec.Address) int {
			return strings.Compare(a[0].String()+a[1].String(), b[0].String()+b[1].String())
		})
		pair := rapid.SampledFrom(given).Draw(t, "allowance")
		owner, s = pair[0], m.mostly(t, pair[1])
	}
	command := &spec.TransferFrom{Reference: drawReference(t), Owner: owner.Bytes(), To: drawSeat(t).address().Bytes(), Amount: drawAmount(t)}
	m.perform(s, drawSkew(t), "token:TransferFrom", command, nil)
}

func (m *machine) placeHold(t *rapid.T) {
	s := m.mostly(t, seats[drawEvenly(t, "payer", 4)].address())
	command := &spec.PlaceHold{
		Reference: drawReference(t), Payee: drawSeat(t).address().Bytes(), Amount: drawAmount(t),
		ExpiresAt: m.now + drawOf(t, "seconds", []int64{-60, 0, 1, 100, holdSeconds, holdSeconds, holdSeconds + 1}),
	}
	if rapid.Bool().Draw(t, "with an arbiter") {
		command.Arbiter = drawSeat(t).address().Bytes()
	}
	m.perform(s, drawSkew(t), "token:PlaceHold", command, m.drawHints(t, s))
}

func (m *machine) stepHold(t *rapid.T) {
	ids := slices.SortedFunc(maps.Keys(m.model.holds), func(a, b spec.ID) int { return slices.Compare(a[:], b[:]) })
	if len(ids) == 0 && drawEvenly(t, "a hold that is none", 4) > 0 {
		m.placeHold(t)
		return
	}
	id, who, captured := spec.ID{}, drawSeat(t), drawAmount(t)
	if len(ids) > 0 {
		id = rapid.SampledFrom(ids).Draw(t, "hold")
		hold := m.model.holds[id]
		who = m.mostly(t, drawOf(t, "side", []spec.Address{hold.arbiter, hold.arbiter, hold.payee, hold.payer}))
		if drawEvenly(t, "captured", 5) > 0 {
			captured = hold.captured.Bytes()
		}
	}
	switch drawEvenly(t, "what", 4) {
	case 0, 1:
		m.perform(who, drawSkew(t), "token:CaptureHold", &spec.CaptureHold{Hold: id[:], Captured: captured, Amount: drawAmount(t)}, nil)
	case 2:
		m.perform(who, drawSkew(t), "token:VoidHold", &spec.VoidHold{Hold: id[:]}, nil)
	case 3:
		if rapid.Bool().Draw(t, "when it is due") {
			m.now += holdSeconds
		}
		m.perform(who, drawSkew(t), "token:ExpireHold", &spec.ExpireHold{Hold: id[:]}, nil)
	}
}

func (m *machine) sweep(t *rapid.T) {
	s := drawSeat(t)
	command := &spec.Sweep{}
	if drawEvenly(t, "for another", 3) == 0 {
		other := drawSeat(t)
		if command.Account = other.address().Bytes(); m.model.homes[other.address()] != "" && drawEvenly(t, "at home", 4) > 0 {
			s = seat{m.model.homes[other.address()], ""}
		}
		m.perform(s, drawSkew(t), "token:Sweep", command, m.drawHints(t, other))
		return
	}
	m.perform(s, drawSkew(t), "token:Sweep", command, m.drawHints(t, s))
}

func (m *machine) voidNonce(t *rapid.T) {
	m.perform(drawSeat(t), drawSkew(t), "token:VoidNonce", &spec.VoidNonce{Nonce: drawOf(t, "nonce", []uint64{1, 2, 3, 66, 67})}, nil)
}

func (m *machine) moveHome(t *rapid.T) {
	home := drawOf(t, "home", []string{merchant, buyers, operator, stranger})
	m.perform(drawSeat(t), drawSkew(t), "token:MoveHome", &spec.MoveHome{MspId: home}, nil)
}

func (m *machine) fence(t *rapid.T) {
	epoch := uint64(m.now)/epochSeconds - uint64(drawEvenly(t, "epochs ago", 4))
	m.perform(drawSeat(t), drawSkew(t), "consortium:Fence", &spec.Fence{Epoch: epoch}, nil)
}
