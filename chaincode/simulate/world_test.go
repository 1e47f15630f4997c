package simulate_test

import (
	"os"
	"slices"
	"testing"

	"github.com/cybermiles/cmt/chaincode/simulate"
	"github.com/cybermiles/cmt/chaincode/simulate/seed"
	"github.com/cybermiles/cmt/chaincode/state"
)

func TestMain(m *testing.M) {
	seed.Rapid()
	os.Exit(m.Run())
}

// registers is a chaincode of plain keys: each argument byte is an instruction of its own on the key behind it.
//
//	r read, w write, d delete, s scan all, 2 scan with a limit of two
func registers(stub state.Stub, proposal simulate.Proposal) ([]byte, error) {
	arg := proposal.Argument
	for i := 0; i+1 < len(arg); i += 2 {
		key := string(arg[i+1])
		switch arg[i] {
		case 'r':
			if _, err := stub.GetMultipleStates(key); err != nil {
				return nil, err
			}
		case 's', '2':
			limit := 100
			if arg[i] == '2' {
				limit = 2
			}
			if _, err := stub.Range("a", "z", limit); err != nil {
				return nil, err
			}
		case 'w':
			if err := stub.PutState(key, []byte{1}); err != nil {
				return nil, err
			}
		case 'd':
			if err := stub.DelState(key); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// TestValidationIsFabrics runs two transactions that were endorsed on the same state, one behind the other, in one block and in
// two: the code of the second is what a peer would give.
func TestValidationIsFabrics(t *testing.T) {
	for _, row := range []struct {
		before, first, second string
		code                  simulate.Code
	}{
		{"", "wa", "wa", simulate.Valid},                     // blind writes never conflict
		{"", "wa", "rb", simulate.Valid},                     // another key
		{"", "wa", "ra", simulate.MVCCReadConflict},          // absence is a version, too
		{"wa", "wa", "ra", simulate.MVCCReadConflict},        // the value is the same, its version is not
		{"wa", "da", "ra", simulate.MVCCReadConflict},        // gone
		{"", "da", "ra", simulate.Valid},                     // absent before and after
		{"wa", "ra", "ra", simulate.Valid},                   // reads never conflict
		{"wb", "wa", "sx", simulate.PhantomReadConflict},     // a new key in the range
		{"wb", "db", "sx", simulate.PhantomReadConflict},     // a key of the range gone
		{"wb", "wb", "sx", simulate.PhantomReadConflict},     // a key of the range rewritten
		{"wb", "wz", "sx", simulate.Valid},                   // behind the range's end
		{"wawbwc", "wd", "2x", simulate.Valid},               // behind the limit
		{"wawcwd", "wb", "2x", simulate.PhantomReadConflict}, // before it
		{"wawbwc", "wc", "2x", simulate.Valid},               // the first key that was not seen
	} {
		for _, sameBlock := range []bool{true, false} {
			w := simulate.New(simulate.Config{Chaincode: registers})
			client := w.Client("A", 0)
			endorse := func(instructions string) *simulate.Envelope {
				envelope, err := w.Endorse(client.ProposeRaw("f", []byte(instructions)))
				if err != nil {
					t.Fatal(err)
				}
				return envelope
			}
			w.Submit(endorse(row.before))
			w.Cut()
			first, second := endorse(row.first), endorse(row.second)
			w.Submit(first)
			if !sameBlock {
				w.Cut()
			}
			w.Submit(second)
			w.Cut()
			if status, _ := w.Status(second.Proposal.ID); status.Code != row.code {
				t.Errorf("%q, then %q before %q, in one block %t: %s, want %s", row.before, row.first, row.second, sameBlock, status.Code, row.code)
			}
		}
	}
}

// A simulation never sees its own writes.
func TestReadsDoNotSeeOwnWrites(t *testing.T) {
	w := simulate.New(simulate.Config{Chaincode: func(stub state.Stub, _ simulate.Proposal) ([]byte, error) {
		if err := stub.PutState("a", []byte("new")); err != nil {
			return nil, err
		}
		values, err := stub.GetMultipleStates("a")
		return values[0], err
	}})
	envelope, err := w.Endorse(w.Client("A", 0).ProposeRaw("f", nil))
	if err != nil || envelope.Result != nil {
		t.Errorf("the simulation read %q, %v; want nothing", envelope.Result, err)
	}
}

// The last write of a key counts, once.
func TestTheLastWriteCounts(t *testing.T) {
	w := simulate.New(simulate.Config{Chaincode: registers})
	envelope, err := w.Endorse(w.Client("A", 0).ProposeRaw("f", []byte("wbwadawadb")))
	if err != nil {
		t.Fatal(err)
	}
	want := []simulate.Write{{Key: "a", Value: []byte{1}}, {Key: "b"}}
	if !slices.EqualFunc(envelope.Set.Writes, want, func(x, y simulate.Write) bool { return x.Key == y.Key && string(x.Value) == string(y.Value) }) {
		t.Errorf("the writes are %v, want %v", envelope.Set.Writes, want)
	}
}

// What is kept back comes when its time has come; what is duplicated is valid once.
func TestOrderingFaults(t *testing.T) {
	w := simulate.New(simulate.Config{Chaincode: registers, Faults: simulate.Faults{Withhold: 100, WithholdSeconds: 50}})
	envelope, err := w.Endorse(w.Client("A", 0).ProposeRaw("f", []byte("wa")))
	if err != nil {
		t.Fatal(err)
	}
	w.Submit(envelope)
	if w.Cut() != nil || w.Pending() != 1 {
		t.Error("what is kept back is in a block")
	}
	w.Advance(50)
	w.SetFaults(simulate.Faults{Duplicate: 100})
	if block := w.Cut(); block == nil || block.Count(simulate.Valid) != 1 {
		t.Error("what was kept back did not come")
	}
	w.SetFaults(simulate.Faults{})
	if block := w.Cut(); block == nil || block.Count(simulate.DuplicateTxID) != 1 || w.Pending() != 0 {
		t.Error("the duplicate did not come")
	}
	if status, _ := w.Status(envelope.Proposal.ID); status != (simulate.Status{Code: simulate.Valid, Block: 1}) {
		t.Errorf("the status is %v, want that of the first", status)
	}
}
