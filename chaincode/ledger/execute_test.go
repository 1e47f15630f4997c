package ledger_test

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/cybermiles/cmt/chaincode/simulate/arbitrary"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// FuzzExecute runs arbitrary well-formed calls, by anyone, at any time, on books with a listing and orders of all states: no
// panic, and what holds for every call holds.
func FuzzExecute(f *testing.F) { f.Fuzz(rapid.MakeFuzz(executeAnything)) }

func TestExecuteTakesAnything(t *testing.T) { rapid.Check(t, executeAnything) }

func executeAnything(t *rapid.T) {
	b := openBooks(t)
	b.fund(buyers, "anna", spec.CMT(700))
	listing := b.list("lamp", rapid.Bool().Draw(t, "accept required"))
	command, order := purchase(listing, "order")
	b.must(buyers, "anna", "market:PlaceOrder", command, nil)
	for range rapid.IntRange(1, 20).Draw(t, "calls") {
		op := &spec.Operations[rapid.IntRange(0, len(spec.Operations)-1).Draw(t, "operation")]
		call := arbitrary.Call(t, op)
		aim(t, call, listing, order)
		tx := b.transaction(rapid.SampledFrom([]string{operator, treasurer, merchant, buyers, carrier, stranger, ""}).Draw(t, "msp"))
		tx.IsClient = rapid.IntRange(0, 9).Draw(t, "no client") < 9
		// Peers refuse what is a minute off; the rules have to stand all times that have a text.
		const year9900 = 250_246_540_800
		tx.Time = rapid.OneOf(rapid.Just[int64](start), rapid.Int64Range(0, year9900)).Draw(t, "time")
		// An error has been checked by execute.
		_, _ = b.execute(tx, call)
	}
}

// aim points a call at what there is, sometimes: a random identifier never meets anything.
func aim(t *rapid.T, call *spec.Call, listing, order spec.ID) {
	if !rapid.Bool().Draw(t, "aimed") {
		return
	}
	message := call.Command.ProtoReflect()
	for name, id := range map[string]spec.ID{"listing": listing, "order": order} {
		if field := message.Descriptor().Fields().ByTextName(name); field != nil {
			message.Set(field, protoreflect.ValueOfBytes(id[:]))
		}
	}
	if rapid.Bool().Draw(t, "by anna") {
		call.SubAccount = "anna"
	} else {
		call.SubAccount = ""
	}
}
