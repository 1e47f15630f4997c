package ledger_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// ruleTable is a state machine as docs/rules has it: a table whose rows are a state and an operation, whose further columns
// are actors, and whose cells say what comes of it: the next state and who has more or less then, or a code.
type ruleTable struct {
	file string
	// actors sit at the columns, in their order; the money of each is watched.
	actors []tableActor
	// states make the books in which the object is in the state.
	states []tableState
	// operations are what is tried in each state.
	operations []tableOperation
	// stateOf says where the object stands now.
	stateOf func(*books) string
}

type tableActor struct {
	name string
	seat seat
}

type tableState struct {
	name    string
	prepare func(*books)
}

type tableOperation struct {
	name, function string
	command        func(*books) proto.Message
}

// tables are all of them.
func tables() []ruleTable { return []ruleTable{allowanceTable(), holdTable(), auctionTable()} }

// cell tries an operation and writes what comes of it.
func (r ruleTable) cell(t *testing.T, state tableState, op tableOperation, actor tableActor) string {
	t.Helper()
	b := openBooks(t)
	state.prepare(b)
	command := op.command(b)
	before := r.wealth(b)
	if _, err := b.try(actor.seat.mspID, actor.seat.subAccount, op.function, command, nil); err != nil {
		if after := r.wealth(b); !slices.Equal(after, before) {
			t.Errorf("%s, %s by the %s: refused, and money moved", state.name, op.name, actor.name)
		}
		return "`" + string(spec.ErrorCode(err)) + "`"
	}
	moves := ""
	for i, after := range r.wealth(b) {
		who := r.actors[i].name
		if more, rose := after.Sub(before[i]); rose && !more.IsZero() {
			moves += ", " + who + " +" + more.String()
		} else if !rose {
			less, _ := before[i].Sub(after)
			moves += ", " + who + " −" + less.String()
		}
	}
	return r.stateOf(b) + strings.Replace(moves, ",", ":", 1)
}

func (r ruleTable) wealth(b *books) []spec.Amount {
	var all []spec.Amount
	for _, actor := range r.actors {
		all = append(all, b.wealth(actor.seat.address()))
	}
	return all
}

// made is the table as the rules make it.
func (r ruleTable) made(t *testing.T) []string {
	t.Helper()
	header, line := "| state | operation |", "|---|---|"
	for _, actor := range r.actors {
		header += " " + actor.name + " |"
		line += "---|"
	}
	lines := []string{header, line}
	for _, state := range r.states {
		for _, op := range r.operations {
			row := fmt.Sprintf("| %s | %s |", state.name, op.name)
			for _, actor := range r.actors {
				row += " " + r.cell(t, state, op, actor) + " |"
			}
			lines = append(lines, row)
		}
	}
	return lines
}

// written is the table as the document has it.
func (r ruleTable) written(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules", r.file))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "| state ") || len(lines) > 0 && strings.HasPrefix(line, "|") {
			lines = append(lines, line)
		} else if len(lines) > 0 {
			break
		}
	}
	return lines
}

// The documents' tables are the law: every state, operation and actor stands there, and the rules do what each cell says.
func TestTables(t *testing.T) {
	for _, table := range tables() {
		t.Run(table.file, func(t *testing.T) {
			made, written := table.made(t), table.written(t)
			for i := range max(len(made), len(written)) {
				var m, w string
				if i < len(made) {
					m = made[i]
				}
				if i < len(written) {
					w = written[i]
				}
				if m != w {
					t.Errorf("docs/rules/%s, row %d: the document says\n%s\nthe rules make it\n%s", table.file, i, w, m)
				}
			}
			if t.Failed() {
				t.Logf("the table as the rules make it:\n%s", strings.Join(made, "\n"))
			}
		})
	}
}

// tableCodes are the codes that the tables reach, by operation.
func tableCodes(t *testing.T) map[string][]spec.Code {
	codes := map[string][]spec.Code{}
	for _, table := range tables() {
		functions := map[string]string{}
		for _, op := range table.operations {
			functions[op.name] = op.function
		}
		for _, row := range table.written(t) {
			cells := strings.Split(row, " | ")
			for _, cell := range cells[1:] {
				if code, isCode := strings.CutPrefix(strings.TrimSuffix(cell, " |"), "`"); isCode {
					function := functions[cells[1]]
					codes[function] = append(codes[function], spec.Code(strings.TrimSuffix(code, "`")))
				}
			}
		}
	}
	return codes
}
