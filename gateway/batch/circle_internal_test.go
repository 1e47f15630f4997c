package batch

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/ledger"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// pays is a payment as the queue sees it.
func pays(from, to byte) *entry {
	payer, receiver := ledger.AccountKey(spec.KeyAddress("ed25519", []byte{from})), ledger.AccountKey(spec.KeyAddress("ed25519", []byte{to}))
	return &entry{
		intent: &intent.Intent{Actor: spec.KeyAddress("ed25519", []byte{from})}, keys: []ledger.Key{payer, receiver},
		receivers: map[ledger.Key]bool{receiver: true}, weight: 2, counted: true,
	}
}

func takeAll(q *queue, limit int) []*entry {
	taken, _ := q.take(time.Now(), false, limit, 1<<20)
	return taken
}

// Who acts together leaves together: a circle that has no room is not begun, and neither is one when nearly all of it is filled.
func TestCirclesAreNotTorn(t *testing.T) {
	q := newQueue(func(spec.Address) bool { return false }, 100)
	// They come mixed: 60 payments among the people from 0, 60 among those from 50, 35 among those from 100.
	for i := range byte(60) {
		q.push(pays(i%20, (i+1)%20))
		q.push(pays(50+i%20, 50+(i+1)%20))
		if i < 35 {
			q.push(pays(100+i%10, 100+(i+1)%10))
		}
	}
	circleOf := map[spec.Address]int{}
	for n := range byte(150) {
		circleOf[spec.KeyAddress("ed25519", []byte{n})] = int(n) / 50
	}
	for _, want := range [][3]int{{60, 0, 35}, {0, 60, 0}} {
		var got [3]int
		for _, e := range takeAll(q, 100) {
			got[circleOf[e.intent.Actor]]++
		}
		if got != want {
			t.Errorf("of the circles left %v, want %v", got, want)
		}
	}
}

// A circle that is larger than any batch fills each, and overtakes a stranger at most once.
func TestLargeCircleOvertakesOnce(t *testing.T) {
	q := newQueue(func(spec.Address) bool { return false }, 100)
	stranger := pays(200, 201)
	for i := range byte(120) {
		if i == 50 {
			q.push(stranger)
		}
		for range 3 {
			q.push(pays(i, (i+1)%120))
		}
	}
	// In turns over the lanes it would be in the second batch, behind 150 intents.
	for range 3 {
		taken := takeAll(q, 100)
		if len(taken) != 100 {
			t.Fatalf("a batch has %d intents", len(taken))
		}
		if slices.Contains(taken, stranger) {
			return
		}
	}
	t.Error("a stranger waits while a circle fills a third batch")
}

// Whatever comes, with nothing on its way, the queue gives out everything once, each lane in its order, and no batch is less than half full while enough waits.
func TestQueueGivesOutEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people, limit := rapid.IntRange(2, 60).Draw(t, "people"), rapid.IntRange(1, 50).Draw(t, "limit")
		q := newQueue(func(spec.Address) bool { return false }, limit)
		sent, got := map[spec.Address][]*entry{}, map[spec.Address][]*entry{}
		waits := 0
		leave := func() {
			taken := takeAll(q, limit)
			if len(taken) > limit || len(taken) == 0 && waits > 0 || 2*len(taken) < min(limit, waits) {
				t.Fatalf("%d are taken of %d for a batch of %d", len(taken), waits, limit)
			}
			for _, e := range taken {
				got[e.intent.Actor] = append(got[e.intent.Actor], e)
			}
			waits -= len(taken)
		}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for range rapid.IntRange(0, 80).Draw(t, "come") {
				e := pays(byte(rapid.IntRange(0, people-1).Draw(t, "from")), byte(rapid.IntRange(0, people-1).Draw(t, "to")))
				q.push(e)
				sent[e.intent.Actor] = append(sent[e.intent.Actor], e)
				waits++
			}
			for range rapid.IntRange(0, 3).Draw(t, "batches") {
				leave()
			}
		}
		for waits > 0 {
			leave()
		}
		for actor, entries := range sent {
			if !slices.Equal(got[actor], entries) {
				t.Fatalf("%s's intents came in another order, or not all", actor)
			}
		}
		if q.size != 0 {
			t.Fatalf("the queue believes that %d wait", q.size)
		}
	})
}
