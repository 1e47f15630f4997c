package intent

import (
	"encoding/binary"
	"sync"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// points remembers which points public keys are: finding one takes a square root, a fifth of what a signature costs in a batch. It has room
// for some 130,000, 26 MB, and a newer one takes the place of an older. What is forgotten is found again, so that nothing but time
// depends on what was asked before.
type points struct {
	stripes [pointStripes]pointStripe
}

const (
	pointStripes = 256
	stripePoints = 512
)

type pointStripe struct {
	sync.Mutex
	// slots is nil until the first point comes.
	slots []pointSlot
}

type pointSlot struct {
	key   [ed25519KeySize]byte
	point curve.EdwardsPoint
	taken bool
}

// find sets point to the one that a key of 32 bytes is, and reports whether that key may sign.
func (p *points) find(point *curve.EdwardsPoint, key []byte) bool {
	if p.recall(point, key) {
		return true
	}
	if !setPoint(point, key) {
		return false
	}
	p.keep(point, key)
	return true
}

func (p *points) recall(point *curve.EdwardsPoint, key []byte) bool {
	stripe, place := p.place(key)
	stripe.Lock()
	defer stripe.Unlock()
	if stripe.slots == nil {
		return false
	}
	slot := &stripe.slots[place]
	if !slot.taken || slot.key != [ed25519KeySize]byte(key) {
		return false
	}
	point.Set(&slot.point)
	return true
}

func (p *points) keep(point *curve.EdwardsPoint, key []byte) {
	stripe, place := p.place(key)
	stripe.Lock()
	defer stripe.Unlock()
	if stripe.slots == nil {
		stripe.slots = make([]pointSlot, stripePoints)
	}
	slot := &stripe.slots[place]
	slot.key, slot.taken = [ed25519KeySize]byte(key), true
	slot.point.Set(point)
}

// place tells where a key has its slot. Keys are as good as random; who makes one to fall on another's makes that one slower to check.
func (p *points) place(key []byte) (*pointStripe, uint32) {
	n := binary.LittleEndian.Uint32(key)
	return &p.stripes[n%pointStripes], n / pointStripes % stripePoints
}

// setPoint sets point to the one that the 32 bytes are. It refuses other bytes than the canonical ones and points of small order.
func setPoint(point *curve.EdwardsPoint, encoded []byte) bool {
	var compressed curve.CompressedEdwardsY
	if _, err := compressed.SetBytes(encoded); err != nil || smallOrder[compressed] || !compressed.IsCanonicalVartime() {
		return false
	}
	_, err := point.SetCompressedY(&compressed)
	return err == nil
}

// smallOrder are the canonical forms of the eight points that come to nothing when multiplied by eight.
var smallOrder = func() map[curve.CompressedEdwardsY]bool {
	forms := map[curve.CompressedEdwardsY]bool{}
	for _, point := range curve.EIGHT_TORSION {
		var compressed curve.CompressedEdwardsY
		compressed.SetEdwardsPoint(point)
		forms[compressed] = true
	}
	return forms
}()
