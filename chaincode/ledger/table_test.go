package ledger_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
	"github.com/cybermiles/cmt/chaincode/spec"
)

// ruleTable is a state machine as docs/rules has it: a table whose rows are a state and an operation, whose further columns
// are actors, and whose cells say what comes of it: the next state and who has more or less then, or a code.
type ruleTable struct {
	file, heading string
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
		return string(spec.ErrorCode(err))
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
func (r ruleTable) made(t *testing.T) []ruletable.Row {
	t.Helper()
	var rows []ruletable.Row
	for _, state := range r.states {
		for _, op := range r.operations {
			row := ruletable.Row{"state": state.name, "operation": op.name}
			for _, actor := range r.actors {
				row[actor.name] = r.cell(t, state, op, actor)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// written is the table as the document has it.
func (r ruleTable) written(t *testing.T) []ruletable.Row {
	t.Helper()
	rows, err := ruletable.Read(filepath.Join("..", "..", "docs", "rules", r.file), r.heading)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// markdown writes a row as the document should have it.
func (r ruleTable) markdown(row ruletable.Row) string {
	line := "| " + row["state"] + " | " + row["operation"] + " |"
	for _, actor := range r.actors {
		cell := row[actor.name]
		if isCode(cell) {
			cell = "`" + cell + "`"
		}
		line += " " + cell + " |"
	}
	return line
}

func isCode(cell string) bool {
	return spec.Lookup(spec.Code(cell)).Code == spec.Code(cell)
}

// The documents' tables are the law: every state, operation and actor stands there, and the rules do what each cell says.
func TestTables(t *testing.T) {
	for _, table := range tables() {
		t.Run(table.file, func(t *testing.T) {
			made, written := table.made(t), table.written(t)
			if len(made) != len(written) {
				t.Errorf("docs/rules/%s has %d rows, there are %d states and operations", table.file, len(written), len(made))
			}
			for i, row := range made {
				if i >= len(written) || !maps.Equal(row, written[i]) {
					t.Errorf("docs/rules/%s, row %d should be\n%s", table.file, i+1, table.markdown(row))
				}
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
			for _, actor := range table.actors {
				if cell := row[actor.name]; isCode(cell) {
					function := functions[row["operation"]]
					codes[function] = append(codes[function], spec.Code(cell))
				}
			}
		}
	}
	return codes
}
