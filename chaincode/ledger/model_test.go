package ledger_test

import (
	"math/big"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// model is the ledger as the design tells it, written as plainly as can be: maps, big integers and one function an
// operation, with the checks in the order of the error catalogue. It shares no logic with the rules, only names.
type model struct {
	minted, burnt *big.Int
	accounts      map[spec.Address]*big.Int
	credits       map[string]modelCredit // by "owner name"
	transfers     map[spec.ID]string
	payouts       map[spec.ID]string
	allowances    map[[2]spec.Address]*big.Int // by owner and spender
	holds         map[spec.ID]*modelHold
	auctions      map[spec.ID]*modelAuction
	mints, burns  map[spec.ID]string
	listings      map[spec.ID]*modelListing
	lots          map[string]uint32 // by "listing lot"
	variants      map[string]uint32 // of lots, by the same
	orders        map[spec.ID]*modelOrder
	offers        map[spec.ID]*modelOffer
	reviews       map[string]string // by "order address"
	disputes      map[spec.ID]*modelDispute
	fences        map[uint64]bool
	given         map[[32]byte]uint32 // how many credits a transaction gave
	homes         map[spec.Address]string
	nonces        map[spec.Address][]uint64  // all that were used
	discounts     map[spec.ID]*modelDiscount // those on the ledger
	redeemed      map[spec.ID]spec.ID        // by the order that used it
}

type modelCredit struct {
	owner spec.Address
	units *big.Int
	kind  spec.CreditKind
}

// modelCall is who asks what, when.
type modelCall struct {
	txID  [32]byte
	time  int64
	msp   string
	actor spec.Address
	hints *spec.Hints
	// brings is the signed discount, by whom.
	brings *spec.SellersDiscount
}

func newModel() *model {
	return &model{
		minted:    number(initialSupply.Bytes()),
		burnt:     new(big.Int),
		accounts:  map[spec.Address]*big.Int{spec.OrganisationAddress(treasurer): number(initialSupply.Bytes())},
		credits:   map[string]modelCredit{},
		transfers: map[spec.ID]string{},
		payouts:   map[spec.ID]string{},

		allowances: map[[2]spec.Address]*big.Int{},
		holds:      map[spec.ID]*modelHold{},
		auctions:   map[spec.ID]*modelAuction{},

		mints:    map[spec.ID]string{},
		burns:    map[spec.ID]string{},
		listings: map[spec.ID]*modelListing{},
		lots:     map[string]uint32{},
		variants: map[string]uint32{},
		orders:   map[spec.ID]*modelOrder{},
		offers:   map[spec.ID]*modelOffer{},
		reviews:  map[string]string{},
		disputes: map[spec.ID]*modelDispute{},
		fences:   map[uint64]bool{},
		given:    map[[32]byte]uint32{},
		homes:    map[spec.Address]string{},
		nonces:   map[spec.Address][]uint64{},

		discounts: map[spec.ID]*modelDiscount{},
		redeemed:  map[spec.ID]spec.ID{},
	}
}

func number(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

// maxUnits is a billion CMT.
var maxUnits, _ = new(big.Int).SetString("1000000000000000000000000000", 10)

func (m *model) balance(a spec.Address) *big.Int {
	if m.accounts[a] == nil {
		m.accounts[a] = new(big.Int)
	}
	return m.accounts[a]
}

func creditKey(owner spec.Address, name spec.CreditName) string {
	return owner.String() + " " + name.String()
}

// named returns the open credits of the actor that the call names, each once.
func (m *model) named(c modelCall) []string {
	var names []string
	seen := map[string]bool{}
	for _, b := range c.hints.GetCredits() {
		name, _ := spec.CreditNameFromBytes(b)
		key := creditKey(c.actor, name)
		if _, open := m.credits[key]; open && !seen[key] {
			names = append(names, key)
		}
		seen[key] = true
	}
	return names
}

// pay takes units from the actor's account and all named credits; what is over stays in the account.
func (m *model) pay(c modelCall, units *big.Int) bool {
	sum := new(big.Int).Set(m.balance(c.actor))
	for _, key := range m.named(c) {
		sum.Add(sum, m.credits[key].units)
	}
	if sum.Cmp(units) < 0 {
		return false
	}
	for _, key := range m.named(c) {
		delete(m.credits, key)
	}
	m.accounts[c.actor] = sum.Sub(sum, units)
	return true
}

// give leaves credits, numbered in the transaction; nothing is left for nothing.
func (m *model) give(c modelCall, gifts ...modelCredit) {
	for _, gift := range gifts {
		if gift.units.Sign() == 0 {
			continue
		}
		name := spec.CreditName{N: m.given[c.txID]}
		copy(name.Tx[:], c.txID[:20])
		m.credits[creditKey(gift.owner, name)] = gift
		m.given[c.txID]++
	}
}

// do applies a command and returns the code that refuses it, or nothing.
func (m *model) do(c modelCall, command proto.Message) spec.Code {
	if _, member := roles[c.msp]; !member {
		return spec.NotAMember
	}
	needs := map[string]spec.Role{"Mint": spec.Role_ROLE_TREASURER, "Burn": spec.Role_ROLE_TREASURER, "ReportDelivery": spec.Role_ROLE_CARRIER, "VoteDispute": spec.Role_ROLE_ARBITER, "SuspendListing": spec.Role_ROLE_OPERATOR, "ResumeListing": spec.Role_ROLE_OPERATOR}
	if role := needs[string(command.ProtoReflect().Descriptor().Name())]; role != 0 {
		has := false
		for _, r := range roles[c.msp] {
			has = has || r == role
		}
		if !has {
			return spec.RoleRequired
		}
	}
	if m.fences[uint64(c.time)/epochSeconds] {
		return spec.Fenced
	}
	switch command := command.(type) {
	case *spec.Mint:
		return m.mint(c, command)
	case *spec.Burn:
		return m.burn(c, command)
	case *spec.Transfer:
		return m.transfer(c, command)
	case *spec.Payout:
		return m.payout(c, command)
	case *spec.Approve:
		return m.approve(c, command)
	case *spec.TransferFrom:
		return m.transferFrom(c, command)
	case *spec.PlaceHold:
		return m.placeHold(c, command)
	case *spec.OpenAuction:
		return m.openAuction(c, command)
	case *spec.PlaceBid:
		return m.placeBid(c, command)
	case *spec.CloseAuction:
		return m.closeAuction(c, command)
	case *spec.CancelAuction:
		return m.cancelAuction(c, command)
	case interface {
		proto.Message
		GetHold() []byte
	}:
		return m.stepHold(c, spec.ID(command.GetHold()), command)
	case *spec.Sweep:
		if len(command.Account) > 0 {
			owner, _ := spec.AddressFromBytes(command.Account)
			if owner != c.actor && m.homes[owner] != c.msp {
				return spec.NotAParty
			}
			c.actor = owner
		}
		if len(m.named(c)) == 0 {
			return spec.NoCredits
		}
		m.pay(c, new(big.Int))
		return ""
	case *spec.VoidNonce:
		used := m.nonces[c.actor]
		if slices.Contains(used, command.Nonce) || len(used) > 0 && slices.Max(used) >= command.Nonce+64 {
			return spec.NonceUsed
		}
		m.nonces[c.actor] = append(used, command.Nonce)
		return ""
	case *spec.MoveHome:
		if _, member := roles[command.MspId]; !member {
			return spec.NotFound
		}
		m.homes[c.actor] = command.MspId
		return ""
	case *spec.Fence:
		if m.fences[command.Epoch] {
			return spec.WrongState
		}
		if c.time < int64(command.Epoch+1)*epochSeconds+graceSeconds {
			return spec.FenceTooEarly
		}
		m.fences[command.Epoch] = true
		return ""
	case *spec.CreateListing:
		return m.createListing(c, command)
	case *spec.EditListing:
		return m.editListing(c, command)
	case *spec.CloseListing:
		listing, code := m.own(c, command.Listing)
		if code == "" {
			listing.closed = true
			listing.updated = max(listing.updated, c.time)
		}
		return code
	case *spec.SuspendListing:
		return m.suspend(c, command.Listing, true)
	case *spec.ResumeListing:
		return m.suspend(c, command.Listing, false)
	case *spec.PlaceOrder:
		return m.placeOrder(c, command)
	case *spec.OfferDiscount:
		return m.offerDiscount(c, command)
	case *spec.PlaceCart:
		return m.placeCart(c, command)
	case *spec.MakeOffer:
		return m.makeOffer(c, command)
	case interface{ GetOffer() []byte }:
		return m.haggle(c, command)
	case *spec.GiveReview:
		return m.giveReview(c, command)
	case *spec.OpenDispute, *spec.AnswerDispute, *spec.SubmitEvidence, *spec.VoteDispute, *spec.RuleDispute:
		return m.dispute(c, command)
	}
	return m.stepOrder(c, command)
}
