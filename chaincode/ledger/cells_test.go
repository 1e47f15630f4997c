package ledger_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// stepTable is a state machine as docs/rules has it: rows whose cells before `next` say what they fit, and what then happens. The first
// row that fits holds.
type stepTable struct {
	name string
	rows []*tableRow
}

// tableRow is one line of a table.
type tableRow struct {
	line  string
	cells map[string][]string
	used  bool
}

// readTable reads the one table of a document in docs/rules.
func readTable(t *testing.T, name string) *stepTable {
	t.Helper()
	text, err := os.ReadFile("../../docs/rules/" + name)
	if err != nil {
		t.Fatal(err)
	}
	found := &stepTable{name: name}
	var head []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|--") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if head == nil {
			for _, cell := range cells {
				head = append(head, strings.TrimSpace(cell))
			}
			continue
		}
		if len(cells) != len(head) {
			t.Fatalf("%s: %q has %d cells, want %d", name, line, len(cells), len(head))
		}
		row := &tableRow{line: line, cells: map[string][]string{}}
		for i, cell := range cells {
			for _, item := range strings.Split(cell, ", ") {
				row.cells[head[i]] = append(row.cells[head[i]], strings.TrimSpace(item))
			}
		}
		found.rows = append(found.rows, row)
	}
	return found
}

// find returns the first row that fits what the columns are to be.
func (tb *stepTable) find(t *testing.T, want map[string]string) *tableRow {
	t.Helper()
	for _, row := range tb.rows {
		fits := true
		for column, value := range want {
			cell, ok := row.cells[column]
			if !ok {
				t.Fatalf("%s has no column %q", tb.name, column)
			}
			fits = fits && (cell[0] == "any" || slices.Contains(cell, value))
		}
		if fits {
			row.used = true
			return row
		}
	}
	t.Fatalf("%s: no row fits %v", tb.name, want)
	return nil
}

// get returns a cell's text.
func (r *tableRow) get(column string) string { return strings.Join(r.cells[column], ", ") }

// checkUsed: a row that no combination reaches says nothing.
func (tb *stepTable) checkUsed(t *testing.T) {
	t.Helper()
	for _, row := range tb.rows {
		if !row.used {
			t.Errorf("%s: no combination comes to %s", tb.name, row.line)
		}
	}
}

// codes returns the refusals in the table of each of the operations, whose rows are driven in every cell.
func (tb *stepTable) codes(operations []string) map[string][]spec.Code {
	codes := map[string][]spec.Code{}
	for _, row := range tb.rows {
		for _, operation := range operations {
			if code := row.get("error"); code != "" && (row.get("operation") == "any" || slices.Contains(row.cells["operation"], operation)) {
				codes["market:"+operation] = append(codes["market:"+operation], spec.Code(code))
			}
		}
	}
	return codes
}
