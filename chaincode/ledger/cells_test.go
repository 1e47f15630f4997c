package ledger_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
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
	ruletable.Row
	used bool
}

// readTable reads the table under the title of a document in docs/rules.
func readTable(t *testing.T, name, title string) *stepTable {
	t.Helper()
	found := &stepTable{name: name}
	for _, row := range table(t, filepath.Join("..", "..", "docs", "rules", name), title) {
		found.rows = append(found.rows, &tableRow{Row: row})
	}
	return found
}

// find returns the first row that fits what the columns are to be.
func (tb *stepTable) find(t *testing.T, want map[string]string) *tableRow {
	t.Helper()
	for _, row := range tb.rows {
		fits := true
		for column, value := range want {
			if _, ok := row.Row[column]; !ok {
				t.Fatalf("%s has no column %q", tb.name, column)
			}
			fits = fits && row.fits(column, value)
		}
		if fits {
			row.used = true
			return row
		}
	}
	t.Fatalf("%s: no row fits %v", tb.name, want)
	return nil
}

// fits reports whether a cell is of the value.
func (r *tableRow) fits(column, value string) bool {
	return r.Row[column] == "any" || slices.Contains(r.List(column), value)
}

// checkUsed: a row that no combination reaches says nothing.
func (tb *stepTable) checkUsed(t *testing.T) {
	t.Helper()
	for _, row := range tb.rows {
		if !row.used {
			t.Errorf("%s: no combination comes to %v", tb.name, row.Row)
		}
	}
}

// codes returns the refusals in the table of each of the operations, whose rows are driven in every cell.
func (tb *stepTable) codes(operations []string) map[string][]spec.Code {
	codes := map[string][]spec.Code{}
	for _, row := range tb.rows {
		for _, operation := range operations {
			if code := row.Row["error"]; code != "" && row.fits("operation", operation) {
				codes["market:"+operation] = append(codes["market:"+operation], spec.Code(code))
			}
		}
	}
	return codes
}
