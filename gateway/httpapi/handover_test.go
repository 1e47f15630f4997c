package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
)

// newNeighbours returns two gateways that are each other's neighbours, and somebody at home with the shop.
func newNeighbours(t *testing.T) (house, *person) {
	h := newHouse(t)
	gatewaytest.Join(t, h.treasury, h.shop)
	p := h.newPerson(t, spec.Scheme_SCHEME_ED25519)
	relay(t, h.shop, h.shopKey, p.pays(shopAddress, "1"))
	return h, p
}

// carriedBy counts the batches that a gateway takes to the ledger from now on.
func carriedBy(g *gatewaytest.Gateway) *atomic.Int64 {
	var batches atomic.Int64
	g.Ledger.BeforeCarry = func() { batches.Add(1) }
	return &batches
}

// An intent of somebody at home elsewhere is handed over to that gateway, and its outcome is answered; what is handed over is not
// handed on.
func TestHandedOverToItsHome(t *testing.T) {
	h, p := newNeighbours(t)
	here, there := carriedBy(h.treasury), carriedBy(h.shop)
	signed := p.pays(shopAddress, "2")
	r := relay(t, h.treasury, h.treasuryKey, signed, p.pays(shopAddress, "1000")).Results
	if r[0].Problem != nil || r[0].Transaction == "" || r[1].Problem == nil || r[1].Problem.Code != spec.InsufficientFunds {
		t.Errorf("got %+v", r)
	}
	if here.Load() != 0 || there.Load() == 0 {
		t.Errorf("carried %d times here and %d at home", here.Load(), there.Load())
	}
	if again := relay(t, h.treasury, h.treasuryKey, signed).Results; again[0].Problem != nil || again[0].Transaction != r[0].Transaction {
		t.Errorf("again: %+v", again)
	}
	var handed results
	send(t, h.treasury, request{
		method: "POST", path: "/v1/intents", key: h.treasuryKey, body: bodyOf(t, p.pays(shopAddress, "3")), headers: map[string]string{"Cmt-Handed-By": "SomeMSP"},
	}).decode(t, http.StatusOK, &handed)
	if handed.Results[0].Problem != nil || here.Load() != 1 {
		t.Errorf("handed over to who is not its home: %+v, carried %d times", handed, here.Load())
	}
	if view := h.balance(t, p.key.Address().String()); view["account"] != "94" {
		t.Errorf("the payer has %v", view)
	}
}

// While the home does not answer, its guests' intents are carried directly, and by it again once it does.
func TestCarriedDirectlyWhenTheHomeIsDown(t *testing.T) {
	h, p := newNeighbours(t)
	here := carriedBy(h.treasury)
	h.shop.Server.Close()
	for range 3 {
		if r := relay(t, h.treasury, h.treasuryKey, p.pays(treasuryAddress, "1")).Results; r[0].Problem != nil {
			t.Fatalf("got %+v", r[0].Problem)
		}
	}
	if here.Load() != 3 {
		t.Errorf("carried %d times", here.Load())
	}
}

// When the answer is lost on the way, the gateway finds out what became of the intent, and says that.
func TestLostAnswerOfTheHome(t *testing.T) {
	for name, happens := range map[string]bool{"it happened there": true, "it never arrived": false} {
		t.Run(name, func(t *testing.T) {
			h, p := newNeighbours(t)
			real := h.shop.Server.Config.Handler
			var lost atomic.Bool
			h.shop.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Cmt-Handed-By") == "" || !lost.CompareAndSwap(false, true) {
					real.ServeHTTP(w, r)
					return
				}
				if happens {
					real.ServeHTTP(discarding{http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
				}
				panic(http.ErrAbortHandler) // the connection breaks
			})
			if r := relay(t, h.treasury, h.treasuryKey, p.pays(treasuryAddress, "2")).Results; r[0].Problem != nil || r[0].Transaction == "" {
				t.Fatalf("got %+v", r[0].Problem)
			}
			if !lost.Load() {
				t.Error("it was not handed over")
			}
			if view := h.balance(t, p.key.Address().String()); view["account"] != "97" {
				t.Errorf("the payer has %v", view)
			}
		})
	}
}

// discarding is an answer that nobody gets.
type discarding struct{ header http.Header }

func (d discarding) Header() http.Header         { return d.header }
func (d discarding) Write(b []byte) (int, error) { return len(b), nil }
func (d discarding) WriteHeader(int)             {}

// The binary form is as strict as JSON.
func TestIntentsInBinary(t *testing.T) {
	h := newHouse(t)
	p := h.newPerson(t, spec.Scheme_SCHEME_P256)
	body, err := proto.Marshal(&spec.Batch{Intents: []*spec.SignedIntent{p.pays(shopAddress, "1")}})
	if err != nil {
		t.Fatal(err)
	}
	post := func(body string, media string) answer {
		return send(t, h.shop, request{method: "POST", path: "/v1/intents", key: h.shopKey, body: body, headers: map[string]string{"Content-Type": media}})
	}
	const binary = "application/x-protobuf"
	var r results
	post(string(body), binary).decode(t, http.StatusOK, &r)
	if len(r.Results) != 1 || r.Results[0].Problem != nil {
		t.Errorf("got %+v", r)
	}
	inner := string(body[2:]) // behind the tag and the length of the one item, which is short
	if len(body) > 1<<14 || body[1] < 0x80 {
		t.Fatal("the item's length has two bytes")
	}
	inner = inner[1:]
	longer := append([]byte{0x0a}, byte(len(inner)+3)|0x80, byte((len(inner)+3)>>7))
	for name, row := range map[string]struct {
		body, media string
		want        spec.Code
	}{
		"nothing":                  {"", binary, spec.InvalidField},
		"no message":               {"\xff", binary, spec.Malformed},
		"a field more":             {string(body) + "\x50\x01", binary, spec.UnknownField},
		"a field more in an item":  {string(longer) + inner + "\xa0\x06\x01", binary, spec.UnknownField},
		"501 items":                {strings.Repeat("\x0a\x00", 501), binary, spec.InvalidField},
		"JSON that says otherwise": {bodyOf(t, p.pays(shopAddress, "1")), binary, spec.Malformed},
		"another media type":       {string(body), "application/octet-stream", spec.UnsupportedMedia},
	} {
		if got := post(row.body, row.media).problem(t); got.Code != row.want {
			t.Errorf("%s: %s, want %s", name, got.Code, row.want)
		}
	}
}
