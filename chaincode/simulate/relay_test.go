package simulate_test

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// letter is a signed intent on its way.
type letter struct {
	from   *person
	signed *spec.SignedIntent
	// lot is where a buyer's intent takes its goods from, if the relay knows, lots where a cart's lines do.
	lot  []byte
	lots [][]byte
}

// relay is a member that carries what persons sign.
type relay struct {
	client *simulate.Client
	bag    []letter
}

// post signs a command and gives it to a relay, to both, or to one of them much later.
func (h *history) post(p *person, function string, command proto.Message, hints *spec.Hints) {
	nonce := p.nonce + 1
	switch h.rand.IntN(20) {
	case 0, 1:
		nonce = 1 + h.rand.Uint64N(p.nonce+1)
	case 2:
		nonce += h.rand.Uint64N(20)
	case 3:
		nonce += 50 + h.rand.Uint64N(100)
	case 4:
		nonce = max(p.nonce, 66) - 62 - h.rand.Uint64N(4) // about the window's end
	}
	p.nonce = max(p.nonce, nonce)
	until := h.Now() + 30 + int64(h.rand.IntN(4000))
	if h.oneIn(20) {
		until = h.Now() - int64(h.rand.IntN(60))
	}
	l := letter{p, p.signs(nonce, until, function, command), hints.GetLot(), hints.GetLots()}
	if h.oneIn(4) {
		h.late = append(h.late, l)
	}
	first, second := h.relays[0], h.relays[1]
	if h.oneIn(2) {
		first, second = second, first
	}
	first.bag = append(first.bag, l)
	if h.oneIn(4) {
		second.bag = append(second.bag, l)
	}
}

// carryBatch has a relay carry some of what it was given, with whatever a careless or a malicious one adds.
func (h *history) carryBatch(r *relay) {
	h.t.Helper()
	letters := r.bag[:min(len(r.bag), 1+h.rand.IntN(10))]
	r.bag = slices.Clone(r.bag[len(letters):])
	letters = slices.Clone(letters)
	if len(h.late) > 0 && h.oneIn(3) {
		letters = append(letters, h.late[h.rand.IntN(len(h.late))])
	}
	if len(letters) == 0 {
		return
	}
	if h.oneIn(4) {
		letters = append(letters, letters[h.rand.IntN(len(letters))])
	}
	if h.oneIn(3) {
		h.rand.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
	}
	var intents []*spec.SignedIntent
	for _, l := range letters {
		intents = append(intents, h.hinted(l))
		if h.oneIn(12) {
			intents = append(intents, h.forged(l))
		}
	}
	h.endorse(r.client.ProposeRaw(spec.BatchFunction, batchOf(intents...)))
}

// hinted is a letter's intent with what the relay hints at: nothing, or credits that are the signer's, others', nobody's.
func (h *history) hinted(l letter) *spec.SignedIntent {
	signed := h.copied(l)
	if !h.oneIn(5) {
		signed.Hints = &spec.Hints{Credits: h.credits(l.from.address), Lot: l.lot, Lots: l.lots, Direct: h.oneIn(2), Open: h.oneIn(4)}
	}
	return signed
}

func (h *history) copied(l letter) *spec.SignedIntent {
	return &spec.SignedIntent{Intent: l.signed.Intent, Scheme: l.signed.Scheme, PublicKey: l.signed.PublicKey, Signature: l.signed.Signature}
}

// forged is what a relay makes of an intent without its key.
func (h *history) forged(l letter) *spec.SignedIntent {
	signed := h.copied(l)
	flip := func(octets []byte) []byte {
		octets = slices.Clone(octets)
		octets[h.rand.IntN(len(octets))] ^= 1 << h.rand.IntN(8)
		return octets
	}
	switch h.rand.IntN(6) {
	case 0:
		signed.Signature = flip(signed.Signature)
	case 1:
		signed.Intent = flip(signed.Intent)
	case 2:
		other := h.persons[h.rand.IntN(len(h.persons))]
		for other == l.from {
			other = h.persons[h.rand.IntN(len(h.persons))]
		}
		signed.Scheme, signed.PublicKey = other.scheme, other.public
	case 3:
		signed.Signature = l.from.sign(intent.Message([16]byte{1}, signed.Intent))
	case 4:
		signed.Intent = append(slices.Clone(signed.Intent), 0x28, 1)
	case 5:
		signed.Scheme = spec.Scheme_SCHEME_WEBAUTHN
	}
	return signed
}

// count notes what became of each intent of a valid batch.
func (h *history) count(envelope *simulate.Envelope) {
	h.t.Helper()
	var batch spec.Batch
	if err := proto.Unmarshal(envelope.Proposal.Argument, &batch); err != nil {
		h.t.Fatal(err)
	}
	for i, code := range refusalsOf(envelope) {
		if code != "" {
			h.intentRefusals[code]++
			continue
		}
		var body spec.Intent
		if err := proto.Unmarshal(batch.Intents[i].Intent, &body); err != nil {
			h.t.Fatal(err)
		}
		h.byIntent[spec.FindNumber(body.Operation).FullName()]++
	}
}
